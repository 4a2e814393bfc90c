"""Images brought to another size: smaller by averaging, larger by drawing lines between pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def shrink_factor(shape: tuple[int, ...], longest: int) -> int:
    """The whole number by which to thin an image so that its longer side is about ``longest``."""
    return max(1, round(max(shape[:2]) / longest))


def resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize an RGB image to ``size`` (height, width); shrinking averages, as a camera would.

    Pillow's box filter, after its own integer reduction, which is what makes a full field cheap.
    Enlarging is bilinear: squares of equal pixels would be edges that nobody photographed.
    """
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(image))
    if height >= image.shape[0] and width >= image.shape[1]:
        return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    small = picture.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small)


def enlarge(array: NDArray, factor: int, shape: tuple[int, ...]) -> NDArray:
    """Undo thinning by ``factor``: every value stands for a square of pixels, cut to ``shape``."""
    wide = np.repeat(array, factor, axis=1)  # columns first: rows are then copied whole
    return np.repeat(wide, factor, axis=0)[: shape[0], : shape[1]]


def working_copy(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Shrink an RGB image by a whole factor; each pixel is the mean of a square of pixels."""
    height, width = image.shape[:2]
    return resize(image, (max(1, height // factor), max(1, width // factor)))


def stretch(array: NDArray, shape: tuple[int, int]) -> NDArray:
    """A mask or labels at another size, by the nearest pixels; values stay what they are."""
    (height, width), (old_height, old_width) = shape, array.shape
    rows = (np.arange(height) + 0.5) * old_height / height
    columns = (np.arange(width) + 0.5) * old_width / width
    return array[rows.astype(np.intp)[:, None], columns.astype(np.intp)]
