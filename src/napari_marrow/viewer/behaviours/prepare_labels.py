"""Make the labels of a folder in a worker, those near the shown field first."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable

import napari
from napari.layers import Labels
from napari.utils.notifications import show_error

from napari_marrow.data.errors import Stopped
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer, single_shot
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.task import Task

IDLE_MS = 300
"""The worker runs this long after the last step of the slider or added layer, in milliseconds."""
MAX_PAUSE_S = 1.0
"""While the user pages without a rest, one field is made in this time."""


class LabelPreparation(ViewerFollower):
    """Runs one task for the stacks of labels of a viewer, and draws what it made."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._stacks: tuple[weakref.ref[LazyStack], ...] = ()  # the worker reads it
        self._task = Task(failed=self._fail)
        self._idle = threading.Event()
        self._timer = single_shot(IDLE_MS, self._start)
        viewer.dims.events.current_step.connect(self._pause)
        viewer.layers.events.inserted.connect(self._on_insert)
        viewer.layers.events.removed.connect(self._on_remove)
        self._on_insert()

    def expect(self, stacks: Iterable[LazyStack]) -> None:
        """Draw drafts of stacks that the viewer is about to get.

        napari draws a layer before it is in a viewer. A stack that the viewer has not got when it
        is idle draws no more drafts, as nobody would replace them.
        """
        self._follow([*self._followed(), *stacks])
        self._pause()

    def _label_layers(self) -> list[Labels]:
        return [x for x in self.layers if isinstance(x, Labels) and isinstance(x.data, LazyStack)]

    def _own_stacks(self) -> list[LazyStack]:
        return [layer.data for layer in self._label_layers()]

    def _followed(self) -> list[LazyStack]:
        return [stack for weak in self._stacks if (stack := weak()) is not None]

    def _follow(self, stacks: Iterable[LazyStack]) -> None:
        for stack in self._followed():
            stack.preparers.discard(self)
        self._stacks = tuple(weakref.ref(stack) for stack in dict.fromkeys(stacks))
        for stack in self._followed():
            stack.preparers.add(self)

    def _on_insert(self) -> None:
        self.expect(self._own_stacks())

    def _on_remove(self) -> None:
        self._follow(self._own_stacks())

    def _pause(self) -> None:
        """Leave the processor to drawing until the viewer is idle."""
        self._idle.clear()
        self._timer.start()

    def _start(self) -> None:
        self._follow(self._own_stacks())
        self._idle.set()
        if not self._task.busy and any(stack.unprepared for stack in self._followed()):
            # Then again, for stacks that were added meanwhile.
            self._task.start(self._prepare, lambda _: self._timer.start(), heard=self._show)

    def _prepare(self, emit: Emit, should_stop: ShouldStop) -> None:
        """Make the labels that are missing, in the worker; report the row of each."""
        while (row := self._prepare_next()) is not None:
            emit(Event("message", result=row))
            self._idle.wait(MAX_PAUSE_S)
            if should_stop():
                raise Stopped

    def _prepare_next(self) -> int | None:
        stacks = self._followed()
        missing = [
            (abs(row - x.shown), k, row) for k, x in enumerate(stacks) for row in x.unprepared
        ]
        if not missing:
            return None
        _, number, row = min(missing)
        stacks[number].prepare(row)
        return row

    def _show(self, made: Event) -> None:
        for layer in self._label_layers():
            if layer.data.shown == made.result and made.result not in layer.data.unprepared:
                layer.refresh()

    def _fail(self, text: str) -> None:
        show_error(text)
        self._timer.start()  # for the other rows


attach_label_preparation = per_viewer(LabelPreparation)
"""Make the labels of the folders in a viewer ahead, from now on."""
