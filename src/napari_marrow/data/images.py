"""Photographs of any format as RGB arrays: BMP through the memory map, the rest by a library."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_marrow.data.bmp import open_bmp, read_bmp_header
from napari_marrow.data.errors import MarrowError

SUFFIXES = frozenset({".bmp", ".tif", ".tiff", ".png", ".jpg", ".jpeg"})
MAX_PIXELS = 400_000_000
"""Photographs beyond this many pixels are refused: no camera on a microscope makes them."""


def is_image_name(path: Path) -> bool:
    """Whether a file's name has the ending of a photograph we read; hidden files do not count."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def image_size(path: Path | str) -> tuple[int, int]:
    """Height and width in pixels from the file's header, without decoding it."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".bmp":
            header = read_bmp_header(path)
            height, width = header.height, header.width
        else:
            with warnings.catch_warnings():  # Pillow warns of large images; the check below decides
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                with Image.open(path) as image:
                    width, height = image.size
    except MarrowError:
        raise
    except Image.DecompressionBombError:
        height = width = MAX_PIXELS
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise _unreadable(path, error) from error
    if height * width > MAX_PIXELS:
        raise MarrowError(
            f"{path} claims more than {MAX_PIXELS // 1_000_000} million pixels, more than any "
            "camera's photograph; it is damaged or not a photograph, so leave it out."
        )
    return height, width


def open_image(path: Path | str) -> NDArray[np.uint8]:
    """Open a photograph as a (height, width, 3) uint8 RGB array, without copying where possible.

    A plain 24-bit BMP comes as a read-only view of the file; everything else is decoded by
    Pillow or tifffile. Grey images are repeated over three channels, alpha is dropped, 16-bit
    values are scaled to 8 bits.

    Raises
    ------
    MarrowError
        When the file can't be read as a photograph.
    """
    path = Path(path)
    image_size(path)
    if path.suffix.lower() == ".bmp" and read_bmp_header(path).is_plain:
        return open_bmp(path)
    return _as_rgb(path, decode(path))


def read_image(path: Path | str) -> NDArray[np.uint8]:
    """Read a photograph into memory as a contiguous (height, width, 3) uint8 RGB array."""
    image = open_image(path)
    if image.flags.c_contiguous:
        return image
    copy = np.empty(image.shape, np.uint8)
    for channel in range(3):
        copy[..., channel] = image[..., channel]
    return copy


def decode(path: Path) -> NDArray[Any]:
    """Decode any image file as it is, whatever its channels and depth."""
    try:
        return np.asarray(iio.imread(path))
    except Exception as error:
        # The decoders of the formats raise what they like (struct.error, EOFError, SyntaxError
        # ...) on damaged files, and all of it means the same to the user.
        raise _unreadable(path, error) from error


def _as_rgb(path: Path, array: NDArray[Any]) -> NDArray[np.uint8]:
    array = np.squeeze(array)
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] not in (3, 4):
        raise MarrowError(
            f"{path} has the shape {array.shape}, not that of a colour photograph; leave it out."
        )
    array = array[..., :3]
    if array.dtype == np.uint16:
        array = array >> 8
    elif array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        raise MarrowError(
            f"{path} holds {array.dtype} values; save it with 8 or 16 bits a channel."
        )
    return np.ascontiguousarray(array, dtype=np.uint8)


def _unreadable(path: Path, error: Exception) -> MarrowError:
    if isinstance(error, FileNotFoundError):
        return MarrowError(f"{path} is not there; check the name.")
    if isinstance(error, PermissionError):
        return MarrowError(f"{path} can't be read: no permission; ask its owner or copy it.")
    return MarrowError(
        f"{path} can't be read as an image, it is damaged or of another kind; "
        "copy it again or leave it out."
    )
