"""Objects that follow a viewer, of each kind one a viewer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

import napari

T = TypeVar("T")


def per_viewer(make: Callable[[napari.Viewer], T]) -> Callable[[napari.Viewer], T]:
    """Return a function that calls ``make`` once for each viewer and returns what it made.

    The object lives as long as the viewer, to which it may only hold a weak reference.
    """
    made: weakref.WeakKeyDictionary[napari.Viewer, T] = weakref.WeakKeyDictionary()

    def attach(viewer: napari.Viewer) -> T:
        viewer = getattr(viewer, "__wrapped__", viewer)  # plugins get a new proxy each time
        if viewer not in made:
            made[viewer] = make(viewer)
        return made[viewer]

    return attach
