"""The shift test: whether photographs are of another acquisition than those learnt from.

What is measured of photographs is compared with that of each acquisition that a model learnt from,
photograph by photograph and for all together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.text import counted
from napari_marrow.learning.adaptation.acquisitions import (
    ADVISED_UNITS,
    MIN_BATCH_UNITS,
    Acquisition,
    Adapt,
    Values,
    of_photograph,
    standardize,
    statistics,
)
from napari_marrow.learning.adaptation.photographs import (
    DIAMETER,
    GROUPS,
    MEASURED,
    SIZE,
    PhotographModel,
)
from napari_marrow.learning.confidence.error_rate import Confidence

MIN_PHOTOGRAPHS = 6
"""Photographs that an acquisition needs to be told from others; smaller ones are taken together."""
MIN_DIFFERENCE_SD = 2.0
"""Difference that is named, in standard deviations of the photographs learnt from."""
MIN_MIXED_FRACTION = 0.1
"""Fraction of unusual photographs, and of others, from which on a batch may be a mixture."""
MAX_CHANCE_FRACTION = 0.05
"""Fraction of photographs like those learnt from that chance may make unusual."""
NOT_TESTED = (
    "Whether these photographs are of another acquisition is not known, as the model was made by "
    "an older version: train it again."
)


def photograph_models(
    measured: NDArray[np.float32],
    sources: NDArray[np.str_],
    acquisitions: NDArray[np.str_],
    classes: NDArray[np.str_],
) -> tuple[PhotographModel, ...]:
    """Learn what is usual of photographs of each acquisition; those of small ones together.

    Parameters
    ----------
    measured
        (n, 9) of :func:`.measure_photograph`.
    sources, acquisitions, classes
        (n,) of each photograph.
    """
    names, codes, counts = np.unique(acquisitions, return_inverse=True, return_counts=True)
    groups = np.where(counts >= MIN_PHOTOGRAPHS, np.arange(len(names)), -1)[codes]
    rows = [groups == k for k in np.unique(groups)]
    enough = [own for own in rows if own.sum() >= MIN_PHOTOGRAPHS]
    return tuple(
        PhotographModel.of_photographs(measured[own], sources[own], classes[own])
        for own in enough or rows
    )


@dataclass(frozen=True)
class Adaptation:
    """How the features of a batch are standardised, and whether it is of another acquisition.

    Attributes
    ----------
    acquisitions
        Those learnt from; each photograph is standardised by the likest. None where features stay
        as they are.
    centre, spread
        (features,) mean and deviation of the batch, where it is standardised by these.
    units
        Number of cells or fields of the batch that these come from; 0 without.
    is_other
        Whether the batch is of another acquisition than those learnt from.
    differences
        How it differs, in words.
    own_model
        What is usual of photographs of the batch, where the user says that it is one acquisition
        with cells of all classes (``batch``), which nothing in it can show.
    is_tested
        Whether there was something to compare the batch with; older bundles have nothing.
    n_unusual
        Number of photographs that are unlike those learnt from, each by itself.
    """

    acquisitions: tuple[Acquisition, ...]
    centre: Values
    spread: Values
    units: int = 0
    is_other: bool = False
    differences: tuple[str, ...] = ()
    own_model: PhotographModel | None = None
    is_tested: bool = True
    n_unusual: int = 0

    @classmethod
    def of_batch(
        cls,
        acquisitions: Sequence[Acquisition],
        models: Sequence[PhotographModel],
        values: Values,
        photographs: NDArray[np.float32],
        adapt: Adapt,
    ) -> Adaptation:
        """Compare a batch with what was learnt from, and choose by what it is standardised.

        Parameters
        ----------
        acquisitions, models
            What was learnt from; without ``acquisitions`` features stay as they are.
        values
            (n, features) of all units of the batch.
        photographs
            (photographs, 9) of :func:`measure_photograph`.
        adapt
            ``auto`` takes the batch's own mean and deviation where it is of another acquisition and
            holds ten units, ``batch`` wherever it holds ten, and ``none`` never. With ``batch`` the
            user says that it is one acquisition with cells of all classes.
        """
        is_other = bool(len(photographs)) and is_unusual(models, photographs)
        unusual = are_unusual(models, photographs)
        differences: tuple[str, ...] = ()
        if is_other or unusual.any():
            differences = compare(models, photographs if is_other else photographs[unusual])
        known = tuple(acquisitions)
        own = adapt == "batch" or (adapt == "auto" and is_other)
        if known and own and len(values) >= MIN_BATCH_UNITS:
            model = PhotographModel.of_most(photographs) if adapt == "batch" else None
            by = (*statistics(values), len(values))
        else:
            by, model = (np.empty(0), np.empty(0), 0), None
        is_tested, n_unusual = bool(models), int(unusual.sum())
        return cls(known, *by, is_other, differences, model, is_tested, n_unusual)

    def transform(self, values: Values, photograph: NDArray[np.float32]) -> Values:
        """Return features of a photograph, (n, features), as the model takes them."""
        found = self.statistics_for(photograph)
        return values if found is None else standardize(values, *found)

    def statistics_for(self, photograph: NDArray[np.float32]) -> tuple[Values, Values] | None:
        """Return the mean and deviation that standardise a photograph's features, if any do."""
        if self.units:
            return self.centre, self.spread
        if not self.acquisitions:
            return None
        likest = of_photograph(self.acquisitions, photograph)
        return np.array(likest.centre), np.array(likest.spread)

    def can_stand(self, photograph: NDArray[np.float32], elsewhere: Confidence | None) -> bool:
        """Whether an answer for a photograph of another acquisition can stand unmarked.

        Parameters
        ----------
        photograph
            (9,) of :func:`.measure_photograph`; an odd one among the batch can't.
        elsewhere
            The model's confidence in another acquisition.
        """
        if self.own_model is None or elsewhere is None or not elsewhere.holds:
            return False
        return not self.own_model.are_unusual(photograph[None])[0]

    def sentence(self, n_photographs: int, unit: str, elsewhere: Confidence | None = None) -> str:
        """Say in a line what a user must know of the batch; "" where nothing is unusual.

        Parameters
        ----------
        n_photographs, unit
            How many there are, and what is classified.
        elsewhere
            The model's confidence in another acquisition.
        """
        if not self.is_tested:
            return NOT_TESTED
        if not self.is_other:
            return self._sentence_of_known(n_photographs, unit)
        subject = "This photograph is"
        if n_photographs > 1:
            together = "" if self.n_unusual == n_photographs else ", taken together,"
            subject = f"These {n_photographs} photographs{together} are"
        marked = "the answers are marked uncertain."
        advice = (
            f" To have answers that can be trusted, annotate at least {ADVISED_UNITS} cells "
            "here, some of each class, and learn from them, too."
        )
        if self.units and elsewhere is not None and elsewhere.holds:
            least = f"{elsewhere.abstain_below:.0%}"
            one = "of one acquisition and hold cells of all classes"
            if self.own_model is None:
                advice = (
                    f" If they are {one}, adapt by batch (--adapt batch), and answers of at least "
                    f"{least} stand."
                )
            else:
                marked = f"answers below {least} are marked uncertain, if they are {one}."
                advice = ""
        text = f"{subject} unlike those learnt from{self._how}: {marked}"
        if self.units:
            text += f" The model is adapted to them by these {counted(self.units, unit)}."
        if MIN_MIXED_FRACTION < self.n_unusual / n_photographs < 1 - MIN_MIXED_FRACTION:
            text += " If they are of several microscopes, predict those of each separately."
        return text + advice

    def _sentence_of_known(self, n_photographs: int, unit: str) -> str:
        """Say what a user must know of a batch that is like those learnt from."""
        found = []
        if self.n_unusual > max(1, MAX_CHANCE_FRACTION * n_photographs):
            found.append(
                f"{self.n_unusual} of these {n_photographs} photographs are unlike those learnt "
                f"from{self._how}: their answers are marked uncertain. If they are of another "
                "microscope, predict them separately."
            )
        if self.units:
            most = "Most of these" if self.n_unusual else "These"
            found.append(
                f"{most} photographs are like those learnt from. As was asked for, the model is "
                f"adapted to them by these {counted(self.units, unit)}: that is right only if they "
                "hold cells of all classes."
            )
        return " ".join(found)

    @property
    def _how(self) -> str:
        return f" ({'; '.join(self.differences)})" if self.differences else ""


