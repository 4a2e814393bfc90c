"""Reports of how much of a step is done; whoever gets them may raise Stopped to end it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

Progress: TypeAlias = Callable[[float, str], None]
"""Takes the fraction that is done, 0 to 1, and what is being done."""
MAX_REPORTS = 200
T = TypeVar("T")


def ignore(*_: object) -> None:
    """Ignore a report: the callback of callers that do not listen."""


def never() -> bool:
    """Return False: the ``should_stop`` of callers that do not stop."""
    return False


def reported(items: Sequence[T], text: str, progress: Progress) -> Iterator[T]:
    """Yield each item, and report every now and then how many there were.

    >>> list(reported("ab", "Reading", lambda fraction, text: print(text, fraction)))
    Reading 1 of 2 0.0
    Reading 2 of 2 0.5
    ['a', 'b']
    """
    step = -(-len(items) // MAX_REPORTS)
    for number, item in enumerate(items):
        if number % step == 0:
            progress(number / len(items), f"{text} {number + 1} of {len(items)}")
        yield item
