"""TIFF files: which page is the photograph, and what libraries get wrong about its pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_marrow.data.errors import MarrowError

TiffPixels: TypeAlias = tifffile.TiffPage | tifffile.TiffPageSeries
"""A page, or three pages that are the channels of one photograph."""

BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION, ORIENTATION = 258, 259, 262, 270, 274
PLANAR, SOFTWARE, COLOUR_MAP, SUB_PAGES = 284, 305, 320, 330
_SMALLER_OR_TRANSPARENCY = 0b101
"""Bits of NewSubfileType: a smaller version of another page, a mask of transparency."""
_CHANNELS = "CYX"
_SEVERAL_IN_IMAGEJ = re.compile(r"^images=(?!1$)", re.MULTILINE)


def tags_of(image: Image.Image | TiffPixels) -> Mapping[int, object]:
    """Return the tags of an open picture by their numbers; none where it is no TIFF."""
    if isinstance(image, Image.Image):
        return getattr(image, "tag_v2", {})
    return {tag.code: tag.value for tag in image.keyframe.tags}


def is_wrong_in_pillow(image: Image.Image) -> bool:
    """Tell whether a picture is a TIFF that Pillow does not read as it is stored.

    Pillow follows the orientation, takes the wrong bytes of 16-bit channels one after the other,
    inverts the booleans that tifffile writes, and sees one page of what ImageJ wrote without pages.
    """
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS, (1,))
    return (
        tags.get(ORIENTATION, 1) != 1
        or (tags.get(PLANAR) == 2 and max(bits) > 8)
        or (bits == (1,) and "tifffile" in str(tags.get(SOFTWARE)))
        or bool(_SEVERAL_IN_IMAGEJ.search(str(tags.get(DESCRIPTION))))
    )


def find_photograph(path: Path, tiff: tifffile.TiffFile) -> tuple[int | None, TiffPixels]:
    """Find the photograph among the pages: the largest that is not marked as a smaller version.

    Returns
    -------
    index : int or None
        Of the page; None where it is not one of the main pages.
    pixels : TiffPage or TiffPageSeries
        The page, or three pages that are its channels, as ImageJ and OME-TIFF store colours.

    Raises
    ------
    MarrowError
        When several pages of one kind are the largest: a stack.
    """
    series = tiff.series[0]
    if series.axes == _CHANNELS and len(series.shape) == 3 and series.shape[0] == 3:
        return None, series
    main = list(tiff.pages)
    pages = [page for top in main for page in (top, *(top.pages or ()))]
    pages = [p for p in pages if not p.subfiletype & _SMALLER_OR_TRANSPARENCY] or pages
    best = max(pages, key=lambda page: page.imagewidth * page.imagelength)
    same = [p for p in pages if (p.shape, p.photometric) == (best.shape, best.photometric)]
    is_virtual = len(main) == 1 and series.size > best.size  # more pictures than pages
    if len(same) > 1 or is_virtual:
        raise MarrowError(
            f"{path} is a stack of several pictures of one size, and which one is meant can't be "
            "known; save that one as a file of its own."
        )
    return (main.index(best) if best in main else None), best


def pixels_of(image: TiffPixels) -> NDArray:
    """Decode a page or three channels: (height, width) or (height, width, channels)."""
    array = image.asarray()
    if isinstance(image, tifffile.TiffPageSeries):
        return np.moveaxis(array, 0, -1)[..., _order_of_channels(image)]
    if image.planarconfig == 2:
        array = np.moveaxis(array, 0, -1)
    colours = tags_of(image).get(COLOUR_MAP)
    if isinstance(colours, np.ndarray):
        return np.moveaxis(palette_of_8_bits(colours), 0, -1)[array]
    return array


def is_signed(image: Image.Image) -> bool:
    """Whether a file has signed grey levels of 16 bits, of which Pillow makes 32."""
    return image.mode == "I" and tags_of(image).get(BITS) == (16,)


def as_unsigned(array: NDArray) -> NDArray:
    """Take 16 signed bits for unsigned ones where none is negative: few cameras use them all."""
    is_unsigned = array.dtype.kind == "i" and array.itemsize == 2 and array.min(initial=0) >= 0
    return array.astype(np.uint16) if is_unsigned else array


def _order_of_channels(series: tifffile.TiffPageSeries) -> list[int]:
    """Return which channels are shown in red, green and blue: ImageJ notes a colour for each."""
    notes = series.parent.imagej_metadata if series.parent else None
    colours = [lut[:, -1] for lut in (notes or {}).get("LUTs", ())]
    shown = [int(np.argmax(colour)) for colour in colours if np.count_nonzero(colour) == 1]
    return [shown.index(k) for k in range(3)] if sorted(shown) == [0, 1, 2] else [0, 1, 2]


def palette_of_8_bits(colours: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return a colour map in 8 bits; some programs write 0 to 255 where the rule is 0 to 65535."""
    return (colours if colours.max(initial=0) < 256 else colours >> 8).astype(np.uint8)
