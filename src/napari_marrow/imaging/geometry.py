"""Where pixels go: turns, mirrors, shifts and distortions, of an image and its masks alike.

Every function takes an array of the shape (height, width) or (height, width, channels) and any
dtype, and gives a new one that shares no memory with it. No value is made that was not there, but
in photographs that :func:`rotated` and :func:`distorted` draw between their pixels. What comes in
at an edge is the array mirrored there, so photographs get no frame, and masks still lie on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from napari_marrow.imaging.bands import in_bands
from napari_marrow.imaging.shears import rotated_by_shears

_BLOCK = 32
"""Rows that are turned at a time: their sources stay in the cache."""
_NODES = 16
"""Parts of the shorter side between the nodes of a distortion."""


def turned(array: NDArray, quarters: int) -> NDArray:
    """Turn by so many times 90 degrees counter-clockwise; no pixel is lost, none changes.

    ``turned(turned(a, k), -k)`` is ``a``.
    """
    if quarters % 2 == 0:
        return mirrored(array[::-1]) if quarters % 4 else array.copy()
    view = np.rot90(array, quarters, axes=(0, 1))
    out = np.empty(view.shape, array.dtype)
    source, target = _whole_pixels(array), _whole_pixels(out)
    source = np.rot90(source, quarters)
    for top in range(0, len(target), _BLOCK):
        target[top : top + _BLOCK] = source[top : top + _BLOCK]
    return out


def mirrored(array: NDArray) -> NDArray:
    """Swap left and right; twice gives the array back."""
    if array.ndim == 2:
        return array[:, ::-1].copy()
    out = np.empty(array.shape, array.dtype)

    def copy(top: int, bottom: int) -> None:
        for channel in range(array.shape[2]):  # twice as fast as all of them at a time
            out[top:bottom, :, channel] = array[top:bottom, ::-1, channel]

    in_bands(copy, len(array))
    return out


def flipped(array: NDArray) -> NDArray:
    """Swap top and bottom; twice gives the array back."""
    return array[::-1].copy()


def without_border(array: NDArray, part: float) -> NDArray:
    """Cut ``part`` of the height off at top and bottom, and of the width at left and right.

    The rest is not enlarged: a nucleus keeps its size in pixels. At least one pixel stays.
    """
    rows, columns = (min(round(part * n), (n - 1) // 2) for n in array.shape[:2])
    height, width = array.shape[:2]
    return array[rows : height - rows, columns : width - columns].copy()


def shifted(array: NDArray, down: int, right: int) -> NDArray:
    """Shift by whole pixels, mirrored where nothing came from; negative is up and left.

    Shifts that reach the height or width are taken as one pixel less than that.
    """
    height, width = array.shape[:2]
    down = max(1 - height, min(down, height - 1))
    right = max(1 - width, min(right, width - 1))
    kept = array[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    return _padded(kept, ((max(down, 0), max(-down, 0)), (max(right, 0), max(-right, 0))))


def rotated(array: NDArray, degrees: float) -> NDArray:
    """Rotate about the centre, counter-clockwise, by a small angle; the size stays.

    Photographs (uint8 with three channels) are drawn between their pixels; of all others each pixel
    takes the nearest.

    Parameters
    ----------
    array
        (height, width) or (height, width, channels).
    degrees
        From -45 to 45; turn by a quarter before for more.

    Raises
    ------
    ValueError
        For a larger angle.
    """
    if not -45 <= degrees <= 45:
        raise ValueError(f"the angle is {degrees} degrees; it must be from -45 to 45")
    if _is_photograph(array):
        return rotated_by_shears(array, degrees)
    height, width = array.shape[:2]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows = math.ceil(abs(sine) * width / 2) + 1  # the corners reach no farther than this
    columns = math.ceil(abs(sine) * height / 2) + 1
    padded = _padded(array, ((rows, rows), (columns, columns)))
    # from a pixel of the new image, (x, y, 1), to the place in the padded one
    left = columns + width / 2 - (cosine * width - sine * height) / 2
    top = rows + height / 2 - (sine * width + cosine * height) / 2
    place = (cosine, -sine, left, sine, cosine, top)
    return _nearest(
        padded,
        lambda picture: picture.transform((width, height), Image.Transform.AFFINE, place),
    )


def displacements(
    shape: tuple[int, int], strength: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw how far the nodes of a net over an image move, smoothly, and not at all at its edges.

    After Simard, Steinkraus and Platt (Best practices for convolutional neural networks, ICDAR
    2003, section 2): noise smoothed by a Gaussian, here of two nodes, an eighth of the shorter
    side.

    Parameters
    ----------
    shape
        Height and width of the image.
    strength
        The largest displacement, in parts of the shorter side.
    generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of float64, shape (rows, columns, 2)
        Down and right, in pixels.
    """
    height, width = shape
    step = max(min(shape) / _NODES, 1)
    nodes = [max(round(n / step), 1) + 1 for n in (height, width)]
    moves = gaussian_filter(generator.standard_normal((*nodes, 2)), (2, 2, 0))
    away = [np.minimum(np.arange(n), np.arange(n)[::-1]) for n in nodes]
    moves *= (np.minimum.outer(*away).clip(max=3) / 3)[..., None]
    largest = np.abs(moves).max()
    return moves * (strength * min(shape) / largest if largest > 0 else 0)


