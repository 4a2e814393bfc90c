"""Where layers lie: over the photograph that they belong to, however that was moved and turned."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from napari.layers import Layer
from napari.utils.transforms import Affine, CompositeAffine
from numpy.typing import ArrayLike, NDArray


class Place(TypedDict, total=False):
    """Keyword arguments that place a layer in the world, as napari's layers take them."""

    scale: NDArray[np.float64]
    translate: NDArray[np.float64]
    rotate: NDArray[np.float64]
    shear: NDArray[np.float64]
    affine: NDArray[np.float64]
    units: tuple[object, ...]
    axis_labels: tuple[str, ...]


def place_of(image: Layer) -> Place:
    """Return the place of a layer of the photograph's shape: the photograph's, in its units."""
    place = _place(image, image.affine)
    return {**place, "units": image.units, "axis_labels": image.axis_labels}


def slice_place_of(image: Layer, step: ArrayLike = 1, offset: ArrayLike = (0, 0)) -> Place:
    """Return the place of a picture over one slice of a photograph's layer.

    Parameters
    ----------
    image
        The photograph or stack.
    step, offset
        Size of the picture's pixels, and place of its first one, in pixels of the photograph.
    """
    own, affine = _of_a_slice(image)
    return {
        **_place(own, affine),
        "scale": own.scale * np.asarray(step),
        "translate": own.translate + own.linear_matrix @ np.asarray(offset),
        "units": image.units[-2:],  # napari can crash where those of layers differ
        "axis_labels": image.axis_labels[-2:],
    }


def stack_place_of(image: Layer) -> Place:
    """Return the place of a stack of which every slice lies over those of a photograph's layer."""
    own, affine = (transform.expand_dims([0]) for transform in _of_a_slice(image))
    return {**_place(own, affine), "units": ("pixel", *image.units[-2:])}


def _place(own: Layer | CompositeAffine, affine: Affine) -> Place:
    return {
        "scale": own.scale,
        "translate": own.translate,
        "rotate": own.rotate,
        "shear": own.shear,
        "affine": affine.affine_matrix,  # layers that got the object itself would share it
    }


def _of_a_slice(image: Layer) -> tuple[CompositeAffine, Affine]:
    """From the pixels of a slice to the world: the layer's own transform, and its ``affine``."""
    own = CompositeAffine(
        scale=image.scale,
        translate=image.translate,
        rotate=image.rotate,
        shear=image.shear,
        ndim=image.ndim,
    )
    axes = [image.ndim - 2, image.ndim - 1]
    return own.set_slice(axes), image.affine.set_slice(axes)
