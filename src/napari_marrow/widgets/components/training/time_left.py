"""How long a training is likely to take, from the epochs so far."""

from __future__ import annotations

import statistics

N_RECENT = 10
"""Epochs whose median is the time of the next: other programs may slow some of them down."""


class TimeLeft:
    """Estimates the time that the epochs of a training will take.

    Parameters
    ----------
    epochs
        Number of epochs of a network, at most.
    networks
        Number of networks that are trained one after the other.
    """

    def __init__(self, epochs: int, networks: int = 1):
        self._epochs, self._networks = epochs, networks
        self._left = epochs * networks
        self._at_s: list[float] = []

    def add(self, epoch: int, network: int, at_s: float) -> None:
        """Note when an epoch ended, by any clock; epochs and networks count from 1."""
        self._left = (self._networks - network + 1) * self._epochs - epoch
        self._at_s = [*self._at_s, at_s][-N_RECENT - 1 :]

    @property
    def seconds(self) -> float | None:
        """The time left, or None before the second epoch."""
        pairs = zip(self._at_s, self._at_s[1:], strict=False)
        times = [after - before for before, after in pairs]
        return statistics.median(times) * self._left if times else None


def duration_text(seconds: float) -> str:
    """Return a duration in one or two words.

    >>> [duration_text(x) for x in (0.3, 42.4, 200, 3600, 5100)]
    ['1 s', '42 s', '3 min', '1 h', '1 h 25 min']
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def left_text(seconds: float | None) -> str:
    """Return the time left, as roughly as it is known: "about 2 min left"."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 10:
        return "less than 10 s left"
    if seconds < 60:
        return f"about {10 * round(seconds / 10)} s left"
    return f"about {duration_text(seconds)} left"