def distorted(array: NDArray, moves: NDArray[np.float64]) -> NDArray:
    """Draw an array as if it had been printed on rubber; see :func:`displacements`.

    Photographs (uint8 with three channels) are drawn between their pixels, bilinearly; of all
    others each pixel takes the nearest.
    """
    if _is_photograph(array):
        return np.array(_through_net(Image.fromarray(array), moves, Image.Resampling.BILINEAR))
    return _nearest(array, lambda picture: _through_net(picture, moves, Image.Resampling.NEAREST))


def _nearest(array: NDArray, draw: Callable[[Image.Image], Image.Image]) -> NDArray:
    """Let ``draw`` take pixels of an array of any dtype from one place to another.

    Pillow moves pixels of one byte and of four, whatever they mean; others go in such parts.
    """
    if array.ndim == 3:
        return np.stack([_nearest(array[..., c], draw) for c in range(array.shape[2])], axis=-1)
    size = array.dtype.itemsize
    array = np.ascontiguousarray(array)
    if size == 1:
        return np.array(draw(Image.fromarray(array.view(np.uint8)))).view(array.dtype)
    if size == 2:
        return (
            _nearest(array.view(np.uint16).astype(np.uint32), draw).astype("u2").view(array.dtype)
        )
    parts = array[..., None].view(np.uint8)
    drawn = [
        np.array(draw(Image.fromarray(np.ascontiguousarray(parts[..., k : k + 4]), "RGBX")))
        for k in range(0, size, 4)
    ]
    return np.concatenate(drawn, axis=-1).view(array.dtype)[..., 0]


def _through_net(
    picture: Image.Image, moves: NDArray[np.float64], resampling: Image.Resampling
) -> Image.Image:
    """Fill each mesh of the net from where its four corners lie in the picture."""
    width, height = picture.size
    rows, columns = (
        np.rint(np.linspace(0, n, count)).astype(int)
        for n, count in zip((height, width), moves.shape[:2], strict=True)
    )
    y, x = rows[:, None] + moves[..., 0], columns + moves[..., 1]
    y, x = y.clip(0, height), x.clip(0, width)
    meshes = []
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            box = (int(columns[j]), int(rows[i]), int(columns[j + 1]), int(rows[i + 1]))
            corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
            meshes.append((box, tuple(float(v) for c in corners for v in (x[c], y[c]))))
    return picture.transform(picture.size, Image.Transform.MESH, meshes, resampling)


def _whole_pixels(array: NDArray) -> NDArray:
    """The same memory with one item a pixel, where its channels lie side by side; 2-D as it is."""
    if array.ndim == 2:
        return array
    array = np.ascontiguousarray(array)
    return array.view(np.dtype((np.void, array.shape[2] * array.itemsize)))[..., 0]


def _is_photograph(array: NDArray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3


def _padded(array: NDArray, widths: tuple[tuple[int, int], tuple[int, int]]) -> NDArray:
    """Mirror an array over its edges; the pixel at the edge is there twice."""
    return np.pad(array, (*widths, *((0, 0),) * (array.ndim - 2)), mode="symmetric")
