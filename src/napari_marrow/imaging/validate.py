"""Checks of the arrays that image functions take; each raises one sentence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_marrow.data.errors import MarrowError


def checked_photograph(image: ArrayLike) -> NDArray[np.uint8]:
    """Return the photograph as RGB; alpha is dropped, as it is in reading files.

    Raises
    ------
    MarrowError
        When it is grey, empty, or of another type than uint8.
    """
    image = np.asarray(image)
    has_channels = image.ndim == 3 and image.shape[2] in (3, 4)
    if image.dtype != np.uint8 or not has_channels or not image.size:
        raise MarrowError(
            f"The image holds {image.dtype} values of the shape {image.shape}; "
            "give a colour photograph, (height, width, 3) of uint8."
        )
    return image[..., :3]


def checked_labels(
    labels: ArrayLike,
    shape: tuple[int, ...],
    name: str = "nuclei",
    *,
    allow_bool: bool = False,
) -> NDArray:
    """Return instance labels of a photograph of this shape as an array.

    Parameters
    ----------
    labels
        (height, width), whole numbers from 0.
    shape
        Shape of the photograph.
    name
        What the error message calls them.
    allow_bool
        Whether a mask of booleans is accepted too.

    Raises
    ------
    MarrowError
        When they are of another size, no whole numbers, or below 0.
    """
    labels = np.asarray(labels)
    is_valid = labels.dtype.kind in ("iub" if allow_bool else "iu") and labels.shape == shape[:2]
    if not is_valid or (labels.dtype.kind == "i" and labels.min(initial=0) < 0):
        raise MarrowError(
            f"The {name} are {labels.dtype} values of the shape {labels.shape}; "
            f"give whole numbers from 0 of their photograph's shape, {tuple(shape[:2])}."
        )
    return labels
