"""Where layers lie: over the photograph that they belong to, however that was moved and turned."""

from __future__ import annotations

from itertools import product
from typing import TypedDict

import numpy as np
from napari.layers import Layer
from napari.utils.transforms import Affine, CompositeAffine
from numpy.typing import ArrayLike, NDArray

from napari_marrow.viewer.layer_info import full_data

MAX_OFFSET_PX = 0.5
"""Between a layer and the photograph below it, anywhere; less changes no pixel."""


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


def crop_place_of(image: Layer, row: int, step: float, offset: tuple[float, float]) -> Place:
    """Return the place of a picture over a part of one slice of a photograph's layer.

    In a stack the picture has an axis of fields, too, of one field: it is shown with its slice.

    Parameters
    ----------
    image
        The photograph or stack.
    row
        The slice.
    step, offset
        Size of the picture's pixels, and place of its first one, in pixels of the photograph.
    """
    before = image.ndim - 2
    own = _own_transform(image)
    return {
        **_place(own, image.affine),
        "scale": own.scale * np.array([1] * before + [step] * 2),
        "translate": own.translate + own.linear_matrix @ np.array([row] * before + [*offset]),
        "units": image.units,
        "axis_labels": image.axis_labels,
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
    axes = [image.ndim - 2, image.ndim - 1]
    return _own_transform(image).set_slice(axes), image.affine.set_slice(axes)


def _own_transform(layer: Layer) -> CompositeAffine:
    return CompositeAffine(
        scale=layer.scale,
        translate=layer.translate,
        rotate=layer.rotate,
        shear=layer.shear,
        ndim=layer.ndim,
    )


def lies_over(image: Layer, layer: Layer) -> bool:
    """Return whether a layer has the shape of a photograph's layer and its place, to half a pixel.

    What is seen at a pixel of the one is then at the same pixel of the other.
    """
    shape = full_data(image).shape[: image.ndim]
    if tuple(full_data(layer).shape) != tuple(shape):
        return False
    corners = np.array([*product(*((0, length - 1) for length in shape), [1])]).T
    in_image = np.linalg.solve(_to_world(image), _in_units(layer, image) @ _to_world(layer))
    return bool(np.abs((in_image - np.eye(len(in_image))) @ corners).max() < MAX_OFFSET_PX)


def overlaps(image: Layer, layer: Layer) -> bool:
    """Return whether two layers have a part of the plane of the slices in common."""
    (low, high), (other_low, other_high) = (x.extent.world[:, -2:] for x in (image, layer))
    return bool((low <= other_high).all() and (other_low <= high).all())


def _to_world(layer: Layer) -> NDArray[np.float64]:
    """The matrix from pixels of a layer to the world, in homogeneous coordinates."""
    return layer.affine.affine_matrix @ _own_transform(layer).affine_matrix


def _in_units(layer: Layer, image: Layer) -> NDArray[np.float64]:
    """The matrix from units of a layer to those of an image; where one can't be, no difference."""
    pairs = list(zip(layer.units, image.units, strict=True))
    if any(unit.dimensionality != other.dimensionality for unit, other in pairs):
        return np.eye(layer.ndim + 1)
    return np.diag([*((1 * unit).to(other).magnitude for unit, other in pairs), 1])
