"""Plain BMP files as arrays that share the memory of the file.

A SN-AM photograph is 2560x1920 pixels of 24 bits, stored bottom row first, blue before green
before red, each row padded to 4 bytes. A memory map of the file seen through flipped strides *is*
the image, so opening one costs only its header. All other kinds of BMP are decoded by Pillow.
"""

from __future__ import annotations

import mmap
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError

HEADER_BYTES = 54
"""Of the file's header and the shortest BITMAPINFOHEADER, which hold all that is needed."""
INFO_HEADER_BYTES = (40, 52, 56, 108, 124)
"""Of BITMAPINFOHEADER and its successors, as in Microsoft's "Bitmap storage" pages."""


@dataclass(frozen=True)
class PlainBmp:
    """Where the pixels of a BMP without compression and palette are.

    Attributes
    ----------
    width, height
        Size in pixels, both positive.
    top_down
        True when the first stored row is the top one.
    pixel_bytes
        3 (blue, green, red) or 4 (the same and a byte that is not used).
    offset
        Start of the pixels in bytes.
    file_size
        Size of the file in bytes.
    """

    width: int
    height: int
    top_down: bool
    pixel_bytes: int
    offset: int
    file_size: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a stored row, with its padding to a multiple of 4."""
        return (self.width * self.pixel_bytes + 3) // 4 * 4


def parse_plain_bmp(path: Path, start: bytes, file_size: int) -> PlainBmp | None:
    """Read the header of a plain BMP of 24 or 32 bits; nothing it claims is allocated.

    Parameters
    ----------
    path
        The file, for messages.
    start
        Its first :data:`HEADER_BYTES` bytes.
    file_size
        Its size in bytes.

    Returns
    -------
    PlainBmp or None
        None for a file of another kind.

    Raises
    ------
    MarrowError
        When the header contradicts itself or the file's size.
    """
    if len(start) < HEADER_BYTES or start[:2] != b"BM":
        return None
    offset, info, width, height, planes, bits, compression = struct.unpack_from(
        "<IIiiHHI", start, 10
    )
    plain = (planes, compression) == (1, 0) and bits in (24, 32)
    if not plain or info not in INFO_HEADER_BYTES:
        return None
    if width <= 0 or height == 0 or offset < 14 + info:
        raise MarrowError(f"{path} has a damaged BMP header; copy it again from its source.")
    bmp = PlainBmp(width, abs(height), height < 0, bits // 8, offset, file_size)
    needed = offset + bmp.row_bytes * (bmp.height - 1) + width * bmp.pixel_bytes
    if needed > file_size:
        raise MarrowError(
            f"{path} is cut off or damaged: its header claims {width}x{bmp.height} pixels, "
            f"{needed:,} bytes, and the file has {file_size:,}; copy it again from its source."
        )
    return bmp


def map_bmp(path: Path, bmp: PlainBmp) -> NDArray[np.uint8]:
    """Map the pixels of a plain BMP as a read-only (height, width, 3) RGB view of the file.

    The file stays open as long as the array lives, up to Python 3.12. Copy the array before the
    file is replaced.
    """
    with open(path, "rb") as file:
        if sys.version_info >= (3, 13):  # a map needs no open file; many fields would be many
            pixels = mmap.mmap(file.fileno(), bmp.file_size, access=mmap.ACCESS_READ, trackfd=False)
        else:
            pixels = mmap.mmap(file.fileno(), bmp.file_size, access=mmap.ACCESS_READ)
    last_row = bmp.offset + bmp.row_bytes * (bmp.height - 1)
    return np.ndarray(
        (bmp.height, bmp.width, 3),
        np.uint8,
        pixels,
        offset=(bmp.offset if bmp.top_down else last_row) + 2,  # red is the third byte
        strides=(bmp.row_bytes if bmp.top_down else -bmp.row_bytes, bmp.pixel_bytes, -1),
    )
