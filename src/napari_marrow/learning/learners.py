"""Learners: the units of a collection, prepared once, and models fitted on rows of them.

There is one class for each kind of model, which the registry names: :mod:`.network_learner` and
:mod:`.classical_learner`.
"""

from __future__ import annotations

import copy
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.progress import ignore, never
from napari_marrow.learning.adaptation.acquisitions import Standardizer
from napari_marrow.learning.confidence.conformal import Conformal
from napari_marrow.learning.confidence.error_rate import UNKNOWN, Confidence
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.splits import Rows, Split
from napari_marrow.learning.units.watched import OnWatched

Probabilities = NDArray[np.float64]
N_AS_PUBLISHED = 3
"""Pictures of each field under the protocol ``paper``: itself, turned, and its edges."""
N_CROSS_FITTING_FOLDS = 5
"""Folds of the training side, whose answers tell how certain the model's are."""
OnEpoch = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Callbacks:
    """How the caller of a long piece of work hears of it and ends it.

    Attributes
    ----------
    progress
        Called with the fraction that is done, 0 to 1, and a short text; may raise Stopped.
    on_epoch
        Called with the losses after each epoch of a network.
    should_stop
        Called after every step of a network; True ends the training.
    message
        Called with a sentence that the user should read before the work goes on.
    on_watched
        Called now and then with what a network answers for a few images, the same each time.
    """

    progress: Callable[[float, str], None] = ignore
    on_epoch: OnEpoch = ignore
    should_stop: Callable[[], bool] = never
    message: Callable[[str], None] = ignore
    on_watched: OnWatched | None = None

    def part(self, start: float, stop: float) -> Callbacks:
        """Return callbacks whose progress from 0 to 1 is ``start`` to ``stop`` of these."""

        def progress(fraction: float, text: str) -> None:
            self.progress(start + (stop - start) * min(1.0, fraction), text)

        return replace(self, progress=progress)


SILENT = Callbacks()


@dataclass(frozen=True)
class FittedModel:
    """A fitted model of any kind.

    Attributes
    ----------
    predict
        Probabilities of the classes, (n, classes), for rows of the learner's table, by the ONNX
        model and without temperature.
    onnx
        The ONNX model.
    parameters
        Number of fitted parameters.
    device
        Where it was trained.
    features
        Of a classical model: what it takes, in this order.
    weights
        Of a network.
    tables
        What the bundle holds of this kind of model, by the name of the file.
    notes
        Sentences that a reader of the scores must know.
    standardizer
        How its features are standardised, and what each acquisition was like.
    confidence
        Of its answers for photographs like those learnt from.
    elsewhere
        Of its answers for another acquisition, by which they are standardised; None where too few
        were learnt from to tell.
    conformal
        Tells units of none of the classes; None where nothing was held out to fit it to.
    """

    predict: Callable[[Rows], Probabilities]
    onnx: bytes
    parameters: int
    device: str = "cpu"
    features: tuple[str, ...] = ()
    weights: dict[str, NDArray[np.float32]] | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    standardizer: Standardizer = field(default_factory=Standardizer)
    confidence: Confidence = UNKNOWN
    elsewhere: Confidence | None = None
    conformal: Conformal | None = None


@dataclass(frozen=True)
class FoldModel:
    """A model fitted for one fold, which answers and is dropped.

    Attributes
    ----------
    predict
        Probabilities of the classes, (n, classes), for rows of the learner's table.
    parameters
        Number of fitted parameters.
    export
        Returns its ONNX model, which takes longer to make than most classical models to fit.
    history
        Of a network, the losses by epoch; None of other models.
    """

    predict: Callable[[Rows], Probabilities]
    parameters: int
    export: Callable[[], bytes]
    history: pd.DataFrame | None = None


@dataclass(eq=False)
class Learner(ABC):
    """Prepares the units of a collection, once, and fits models on rows of them.

    Attributes
    ----------
    collection, settings, callbacks, failures
        What the units are prepared from, and what could not be prepared; fits have settings of
        their own.
    leave_out
        Whether ``auto`` families are without what a stain, a camera or a magnification changes.
    table
        A row a unit, with class, source and mean colour.
    """

    PREPARATION_FRACTION: ClassVar[float]
    """Fraction of the time of a training that preparing the units takes."""
    collection: Collection
    settings: TrainingSettings
    callbacks: Callbacks
    failures: Failures
    leave_out: bool = False
    table: pd.DataFrame = field(init=False)

    @abstractmethod
    def __post_init__(self): ...

    @cached_property
    def _acquisitions(self) -> NDArray[np.str_]:
        """(n,) the acquisition of each unit."""
        names = {self.collection.label(f): f.acquisition for f in self.collection.fields}
        return self.table["image"].map(names).to_numpy(str)

    def _standardizer(
        self, settings: TrainingSettings, values: NDArray[np.float64], rows: Rows
    ) -> Standardizer:
        """Learn from rows of the table, with these features, what their acquisitions are like."""
        adapt = settings.adapt if settings.protocol == "honest" else "none"
        classes = self.table["class"].to_numpy(str)[rows]
        return Standardizer.fit(values, self._acquisitions[rows], classes, adapt)

    @abstractmethod
    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> FittedModel:
        """Fit a model on what is not held out, with the confidence of its answers."""

    def relabelled(self, classes: NDArray[np.str_]) -> Self:
        """Return a learner of the same units with other classes, (n,), as controls need it."""
        found = copy.copy(self)
        found.table = self.table.assign(**{"class": classes})
        return found

    @abstractmethod
    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FoldModel:
        """Fit a model on rows of the table, all that it may know."""


def learner_class(kind: str) -> type[Learner]:
    """Return the learner of a kind of model, by its name in the registry."""
    found: type[Learner] = pkgutil.resolve_name(KINDS[kind].learner)
    return found
