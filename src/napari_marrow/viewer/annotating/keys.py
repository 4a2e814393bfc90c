"""Keys of a layer of annotations: they give the cell under the pointer a class."""

from __future__ import annotations

from collections.abc import Callable

import napari
from napari.layers import Image, Labels

from napari_marrow.data.project.annotations import is_by_person
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.annotating.questions import Questions
from napari_marrow.viewer.annotating.session import AnnotationSession

MAX_KEYS = 9
"""Classes that have a key, 1 to 9."""


def cell_at_pointer(viewer: napari.Viewer, field: OpenField) -> int:
    """Return the number of the cell under the pointer; 0 where there is none."""
    layer = field.layer
    point = viewer.cursor.position[-layer.ndim :]
    if len(point) < layer.ndim:
        return 0
    y, x = (round(value) for value in layer.world_to_data(point)[-2:])
    return field.cells.number_at(y, x)


def is_given_by_person(session: AnnotationSession, field: OpenField, number: int) -> bool:
    """Return whether a person gave a cell its class, by its number."""
    places = session.given(field).get(number, [])
    return bool(places) and is_by_person(session.annotations.cells[places[-1]].who)


def bind_class_keys(live: LiveCells, image: Image, layer: Labels) -> None:
    """Let 1 to 9 give the cell under the pointer a class, 0 take it away, and undo go by steps.

    Space gives it the class that the model says, unless a person gave it one. N asks about the next
    cell; while a cell is asked about and seen, the keys act on that.

    Parameters
    ----------
    live
        The cells.
    image
        The photograph or stack.
    layer
        Of its annotations. The keys act while it is the active one.
    """
    session = live.session

    def pointed() -> tuple[OpenField, int] | None:
        """Return the cell under the pointer; None, and say why, where keys can't act on one."""
        field = session.shown(image)
        if field is None:
            session.read_again(image)
            return None
        if number := cell_at_pointer(session.viewer, field):
            return field, number
        session.viewer.status = "No cell is under the pointer."
        return None

    def questions() -> Questions | None:
        return open_project_of(session.viewer).questions

    def give(position: int) -> None:
        classes = session.annotations.classes
        name = classes[position - 1].name if 0 < position <= len(classes) else None
        if position <= len(classes) and (asked := questions()) is not None and asked.answer(name):
            return
        found = pointed() if position <= len(classes) else None
        if found is None:
            return
        field, number = found
        with session.reporting():
            session.give(field, [number], name)
            session.viewer.status = (
                f"Cell {number} has {f'the class {name}' if name else 'no class'}."
            )

    def ask(_: Labels) -> None:
        if (asking := questions()) is not None:
            asking.ask()

    def accept(_: Labels) -> None:
        if (asked := questions()) is not None and asked.accept():
            return
        if (found := pointed()) is None:
            return
        field, number = found
        if is_given_by_person(session, field, number):
            session.viewer.status = f"Cell {number} keeps the class that a person gave it."
            return
        row, answers = live.row_at(field, number), live.answers
        answer = UNKNOWN if row is None or answers is None else int(answers.answers[row])
        if answers is None or answer == UNKNOWN:
            session.viewer.status = "The model says nothing yet: give cells of two classes theirs."
            return
        name = answers.classes[answer]
        with session.reporting():
            session.give(field, [number], name, who=answers.model)
            session.viewer.status = f"Cell {number} has the class {name}, as the model says."

    for position in range(MAX_KEYS + 1):
        layer.bind_key(str(position), lambda _, k=position: give(k), overwrite=True)
    layer.bind_key("Space", accept, overwrite=True)
    layer.bind_key("N", ask, overwrite=True)

    def step(action: Callable[[], None]) -> None:
        with session.reporting():
            action()

    layer.bind_key("Control-Z", lambda _: step(session.undo), overwrite=True)
    layer.bind_key("Control-Shift-Z", lambda _: step(session.redo), overwrite=True)
