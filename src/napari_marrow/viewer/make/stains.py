"""Photographs recoloured, and their two stains apart, as layers in the place of the photograph.

Pixels are computed in a worker; the layers are made on the viewer's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import napari
import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.imaging.normalise import StainSettings, normaliser
from napari_marrow.imaging.stain import MIN_STAINED_DENSITY, separate_stains, stain_vectors
from napari_marrow.viewer.layer_info import (
    RECOLOURED,
    STAINS,
    Kind,
    LayerInfo,
    layer_id,
)
from napari_marrow.viewer.make.layers import warn_once
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import LazyStack, Pixels
from napari_marrow.viewer.transforms import place_of

FULL_COLOUR_QUANTILE = 0.995
"""Quantile of a stain's density that is shown in its full colour; a few dark specks are more."""


@dataclass(frozen=True, eq=False)
class SeparatedStain:
    """One stain of a photograph or stack.

    Attributes
    ----------
    density
        (height, width) or (fields, height, width), float32, in optical density.
    vector
        (3,), the stain's absorption in red, green and blue.
    high
        The density that is shown in full colour.
    """

    density: Pixels
    vector: NDArray[np.float32]
    high: float


def first_readable(photograph: Photograph, row: int) -> tuple[int, list[str]]:
    """Return the slice that is shown, or the next one where it can't be read, and why not.

    Raises
    ------
    MarrowError
        When no slice can be read.
    """
    failures = Failures()
    for number in (*range(row, len(photograph)), *range(row)):
        with failures.leaving_out(photograph.field(number).name):
            photograph.image(number)
            break
    failures.check_some_left(len(photograph))
    return number, [f"{failure.reason} It is shown empty." for failure in failures.found]


def recoloured(
    photograph: Photograph,
    row: int,
    settings: StainSettings,
    reference: NDArray[np.uint8] | None,
) -> Pixels:
    """Return the photograph as the settings want it; of a stack each slice when it is looked at.

    Parameters
    ----------
    photograph
        The photograph or stack.
    row
        A slice that can be read, best the one that is shown: where it can't be recoloured, that is
        an error now.
    settings, reference
        As :func:`normaliser` takes them.

    Raises
    ------
    MarrowError
        When the settings can't work, or reference or slice can't be matched.
    """
    recolour = normaliser(settings, reference)
    shown = recolour(photograph.image(row))
    return _stack(photograph, row, recolour, shown) if photograph.is_stack else shown


def split(photograph: Photograph, row: int) -> tuple[SeparatedStain, SeparatedStain]:
    """Return the stain of nuclei and the counterstain.

    Vectors and limits are those of the slice ``row``, alike for all slices.

    Raises
    ------
    MarrowError
        When that slice is empty or holds no nuclei.
    """
    image = photograph.image(row)
    vectors = stain_vectors(image)
    shown = separate_stains(image, vectors)
    high = np.quantile(shown[::2, ::2], FULL_COLOUR_QUANTILE, axis=(0, 1))
    # Both stains of a field are computed at once, so their layers share what is kept of it.
    both, warn = None, warn_once()
    if photograph.is_stack:
        both = _stack(photograph, row, partial(separate_stains, vectors=vectors), shown)

    def stain(k: int) -> SeparatedStain:
        density: Pixels = np.ascontiguousarray(shown[..., k])
        if both is not None:
            readers = [partial(_channel, both, r, k) for r in range(len(both))]
            density = LazyStack(readers, both.shape[1:3], np.float32, warn=warn)
        return SeparatedStain(density, vectors[k], max(float(high[k]), MIN_STAINED_DENSITY))

    return stain(0), stain(1)


def _channel(stack: LazyStack, row: int, channel: int) -> NDArray[np.float32]:
    return stack.read(row)[..., channel]


def _stack(
    photograph: Photograph,
    row: int,
    make: Callable[[NDArray[np.uint8]], NDArray],
    shown: NDArray,
) -> LazyStack:
    """What ``make`` gives of every slice; ``shown`` is what it gave of ``row``."""

    def read(number: int) -> NDArray:
        image = photograph.image(number)
        try:
            return make(image)
        except MarrowError as error:
            files = photograph.files
            name = files[number].name if files else f"Slice {number}"
            raise MarrowError(f"{name}: {error}") from error

    frame = (*photograph.data.shape[1:3], shown.shape[-1])
    readers = [partial(read, r) for r in range(len(photograph))]
    stack = LazyStack(readers, frame, shown.dtype, warn=warn_once())
    stack.put(row, shown)  # so that adding the layer doesn't compute it once more
    return stack


def recoloured_layer(photograph: Photograph, data: Pixels, method: str) -> Image:
    """Return the layer of :func:`recoloured` pixels."""
    return _layer(photograph, Kind(method), data, rgb=True)


def stain_layers(
    photograph: Photograph, stains: tuple[SeparatedStain, SeparatedStain]
) -> list[Image]:
    """Return two layers that show each stain as it would look alone, and together both.

    Light that comes through two stains is the product of what each lets through; so is the blending
    of the layers, over white.
    """
    layers = []
    for kind, stain in zip(STAINS, stains, strict=True):
        layer = _layer(
            photograph,
            kind,
            stain.density,
            colormap=stain_colormap(f"{kind} of {photograph.name}", stain.vector, stain.high),
            contrast_limits=(0, stain.high),
            blending="multiplicative",
        )
        layer.contrast_limits_range = (0, 2 * stain.high)  # room for a field that has more of it
        layers.append(layer)
    return layers


def stain_colormap(name: str, vector: NDArray[np.floating], high: float) -> Colormap:
    """Return the colours from white, no stain, to what a density of ``high`` leaves of white."""
    densities = np.linspace(0, high, 64)[:, None]
    return Colormap(np.clip(10 ** -(densities * vector), 0, 1), name=name)


def _layer(photograph: Photograph, kind: Kind, data: Pixels, **options: object) -> Image:
    """A layer over a photograph that was made from it, of the same source and classes."""
    identity = layer_id(photograph.layer)
    info = LayerInfo(
        kind=kind,
        photograph=identity,
        # A training that takes the image knows by these that the photograph is its source.
        root=photograph.info.root,
        fields=photograph.files or photograph.origin,
        class_tables=photograph.info.class_tables,
        products=tuple(
            replace(x, name=f"{x.name} {kind}", layer=identity, row=row)
            for row, x in enumerate(photograph.products)
        ),
        made_of_classes=dict(enumerate(photograph.classes)),
    )
    options |= {"name": f"{photograph.name} {kind}", "metadata": info.metadata()}
    return Image(data, **options, **place_of(photograph.layer))


def show_made(
    viewer: napari.Viewer, image: Image, layers: list[Image], kinds: Sequence[Kind]
) -> None:
    """Put images just above the photograph they were made from, in place of earlier ones.

    Masks stay above them. The photograph and other images made from it are hidden, so that
    only what a person ticked of it stays chosen.

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
