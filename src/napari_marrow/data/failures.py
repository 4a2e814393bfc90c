"""Photographs that can't be used: a long job leaves them out, names them, and does the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import counted, listed


@dataclass(frozen=True)
class Failure:
    """A photograph that was left out, by its name in tables, and the reason in a sentence."""

    image: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON."""
        return asdict(self)


class Failures:
    """What a job leaves out.

    Parameters
    ----------
    strict
        Leave nothing out: the first photograph that can't be used ends the work.

    Attributes
    ----------
    found
        One a photograph, in the order they were met.
    """

    def __init__(self, strict: bool = False):
        self._strict = strict
        self.found: list[Failure] = []

    @contextmanager
    def leaving_out(self, image: str) -> Iterator[None]:
        """Leave a photograph out where the work on it raises a MarrowError.

        Raises
        ------
        MarrowError
            That error, of a strict job.
        """
        try:
            yield
        except MarrowError as error:
            if self._strict:
                raise
            self.add(image, str(error))

    def add(self, image: str, reason: str) -> None:
        """Leave a photograph out; several models may meet it, and it counts once.

        Raises
        ------
        MarrowError
            With the reason, of a strict job.
        """
        if self._strict:
            raise MarrowError(reason)
        if image not in self.images:
            self.found.append(Failure(image, reason))

    @property
    def images(self) -> list[str]:
        """The names of the photographs."""
        return [failure.image for failure in self.found]

    def check_some_left(self, total: int) -> None:
        """Raise the first error where none of ``total`` photographs could be used."""
        if self.found and len(self.found) >= total:
            raise MarrowError(self.found[0].reason)

    def note(self) -> tuple[str, ...]:
        """Return a sentence for whoever reads the result; none where nothing was left out."""
        return tuple(left_out_sentences(self.found)[:1])

    def to_dict(self) -> list[dict[str, str]]:
        """Return what was left out as JSON."""
        return [failure.to_dict() for failure in self.found]


def left_out_sentences(failed: Sequence[Failure]) -> list[str]:
    """Return how many photographs were left out and which, then why; nothing of none."""
    if not failed:
        return []
    verb = "was" if len(failed) == 1 else "were"
    what, names = counted(len(failed), "photograph"), [failure.image for failure in failed]
    head = f"{what} can't be used and {verb} left out: {listed(names)}."
    return [head, *dict.fromkeys(failure.reason for failure in failed)]
