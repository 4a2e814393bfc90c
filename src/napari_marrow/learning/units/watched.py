"""A few images of a training, the same throughout, whose answers are shown while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.units.samples import Units

MAX_WATCHED = 8


@dataclass(frozen=True)
class Watched:
    """Images that a network is asked about after its epochs.

    Attributes
    ----------
    images
        (n, side, side, 3) uint8, as the network sees them, no two of one unit.
    features
        (n, features) what is measured of their units, for a network that takes that.
    given
        The class of each.
    names
        Photograph of each, and for cells the number of the nucleus.
    classes
        Names of the network's outputs, in order.
    side
        Where they are from: ``validation``, or ``training`` where there is no validation.
    """

    images: NDArray[np.uint8]
    features: NDArray[np.float32] | None
    given: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    side: str

    @classmethod
    def choose(
        cls, train: Units, validation: Units | None, classes: tuple[str, ...], seed: int
    ) -> Watched:
        """Choose at most :data:`MAX_WATCHED`, of each class as many as of the others."""
        units, side = (train, "training") if validation is None else (validation, "validation")
        generator = np.random.default_rng(seed)  # of its own: the training draws what it would
        rows = _balanced(units.table["class"].to_numpy(str), classes, generator)
        chosen = [int(generator.choice(np.flatnonzero(units.owner == row))) for row in rows]
        table = units.table.iloc[rows]
        features = units.image_features
        return cls(
            units.images[chosen],
            None if features is None else features[chosen],
            tuple(table["class"]),
            tuple(_name(*pair) for pair in zip(table["image"], table["index"], strict=True)),
            classes,
            side,
        )


@dataclass(frozen=True)
class WatchedAnswers:
    """What a network answers for the images that are watched.

    Attributes
    ----------
    probabilities
        (n, classes), before calibration.
    epoch
        The last one that the network was trained for, from 1.
    member
        Its number in an ensemble, from 1; 0 of the mean of all.
    """

    probabilities: NDArray[np.float32]
    epoch: int
    member: int = 1


OnWatched = Callable[[Watched, WatchedAnswers], None]


def _balanced(
    given: NDArray[np.str_], classes: tuple[str, ...], generator: np.random.Generator
) -> list[int]:
    """Return rows of units, in the order of the classes, drawn from these in turn."""
    drawn = [generator.permutation(np.flatnonzero(given == name)) for name in classes]
    turns = [(k, code) for code, rows in enumerate(drawn) for k in range(len(rows))]
    first = sorted(sorted(turns)[:MAX_WATCHED], key=lambda turn: turn[1])
    return [int(drawn[code][k]) for k, code in first]


def _name(image: str, index: int) -> str:
    return f"{image}, nucleus {index}" if index else image
