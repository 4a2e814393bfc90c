"""Photographs of any format as RGB arrays: plain BMP without copying, the rest decoded.

The format is what a file's first bytes say, whatever its name ends with. Pixels stay as they are
stored: a camera's note that the picture is to be turned (EXIF orientation) is not followed. napari
does not follow it either, and a mask has no such note, so it would no longer lie on its photograph.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_marrow.data.bmp import HEADER_BYTES, PlainBmp, map_bmp, parse_plain_bmp
from napari_marrow.data.errors import MarrowError

SUFFIXES = frozenset({".bmp", ".tif", ".tiff", ".png", ".jpg", ".jpeg"})
MAX_PIXELS = 175_000_000
"""Photographs beyond this many pixels are refused: no camera on a microscope makes them."""

_FORMATS = ("BMP", "PNG", "JPEG", "TIFF")  # no other of Pillow's: some of them start programs
_BEGINNINGS = {
    b"BM": "BMP",
    b"\xff\xd8": "JPEG",
    b"\x89PNG": "PNG",
    b"II": "TIFF",  # the byte order; the number after it differs in big TIFFs
    b"MM": "TIFF",
}
_PLAIN_MODES = {"1", "L", "LA", "RGB", "RGBA", "I", "F"}
# tags of TIFF
_BITS, _COMPRESSION, _ORIENTATION, _PLANAR, _SOFTWARE = 258, 259, 274, 284, 305
# Bits of pixels that a byte of a file can stand for at the most: a run of 255 pixels of a BMP takes
# two; deflate makes 1,032 bytes of one; JPEG spends a bit at least on a block of 8x8 pixels (the
# rest is for unlike channels). TIFF by its number of compression.
_MAX_BITS_A_BYTE = {"BMP": 128, "PNG": 8 * 1040, "JPEG": 8 * 4096}
_MAX_TIFF_BITS_A_BYTE = {1: 8, 5: 8 * 1400, 8: 8 * 1040, 32773: 8 * 64, 32946: 8 * 1040}


def is_image_name(path: Path) -> bool:
    """Whether a file's name has the ending of a photograph we read; hidden files do not count."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def image_format(path: Path | str) -> str:
    """Tell "BMP", "JPEG", "PNG" or "TIFF" by the first bytes of a file, not by its name.

    Raises
    ------
    MarrowError
        When there is no such file, or it begins as none of them does.
    """
    start = _first_bytes(Path(path), 4)[0]
    for beginning, name in _BEGINNINGS.items():
        if start.startswith(beginning):
            return name
    raise _unreadable(path)


def image_size(path: Path | str) -> tuple[int, int]:
    """Height and width in pixels from the file's header, without decoding it.

    Raises
    ------
    MarrowError
        When the file can't be read, is of no format we know, claims more pixels than
        ``MAX_PIXELS`` or than its bytes can hold, or is a stack.
    """
    path = Path(path)
    if bmp := _plain_bmp(path):
        return bmp.height, bmp.width
    with _opened(path) as image:
        if isinstance(image, tifffile.TiffPage):
            return image.imagelength, image.imagewidth
        return image.height, image.width


def open_image(path: Path | str) -> NDArray[np.uint8]:
    """Open a photograph as a (height, width, 3) uint8 RGB array, without copying where possible.

    A plain BMP of 24 or 32 bits comes as a read-only view of the file; everything else is decoded.
    Grey images are repeated over three channels, palettes and CMYK become RGB, alpha is dropped, of
    16 bits the upper 8 are kept, and of a TIFF with smaller pictures after it, the first is taken.

    Raises
    ------
    MarrowError
        When the file can't be read as a photograph.
    """
    path = Path(path)
    bmp = _plain_bmp(path)
    if bmp is None:
        return _as_rgb(path, decode(path))
    try:
        return map_bmp(path, bmp)
    except (OSError, ValueError) as error:
        raise _file_error(path, error) from error


def read_image(path: Path | str) -> NDArray[np.uint8]:
    """Read a photograph into memory as a contiguous (height, width, 3) uint8 RGB array.

    Raises
    ------
    MarrowError
        When the file can't be read as a photograph.
    """
    opened = open_image(path)
    if opened.flags.c_contiguous:
        return opened
    image = np.empty(opened.shape, np.uint8)
    for channel in range(3):  # twice as fast as all at once
        image[..., channel] = opened[..., channel]
    return image


read_bmp = read_image
"""The name of version 0.1."""


def decode(path: Path) -> NDArray:
    """Decode any image file as it is, whatever its depth: (height, width) or (..., channels).

    Palettes, CMYK and YCbCr become RGB.
    """
    if _plain_bmp(path):
        return read_image(path)
    with _opened(path) as image:
        if isinstance(image, tifffile.TiffPage):
            array = image.asarray()
            return np.moveaxis(array, 0, -1) if image.planarconfig == 2 else array
        is_plain = image.mode in _PLAIN_MODES or image.mode.startswith("I;16")
        return np.array(image if is_plain else image.convert("RGB"))


def _plain_bmp(path: Path) -> PlainBmp | None:
    bmp = parse_plain_bmp(path, *_first_bytes(path, HEADER_BYTES))
    if bmp is not None:
        _check_claim(path, bmp.width, bmp.height, 0, 0)
    return bmp


