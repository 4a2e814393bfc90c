"""Geometric operations of augmentation: crop, translate, rotate, distort.

Each takes a photograph, (height, width, 3) uint8, or a mask or labels, (height, width) of any
dtype, and returns a new array. Photographs are interpolated bilinearly, masks and labels take the
nearest pixel, so they hold no value that was not there. Beyond its edges an array is mirrored.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

NODES_PER_SIDE = 16
"""Intervals between nodes of a distortion along the shorter side."""
SMOOTHING_NODES = 2.0
"""Standard deviation of the Gaussian that smooths a distortion, in intervals between nodes."""


def crop_border(array: NDArray, fraction: float) -> NDArray:
    """Cut a fraction of the height off at top and bottom, and of the width at left and right.

    The rest is not enlarged: a nucleus keeps its size in pixels. At least one pixel stays.
    """
    height, width = array.shape[:2]
    rows, columns = (min(round(fraction * n), (n - 1) // 2) for n in (height, width))
    return array[rows : height - rows, columns : width - columns].copy()


def translate(array: NDArray, down: int, right: int) -> NDArray:
    """Shift by whole pixels; negative is up and left."""
    height, width = array.shape[:2]
    padding = ((max(down, 0), max(-down, 0)), (max(right, 0), max(-right, 0)), (0, 0))
    padded = np.pad(array, padding[: array.ndim], mode="symmetric")
    top, left = max(-down, 0), max(-right, 0)
    return padded[top : top + height, left : left + width].copy()


def rotate(array: NDArray, degrees: float) -> NDArray:
    """Rotate about the centre, counter-clockwise; the size stays."""
    height, width = array.shape[:2]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows = math.ceil(abs(sine) * width / 2) + 1  # the corners reach no farther than this
    columns = math.ceil(abs(sine) * height / 2) + 1
    left = columns + width / 2 - (cosine * width - sine * height) / 2
    top = rows + height / 2 - (sine * width + cosine * height) / 2
    matrix = (cosine, -sine, left, sine, cosine, top)  # of the result, in the padded array
    padding = ((rows, rows), (columns, columns), (0, 0))

    def draw(pixels: NDArray, resampling: Image.Resampling) -> Image.Image:
        padded = Image.fromarray(np.pad(pixels, padding[: pixels.ndim], mode="symmetric"))
        return padded.transform((width, height), Image.Transform.AFFINE, matrix, resampling)

    return _resample(array, draw)


def draw_displacements(
    shape: tuple[int, int], strength: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw smooth displacements of a grid of nodes over an image; the image's edges stay.

    After Simard, Steinkraus and Platt (Best practices for convolutional neural networks, ICDAR
    2003, section 2): noise smoothed by a Gaussian, here of an eighth of the shorter side.

    Parameters
    ----------
    shape
        Height and width of the image.
    strength
        The largest displacement, as a fraction of the shorter side.
    generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (rows, columns, 2)
        Down and right, in pixels.
    """
    step = max(min(shape) / NODES_PER_SIDE, 1)
    nodes = [max(round(n / step), 1) + 1 for n in shape]
    noise = generator.standard_normal((*nodes, 2))
    moves = gaussian_filter(noise, (SMOOTHING_NODES, SMOOTHING_NODES, 0))
    from_edge = [np.minimum(np.arange(n), np.arange(n)[::-1]) for n in nodes]
    moves *= (np.minimum.outer(*from_edge).clip(max=3) / 3)[..., None]
    largest = np.abs(moves).max()
    return moves * (strength * min(shape) / largest if largest > 0 else 0)


def distort(array: NDArray, moves: NDArray[np.float64]) -> NDArray:
    """Distort elastically: each pixel shows what is displaced from it by ``moves``.

    Parameters
    ----------
    array
        Photograph, mask or labels.
    moves
        Of :func:`draw_displacements`; between the nodes they are interpolated bilinearly.
    """
    height, width = array.shape[:2]
    rows, columns = (
        np.rint(np.linspace(0, n, count)).astype(int).tolist()
        for n, count in zip((height, width), moves.shape[:2], strict=True)
    )
    y = (np.reshape(rows, (-1, 1)) + moves[..., 0]).clip(0, height).tolist()
    x = (columns + moves[..., 1]).clip(0, width).tolist()
    meshes = []
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            box = (columns[j], rows[i], columns[j + 1], rows[i + 1])
            corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
            meshes.append((box, tuple(v[a][b] for a, b in corners for v in (x, y))))

    def draw(pixels: NDArray, resampling: Image.Resampling) -> Image.Image:
        image = Image.fromarray(pixels)
        return image.transform(image.size, Image.Transform.MESH, meshes, resampling)

    return _resample(array, draw)


def _resample(array: NDArray, draw: Callable[[NDArray, Image.Resampling], Image.Image]) -> NDArray:
    """Let Pillow move the pixels; of masks and labels their positions, whatever their dtype."""
    if array.ndim == 3:
        return np.array(draw(array, Image.Resampling.BILINEAR))
    positions = np.arange(array.size, dtype=np.int32).reshape(array.shape)
    return np.take(array, np.asarray(draw(positions, Image.Resampling.NEAREST)))
