"""Small BMP files of every kind, by hand from the format's description, and damage to them."""

import struct

import numpy as np

HEADERS = (12, 40, 52, 56, 64, 108, 124)
WINDOWS = (40, 52, 56, 108, 124)
MASK_ORDERS = {  # of a pixel's four bytes, the lowest first
    "BGRX": (0xFF0000, 0xFF00, 0xFF),
    "XBGR": (0xFF000000, 0xFF0000, 0xFF00),
}


def bmp_bytes(
    width,
    height,
    rows,
    *,
    bits=24,
    info=40,
    compression=0,
    masks=(),
    palette=b"",
    colours=0,
    planes=1,
    offset=None,
):
    """A BMP file: ``height`` negative for top-down; ``rows`` are the bytes of the pixels."""
    if info == 12:
        head = struct.pack("<IHHHH", 12, width, height, planes, bits)
    else:
        head = struct.pack("<IiiHHI", info, width, height, planes, bits, compression)
        head += struct.pack("<IiiII", len(rows), 2835, 2835, colours, 0)
        packed = struct.pack(f"<{len(masks)}I", *masks)
        head = (head + packed)[: max(info, 40 + len(packed))] if info >= 40 else head[:info]
        head = head.ljust(info, b"\0")
    start = 14 + len(head) + len(palette) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + palette + rows


def stored(pixels, order="BGR", top_down=False):
    """The rows of an RGB picture as a BMP has them: in this order of bytes, padded to 4."""
    height, width = pixels.shape[:2]
    out = np.full((height, (width * len(order) + 3) // 4 * 4), 0x5A, np.uint8)
    for k, name in enumerate(order):
        values = pixels[..., "RGB".index(name)] if name in "RGB" else 0xA5
        out[:, k : width * len(order) : len(order)] = values
    return (out if top_down else out[::-1]).tobytes()


def seeds():
    """One small valid file of every kind."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (6, 7, 3), np.uint8)
    out = [bmp_bytes(7, 6, stored(pixels), info=info) for info in HEADERS]
    out += [
        bmp_bytes(7, -6, stored(pixels, top_down=True)),
        bmp_bytes(7, 6, stored(pixels, "BGRX"), bits=32),
    ]
    for order, masks in MASK_ORDERS.items():
        rows = stored(pixels, order)
        out += [bmp_bytes(7, 6, rows, bits=32, compression=3, masks=masks, info=i) for i in WINDOWS]
    masks = (0xF800, 0x7E0, 0x1F)
    out.append(bmp_bytes(7, 6, rng.bytes(96), bits=16, compression=3, masks=masks))
    out.append(bmp_bytes(7, 6, rng.bytes(96), bits=16))
    for bits, row in ((1, 4), (4, 4), (8, 8)):
        for info in (12, 40, 64, 124):
            palette = rng.bytes((3 if info == 12 else 4) << bits)
            out.append(bmp_bytes(7, 6, rng.bytes(row * 6), bits=bits, info=info, palette=palette))
    # three rows of runs, one of single pixels, a jump, the rest, the end
    start, end = b"\7\5\0\0" * 3, b"\0\0\0\2\2\1\5\1\0\1"
    for bits, compression, single in (
        (8, 1, b"\0\7\1\2\3\4\5\6\7\0"),
        (4, 2, b"\0\7\x12\x34\x56\x70"),
    ):
        content = start + single + end
        palette = rng.bytes(4 << bits)
        out.append(bmp_bytes(7, 6, content, bits=bits, compression=compression, palette=palette))
    return out


# Where the fields of the headers lie, and values that readers stumble over.
FIELDS = ((0, 2), (2, 4), (10, 4), (14, 4), (18, 4), (22, 4), (18, 2), (20, 2), (26, 2), (28, 2))
FIELDS += ((30, 4), (34, 4), (46, 4), (50, 4), (54, 4), (58, 4), (62, 4), (66, 4), (22, 2), (24, 2))
VALUES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 40, 52, 56, 64, 108, 124, 127, 128, 255, 256)
VALUES += (257, 1000, 32767, 32768, 65535, 65536, 100_000, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
VALUES += (2**32 - 6, 2**32 - 7, 2**31 + 1, 0xFF00, 0xFF0000, 0xFF000000, 0x7E0, 0x1F)
KINDS_OF_DAMAGE = ("field", "byte", "cut", "grow", "splice", "drop")


def damage(content, steps, other=b""):
    """Apply steps (kind, where, value) of damage; any integers will do."""
    out = bytearray(content)
    for kind, where, value in steps:
        at = where % (len(out) + 1)
        if kind == "field":
            at, size = FIELDS[where % len(FIELDS)]
            number = VALUES[value % len(VALUES)] % 256**size
            out[at : at + size] = number.to_bytes(size, "little")
        elif kind == "byte":
            out[at : at + 1] = bytes([value % 256])
        elif kind == "cut":
            del out[at:]
        elif kind == "grow":
            out += bytes([value % 256]) * (where % 4096)
        elif kind == "splice":
            out[at:] = other[value % (len(other) + 1) :]
        else:
            del out[at : at + value % 16]
    return bytes(out)
