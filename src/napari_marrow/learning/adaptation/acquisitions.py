"""Acquisitions: what is usual in each that a model learnt from, and adaptation to another one.

Features are standardised by the acquisition that they come from: the mean of its cells is taken
away, and the rest divided by their standard deviation, whatever the cells' classes (domain
adaptation by normalisation, as in batch effects of W. E. Johnson et al., "Adjusting batch effects
in microarray expression data", Biostatistics 8, 2007, without their shrinkage). That removes what
a stain, a camera or a magnification adds to all cells alike. Where an acquisition holds one class
only, it would remove the class as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.adaptation.photographs import GROUPS, USUAL_DEVIATIONS
from napari_marrow.learning.model_settings import Adapt

MIN_TRAINING_UNITS = 5
"""Cells or fields of an acquisition, of all classes, by which it is standardised at training."""
MIN_BATCH_UNITS = 10
"""Cells of new photographs from which those of their acquisition are taken: ten give most of it."""
MIN_KNOWN_UNITS = 20
"""Cells or fields that were learnt from of an acquisition for which answers stand unmarked."""
ADVISED_UNITS = 30
"""Cells to annotate in a new place, so that as many are learnt from when a quarter is held out."""
MAX_CONFOUNDED_FRACTION = 0.5
"""Fraction of the units in acquisitions of one class, above which none is standardised by its
own."""
MIN_SHARED_UNITS, MIN_SHARED_FRACTION = 10, 0.2
"""Units of the rarer of two classes that must be in the same acquisitions as units of the other: so
many, or this fraction of all of it. Fewer don't tell the classes from the acquisitions."""
MIN_SPREAD = 1e-6

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Acquisition:
    """An acquisition that a model learnt from.

    Attributes
    ----------
    name
        As the table of the data set calls it, else its number.
    units
        Number of cells or fields by class.
    centre, spread
        Mean and standard deviation of each feature of the model, in their order.
    members
        The narrower acquisitions that it consists of.
    photograph
        Mean of what tells the acquisition of a photograph, see :func:`.measure_photograph`.
    """

    name: str
    units: Mapping[str, int]
    centre: tuple[float, ...] = field(repr=False)
    spread: tuple[float, ...] = field(repr=False)
    members: tuple[str, ...] = ()
    photograph: tuple[float, ...] = ()

    @classmethod
    def of_values(
        cls,
        name: str,
        values: Values,
        classes: NDArray[np.str_],
        fractions: Mapping[str, float] | None = None,
    ) -> Acquisition:
        """Return the acquisition of units with these features.

        Parameters
        ----------
        name
            Its name.
        values, classes
            (n, features) and (n,) of its units.
        fractions
            Of the classes in all that is learnt from: units count as if they had these here, too,
            so that an acquisition with more of one class is not taken for one with another stain.
        """
        names, codes, counts = np.unique(classes, return_inverse=True, return_counts=True)
        weights = np.ones(len(classes))
        if fractions is not None:
            weights = np.array([fractions[k] for k in names.tolist()])[codes] / counts[codes]
        centre, spread = statistics(values, weights)
        units = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return cls(name, units, tuple(centre.tolist()), tuple(spread.tolist()))

    @classmethod
    def from_dict(cls, values: Mapping) -> Acquisition:
        """Return the acquisition that ``dataclasses.asdict`` stored."""
        return cls(
            str(values["name"]),
            {str(name): int(n) for name, n in values["units"].items()},
            tuple(map(float, values["centre"])),
            tuple(map(float, values["spread"])),
            tuple(map(str, values["members"])),
            tuple(map(float, values["photograph"])),
        )

    def is_valid(self, n_values: int) -> bool:
        """Whether it has numbers of units, and for each of the values standardised by it."""
        return (
            len(self.centre) == len(self.spread) == n_values
            and len(self.photograph) == len(USUAL_DEVIATIONS)
            and all(map(math.isfinite, (*self.centre, *self.photograph)))
            and all(MIN_SPREAD < one < math.inf for one in self.spread)
            and all(count >= 0 for count in self.units.values())
        )

    def standardize(self, values: Values) -> Values:
        """Return features as deviations from this acquisition's mean, in its deviations."""
        return standardize(values, np.array(self.centre), np.array(self.spread))


