"""What a BMP file says of itself, checked against the file before anything is believed.

Header layouts: BITMAPCOREHEADER (12 bytes), OS/2 2.x (16 to 64), BITMAPINFOHEADER (40) and its
successors (52, 56, 108, 124), as in Microsoft's "Bitmap storage" pages.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from napari_marrow.data.errors import MarrowError

_CORE = 12
_WINDOWS = (40, 52, 56, 108, 124)
_LIBRARY = (_CORE, 64, *_WINDOWS)  # the header lengths that Pillow knows, for palettes
_HEADER_BYTES = 14 + 124
_RGB, _RLE8, _RLE4, _BITFIELDS, _JPEG, _PNG, _ALPHABITFIELDS = range(7)
_RUNS = {_RLE8: 8, _RLE4: 4}
_BITS = {_RGB: {1, 4, 8, 16, 24, 32}, _BITFIELDS: {16, 24, 32}, _ALPHABITFIELDS: {16, 24, 32}}
_MASKS = {16: (0x7C00, 0x3E0, 0x1F), 24: (0xFF0000, 0xFF00, 0xFF), 32: (0xFF0000, 0xFF00, 0xFF)}
_PIXELS_A_BYTE = 128  # a run of 255 pixels takes two bytes
_AGAIN = "copy it again from its source"
_SAVE = "save it as a 24-bit BMP or a PNG"


@dataclass(frozen=True)
class BmpHeader:
    """What a BMP file says of itself.

    Attributes
    ----------
    width, height
        Size in pixels, both positive.
    top_down
        True when the first stored row is the top one.
    bits
        Bits a pixel.
    compression
        0 for plain pixels, 1 and 2 for runs, 3 and 6 for pixels with colour masks.
    masks
        Which bits of a pixel of 16, 24 or 32 bits are red, green and blue; zeros with a palette.
    offset
        Where the pixels begin, in bytes from the start of the file.
    file_size
        Size of the file on disk in bytes.
    """

    width: int
    height: int
    top_down: bool
    bits: int
    compression: int
    masks: tuple[int, int, int]
    offset: int
    file_size: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a stored row, with its padding to a multiple of 4."""
        return (self.width * self.bits + 31) // 32 * 4

    @property
    def channels(self) -> tuple[int, int] | None:
        """Byte of red in a pixel and the step to green, then blue; None where no step does it."""
        if self.bits not in (24, 32):
            return None
        bytes_of = {0xFF << 8 * k: k for k in range(self.bits // 8)}
        red, green, blue = (bytes_of.get(mask, -9) for mask in self.masks)
        step = green - red
        return (red, step) if min(red, green, blue) >= 0 and blue - green == step else None

    @property
    def is_plain(self) -> bool:
        """True when the pixels can be used where they lie."""
        return self.channels is not None


def first_bytes(path: Path, count: int) -> tuple[bytes, int]:
    """Return the first bytes of a file, ``count`` at the most, and its size in bytes.

    Raises
    ------
    MarrowError
        When there is no such file, or it is empty, a folder, a pipe, or not ours to read.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise MarrowError(f"{path} is a folder, not a photograph; give a file that is in it.")
        if not stat.S_ISREG(mode):  # to open a pipe would wait for ever
            raise MarrowError(f"{path} is a device or a pipe, not a file; leave it out.")
        with open(path, "rb", buffering=0) as file:
            start, size = file.read(count), file.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        raise file_error(path, error) from error
    if not size:
        raise MarrowError(f"{path} is an empty file of 0 bytes; {_AGAIN}.")
    return start, size


def file_error(path: Path, error: Exception) -> MarrowError:
    """Say in a sentence why the system did not give a file."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MarrowError(f"{path} is not there; check the name.")
    if isinstance(error, PermissionError):
        return MarrowError(f"{path} can't be read: no permission; ask its owner or copy it.")
    why = getattr(error, "strerror", None) or error
    return MarrowError(f"{str(path)!r} can't be opened ({why}); close other files or check it.")


def read_bmp_header(path: Path | str) -> BmpHeader:
    """Read and check the header of a BMP file; nothing it claims is believed or allocated.

    Raises
    ------
    MarrowError
        When the file can't be read, is not a BMP or of a kind that is not read, or when its
        header contradicts itself or the file's size.
    """
    path = Path(path)
    start, size = first_bytes(path, _HEADER_BYTES)
    if len(start) < 26 or start[:2] != b"BM":
        raise MarrowError(f"{path} is not a BMP file, its first bytes say; remove or replace it.")
    offset, info = struct.unpack_from("<II", start, 10)
    compression, colours, masks = _RGB, 0, b""
    if info == _CORE:
        width, height, planes, bits = struct.unpack_from("<HHHH", start, 18)
    elif (16 <= info <= 64 or info in _WINDOWS) and len(start) >= 14 + info:
        width, height, planes, bits = struct.unpack_from("<iiHH", start, 18)
        if info >= 20:  # a short OS/2 header ends where it likes; what it lacks is zero
            (compression,) = struct.unpack_from("<I", start, 30)
        if info >= 36:
            (colours,) = struct.unpack_from("<I", start, 46)
        masks = start[54:66]
    else:
        raise MarrowError(f"{path} has a damaged BMP header, of {info} bytes; {_AGAIN}.")
    rgb = _MASKS.get(bits, (0, 0, 0))
    if compression in (_BITFIELDS, _ALPHABITFIELDS) and len(masks) == 12 and any(masks):
        rgb = struct.unpack("<III", masks)
    header = BmpHeader(width, abs(height), height < 0, bits, compression, rgb, offset, size)
    problem = (
        _kind_problem(header, info, planes)
        or (_palette_problem(header, info, colours) if bits <= 8 else None)
        or _size_problem(header, info)
    )
    if problem:
        raise MarrowError(f"{path} {problem}.")
    return header


def _kind_problem(h: BmpHeader, info: int, planes: int) -> str | None:
    windows = info in _WINDOWS  # OS/2 means something else by the compressions from 3 on
    if h.width <= 0 or h.height <= 0:
        return f"claims a size of {h.width}x{h.height} pixels, so it is damaged; {_AGAIN}"
    if planes != 1:
        return f"claims {planes} colour planes where a BMP has one, so it is damaged; {_AGAIN}"
    if windows and h.compression in (_JPEG, _PNG):
        inside = "JPEG" if h.compression == _JPEG else "PNG"
        return f"is a {inside} inside a BMP, which is not read; {_SAVE}"
    if h.compression in _RUNS:
        known = h.bits == _RUNS[h.compression]
    else:
        known = h.bits in _BITS.get(h.compression, ()) and (windows or h.compression == _RGB)
    if not known:
        return f"has {h.bits} bits a pixel in compression {h.compression}, not read; {_SAVE}"
    if h.bits > 8 and not h.is_plain:
        runs = [m >> _lowest(m) if m else 0 for m in h.masks]
        outside = max(h.masks) >> h.bits
        if h.bits == 24 or outside or any(r == 0 or r & (r + 1) for r in runs):
            return f"has colour masks that are not read; {_SAVE}"
    return None


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _palette_problem(h: BmpHeader, info: int, colours: int) -> str | None:
    if info not in _LIBRARY:
        return f"has a palette and a header of {info} bytes, which is not read; {_SAVE}"
    if colours > 256:
        return f"claims a palette of {colours:,} colours where 256 are the most; {_SAVE}"
    end = 14 + info + (3 if info == _CORE else 4) * (colours or 1 << h.bits)
    if end > h.file_size:
        return f"ends inside its palette, so it is cut off or damaged; {_AGAIN}"
    return None


def _size_problem(h: BmpHeader, info: int) -> str | None:
    if h.offset < 14 + info:
        return f"has its pixels inside its header, so it is damaged; {_AGAIN}"
    claim = f"its header claims {h.width}x{h.height} pixels"
    if h.compression in _RUNS:
        if h.width * h.height > _PIXELS_A_BYTE * (h.file_size - h.offset):
            return f"is damaged: {claim}, and {h.file_size:,} bytes can't hold them; {_AGAIN}"
        return None
    need = h.offset + h.row_bytes * (h.height - 1) + (h.width * h.bits + 7) // 8
    if need > h.file_size:
        return (
            f"is cut off or damaged: {claim}, {need:,} bytes, and the file has {h.file_size:,}; "
            f"{_AGAIN}"
        )
    return None
