"""BMP files as arrays, without copying where the pixels can be used where they lie.

A SN-AM photograph is 2560x1920 pixels of 24 bits, stored bottom row first, blue before green
before red, each row padded to 4 bytes. A memory map of the file seen through flipped strides *is*
the image, so opening one costs only its header. The same holds for 32 bits a pixel when red, green
and blue are neighbouring bytes. Palettes and runs are Pillow's work.
"""

from __future__ import annotations

import mmap
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_marrow.data.bmp_header import BmpHeader, file_error, read_bmp_header
from napari_marrow.data.errors import MarrowError

__all__ = ["BmpHeader", "decode_bmp", "open_bmp", "read_bmp", "read_bmp_header", "view_bmp"]

_BLOCK_BYTES = 2**18  # stays in a core's cache while it is put in order
_LARGE_BYTES = 2**22  # from here on a second thread is worth its start


def open_bmp(path: Path | str) -> NDArray[np.uint8]:
    """Open a plain BMP of 24 or 32 bits as a read-only view of the file; its pixels stay unread.

    Parameters
    ----------
    path
        A BMP file without compression, whose channels are bytes side by side.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; the top row first. Its memory is the file's: copy it before the file is
        replaced. The file stays open as long as the array lives.

    Raises
    ------
    MarrowError
        When the file can't be read, is damaged, or not of this kind.
    """
    path = Path(path)
    return view_bmp(path, read_bmp_header(path))


def view_bmp(path: Path, h: BmpHeader) -> NDArray[np.uint8]:
    """Open a plain BMP of which the header is known already; see :func:`open_bmp`."""
    if h.channels is None:
        raise MarrowError(f"{path} has no plain pixels of 24 or 32 bits; use read_image.")
    red, step = h.channels
    return np.ndarray(
        (h.height, h.width, 3),
        np.uint8,
        _mapped(path, h),
        offset=_top(h) + red,
        strides=(_down(h), h.bits // 8, step),
    )


def read_bmp(path: Path | str) -> NDArray[np.uint8]:
    """Read a BMP file of any kind into a contiguous array of shape (height, width, 3), RGB, uint8.

    Alpha is dropped. What Windows leaves undecided (pixels that runs skip, colours that the
    palette lacks) is as Pillow has it.

    Raises
    ------
    MarrowError
        When the file can't be read, is damaged, or of a kind that is not read.
    """
    path = Path(path)
    return decode_bmp(path, read_bmp_header(path))


def decode_bmp(path: Path, h: BmpHeader) -> NDArray[np.uint8]:
    """Read a BMP of any kind of which the header is known already; see :func:`read_bmp`."""
    if h.is_plain:
        return _read_plain(path, h)
    return _read_masks(path, h) if h.bits == 16 or h.bits == 32 else _read_palette(path)


def _top(h: BmpHeader) -> int:
    """Where the top row begins in the file."""
    return h.offset if h.top_down else h.offset + h.row_bytes * (h.height - 1)


def _down(h: BmpHeader) -> int:
    """Bytes from a row to the one below it."""
    return h.row_bytes if h.top_down else -h.row_bytes


def _mapped(path: Path, h: BmpHeader) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            if sys.version_info >= (3, 13):  # a map needs no open file; many fields would be many
                pixels = mmap.mmap(
                    file.fileno(), h.file_size, access=mmap.ACCESS_READ, trackfd=False
                )
            else:
                pixels = mmap.mmap(file.fileno(), h.file_size, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: it has become shorter meanwhile
        raise file_error(path, error) from error
    return pixels


def _read_plain(path: Path, h: BmpHeader) -> NDArray[np.uint8]:
    """Read into a new array; the two halves of a large photograph at the same time."""
    image = np.empty((h.height, h.width, 3), np.uint8)
    stored = image if h.top_down else image[::-1]
    middle = h.height // 2
    try:
        if h.row_bytes * h.height < _LARGE_BYTES:
            _read_rows(path, h, stored, 0)
        else:
            with ThreadPoolExecutor(1) as other:
                half = other.submit(_read_rows, path, h, stored[middle:], middle)
                _read_rows(path, h, stored[:middle], 0)
                half.result()
    except OSError as error:
        raise file_error(path, error) from error
    return image


def _read_rows(path: Path, h: BmpHeader, rows: NDArray[np.uint8], first: int) -> None:
    """Read stored rows from ``first`` on, by blocks that are put in order while in the cache.

    Green keeps its place in a pixel of 24 bits, so a block is copied as it is, and then only red
    and blue: two slow strided copies in the place of three.
    """
    assert h.channels is not None
    red, step = h.channels
    size = h.bits // 8
    height = min(len(rows), max(1, _BLOCK_BYTES // h.row_bytes))
    block = np.zeros((height, h.row_bytes), np.uint8)
    pixels = block[:, : h.width * size].reshape(height, h.width, size)
    with open(path, "rb") as file:
        file.seek(h.offset + first * h.row_bytes)
        for start in range(0, len(rows), height):
            out = rows[start : start + height]
            count = len(out)
            got = file.readinto(block[:count].data.cast("B"))
            if got < count * h.row_bytes - (h.row_bytes - h.width * size):
                raise MarrowError(f"{path} became shorter while it was read; read it again.")
            if size == 3:
                out[...] = pixels[:count]
            for channel in range(3):
                byte = red + channel * step
                if size == 4 or byte != channel:
                    out[..., channel] = pixels[:count, :, byte]


def _read_masks(path: Path, h: BmpHeader) -> NDArray[np.uint8]:
    """Colours of any number of bits, which Pillow knows in a few arrangements only."""
    stored: NDArray[np.unsignedinteger] = np.ndarray(
        (h.height, h.width),
        np.dtype(f"<u{h.bits // 8}"),
        _mapped(path, h),
        offset=_top(h),
        strides=(_down(h), h.bits // 8),
    )
    image = np.empty((h.height, h.width, 3), np.uint8)
    for channel, mask in enumerate(h.masks):
        lowest = (mask & -mask).bit_length() - 1
        bits = mask.bit_length() - lowest
        value = (stored & mask) >> lowest
        image[..., channel] = value >> (bits - 8) if bits > 8 else value * 255 // (2**bits - 1)
    return image


def _read_palette(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path, formats=["BMP"]) as image:
            return np.array(image.convert("RGB"))
    except Exception as error:
        # A decoder raises what it likes on damaged files, and all of it means the same to a user.
        raise MarrowError(
            f"{path} has damaged pixels or a damaged palette; copy it again from its source."
        ) from error
