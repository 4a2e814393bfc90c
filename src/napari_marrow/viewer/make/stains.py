"""Photographs recoloured, and their two stains apart, as layers in the place of the photograph.

What is worked out here runs in a worker; the layers are made on the viewer's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import StainSettings, normaliser
from napari_marrow.imaging.stain import MIN_STAINED_DENSITY, separate_stains, stain_vectors
from napari_marrow.viewer.layer_info import (
    RECOLOURED,
    STAINS,
    Kind,
    LayerInfo,
    full_data,
    layer_fields,
    layer_id,
    origin_fields,
)
from napari_marrow.viewer.make.layers import warn_once
from napari_marrow.viewer.photograph.annotations import field_class
from napari_marrow.viewer.photograph.labelling import Target
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.transforms import place_of

MOST = 0.995
"""Quantile of a stain's amounts that is shown in its full colour; a few dark specks are more."""


@dataclass(frozen=True)
class Split:
    """The two stains of a photograph or stack, that of nuclei first.

    Attributes
    ----------
    amounts
        Of each stain (height, width) or (fields, height, width), float32, in optical density.
    vectors
        (2, 3), what each stain absorbs in red, green and blue.
    most
        The amount of each that is shown in full colour.
    """

    amounts: tuple[Any, Any]
    vectors: NDArray[np.float32]
    most: tuple[float, float]


def recoloured(
    target: Target, row: int, settings: StainSettings, reference: NDArray[np.uint8] | None
) -> Any:
    """The photograph as the settings want it; of a stack each slice when it is looked at.

    Parameters
    ----------
    target
        The photograph or stack.
    row
        The slice that is shown: one that can't be recoloured is an error now.
    settings, reference
        As :func:`normaliser` takes them.

    Raises
    ------
    MarrowError
        When the settings can't work, or reference or slice can't be matched.
    """
    recolour = normaliser(settings, reference)
    shown = recolour(target.image(row))
    if target.data.ndim == 3:
        return shown
    return _stack(target, row, recolour, shown)


def split(target: Target, row: int) -> Split:
    """The two stains by vectors and limits from the slice that is shown, alike for all slices.

    Raises
    ------
    MarrowError
        When that slice is empty or holds no nuclei.
    """
    image = target.image(row)
    vectors = stain_vectors(image)
    shown = separate_stains(image, vectors)
    high = np.quantile(shown[::2, ::2], MOST, axis=(0, 1))
    most = (max(float(high[0]), MIN_STAINED_DENSITY), max(float(high[1]), MIN_STAINED_DENSITY))
    if target.data.ndim == 3:
        first, second = np.ascontiguousarray(shown.transpose(2, 0, 1))
        return Split((first, second), vectors, most)
    # Both stains of a field are worked out at once, so their layers share what is kept of it.
    both = _stack(target, row, partial(separate_stains, vectors=vectors), shown)
    frame, warn = both.shape[1:3], warn_once()
    first, second = (
        LazyStack(
            [partial(_one, both, r, stain) for r in range(len(both))],
            frame,
            np.float32,
            warn=warn,
        )
        for stain in range(2)
    )
    return Split((first, second), vectors, most)


def _one(both: LazyStack, row: int, stain: int) -> NDArray[np.float32]:
    return both.read(row)[..., stain]


def _stack(
    target: Target, row: int, make: Callable[[NDArray[np.uint8]], NDArray], shown: NDArray
) -> LazyStack:
    """What ``make`` gives of every slice; ``shown`` is what it gave of ``row``."""
    frame = (*target.data.shape[1:3], shown.shape[-1])

    def read(number: int) -> NDArray:
        image = target.image(number)
        try:
            return make(image)
        except MarrowError as error:
            name = target.fields[number].name if target.fields else f"Slice {number}"
            raise MarrowError(f"{name}: {error}") from error

    readers = [partial(read, r) for r in range(len(target))]
    stack = LazyStack(readers, frame, shown.dtype, warn=warn_once())
    stack.put(row, shown)  # so that adding the layer doesn't work it out once more
    return stack


def recoloured_layer(image: Image, data: Any, method: str) -> Image:
    """The layer of :func:`recoloured` pixels."""
    return Image(data, rgb=True, **_place(image, Kind(method)))


def stain_layers(image: Image, found: Split) -> list[Image]:
    """Two layers that show each stain as it would look alone, and together both.

    Light that comes through two stains is the product of what each lets through; so is the blending
    of the layers, over white.
    """
    layers = []
    for number, name in enumerate(STAINS):
        most = found.most[number]
        layer = Image(
            found.amounts[number],
            colormap=stain_colormap(f"{name} of {image.name}", found.vectors[number], most),
            contrast_limits=(0, most),
            blending="multiplicative",
            **_place(image, name),
        )
        layer.contrast_limits_range = (0, 2 * most)  # room for a field that has more of it
        layers.append(layer)
    return layers


def stain_colormap(name: str, vector: NDArray[np.floating], most: float) -> Colormap:
    """From white, no stain, to the colour that ``most`` of it leaves of white light."""
    amounts = np.linspace(0, most, 64)[:, None]
    return Colormap(np.clip(10 ** -(amounts * vector), 0, 1), name=name)


def _place(image: Image, kind: Kind) -> dict[str, Any]:
    """Name, place and origin of an image that was made from a photograph."""
    rows = range(full_data(image).shape[0] if image.ndim == 3 else 1)
    info = LayerInfo(
        kind=kind,
        photograph=layer_id(image),
        # A training that takes the image knows by its fields that the photograph is its source.
        fields=tuple(layer_fields(image) or origin_fields(image)),
        classes={row: name for row in rows if (name := field_class(image, row)) is not None},
    )
    return {
        "name": f"{image.name} {kind}",
        "metadata": info.metadata(),
        **place_of(image),
    }


def show_made(viewer: Any, image: Image, layers: list[Image], kinds: tuple[Kind, ...]) -> None:
    """Put images just above the photograph they were made from, in place of earlier ones.

    Masks stay above them. The photograph and other images made from it are hidden.

    Parameters
    ----------
    viewer
        Where the photograph is.
    image
        The photograph.
    layers
        The images made from it, the lowest first.
    kinds
        The kinds of earlier images that they replace.
    """
    identity = layer_id(image)
    for layer in list(viewer.layers):
        info = LayerInfo.of(layer)
        if info.photograph != identity or info.kind not in (*RECOLOURED, *STAINS):
            continue
        if info.kind in kinds:
            viewer.layers.remove(layer)
        else:
            layer.visible = False
    image.visible = False
    for layer in reversed(layers):
        viewer.layers.insert(viewer.layers.index(image) + 1, layer)
    viewer.layers.selection.active = layers[0]
