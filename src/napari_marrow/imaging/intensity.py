"""How bright and what colour pixels are: blur, light, stain, noise, edges. Nothing moves.

Every function takes a photograph, (height, width, 3) uint8, and gives a new one. Work goes by
blocks of rows that stay in the cache: two to four times faster than whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from napari_marrow.imaging.bands import in_bands

_ROWS = 16
"""Rows of a block."""
_TILE = 2**20 + 7
"""Length of the noise that is drawn; rows begin at random places in it."""
Photograph = NDArray[np.uint8]


def edges(image: Photograph) -> Photograph:
    """The edges of a photograph, dark on white: Sobel's gradient of every channel.

    The published method says "edges" and no operator; Sobel is our choice. A pixel is
    255 (1 - 2 g), not below 0, with g = sqrt((x^2 + y^2) / 2) and the responses x, y of the kernels
    [1 2 1] [1 0 -1] / 4 to values from 0 to 1, mirrored at the edges (as in scikit-image).
    """
    height, width, channels = image.shape
    out = np.empty_like(image, order="C")
    padded = np.empty((_ROWS + 2, width + 2, channels), np.int16)
    for top, rows in _blocks(height):
        block = padded[: rows + 2]
        block[1:-1, 1:-1] = image[top : top + rows]
        block[0, 1:-1] = image[max(top - 1, 0)]
        block[-1, 1:-1] = image[min(top + rows, height - 1)]
        block[:, 0], block[:, -1] = block[:, 1], block[:, -2]
        down = block[2:] - block[:-2]
        smooth = block[:-2] + block[2:]
        smooth += block[1:-1]
        smooth += block[1:-1]
        x = (smooth[:, 2:] - smooth[:, :-2]).astype(np.float32)
        y = down[:, :-2] + down[:, 2:]
        y += down[:, 1:-1]
        y += down[:, 1:-1]
        strength = y.astype(np.float32)
        strength *= strength
        x *= x
        strength += x
        # 255 * 2 * sqrt(s / 2) / (4 * 255) = sqrt(s / 8)
        strength *= np.float32(1 / 8)
        np.sqrt(strength, out=strength)
        np.subtract(255, strength, out=strength)
        out[top : top + rows] = _whole(strength)
    return out


def blurred(image: Photograph, sigma: float) -> Photograph:
    """Blur by a Gaussian, as a chain of means of two pixels; mirrored at the edges.

    A mean of two pixels d apart has the variance d^2 / 4, and variances of a chain add up, so a few
    distances whose squares sum to 4 sigma^2 make the blur; equal ones are a binomial filter (Wells,
    Efficient synthesis of Gaussian filters by cascaded uniform filters, IEEE PAMI 8, 1986).
    4 sigma^2 is rounded to an even number, else the image would shift by half a pixel; so 0.7 is
    the least blur but none.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    sigma
        Standard deviation in pixels, from 0 to 4: beyond, so few steps are no Gaussian.
    """
    out = np.empty_like(image, order="C")
    steps = _distances(sigma)
    in_bands(lambda first, end: _blur_rows(image, out, steps, first, end), len(image))
    return out


def _blur_rows(image: Photograph, out: Photograph, steps: list[int], first: int, end: int) -> None:
    """Blur the rows from ``first`` to ``end`` into ``out``, some at a time."""
    reach = sum(steps) // 2
    height, width, channels = image.shape
    rows_at = _mirrored_indices(height, reach)
    columns_at = _mirrored_indices(width, reach)
    left, right = columns_at[:reach], columns_at[reach + width :]
    block = max(_ROWS, 2 * reach)
    buffers = [np.empty((block + 2 * reach, width * channels), np.uint16) for _ in range(2)]
    wide = [np.empty((block, (width + 2 * reach) * channels), np.uint16) for _ in range(2)]
    for start, rows in _blocks(end - first, block):
        top = first + start
        high = rows + 2 * reach
        lines = buffers[0][:high].reshape(high, width, channels)
        if top >= reach and top + rows + reach <= height:
            lines[...] = image[top - reach : top + rows + reach]
        else:
            lines[...] = image[rows_at[top : top + high]]
        down, bits = _chained([b[:high] for b in buffers], 0, steps, 0)
        down = down.reshape(rows, width, channels)
        lines = wide[0][:rows].reshape(rows, width + 2 * reach, channels)
        lines[:, reach : reach + width] = down
        lines[:, :reach], lines[:, reach + width :] = down[:, left], down[:, right]
        apart = [channels * step for step in steps]
        sums, bits = _chained([w[:rows] for w in wide], 1, apart, bits)
        if bits:
            sums += np.uint16(2 ** (bits - 1))
            sums >>= np.uint16(bits)
        out[top : top + rows] = sums.reshape(rows, width, channels)


def _distances(sigma: float) -> list[int]:
    """Distances, ones among them, whose squares sum to 4 sigma^2 made even."""
    left = 2 * int(2 * sigma**2 + 0.5)
    steps = [1, 1] if left else []
    left -= len(steps)
    for distance in range(max(int(sigma + 0.5), 1), 0, -1):
        count = left // distance**2
        steps += [distance] * count
        left -= count * distance**2
    return steps


def _chained(
    buffers: list[NDArray[np.uint16]], axis: int, steps: list[int], bits: int
) -> tuple[NDArray[np.uint16], int]:
    """Sums along an axis, and by how many bits they are larger than the mean.

    The first buffer holds the pixels; the two are written to in turns. 255 leaves eight bits free;
    when they are used up, four are given back, rounded.
    """
    source, target = (buffer.swapaxes(0, axis) for buffer in buffers)
    for step in steps:
        if bits == 8:
            source += np.uint16(8)
            source >>= np.uint16(4)
            bits = 4
        length = len(source) - step
        source, target = np.add(source[:-step], source[step:], out=target[:length]), source
        bits += 1
    return source.swapaxes(0, axis), bits


def equalised(image: Photograph) -> Photograph:
    """Spread the histogram of every channel evenly over 0 to 255 (Pillow's equalisation)."""
    return np.array(ImageOps.equalize(Image.fromarray(image)))


def lit(image: Photograph, brightness: float, down: float, right: float) -> Photograph:
    """Light a photograph unevenly: each pixel times a plane.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    brightness
        The factor in the middle of the image.
    down, right
        By how much the factor grows from the top to the bottom, and from left to right.
    """
    height, width, channels = image.shape
    x = np.repeat(right * ((np.arange(width) + 0.5) / width - 0.5), channels).astype(np.float32)
    y = (brightness + down * ((np.arange(height) + 0.5) / height - 0.5)).astype(np.float32)
    flat = np.ascontiguousarray(image).reshape(height, width * channels)
    out = np.empty_like(flat)
    for top, rows in _blocks(height):
        part = slice(top, top + rows)
        out[part] = _whole(flat[part] * (y[part, None] + x))
    return out.reshape(image.shape)


def restained(image: Photograph, strength: NDArray[np.float64], shift: NDArray) -> Photograph:
    """Change the optical density of each channel: density -> strength * density + shift.

    The density is -log10(value / 255), by Beer and Lambert the amount of stain in the light's way
    (Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23, 2001, p. 292); 0 counts as 1. Done to
    each channel, where Tellez and others (Quantifying the effects of data augmentation, Med. Image
    Anal. 58, 2019, section 3.2) do it to each of two stains: Giemsa's are not known beforehand.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    strength, shift
        A number a channel; 1 and 0 leave the image as it is.
    """
    density = -np.log10(np.arange(256).clip(1) / 255)
    values = 255 * 10 ** -(np.multiply.outer(strength, density) + np.reshape(shift, (3, 1)))
    table = np.rint(values.clip(0, 255)).astype(int)
    return np.array(Image.fromarray(image).point(table.ravel().tolist()))


def noisy(image: Photograph, sigma: float, generator: np.random.Generator) -> Photograph:
    """Add Gaussian noise of ``sigma`` levels, each pixel and channel by itself, rounded.

    About a million numbers are drawn; each row takes its noise from a place among them that is
    drawn as well, so no two neighbours are alike.
    """
    height, width, channels = image.shape
    length = width * channels
    drawn = generator.standard_normal(max(_TILE, 2 * length), np.float32) * np.float32(sigma)
    drawn = np.rint(drawn.clip(-255, 255)).astype(np.int16)
    starts = generator.integers(0, drawn.size - length, height)
    flat = np.ascontiguousarray(image).reshape(height, length)
    out = np.empty_like(flat)
    sums = np.empty((_ROWS, length), np.int16)
    for top, rows in _blocks(height):
        for k in range(rows):
            start = starts[top + k]
            np.add(drawn[start : start + length], flat[top + k], out=sums[k])
        np.clip(sums[:rows], 0, 255, out=sums[:rows])
        out[top : top + rows] = sums[:rows]
    return out.reshape(image.shape)


def _blocks(height: int, rows: int = _ROWS) -> Iterator[tuple[int, int]]:
    """First row and number of rows of each block."""
    for top in range(0, height, rows):
        yield top, min(rows, height - top)


def _whole(values: NDArray[np.float32]) -> Photograph:
    """Rounded and kept between 0 and 255; ``values`` is overwritten."""
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)


def _mirrored_indices(count: int, reach: int) -> NDArray[np.intp]:
    """The indices -reach .. count + reach - 1, mirrored into 0 .. count - 1."""
    index = np.arange(-reach, count + reach) % (2 * count)
    return np.minimum(index, 2 * count - 1 - index)
