"""Where layers lie: over the photograph that they belong to, however that was moved and turned."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer
from napari.utils.transforms import CompositeAffine


def place_of(image: Layer) -> dict[str, Any]:
    """Where a layer of the photograph's shape lies: as the photograph does, in the same units."""
    return {
        "scale": image.scale,
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": image.affine.affine_matrix,  # layers that got the object itself would share it
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def slice_place_of(
    image: Layer, step: int = 1, offset: tuple[float, float] = (0, 0)
) -> dict[str, Any]:
    """Where a picture lies over one slice of a photograph's layer.

    Parameters
    ----------
    image
        The photograph or stack.
    step, offset
        Width of the picture's pixels, and place of its first one, in pixels of the photograph.
    """
    own = _whole(image).set_slice([image.ndim - 2, image.ndim - 1])
    return {
        "scale": own.scale * step,
        "translate": own.translate + own.linear_matrix @ offset,
        "rotate": own.rotate,
        "shear": own.shear,
        "affine": _slice_affine(image).affine_matrix,
        "units": image.units[-2:],  # napari can crash where those of layers differ
        "axis_labels": image.axis_labels[-2:],
    }


def stack_place_of(image: Layer) -> dict[str, Any]:
    """Where a stack lies of which every slice lies over those of a photograph's layer."""
    own = _whole(image).set_slice([image.ndim - 2, image.ndim - 1]).expand_dims([0])
    return {
        "scale": own.scale,
        "translate": own.translate,
        "rotate": own.rotate,
        "shear": own.shear,
        "affine": _slice_affine(image).expand_dims([0]).affine_matrix,
        "units": ("pixel", *image.units[-2:]),
    }


def _whole(image: Layer) -> CompositeAffine:
    """From pixels to the world, but for the layer's ``affine``."""
    return CompositeAffine(
        scale=image.scale,
        translate=image.translate,
        rotate=image.rotate,
        shear=image.shear,
        ndim=image.ndim,
    )


def _slice_affine(image: Layer) -> Any:
    return image.affine.set_slice([image.ndim - 2, image.ndim - 1])
