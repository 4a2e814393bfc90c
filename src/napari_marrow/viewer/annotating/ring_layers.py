"""The layers of rings of the photographs that are annotated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image, Labels

from napari_marrow.imaging.rings import Rings
from napari_marrow.learning.annotating.arranging import CellFilter, filtered
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.report.colours import UNCERTAIN
from napari_marrow.viewer.annotating.measuring_queue import Key
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.make.answers import (
    ASKED_ABOUT,
    answers_layer,
    hide_rings,
    redraw,
    ring_codes,
    set_class_colours,
    show_rings,
)


class RingLayers:
    """Shows the answers for the cells of a session as rings, in a layer over each photograph.

    Parameters
    ----------
    session
        Whose photographs they lie over.

    Attributes
    ----------
    wanted
        Which cells have a ring; takes effect when the rings are shown the next time.
    """

    def __init__(self, session: AnnotationSession):
        self._session = session
        self._layers: dict[Image, Labels] = {}
        self._colours = WeakKeyDictionary[Labels, tuple[str, ...]]()  # of the answers, as shown
        self.wanted = CellFilter()

    @property
    def images(self) -> list[Image]:
        """The photographs that have, or had, a layer."""
        return [*self._layers]

    def add(self, image: Image) -> None:
        """Add the layer of a photograph where it never had one."""
        if image not in self._layers:
            self._add(image)

    def add_again(self, image: Image) -> bool:
        """Add the layer of a photograph once more where it was removed; return whether it was."""
        removed = image in self._layers and self._layers[image] not in self._session.viewer.layers
        if removed:
            self._add(image)
        return removed

    def _add(self, image: Image) -> None:
        layers = self._session.viewer.layers
        active = layers.selection.active
        older = [x for x in layers if LayerInfo.of(x).kind is Kind.ANSWERS]
        for layer in (x for x in older if LayerInfo.of(x).photograph == layer_id(image)):
            layers.remove(layer)  # of a session that is closed
        made = answers_layer(image)
        annotated = self._session.layer_of(image)
        place = len(layers) if annotated not in layers else layers.index(annotated)
        layers.insert(place, made)
        self._layers[image] = made
        layers.selection.active = active

    def show(
        self,
        answers: CellAnswers,
        keys: Sequence[Key],
        rings: Mapping[Key, Rings],
        asked: tuple[str, int] | None = None,
    ) -> None:
        """Show the answers for the cells of fields.

        Parameters
        ----------
        answers
            What is known of each cell.
        keys
            The fields of its cells, in their order.
        rings
            Of the fields whose cells are known.
        asked
            Field and number of a cell that is asked about: its ring does not show the answer.
        """
        codes, gaps = ring_codes(answers.answers, answers.reasons != "")
        if self.wanted != CellFilter():
            others = np.ones(len(codes), bool)
            others[filtered(answers, self.wanted)] = False
            codes[others] = gaps[others] = 0
        if asked is not None and (place := answers.cells.row_of(*asked)) is not None:
            codes[place] = gaps[place] = ASKED_ABOUT
        starts = np.searchsorted(answers.cells.field, np.arange(len(keys) + 1))
        for number, key in enumerate(keys):
            layer, own = self._layers.get(key[0]), slice(starts[number], starts[number + 1])
            if layer is not None and key in rings:
                show_rings(layer, key[1], rings[key], codes[own], gaps[own])
        known = {x.name: x.colour for x in self._session.annotations.classes}
        colours = tuple(known.get(name, UNCERTAIN) for name in answers.classes)
        for layer in (x for x in self._layers.values() if x in self._session.viewer.layers):
            if self._colours.get(layer) != colours:
                self._colours[layer] = colours
                set_class_colours(layer, colours)
            redraw(layer)

    def hide(self, image: Image, rows: Sequence[int]) -> None:
        """Show none in these slices of a photograph, as their cells are not known."""
        if (layer := self._layers.get(image)) is None:
            return
        for row in rows:
            hide_rings(layer, row)
        redraw(layer)

    def forget(self, image: Image) -> None:
        """Remove the layer of a photograph that was closed."""
        layer, layers = self._layers.pop(image, None), self._session.viewer.layers
        if layer in layers:
            layers.remove(layer)

    def close(self) -> None:
        """Remove all layers."""
        for image in self.images:
            self.forget(image)
