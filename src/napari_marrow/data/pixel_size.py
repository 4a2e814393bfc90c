"""The size of a photograph's pixels on the slide, where its file tells one of a microscope."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import SupportsFloat

from PIL import Image

from napari_marrow.data.images import opened
from napari_marrow.data.tiff import DESCRIPTION, tags_of

MIN_PIXEL_SIZE_UM, MAX_PIXEL_SIZE_UM = 0.01, 10.0
"""Other sizes are those of paper and screens: 72 dots an inch are 353 um."""
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_UM_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}
_UM_PER_UNIT = {
    "nm": 0.001,
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    "mm": 1000.0,
    "cm": 10_000.0,
    **dict.fromkeys(("inch", "in"), 25_400.0),
}
_IMAGEJ_UNIT = re.compile(r"^unit=(.+)$", re.MULTILINE)
_OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")


def pixel_size(path: Path | str) -> tuple[float, float] | None:
    """Return the height and width of a photograph's pixels in micrometres; None where not known.

    It is read from OME-XML, ImageJ's unit, or the resolution of a TIFF, PNG, JPEG or BMP file, and
    believed from 0.01 to 10 um: cameras and programs write 72 or 300 dots an inch without meaning
    anything.

    Raises
    ------
    MarrowError
        When the file can't be read.
    """
    with opened(Path(path)) as image:
        tags = tags_of(image)
        text = str(tags.get(DESCRIPTION, ""))
        resolution = [_number(tags.get(tag)) for tag in (_Y_RESOLUTION, _X_RESOLUTION)]
        unit = _UM_PER_RESOLUTION_UNIT.get(int(_number(tags.get(_RESOLUTION_UNIT, 2))), 0.0)
        if not tags and isinstance(image, Image.Image):
            resolution = [_number(dots) for dots in image.info.get("dpi", (0, 0))[::-1]]
    if pixels := _OME_PIXELS.search(text):
        return _plausible(_of_ome(pixels[0], axis) for axis in "YX")
    if text.startswith("ImageJ=") and (found := _IMAGEJ_UNIT.search(text)):
        unit = _um_per(found[1])
    return _plausible(unit / dots if dots > 0 else 0.0 for dots in resolution)


def _of_ome(pixels: str, axis: str) -> float:
    size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', pixels)
    return _number(size[1] if size else 0) * (_um_per(unit[1]) if unit else 1.0)


def _um_per(unit: str) -> float:
    """Return the micrometres of a unit; 0 for others, such as pixels."""
    plain = re.sub(r"\\u00B5|\N{LATIN CAPITAL LETTER A WITH CIRCUMFLEX}?[\xb5\u03bc]", "u", unit)
    return _UM_PER_UNIT.get(plain.strip().lower(), 0.0)


def _number(value: object) -> float:
    """Return a number or a fraction of a tag as a float; 0 for what is none."""
    try:
        if isinstance(value, tuple):
            numerator, denominator = value
            return float(numerator) / float(denominator)
        return float(value) if isinstance(value, SupportsFloat | str) else 0.0
    except (ValueError, ZeroDivisionError):
        return 0.0


def _plausible(sizes: Iterable[float]) -> tuple[float, float] | None:
    height, width = (float(f"{size:.6g}") for size in sizes)
    is_one = all(MIN_PIXEL_SIZE_UM <= size <= MAX_PIXEL_SIZE_UM for size in (height, width))
    return (height, width) if is_one else None


def common_pixel_size(paths: Iterable[Path]) -> tuple[float, float] | None:
    """Return the pixel size that all photographs have; None where one differs or tells none.

    Raises
    ------
    MarrowError
        When a file can't be read.
    """
    first = None
    for path in paths:
        size = pixel_size(path)
        if size is None or size != (first := first or size):
            return None
    return first