def _first_bytes(path: Path, count: int) -> tuple[bytes, int]:
    """Return the first bytes of a file, ``count`` at the most, and its size in bytes."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise MarrowError(f"{path} is a folder, not a photograph; give a file that is in it.")
        if not stat.S_ISREG(mode):  # to open a pipe would wait for ever
            raise MarrowError(f"{path} is a device or a pipe, not a file; leave it out.")
        with open(path, "rb", buffering=0) as file:
            start, size = file.read(count), file.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        raise _file_error(path, error) from error
    if not size:
        raise MarrowError(f"{path} is an empty file of 0 bytes; copy it again from its source.")
    return start, size


def _file_error(path: Path, error: Exception) -> MarrowError:
    """Name a file that the system did not give, and why."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MarrowError(f"{path} is not there; check the name.")
    if isinstance(error, PermissionError):
        return MarrowError(f"{path} can't be read: no permission; ask its owner or copy it.")
    reason = getattr(error, "strerror", None) or error
    return MarrowError(f"{str(path)!r} can't be opened ({reason}); close other files or check it.")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image | tifffile.TiffPage]:
    """Open a file by its header, checked; whatever a library raises becomes a MarrowError."""
    size = _first_bytes(path, 2)[1]
    try:
        # Pillow warns of large images; _check_claim decides.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            try:
                picture = Image.open(path, formats=_FORMATS)
            except UnidentifiedImageError:
                picture = None
        if picture is None or _is_wrong_in_pillow(picture):
            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages.first
                limit = _MAX_TIFF_BITS_A_BYTE.get(page.compression, 8 * 1400) * size
                width, height = page.imagewidth, page.imagelength
                bits = width * height * page.samplesperpixel * page.bitspersample
                _check_claim(path, width, height, bits, limit)
                _check_stack(path, [page.shape for page in tiff.pages[:2]])
                yield page
            return
        with picture:
            bits, most = _claim(picture)
            bits *= picture.width * picture.height
            _check_claim(path, picture.width, picture.height, bits, most * size)
            if picture.format == "TIFF" and getattr(picture, "is_animated", False):
                shapes = [(picture.size, picture.mode)]
                picture.seek(1)
                shapes.append((picture.size, picture.mode))
                picture.seek(0)
                _check_stack(path, shapes)
            yield picture
    except MarrowError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except Exception as error:
        # The decoders raise what they like (struct.error, EOFError, SyntaxError ...) on damaged
        # files, and all of it means the same to the user.
        raise _unreadable(path) from error


def _is_wrong_in_pillow(image: Image.Image) -> bool:
    """Whether it is a TIFF that Pillow does not read as it is stored.

    Pillow follows the orientation, takes the wrong bytes of 16-bit channels one after the other,
    and inverts the booleans that tifffile writes.
    """
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS, (1,))
    return (
        tags.get(_ORIENTATION, 1) != 1
        or (tags.get(_PLANAR) == 2 and max(bits) > 8)
        or (bits == (1,) and "tifffile" in str(tags.get(_SOFTWARE)))
    )


def _unreadable(path: Path | str) -> MarrowError:
    return MarrowError(
        f"{path} can't be read as an image, it is damaged or of another kind; copy it again, "
        "save it as PNG, or leave it out."
    )


def _too_large(path: Path) -> MarrowError:
    return MarrowError(
        f"{path} claims more than {MAX_PIXELS // 1_000_000} million pixels, more than any "
        "camera's photograph; it is damaged or not a photograph, so leave it out."
    )


def _claim(image: Image.Image) -> tuple[int, float]:
    """Return the bits of a pixel that are surely stored, and the most that a byte stands for."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        most = _MAX_TIFF_BITS_A_BYTE.get(tags.get(_COMPRESSION, 1), inf)
        return sum(tags.get(_BITS, (1,))), most
    bits = 1 if image.mode in ("1", "P") or image.format == "BMP" else 8 * len(image.getbands())
    return bits, _MAX_BITS_A_BYTE.get(image.format or "", inf)


def _check_claim(path: Path, width: int, height: int, bits: int, most: float) -> None:
    """Refuse too many pixels, or more than a file can hold, before memory is taken for them."""
    if height * width > MAX_PIXELS:
        raise _too_large(path)
    if bits > most:
        raise MarrowError(
            f"{path} is cut off or damaged: its header claims {width}x{height} pixels, "
            "more than its bytes can hold; copy it again from its source."
        )


def _check_stack(path: Path, shapes: Sequence[object]) -> None:
    # A smaller second page is the thumbnail or the pyramid of the first.
    if shapes[1:] == shapes[:1]:
        raise MarrowError(
            f"{path} is a stack of several pictures of one size, and which one is meant can't be "
            "known; save that one as a file of its own."
        )


def _as_rgb(path: Path, array: NDArray) -> NDArray[np.uint8]:
    if array.ndim == 3 and array.shape[-1] in (1, 2):  # grey, perhaps with alpha
        array = array[..., 0]
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] not in (3, 4):
        raise MarrowError(
            f"{path} has the shape {array.shape}, not that of a colour photograph; leave it out."
        )
    array = array[..., :3]
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # in either order of bytes
        array = array >> 8
    elif array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        raise MarrowError(
            f"{path} holds {array.dtype} values; save it with 8 or 16 bits a channel."
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
