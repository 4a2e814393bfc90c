"""What the annotations are worth is found out anew, in a thread, after each change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.task import Task

if TYPE_CHECKING:
    from napari_marrow.jobs.events import Emit, ShouldStop
    from napari_marrow.learning.annotating.review import Review
    from napari_marrow.learning.annotating.shares import ClassCounts

REVIEW_MS = 300
"""This long after the last change, in milliseconds."""


@dataclass(frozen=True)
class Counts:
    """The share of each class in the shown field, and in all that are measured.

    Attributes
    ----------
    field
        Name of the shown field; "" where none is measured.
    shown, all
        The shares; None where nothing is measured.
    """

    field: str = ""
    shown: ClassCounts | None = None
    all: ClassCounts | None = None


class Reviewing(QObject):
    """Keeps a review of the annotations, and the counts of the shown field and of all.

    Parameters
    ----------
    live
        The cells.

    Attributes
    ----------
    review
        The last; None until there is one.
    counts
        The last.
    settings
        What is counted, see :meth:`count`.
    """

    changed = Signal()
    """There is another review, or there are other counts."""

    def __init__(self, live: LiveCells):
        super().__init__(live)
        self.live = live
        self.review: Review | None = None
        self.counts = Counts()
        self.settings = CountSettings()
        self._reviewing, self._counting = Task(self), Task(self)
        self._soon = single_shot(REVIEW_MS, self._start, self)
        live.changed.connect(self._soon.start)
        live.session.viewer.dims.events.current_step.connect(self._count_again)
        if live.answers is not None:
            self._soon.start()

    def close(self) -> None:
        """End all work."""
        self._soon.stop()
        self.live.changed.disconnect(self._soon.start)
        self.live.session.viewer.dims.events.current_step.disconnect(self._count_again)
        for task in (self._reviewing, self._counting):
            task.cancel()
        attach_caption(self.live.session.viewer).show_counts(None)

    def count(self, settings: CountSettings) -> None:
        """Count another class, or against another cut-off."""
        self.settings = settings
        self._count_again()

    def _start(self) -> None:
        known, session = self.live.answers, self.live.session
        if known is None:
            return
        annotations, numbers = session.annotations, session.numbers()
        entries = [*session.project.entries]

        def work(emit: Emit, should_stop: ShouldStop) -> Review:
            from napari_marrow.learning.annotating.review import review  # scikit-learn

            return review(known, annotations, entries, numbers)

        self._reviewing.start(work, self._reviewed)

    def _reviewed(self, found: Review) -> None:
        self.review = found
        self._count_again()

    def _count_again(self, _: object = None) -> None:
        """Count the classes of the shown field and of all, by the last review."""
        found, settings, field = self.review, self.settings, self._shown_field()
        if found is None:
            return
        name = "" if field is None else field.name

        def work(emit: Emit, should_stop: ShouldStop) -> Counts:
            shown = found.count(settings, name) if name else None
            return Counts(name, shown, found.count(settings, None))

        self._counting.start(work, lambda counts: self._counted(counts, field))

    def _counted(self, found: Counts, field: OpenField | None) -> None:
        self.counts = found
        caption = attach_caption(self.live.session.viewer)
        if field is None or found.shown is None:
            caption.show_counts(None)
        else:
            text = "\n".join(filter(None, found.shown.lines))
            caption.show_counts(field.image, field.row, text)
        self.changed.emit()

    def _shown_field(self) -> OpenField | None:
        """Return the field that is shown on top; None where its cells are not known."""
        session = self.live.session
        images = (x for x in reversed(session.viewer.layers) if isinstance(x, Image) and x.visible)
        return next(filter(None, map(session.shown, images)), None)
