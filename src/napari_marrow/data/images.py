"""Photographs of any format as RGB arrays: plain BMP without copying, the rest decoded.

The format is what a file's first bytes say, whatever its name ends with. Pixels stay as they are
stored: a camera's note that the picture is to be turned (EXIF orientation) is not followed. napari
does not follow it either, and a mask has no such note, so it would no longer lie on its photograph.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from napari_marrow.data.bmp import HEADER_BYTES, PlainBmp, map_bmp, parse_plain_bmp
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.tiff import (
    BITS,
    COLOUR_MAP,
    COMPRESSION,
    PHOTOMETRIC,
    SUB_PAGES,
    TiffPixels,
    as_unsigned,
    find_photograph,
    is_signed,
    is_wrong_in_pillow,
    palette_of_8_bits,
    pixels_of,
    tags_of,
)

for _library in ("tifffile", "PIL"):  # what they log of damaged files, our errors say by name
    logging.getLogger(_library).addHandler(logging.NullHandler())

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
SUFFIXES = frozenset({".bmp", ".tif", ".tiff", ".png"}) | JPEG_SUFFIXES
MAX_PIXELS = 175_000_000
"""Photographs beyond this many pixels are refused: no camera on a microscope makes them."""

_MAX_HOT_SHARE = 0.001
"""Of the levels of a photograph, that may be hot pixels of the camera."""
_FORMATS = ("BMP", "PNG", "JPEG", "TIFF")  # no other of Pillow's: some of them start programs
_BEGINNINGS = {
    b"BM": "BMP",
    b"\xff\xd8": "JPEG",
    b"\x89PNG": "PNG",
    b"II": "TIFF",  # the byte order; the number after it differs in big TIFFs
    b"MM": "TIFF",
}
_PLAIN_MODES = {"1", "L", "LA", "RGB", "RGBA", "I", "F"}
_SAME_LOW_BYTE = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
"""Order of bytes in which Pillow takes the lower byte of 16 bits for the upper one."""
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
    with opened(path) as image:
        if isinstance(image, Image.Image):
            return image.height, image.width
        return image.keyframe.imagelength, image.keyframe.imagewidth


def open_image(path: Path | str, bits: int | None = None) -> NDArray[np.uint8]:
    """Open a photograph as a (height, width, 3) uint8 RGB array, without copying where possible.

    A plain BMP of 24 or 32 bits comes as a read-only view of the file; everything else is decoded.
    Grey images are repeated over three channels, palettes and CMYK become RGB, alpha is dropped,
    and of a TIFF that holds smaller versions of itself, the largest page is taken.

    Parameters
    ----------
    path
        The file.
    bits
        Of the 16 bits of a file, how many its camera uses: 4095 is white of 12. The upper 8 of them
        are kept. By default as many as :func:`used_bits` finds.

    Raises
    ------
    MarrowError
        When the file can't be read as a photograph.
    """
    path = Path(path)
    bmp = _plain_bmp(path)
    if bmp is None:
        array, zero_is_white = _decode(path)
        rgb = _as_rgb(path, array, bits)
        return 255 - rgb if zero_is_white else rgb
    try:
        return map_bmp(path, bmp)
    except (OSError, ValueError) as error:
        raise _file_error(path, error) from error


def read_image(path: Path | str, bits: int | None = None) -> NDArray[np.uint8]:
    """Read a photograph into memory as a contiguous (height, width, 3) uint8 RGB array.

    The parameters are those of :func:`open_image`.

    Raises
    ------
    MarrowError
        When the file can't be read as a photograph.
    """
    found = open_image(path, bits)
    if found.flags.c_contiguous:
        return found
    image = np.empty(found.shape, np.uint8)
    for channel in range(3):  # twice as fast as all at once
        image[..., channel] = found[..., channel]
    return image


read_bmp = read_image
"""The name of version 0.1."""


def has_16_bits(path: Path | str) -> bool:
    """Tell by a file's header whether it has 16 bits a channel.

    Raises
    ------
    MarrowError
        When the file can't be read.
    """
    path = Path(path)
    if _plain_bmp(path):
        return False
    with opened(path) as image:
        if isinstance(image, Image.Image):
            is_grey = image.mode.startswith("I;16") or is_signed(image)
            return is_grey or _lower_bytes(image) is not None
        return image.dtype in (np.uint16, np.int16)


def used_bits(path: Path | str) -> int:
    """Return how many bits the levels of a 16-bit file need: 8, 10, 12, 14 or 16.

    Cameras of 12 bits write levels up to 4095 into 16. Alpha does not count, nor do a few hot
    pixels.

    Raises
    ------
    MarrowError
        When the file can't be read.
    """
    return _used_bits(_decode(Path(path))[0])


def _used_bits(array: NDArray) -> int:
    levels = array[..., :-1] if array.ndim == 3 and array.shape[-1] in (2, 4) else array
    bits = max(8, 2 * -(-int(levels.max(initial=0)).bit_length() // 2))
    while bits > 8 and (levels >= 1 << (bits - 2)).mean() <= _MAX_HOT_SHARE:
        bits -= 2
    return bits


def decode(path: Path) -> NDArray:
    """Decode any image file as it is, whatever its depth: (height, width) or (..., channels).

    Palettes, CMYK and YCbCr become RGB, or RGBA where a palette has transparent colours.
    """
    array, zero_is_white = _decode(path)
    return np.iinfo(array.dtype).max - array if zero_is_white else array


def _decode(path: Path) -> tuple[NDArray, bool]:
    """Decode a file, and tell whether 0 is still white in the array."""
    if _plain_bmp(path):
        return read_image(path), False
    with opened(path) as image:
        inverted = tags_of(image).get(PHOTOMETRIC) == 0
        if not isinstance(image, Image.Image):
            array = pixels_of(image)
            return as_unsigned(array), inverted and array.dtype.kind == "u"
        colours = np.array(tags_of(image).get(COLOUR_MAP, ()), np.uint16)
        if image.mode == "P" and colours.size:
            image.putpalette(palette_of_8_bits(colours).reshape(3, -1).T.tobytes())
        if (lower := _lower_bytes(image)) is not None:
            upper = np.array(image, np.uint16)
            with opened(path) as again:  # Pillow keeps one byte of 16-bit channels
                assert isinstance(again, ImageFile.ImageFile)
                again.tile = lower
                return upper << 8 | np.array(again), False
        is_plain = image.mode in _PLAIN_MODES or image.mode.startswith("I;16")
        plain = "RGBA" if image.has_transparency_data else "RGB"
        array = np.array(image if is_plain else image.convert(plain))
        if is_signed(image):
            array = as_unsigned(array.astype(np.int16))
        return array, inverted and array.dtype.itemsize > 1  # what is narrower, Pillow inverts


def _lower_bytes(image: Image.Image) -> list[ImageFile._Tile] | None:
    """Return the tiles by which Pillow reads the lower bytes of 16-bit colours; None for others."""
    tiles = []
    for tile in image.tile if isinstance(image, ImageFile.ImageFile) else ():
        settings = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        mode, _, order = str(settings[0]).partition(";16")
        if mode not in ("RGB", "RGBA", "RGBX") or order not in _SAME_LOW_BYTE:
            return None
        changed = (f"{mode};16{_SAME_LOW_BYTE[order]}", *settings[1:])
        tiles.append(tile._replace(args=changed if isinstance(tile.args, tuple) else changed[0]))
    return tiles or None


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
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return MarrowError(
            f"{path} is a link to a file that is not there; copy it from its source."
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MarrowError(f"{path} is not there; check the name.")
    if isinstance(error, PermissionError):
        return MarrowError(f"{path} can't be read: no permission; ask its owner or copy it.")
    reason = getattr(error, "strerror", None) or error
    return MarrowError(f"{str(path)!r} can't be opened ({reason}); close other files or check it.")


@contextmanager
def opened(path: Path) -> Iterator[Image.Image | TiffPixels]:
    """Open a file by its header, checked; whatever a library raises becomes a MarrowError.

    Raises
    ------
    MarrowError
        When the file can't be read, or claims what it can't hold, or is a stack.
    """
    size = _first_bytes(path, 2)[1]
    try:
        # Pillow warns of large and damaged images; _check_claim and the decoder decide.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picture = Image.open(path, formats=_FORMATS)
            except UnidentifiedImageError:
                picture = None
        if picture is None or is_wrong_in_pillow(picture):
            with tifffile.TiffFile(path) as tiff:
                _, pixels = find_photograph(path, tiff)
                _check_tiff(path, pixels, size)
                yield pixels
            return
        with picture:
            if SUB_PAGES in tags_of(picture) or (
                picture.format == "TIFF" and getattr(picture, "is_animated", False)
            ):
                with tifffile.TiffFile(path) as tiff:
                    index, pixels = find_photograph(path, tiff)
                    if index is None:
                        _check_tiff(path, pixels, size)
                        yield pixels
                        return
                picture.seek(index)
            bits, most = _claim(picture)
            bits *= picture.width * picture.height
            _check_claim(path, picture.width, picture.height, bits, most * size)
            yield picture
    except MarrowError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except Exception as error:
        # The decoders raise what they like (struct.error, EOFError, SyntaxError ...) on damaged
        # files, and all of it means the same to the user.
        raise _unreadable(path) from error


def _check_tiff(path: Path, pixels: TiffPixels, size: int) -> None:
    page = pixels.keyframe
    limit = _MAX_TIFF_BITS_A_BYTE.get(page.compression, 8 * 1400) * size
    bits = pixels.size * page.bitspersample
    _check_claim(path, page.imagewidth, page.imagelength, bits, limit)


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
        most = _MAX_TIFF_BITS_A_BYTE.get(tags.get(COMPRESSION, 1), inf)
        return sum(tags.get(BITS, (1,))), most
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


def _as_rgb(path: Path, array: NDArray, bits: int | None) -> NDArray[np.uint8]:
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
        array = np.minimum(array >> ((bits or _used_bits(array)) - 8), 255)
    elif array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        raise MarrowError(
            f"{path} holds {array.dtype} values; save it with 8 or 16 unsigned bits a channel."
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
