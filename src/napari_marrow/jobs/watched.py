"""What a training job tells of the images that it watches, as events carry it.

Light to import, as the viewer reads such events.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from napari_marrow.jobs.events import Emit, Event

if TYPE_CHECKING:
    from napari_marrow.learning.units.watched import Watched, WatchedAnswers

MAX_THUMBNAIL_PX = 128


@dataclass(frozen=True)
class WatchedThumbnails:
    """The images that a training watches; sent once.

    Attributes
    ----------
    thumbnails
        Each as a PNG file.
    given, names, classes, side
        As in :class:`.Watched`.
    """

    thumbnails: tuple[bytes, ...]
    given: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    side: str

    @classmethod
    def of(cls, watched: Watched) -> WatchedThumbnails:
        """Return small copies of the images."""
        files = tuple(_png(Image.fromarray(image)) for image in watched.images)
        return cls(files, watched.given, watched.names, watched.classes, watched.side)

    def to_dict(self) -> dict[str, object]:
        """Return the thumbnails as JSON."""
        texts = [base64.b64encode(file).decode() for file in self.thumbnails]
        return {
            "thumbnails": texts,
            "given": list(self.given),
            "names": list(self.names),
            "classes": list(self.classes),
            "side": self.side,
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> WatchedThumbnails:
        """Return the thumbnails that :meth:`to_dict` stored."""
        files = tuple(map(base64.b64decode, values["thumbnails"]))
        given, names, classes = (tuple(values[name]) for name in ("given", "names", "classes"))
        return cls(files, given, names, classes, values["side"])


@dataclass(frozen=True)
class WatchedReport:
    """The answers for the images that are watched.

    Attributes
    ----------
    probabilities
        A row an image.
    epoch, member
        As in :class:`.WatchedAnswers`.
    thumbnails
        With the first answers, the images.
    """

    probabilities: tuple[tuple[float, ...], ...]
    epoch: int
    member: int
    thumbnails: WatchedThumbnails | None = None

    def to_event(self) -> Event:
        """Return the event that carries the report."""
        shown = None if self.thumbnails is None else self.thumbnails.to_dict()
        rows = [list(row) for row in self.probabilities]
        watched = {"probabilities": rows, "epoch": self.epoch, "member": self.member}
        return Event("message", result={"watched": watched | {"images": shown}})

    @classmethod
    def of_event(cls, event: Event) -> WatchedReport | None:
        """Return the report that an event carries, if it carries one."""
        if not isinstance(event.result, Mapping) or "watched" not in event.result:
            return None
        values = event.result["watched"]
        rows = tuple(tuple(row) for row in values["probabilities"])
        images = values["images"]
        thumbnails = None if images is None else WatchedThumbnails.from_dict(images)
        return cls(rows, values["epoch"], values["member"], thumbnails)


class WatchedReporter:
    """Emits what a training answers for the images that it watches; these go out once."""

    def __init__(self, emit: Emit):
        self._emit, self._sent = emit, False

    def __call__(self, watched: Watched, answers: WatchedAnswers) -> None:
        """Report one set of answers."""
        images = None if self._sent else WatchedThumbnails.of(watched)
        self._sent = True
        rows = tuple(tuple(round(float(x), 4) for x in row) for row in answers.probabilities)
        self._emit(WatchedReport(rows, answers.epoch, answers.member, images).to_event())


def _png(image: Image.Image) -> bytes:
    image.thumbnail((MAX_THUMBNAIL_PX, MAX_THUMBNAIL_PX))
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()
