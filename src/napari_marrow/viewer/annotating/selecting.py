"""Select many cells with a rectangle or a lasso; one key then gives all of them a class.

The shapes are drawn with napari's own tools, in a layer of their own that comes and goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import numpy as np
from napari.layers import Image, Shapes
from napari.layers.base import ActionType
from napari.utils.events import Event

from napari_marrow.data.imports import importing
from napari_marrow.data.project.annotations import Given
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.viewer.annotating.keys import MAX_KEYS
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.transforms import slice_place_of

Tool = Literal["rectangle", "lasso"]
MODES: Mapping[Tool, str] = {"rectangle": "add_rectangle", "lasso": "add_polygon_lasso"}
EDGE_PX = 480
"""Height of a photograph, in pixels, for each pixel of the width of a shape's edge."""
COLOUR = "#FFFFFF"


class CellSelection:
    """The cells within shapes that a person draws over the shown field of a photograph.

    Parameters
    ----------
    live
        The cells.
    image
        The photograph or stack.

    Attributes
    ----------
    image
        As it was given.
    """

    def __init__(self, live: LiveCells, image: Image):
        self._live, self.image = live, image
        self._layer: Shapes | None = None

    @property
    def tool(self) -> Tool | None:
        """What the person draws with now; None while the layer is not the active one."""
        layer = self._layer
        if layer is None or self._live.session.viewer.layers.selection.active is not layer:
            return None
        return next((tool for tool, mode in MODES.items() if layer.mode == mode), None)

    def draw(self, tool: Tool) -> None:
        """Let the person draw shapes of a kind; what is drawn already stays."""
        layers = self._live.session.viewer.layers
        if self._layer is None or self._layer not in layers:
            self._layer = self._add()
        layers.selection.active = self._layer
        self._layer.mode = MODES[tool]

    def _add(self) -> Shapes:
        viewer, height = self._live.session.viewer, self.image.data.shape[-3]
        layer = Shapes(
            ndim=2,
            name=f"{self.image.name} selection",
            edge_color=COLOUR,
            face_color="transparent",
            edge_width=max(1, height // EDGE_PX),
            metadata=linked_info(self.image, Kind.PREVIEW).metadata(),
            **slice_place_of(self.image),
        )
        viewer.add_layer(layer)
        layer.events.data.connect(self._drawn)
        viewer.dims.events.current_step.connect(self._clear)
        for position in range(MAX_KEYS + 1):
            layer.bind_key(str(position), partial(self._give, position), overwrite=True)
        layer.bind_key("Space", self._accept, overwrite=True)
        layer.bind_key("Escape", self._end, overwrite=True)
        session = self._live.session
        for key, step in (("Control-Z", session.undo), ("Control-Shift-Z", session.redo)):
            layer.bind_key(key, partial(self._step, step), overwrite=True)
        return layer

    def close(self) -> None:
        """Remove the layer."""
        layer, self._layer = self._layer, None
        viewer = self._live.session.viewer
        if layer is not None:
            viewer.dims.events.current_step.disconnect(self._clear)
            if layer in viewer.layers:
                viewer.layers.remove(layer)

    @property
    def cells(self) -> tuple[OpenField, list[int]] | None:
        """The shown field, and the numbers of the cells whose middle is in a shape."""
        with importing:
            from skimage.measure import points_in_poly

        field = self._live.session.shown(self.image)
        if field is None or self._layer is None:
            return None
        places, inside = field.cells.places, np.zeros(len(field.cells.numbers), bool)
        for outline in self._layer.data:
            inside |= points_in_poly(places, np.asarray(outline)[:, -2:])
        return field, np.array(field.cells.numbers)[inside].tolist()

    def _drawn(self, event: Event) -> None:
        if event.action != ActionType.ADDED or (found := self.cells) is None:
            return
        keys = (
            "1 to 9 give them a class, Space what the model says where they have none, Escape ends"
        )
        self._say(f"{counted(len(found[1]), 'cell')} selected; {keys}.")

    def _give(self, position: int, _: Shapes) -> None:
        classes, found = self._live.session.annotations.classes, self.cells
        if found is None or position > len(classes):
            return
        name = classes[position - 1].name if position else None
        after = None if name is None else Given(name)
        self._record(found[0], dict.fromkeys(found[1], after))

    def _accept(self, _: Shapes) -> None:
        answers, found = self._live.answers, self.cells
        if answers is None or found is None:
            return
        wanted: dict[int, Given | None] = {}
        given = self._live.session.given(found[0])  # these keep theirs, as in the gallery
        for number in found[1]:
            row = self._live.row_at(found[0], number)
            if number not in given and row is not None and answers.answers[row] != UNKNOWN:
                name = answers.classes[int(answers.answers[row])]
                wanted[number] = Given(name, answers.model)
        self._record(found[0], wanted)

    def _record(self, field: OpenField, wanted: dict[int, Given | None]) -> None:
        with self._live.session.reporting():
            if wanted:
                self._live.session.record({field: wanted})
            self._clear()
            names = sorted({"no class" if x is None else x.class_name for x in wanted.values()})
            self._say(f"{counted(len(wanted), 'cell')}: {', '.join(names) or 'nothing changed'}.")

    def _step(self, step: Callable[[], None], _: Shapes) -> None:
        with self._live.session.reporting():
            step()

    def _clear(self, _: object = None) -> None:
        """Remove the shapes: another field is shown, or their cells have a class."""
        if self._layer is not None and len(self._layer.data):
            self._layer.selected_data = set()
            self._layer.data = []

    def _end(self, _: Shapes) -> None:
        """Go back to the layer of annotations."""
        layer = self._live.session.layer_of(self.image)
        self.close()
        if layer in self._live.session.viewer.layers:
            self._live.session.viewer.layers.selection.active = layer

    def _say(self, text: str) -> None:
        self._live.session.viewer.status = text
