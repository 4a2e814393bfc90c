"""Keys of a layer of annotations: they give the cell under the pointer a class."""

from __future__ import annotations

from collections.abc import Callable

from napari.layers import Image, Labels

from napari_marrow.viewer.annotating.session import AnnotationSession

MAX_KEYS = 9
"""Classes that have a key, 1 to 9."""


def bind_class_keys(session: AnnotationSession, image: Image, layer: Labels) -> None:
    """Let 1 to 9 give the cell under the pointer a class, 0 take it away, and undo go by steps.

    Parameters
    ----------
    session
        Which keeps the annotations.
    image
        The photograph or stack.
    layer
        Of its annotations. The keys act while it is the active one.
    """

    def give(position: int) -> None:
        classes = session.annotations.classes
        field = session.shown(image)
        if field is None:
            session.read_again(image)
            return
        if position > len(classes):
            return
        point = session.viewer.cursor.position[-layer.ndim :]
        y, x = (round(value) for value in layer.world_to_data(point)[-2:])
        number = field.cells.number_at(y, x)
        if not number:
            session.viewer.status = "No cell is under the pointer."
            return
        name = classes[position - 1].name if position else None
        with session.reporting():
            session.give(field, [number], name)
            session.viewer.status = (
                f"Cell {number} has {f'the class {name}' if name else 'no class'}."
            )

    for position in range(MAX_KEYS + 1):
        layer.bind_key(str(position), lambda _, k=position: give(k), overwrite=True)

    def step(action: Callable[[], None]) -> None:
        with session.reporting():
            action()

    layer.bind_key("Control-Z", lambda _: step(session.undo), overwrite=True)
    layer.bind_key("Control-Shift-Z", lambda _: step(session.redo), overwrite=True)
