"""The layer of rings around cells, in the colours of the classes that a model answers.

napari would colour labels one by one. So the layer's values are classes and not cells, and new
answers change the values: a table of one value a cell, looked up for the pixels of its ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_marrow.imaging.rings import Rings
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes
from napari_marrow.report.colours import ASKED, UNCERTAIN
from napari_marrow.viewer.layer_info import Kind, full_data, linked_info
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.transforms import place_of

IN_GAPS = 255
"""Value of what is between the dashes of an uncertain cell."""
ASKED_ABOUT = 254
"""Value of the ring of the cell that a person is asked about."""


def ring_codes(
    answers: Codes, uncertain: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the values of each cell's dashes, and of what is between them.

    >>> ring_codes(np.array([0, 1, -1]), np.array([False, True, False]))
    (array([1, 2, 0], dtype=uint8), array([  1, 255,   0], dtype=uint8))
    """
    codes = np.where(answers == UNKNOWN, 0, answers + 1).astype(np.uint8)
    return codes, np.where(uncertain & (codes > 0), IN_GAPS, codes).astype(np.uint8)


class RingStack(LazyStack):
    """The rings of all fields of a stack, drawn when a field is shown.

    Parameters
    ----------
    shape
        (fields, height, width).
    """

    def __init__(self, shape: Sequence[int]):
        nothing = partial(np.zeros, shape[1:], np.uint8)
        super().__init__([nothing] * shape[0], tuple(shape[1:]), np.uint8)
        self._rings: dict[int, tuple[Rings, NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def set_rings(
        self, row: int, rings: Rings, codes: NDArray[np.uint8], gaps: NDArray[np.uint8]
    ) -> None:
        """Set what a field shows."""
        self._rings[row] = rings, codes, gaps

    def forget(self, row: int) -> None:
        """Show nothing in a field, as its cells are not known."""
        self._rings.pop(row, None)

    def read(self, row: int) -> NDArray[np.uint8]:
        """Return the rings of a field as they are now."""
        frame = np.zeros(self.shape[1:], np.uint8)
        if (found := self._rings.get(row)) is not None:
            rings, codes, gaps = found
            rings.draw(frame, codes, gaps)
        return frame


def answers_layer(image: Image) -> Labels:
    """Return a layer of rings over a photograph or stack, with none yet."""
    shape = full_data(image).shape[:-1]
    layer = Labels(
        RingStack(shape) if len(shape) == 3 else np.zeros(shape, np.uint8),
        name=f"{image.name} {Kind.ANSWERS}",
        opacity=1,
        **place_of(image),
        metadata=linked_info(image, Kind.ANSWERS).metadata(),
    )
    set_class_colours(layer, ())
    layer.editable = False
    return layer


def set_class_colours(layer: Labels, of_classes: Sequence[str]) -> None:
    """Give a layer of rings the colours of classes, ``#RRGGBB``, in the order of the answers."""
    colours: dict[int | None, str] = {None: "transparent", 0: "transparent", IN_GAPS: UNCERTAIN}
    colours[ASKED_ABOUT] = ASKED
    colours |= dict(enumerate(of_classes, 1))
    layer.colormap = DirectLabelColormap(color_dict=colours)


def show_rings(
    layer: Labels, row: int, rings: Rings, codes: NDArray[np.uint8], gaps: NDArray[np.uint8]
) -> None:
    """Set the rings of a field; they are seen after :func:`redraw`."""
    if isinstance(layer.data, RingStack):
        layer.data.set_rings(row, rings, codes, gaps)
    else:
        layer.data[:] = 0
        rings.draw(layer.data, codes, gaps)


def redraw(layer: Labels) -> None:
    """Draw the rings of the shown field as they are now."""
    layer.refresh(thumbnail=False, highlight=False, extent=False)


def hide_rings(layer: Labels, row: int) -> None:
    """Show no rings in a field, as its cells are not known; seen after :func:`redraw`."""
    if isinstance(layer.data, RingStack):
        layer.data.forget(row)
    else:
        layer.data[:] = 0
