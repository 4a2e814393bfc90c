"""What watches a viewer is made once for each viewer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

import napari

T = TypeVar("T")


def once_a_viewer(make: Callable[[napari.Viewer], T]) -> Callable[[napari.Viewer], T]:
    """Return a function that makes a viewer's watcher when it is first asked for.

    The watcher lives as long as the viewer does; it must not hold on to the viewer itself.
    """
    made: weakref.WeakKeyDictionary[napari.Viewer, T] = weakref.WeakKeyDictionary()

    def attach(viewer: napari.Viewer) -> T:
        # Widgets get a proxy of the viewer, which is never the same object twice.
        viewer = getattr(viewer, "__wrapped__", viewer)
        if viewer not in made:
            made[viewer] = make(viewer)
        return made[viewer]

    return attach
