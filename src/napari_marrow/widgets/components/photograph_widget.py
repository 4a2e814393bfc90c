"""The base class of the dock widgets that make layers from one photograph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import napari

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.photograph.photograph import NO_PHOTOGRAPH, Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.image_combo import ImageCombo

T = TypeVar("T")
NO_FIELD = "The slider shows no field of this stack; move it to one."


class PhotographWidget(DockWidget):
    """A dock widget with the combo box ``photograph``.

    Parameters
    ----------
    viewer, min_width_px
        As :class:`DockWidget` takes them.
    """

    def __init__(self, viewer: napari.Viewer, min_width_px: int):
        super().__init__(viewer, min_width_px)
        self.photograph = ImageCombo(self.viewer)

    def chosen(self) -> Photograph:
        """Return the photograph that is chosen.

        Raises
        ------
        MarrowError
            When no photograph is open.
        """
        if self.photograph.layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        return Photograph.of(self.photograph.layer, self.viewer.layers)

    def shown(self) -> tuple[Photograph, int]:
        """Return the photograph that is chosen and which of its fields is shown.

        Raises
        ------
        MarrowError
            When no photograph is open, or the slider shows none of its fields.
        """
        photograph = self.chosen()
        number = shown_slice(photograph.layer, self.viewer.dims.point)
        if number < 0:
            raise MarrowError(NO_FIELD)
        return photograph, number

    def start(
        self,
        task: Task,
        photograph: Photograph,
        work: Callable[[Emit, ShouldStop], T],
        show: Callable[[T], str],
        begun: str = "Working...",
    ) -> None:
        """Run ``work`` in a thread, then ``show`` its result and report what that returns.

        A result for a photograph that was removed or changed meanwhile is not shown.
        """

        def done(result: T) -> None:
            text = photograph.out_of_date(self.viewer.layers)
            if not text:
                with self.photograph.pinned():
                    text = show(result)
            task.say(text)

        task.start(work, done, begun=begun)