def statistics(values: Values, weights: Values | None = None) -> tuple[Values, Values]:
    """Return mean and standard deviation of each column; 0 and 1 of one without any value.

    ``weights``, (n,), are those of the rows; all are alike when None.
    """
    known = np.isfinite(values)
    own = known * (np.ones(len(values)) if weights is None else weights)[:, None]
    total = own.sum(axis=0)
    total[total == 0] = 1.0
    centre = (own * np.where(known, values, 0)).sum(axis=0) / total
    squares = (own * np.where(known, values - centre, 0) ** 2).sum(axis=0)
    spread = np.sqrt(squares / total)
    return centre, np.where(spread > MIN_SPREAD, spread, 1.0)


def standardize(values: Values, centre: Values, spread: Values) -> Values:
    """Return (values - centre) / spread, in the precision that the models take."""
    return ((values - centre) / spread).astype(np.float32).astype(np.float64)


@dataclass(frozen=True)
class Grouping:
    """By which acquisitions the units of a training set are standardised.

    Attributes
    ----------
    groups
        (n,) name of the acquisition of each unit. Those with too few units, or without one of the
        classes, are one together, or else belong to the largest.
    removes_class
        Whether most units are of acquisitions that hold one class only, or two classes hardly share
        an acquisition; all are one group then.
    """

    groups: NDArray[np.str_]
    removes_class: bool = False


OTHERS = "others"


def group_units(acquisitions: NDArray[np.str_], classes: NDArray[np.str_]) -> Grouping:
    """Choose by which acquisitions units are standardised.

    Parameters
    ----------
    acquisitions, classes
        (n,) those of each unit.
    """
    names, codes = np.unique(acquisitions, return_inverse=True)
    kinds, class_codes = np.unique(classes, return_inverse=True)
    counts = np.zeros((len(names), len(kinds)), int)
    np.add.at(counts, (codes, class_codes), 1)
    units, held, n_classes = counts.sum(axis=1), (counts > 0).sum(axis=1), len(kinds)
    in_one = units[held < 2].sum()
    whole = (held == n_classes) & (units >= MIN_TRAINING_UNITS)
    is_confounded = in_one > MAX_CONFOUNDED_FRACTION * len(classes) or _has_apart(counts)
    if len(names) > 1 and is_confounded:
        return Grouping(np.full(len(classes), OTHERS), True)
    if not whole.any():
        return Grouping(np.full(len(classes), OTHERS))
    rest = classes[~whole[codes]]
    enough = len(rest) >= MIN_KNOWN_UNITS and len(np.unique(rest)) == n_classes
    largest = names[np.argmax(units * whole)]
    return Grouping(np.where(whole[codes], acquisitions, OTHERS if enough else largest))


def _has_apart(counts: NDArray[np.intp]) -> bool:
    """Whether two classes hardly share an acquisition; ``counts``, (acquisitions, classes)."""
    n_of_class = counts.sum(axis=0)
    for one, other in itertools.combinations(range(counts.shape[1]), 2):
        shared = np.minimum(counts[:, one], counts[:, other]).sum()
        rarer = min(n_of_class[one], n_of_class[other])
        if shared < min(MIN_SHARED_UNITS, MIN_SHARED_FRACTION * rarer):
            return True
    return False


def little_known(acquisitions: Sequence[Acquisition]) -> frozenset[str]:
    """Return the names of narrower acquisitions of which few units were learnt from.

    That is fewer than 20, and than half of those of the largest: all of a small training set are as
    well known as each other.
    """
    sizes = [sum(one.units.values()) for one in acquisitions]
    enough = min(MIN_KNOWN_UNITS, max(sizes, default=0) / 2)
    pairs = zip(acquisitions, sizes, strict=True)
    return frozenset(name for one, size in pairs if size < enough for name in one.members)


def nearest(acquisitions: Sequence[Acquisition], values: Values) -> Acquisition:
    """Return the acquisition whose mean is nearest to that of units, in its deviations."""

    def distance(one: Acquisition) -> float:
        return float(np.square(statistics(one.standardize(values))[0]).sum())

    return min(acquisitions, key=distance)


def with_photographs(
    acquisitions: Sequence[Acquisition], names: Sequence[str], measured: NDArray[np.float32]
) -> tuple[Acquisition, ...]:
    """Add to acquisitions the mean of their photographs.

    Parameters
    ----------
    acquisitions
        Those of a model.
    names, measured
        (n,) narrower acquisition of each photograph, and (n, 9) of :func:`.measure_photograph`.
    """
    known = measured.astype(np.float64)
    return tuple(
        replace(one, photograph=tuple(statistics(known[np.isin(names, one.members)])[0].tolist()))
        for one in acquisitions
    )