def are_unusual(
    models: Sequence[PhotographModel], photographs: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Tell which photographs, (n, 9), are unusual in every acquisition; none is without models."""
    if not models:
        return np.zeros(len(photographs), bool)
    return np.all([model.are_unusual(photographs) for model in models], axis=0)


def is_unusual(models: Sequence[PhotographModel], photographs: NDArray[np.float32]) -> bool:
    """Whether most of a batch, (n, 9), is of another acquisition than those learnt from.

    Each photograph is compared with the acquisition that it is likest, and with it the others that
    are likest the same.
    """
    if not models:
        return False
    likest = np.argmin([model.excess(photographs) for model in models], axis=0)
    unusual = sum(
        (likest == k).sum()
        for k in np.unique(likest)
        if models[k].is_unusual_batch(photographs[likest == k])
    )
    return bool(unusual > len(photographs) / 2)


def compare(models: Sequence[PhotographModel], photographs: NDArray[np.float32]) -> tuple[str, ...]:
    """Say in what photographs, (n, 9), differ from the nearest acquisition, and by how much."""
    model = min(models, key=lambda x: float(np.median(x.distances(photographs).max(axis=1))))
    with np.errstate(all="ignore"):
        known = np.where(np.isfinite(photographs), photographs, model.centre)
        away = np.nanmedian(known, axis=0) - model.centre
    away_sd = np.abs(away) / np.sqrt(np.diag(model.covariance))
    largest = away_sd[: GROUPS[-1].stop].max()  # a batch may differ by less, if it is large
    differs = away_sd > min(MIN_DIFFERENCE_SD, largest - 1e-6)
    if model.is_scaled(photographs):
        differs[[DIAMETER, SIZE]] = True
    times = [f"{x:.2g}" for x in np.exp(away)]
    return tuple(
        f"{name} {', '.join(times[columns])} times"
        for name, columns in MEASURED.items()
        if differs[columns].any()
    )
