"""What functions that work on a photograph ask of it, said in a sentence when it is not so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError


def checked_photograph(image: Any) -> NDArray[np.uint8]:
    """The photograph as RGB; alpha is dropped, as it is in reading files.

    Raises
    ------
    MarrowError
        When it is grey, empty, or of another type than uint8.
    """
    image = np.asarray(image)
    colours = image.ndim == 3 and image.shape[2] in (3, 4)
    if image.dtype != np.uint8 or not colours or not image.size:
        raise MarrowError(
            f"The image holds {image.dtype} values of the shape {image.shape}; "
            "give a colour photograph, (height, width, 3) of uint8."
        )
    return image[..., :3]


def checked_labels(
    labels: Any, shape: tuple[int, ...], name: str = "nuclei"
) -> NDArray[np.integer]:
    """Instance labels of a photograph of this shape, as an array; ``name`` is for the sentence.

    Raises
    ------
    MarrowError
        When they are of another size, no whole numbers, or below 0.
    """
    labels = np.asarray(labels)
    fitting = labels.dtype.kind in "iu" and labels.shape == shape[:2]
    if not fitting or (labels.dtype.kind == "i" and labels.min(initial=0) < 0):
        raise MarrowError(
            f"The {name} are {labels.dtype} values of the shape {labels.shape}; "
            f"give whole numbers from 0 of their photograph's shape, {tuple(shape[:2])}."
        )
    return labels
