"""Find the layer of a unit that was picked, or open its folder, and show it in the viewer."""

from __future__ import annotations

from collections.abc import Callable

from napari.layers import Image, Layer

from napari_marrow.data.fields import Collection, Field, usable
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.report.evaluation.leading import unit_name
from napari_marrow.viewer.make.layers import LayerData, collection_layers
from napari_marrow.viewer.make.shown_unit import open_slice, remove_ring, show_unit
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.evaluation.mistakes_page import FoundUnit
from napari_marrow.widgets.components.source_panel import Gathered


class UnitViewer:
    """Shows units of a result in the viewer; a folder that is not open is read in a thread.

    Parameters
    ----------
    owner
        The dock widget that this belongs to.
    say
        Called with a sentence on what is shown, or why it can't be.
    """

    def __init__(self, owner: DockWidget, say: Callable[[str], None]):
        self._viewer, self._say = owner.viewer, say
        self.gathered: Gathered | None = None
        self.task = Task(owner, failed=say)
        owner.closed.connect(self.clear)

    def clear(self) -> None:
        """Take the ring away."""
        remove_ring(self._viewer)

    def show(self, found: FoundUnit) -> None:
        """Show a unit: its field in front, the camera on it, the cell ringed."""
        gathered = self.gathered
        field = None if gathered is None else _field_of(gathered.collection, found.image)
        if gathered is None or field is None:
            self._say(f"{found.image} is not among what was evaluated; it can't be shown.")
            return
        self.task.cancel()  # of what was picked before
        known = gathered.layers.get(field.path)
        if known is not None:
            layer, row = known[0](), known[1]
            if layer is not None and layer in self._viewer.layers:
                self._show_open(found, layer, row)
            else:
                self._say(f"The layer of {found.image} was closed; it can't be shown.")
        elif (shown := open_slice(list(self._viewer.layers), field.path)) is not None:
            self._show_open(found, *shown)
        else:
            self._open(found, gathered.collection, field)

    def _open(self, found: FoundUnit, collection: Collection, field: Field) -> None:
        """Open all fields as one stack, in which the next unit is only a slice away."""

        def work(emit: Emit, should_stop: ShouldStop) -> list[LayerData]:
            return collection_layers(usable(collection))

        def opened(layers: list[LayerData]) -> None:
            from napari_marrow.viewer.behaviours.opening import prepare_viewer

            prepare_viewer(layers, self._viewer)
            for data in layers:
                self._viewer.add_layer(Layer.create(*data))
            if (shown := open_slice(list(self._viewer.layers), field.path)) is not None:
                self._show_open(found, *shown)
            else:
                self._say(f"{found.image} can't be opened; it may have been removed.")

        self._say(f"Opening {collection.root.name}...")
        self.task.start(work, opened)

    def _show_open(self, found: FoundUnit, image: Image, row: int) -> None:
        place = (found.y, found.x) if found.index else None
        show_unit(self._viewer, image, row, place)
        self._say(f"{unit_name(found.image, found.index)} is shown.")


def _field_of(collection: Collection, name: str) -> Field | None:
    """Return the field that tables of answers call by a name."""
    return next((x for x in collection.fields if collection.label(x) == name), None)
