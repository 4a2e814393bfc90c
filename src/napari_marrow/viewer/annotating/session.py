"""The annotations of open photographs: what is painted in the viewer, and what a project keeps.

The classes of cells are shown in the layer of annotations of each photograph, the whole cell in the
colour of its class; training and counting read that layer. The project has the same, by one pixel
of each cell. A change is written to the project before it is shown; what a person paints is written
when the stroke ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, Signal

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import (
    PERSON,
    Annotations,
    Asked,
    ClassColour,
    Given,
    Place,
)
from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.field_cells import EncodedCells
from napari_marrow.viewer.annotating.layer_classes import LayerClasses
from napari_marrow.viewer.annotating.nuclei_watch import NucleiWatch
from napari_marrow.viewer.annotating.open_field import OpenField, check_names, field_name, outline
from napari_marrow.viewer.annotating.shown_paint import (
    leave,
    paint_cells,
    painted_frame,
    painted_meanwhile,
)
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task

OPACITY = 0.4
"""Of the classes over the cells, so that the chromatin is seen."""
NO_CLASS = "Label {} is of no class of the project, and gives none; choose another label."


class AnnotationSession(QObject):
    """Keeps the layers of annotations and a project the same.

    Parameters
    ----------
    owner
        Ends the work in threads when it is deleted.
    viewer
        Where the photographs are.
    project
        What keeps the annotations.
    say
        Called with a sentence for the person.
    """

    changed = Signal()
    """Cells got or lost a class, or the classes changed."""
    edited = Signal(object, int)
    """The nuclei of a photograph's layer were edited: in a slice, or in all (-1)."""

    def __init__(
        self,
        owner: QObject,
        viewer: napari.Viewer,
        project: Project,
        say: Callable[[str], None],
    ):
        super().__init__(owner)
        self.viewer, self.project, self.say = viewer, project, say
        self._fields: dict[tuple[Image, int], OpenField] = {}
        self._layers: dict[Image, Labels] = {}  # of annotations
        self._origins: dict[Image, dict[str, str]] = {}  # by names of fields
        self._nuclei = NucleiWatch(viewer, self._forget)
        self._followed: dict[Labels, list[Callable[[], object]]] = {}  # what ends following
        self._painting = False
        self.classes = LayerClasses(project, self._open_layers, self.changed.emit, say)
        self.hidden: tuple[str, int] | None = None  # whose class is not shown, see :meth:`hide`
        self._reading = Task(owner, failed=say)
        viewer.layers.events.removed.connect(self._drop_closed)

    def close(self) -> None:
        """Let other programs open the project; strokes are not kept any more."""
        self._reading.cancel()
        self._nuclei.close()
        self.viewer.layers.events.removed.disconnect(self._drop_closed)
        for field in self._fields.values():
            leave(field, self._codes(field))
        self._fields.clear()
        self._layers.clear()
        for layer in [*self._followed]:
            self._unfollow(layer)
        self.project.close()

    def _unfollow(self, layer: Labels) -> None:
        for end in self._followed.pop(layer, []):
            end()

    def _drop_closed(self, _: object = None) -> None:
        """Forget photographs and layers of annotations that were closed."""
        layers = self.viewer.layers
        for layer in [x for x in self._followed if x not in layers]:
            self._unfollow(layer)
        for image in [x for x in self._layers if x not in layers]:
            for key in [key for key in self._fields if key[0] is image]:
                del self._fields[key]
            del self._layers[image]
            self._origins.pop(image, None)
            self._nuclei.forget(image)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Say a :class:`MarrowError` of the block, and show what the project has."""
        try:
            yield
        except MarrowError as error:
            self.say(str(error))
            for field in self._fields.values():
                self._show(field, self._painted_since(field))

    def follows(self, layer: Layer | None) -> bool:
        """Return whether a layer is one of annotations that this session keeps."""
        return layer in self._followed

    def _open_layers(self) -> set[Labels]:
        """Return the layers of annotations that it keeps."""
        return self._followed.keys() & {*self.viewer.layers}

    @property
    def annotations(self) -> Annotations:
        """What cells have now."""
        return self.project.annotations

    def open_field(self, photograph: Photograph, then: Callable[[], None] = lambda: None) -> None:
        """Show the annotations of the field that is shown, and let more be given.

        Its cells are read, or found, in a thread; then ``then`` is called.

        Raises
        ------
        MarrowError
            When another open photograph has fields of the same names.
        """
        image, row = photograph.layer, shown_slice(photograph.layer, self.viewer.dims.point)
        if row < 0:
            self.say("The slider shows no field of this stack; move it to one.")
            return
        self._prepare_layer(photograph)
        if (image, row) in self._fields:
            then()
            return

        def show(encoded: EncodedCells) -> None:
            if self.add_field(photograph, row, encoded):
                then()

        self._reading.start(
            lambda emit, should_stop: EncodedCells.of(photograph.cells(row)), show, begun=""
        )

    def add_field(self, photograph: Photograph, row: int, encoded: EncodedCells) -> bool:
        """Show the annotations of a field whose cells are known; False where it was closed."""
        image = photograph.layer
        layer = self._layers.get(image)
        if image not in self.viewer.layers or layer not in self.viewer.layers:
            return False
        assert layer is not None
        name = field_name(photograph, row)
        field = self._fields[image, row] = OpenField(image, layer, row, name, encoded)
        self._begin(field)
        return True

    def _prepare_layer(self, photograph: Photograph) -> Labels:
        """Select the layer of annotations of a photograph, a new one if need be, and follow it."""
        check_names(photograph, self._origins)
        if (known := self._layers.get(photograph.layer)) is not None:
            self.classes.take(known)
        names = [x.name for x in self.annotations.classes]
        before, modes = {*self.viewer.layers}, {x: x.mode for x in self._followed}
        layer = annotation_layer_to_paint(self.viewer, photograph, names)
        if layer in modes:
            layer.mode = modes[layer]  # a person who draws polygons goes on with that
        if layer not in before:
            layer.opacity = OPACITY
            outline([x.layer for x in photograph.overlays.values()])
        image = photograph.layer
        self._follow(image, layer)
        is_another = self._layers.get(image, layer) is not layer  # the last one was removed
        self._layers[image] = layer
        self._nuclei.follow(photograph)
        self.classes.take(layer)
        for key in [key for key in self._fields if key[0] is image and is_another]:
            self._fields[key] = replace(self._fields[key], layer=layer)
            self._begin(self._fields[key])
        return layer

    def _follow(self, image: Image, layer: Labels) -> None:
        """Hear of strokes in a layer, each of which is in one slice."""
        if layer in self._followed:
            return
        hear = partial(self._painted, image)
        heard = [(layer.events.paint, hear)]
        heard += [(layer.events.features, partial(self.classes.take, layer))]
        heard += [(layer.events.n_edit_dimensions, partial(self._edit_slices, layer))]
        self._edit_slices(layer)
        for event, action in heard:
            event.connect(action)
        self._followed[layer] = [partial(event.disconnect, action) for event, action in heard]

    def _edit_slices(self, layer: Labels, _: object = None) -> None:
        """Let strokes be in the shown slice alone: cells of others would not be kept."""
        if layer.n_edit_dimensions != 2:
            layer.n_edit_dimensions = 2
            self.viewer.status = "Classes are painted in one field at a time."

    def _forget(self, image: Image, row: int) -> None:
        """Read the cells of a slice, or of all (-1), anew: its nuclei are others now."""
        for key in [key for key in self._fields if key[0] is image and row in (-1, key[1])]:
            field = self._fields.pop(key)
            leave(field, self._codes(field))
        self.edited.emit(image, row)

    def read_again(self, image: Image) -> None:
        """Read the cells of the shown field, whose nuclei were edited or which was not shown yet.

        What is painted on cells without a class meanwhile is kept then.
        """
        self.viewer.status = "The cells are being read; a key acts once they are."
        self.open_field(Photograph.of(image, list(self.viewer.layers)))

    def shown(self, image: Image) -> OpenField | None:
        """Return the field of a photograph that is shown; None where its cells are not known."""
        return self._fields.get((image, shown_slice(image, self.viewer.dims.point)))

    def field(self, image: Image, row: int) -> OpenField | None:
        """Return a field by its photograph's layer and slice; None where its cells are unknown."""
        return self._fields.get((image, row))

    @property
    def fields(self) -> list[OpenField]:
        """The fields whose cells are known."""
        return [*self._fields.values()]

    def layer_of(self, image: Image) -> Labels | None:
        """Return the layer of annotations of a photograph; None where it is not followed."""
        return self._layers.get(image)

    def numbers(self) -> dict[Place, int]:
        """Return the number of the cell that each annotated pixel is of, in all known fields."""
        given = [self.given(field) for field in self._fields.values()]
        return {x: number for own in given for number, places in own.items() for x in places}

    def given(self, field: OpenField) -> dict[int, list[Place]]:
        """Return the annotated cells of a field by number, with the pixels they are kept by."""
        return field.annotated(self.annotations)

    def give(
        self,
        field: OpenField,
        numbers: Iterable[int],
        class_name: str | None,
        who: str = PERSON,
        asked: Asked = "",
    ) -> None:
        """Give cells of a field a class, or take it away with None; as one step of undo."""
        self.give_in({field: numbers}, class_name, who, asked)

    def give_in(
        self,
        numbers: Mapping[OpenField, Iterable[int]],
        class_name: str | None,
        who: str = PERSON,
        asked: Asked = "",
    ) -> None:
        """Give cells of several fields a class, or take it away with None; as one step of undo."""
        after = None if class_name is None else Given(class_name, who, asked)
        self.record({field: dict.fromkeys(own, after) for field, own in numbers.items()})

    def record(
        self,
        wanted: Mapping[OpenField, Mapping[int, Given | None]],
        classes: Sequence[ClassColour] | None = None,
    ) -> None:
        """Keep what cells of fields are to have, by number, as one step of undo; and show it.

        With ``classes`` the list of classes changes in the same step.
        """
        changes = [x for field, own in wanted.items() for x in field.changes(self.annotations, own)]
        if changes or classes is not None:
            self.project.record("annotate", changes, classes=classes)
        if classes is not None:
            self.classes.show()
        for field, own in wanted.items():
            self._show(field, own)
        self.changed.emit()

    def undo(self) -> None:
        """Take back the last thing done."""
        self._go(self.project.undo)

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._go(self.project.redo)

    def restore(self, number: int) -> None:
        """Bring back an earlier moment."""
        self._go(partial(self.project.restore, number))

    def _go(self, step: Callable[[], Annotations]) -> None:
        for layer in self._open_layers():
            self.classes.take(layer)  # what was edited before is taken back, and not overwritten
        before = self.annotations
        changed = {x.place for x in before.changes_to(step())}
        self.classes.show()
        for field in self._fields.values():
            own = [x for x in changed if x.image == field.name]
            numbers = field.encoded.labels.at(np.array([(x.y, x.x) for x in own], np.intp))
            self._show(field, {k for k in numbers.tolist() if k})
        self.changed.emit()

    def set_classes(
        self, classes: Sequence[ClassColour], renamed: Mapping[str, str] | None = None
    ) -> None:
        """Change the list of classes, and names that cells have by the old ones; a step of undo."""
        self.classes.set(classes, renamed or {})

    def hide(self, cell: tuple[str, int] | None) -> None:
        """Show one cell without its class, by its field's name and number; None shows all again.

        It is asked about, and the answer is to be the person's own.
        """
        before, self.hidden = self.hidden, cell
        for field in self._fields.values():
            own = [x for x in (before, cell) if x is not None and x[0] == field.name]
            self._show(field, [number for _, number in own])

    def _codes(self, field: OpenField) -> dict[int, int]:
        """Return what each annotated cell of a field is to be painted with."""
        code = {name: k for k, name in self.classes.of(field.layer).items()}
        cells = self.annotations.cells
        return {
            number: code.get(cells[places[-1]].class_name, 0)
            for number, places in self.given(field).items()
            if (field.name, number) != self.hidden
        }

    def _show(self, field: OpenField, numbers: Iterable[int]) -> None:
        """Paint cells as the project has them, all over."""
        if field.layer not in self.viewer.layers:
            return
        codes = self._codes(field)
        self._painting = True
        try:
            paint_cells(field, {number: codes.get(number, 0) for number in numbers})
        finally:
            self._painting = False

    def _painted(self, image: Image, _: object = None) -> None:
        """Keep what a person has painted on cells; all of each gets its colour."""
        field = self.shown(image)
        if field is None and not self._painting:
            self.read_again(image)
        elif field is not None and not self._painting:
            self.classes.take(field.layer)  # napari's own table edits it without an event
            with self.reporting():
                self.record({field: self._given_since(field)})
            if unknown := self._painted_since(field):
                self._show(field, unknown)
                self.say(NO_CLASS.format(*{*unknown.values()}))

    def _begin(self, field: OpenField) -> None:
        """Show what the project has of a field, and keep what else was painted there before."""
        known, names = self._codes(field), self.classes.of(field.layer)
        painted = painted_meanwhile(field)
        new = {k: Given(names[x]) for k, x in painted.items() if x in names and k not in known}
        if new:
            self.record({field: new})
        others = self._painted_since(field) if painted_frame(field).any() else ()
        self._show(field, {*known, *others})

    def _painted_since(self, field: OpenField) -> dict[int, int]:
        """Return the label of each cell that is painted otherwise than the project has it."""
        return field.cells.painted_since(painted_frame(field), self._codes(field))

    def _given_since(self, field: OpenField) -> dict[int, Given | None]:
        """Return what such cells are given by it; labels of no class of the project give none."""
        names = self.classes.of(field.layer)
        painted = self._painted_since(field).items()
        return {k: Given(names[x]) if x else None for k, x in painted if x in names or not x}