def of_photograph(
    acquisitions: Sequence[Acquisition], measured: NDArray[np.float32]
) -> Acquisition:
    """Return the acquisition whose photographs are likest one, (9,).

    All but the size of the photograph counts, in the deviations that photographs usually have.
    """
    compared = slice(0, GROUPS[-1].stop)

    def distance(one: Acquisition) -> float:
        away = (measured - np.array(one.photograph)) / USUAL_DEVIATIONS
        return float(np.nansum(away[compared] ** 2))

    return min(acquisitions, key=distance)


REMOVES_CLASS = (
    "Class and acquisition go together: most of what is learnt from is of acquisitions that hold "
    "one class only, or two classes hardly share an acquisition, so features can't be standardised "
    "by acquisition without removing the class"
)


@dataclass(frozen=True)
class Standardizer:
    """Standardises features by acquisition, with what was learnt of each.

    Attributes
    ----------
    acquisitions
        By name; none leave features as they are.
    note
        Why features stay as they are, for a reader of the scores; "" else.
    removes_class
        Whether that is because standardising would remove the class.
    observed
        What each acquisition was like, whether features are standardised by it or not.
    """

    acquisitions: Mapping[str, Acquisition] = field(default_factory=dict)
    note: str = ""
    removes_class: bool = False
    observed: tuple[Acquisition, ...] = ()

    @classmethod
    def fit(
        cls, values: Values, names: NDArray[np.str_], classes: NDArray[np.str_], adapt: Adapt
    ) -> Standardizer:
        """Learn what is usual in each acquisition of a training side.

        Parameters
        ----------
        values
            (n, features).
        names, classes
            (n,) acquisition and class of each row.
        adapt
            See :class:`.AdaptationSettings`.

        Raises
        ------
        MarrowError
            When ``adapt`` is ``batch`` and standardising would remove the class.
        """
        observed = tuple(
            replace(Acquisition.of_values(name, values[own], classes[own]), members=(name,))
            for name in np.unique(names).tolist()
            for own in [names == name]
        )
        if adapt == "none":
            return cls(observed=observed)
        grouping = group_units(names, classes)
        if grouping.removes_class and adapt == "batch":
            raise MarrowError(
                f"{REMOVES_CLASS}; add photographs of the other classes, or use none."
            )
        if grouping.removes_class:
            note = f"{REMOVES_CLASS}: answers for another microscope are not adapted."
            return cls(note=note, removes_class=True, observed=observed)
        groups = grouping.groups
        kinds, counts = np.unique(classes, return_counts=True)
        fractions = dict(zip(kinds.tolist(), (counts / len(classes)).tolist(), strict=True))
        rows = {name: groups == name for name in np.unique(groups).tolist()}
        found = {
            k: replace(
                Acquisition.of_values(k, values[own], classes[own], fractions),
                members=tuple(np.unique(names[own]).tolist()),
            )
            for k, own in rows.items()
        }
        return cls(found, observed=observed)

    def transform(self, values: Values, names: NDArray[np.str_]) -> Values:
        """Standardise rows by their acquisition; by their own cells where it was not learnt from.

        Of an acquisition with fewer than ten new cells the nearest that was learnt from counts.
        """
        found = values
        if self.acquisitions:
            found = np.empty_like(values)
            for rows, centre, spread in self.parts(values, names):
                found[rows] = standardize(values[rows], centre, spread)
        return found

    def parts(
        self, values: Values, names: NDArray[np.str_]
    ) -> Iterator[tuple[NDArray[np.bool_], Values, Values]]:
        """Yield rows of one acquisition, with the mean and deviation that standardise them."""
        group = {name: one for one in self.acquisitions.values() for name in one.members}
        for name in np.unique(names) if self.acquisitions else ():
            rows, known = names == name, group.get(str(name))
            if known is None and rows.sum() >= MIN_BATCH_UNITS:
                yield rows, *statistics(values[rows])
            else:
                known = known or nearest([*self.acquisitions.values()], values[rows])
                yield rows, np.array(known.centre), np.array(known.spread)

    def groups(self, names: NDArray[np.str_]) -> NDArray[np.str_]:
        """Return the acquisition by which units of narrower ones, (n,), are standardised."""
        group = {x: one.name for one in self.acquisitions.values() for x in one.members}
        return np.array([group.get(name, "") for name in names.tolist()], str)

    def take(self, columns: Sequence[int]) -> Standardizer:
        """Return the standardizer of the features of these columns alone."""

        def taken(one: Acquisition) -> Acquisition:
            centre, spread = ([x[k] for k in columns] for x in (one.centre, one.spread))
            return replace(one, centre=tuple(centre), spread=tuple(spread))

        found = {name: taken(one) for name, one in self.acquisitions.items()}
        return replace(self, acquisitions=found, observed=tuple(map(taken, self.observed)))
