"""The errors of a model on units it did not learn from, as a count needs them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import one_line
from napari_marrow.learning.bundle_files import HELDOUT
from napari_marrow.learning.counting.result import Unit, counted_unit
from napari_marrow.learning.scores.evaluation import MIN_SOURCES, Evaluation
from napari_marrow.learning.scores.intervals import count_sources, design_effect

if TYPE_CHECKING:
    import pandas as pd

    from napari_marrow.learning.bundles.bundle import Bundle
    from napari_marrow.learning.scores.results import ModelResult

ASSUMED_SOURCES, ASSUMED_CORRELATION = 1.0, 0.05
"""Sources with this correlation that are added to those in which it can be seen, see
:func:`.design_effect`; ``benchmarks/counting.py --choose`` prints what they were chosen by."""

OF_PAPER = (
    "The errors were measured by the protocol paper, in which copies of held-out photographs are "
    "learnt from: on new photographs they are larger than the count is adjusted for."
)


class NothingHeldOutError(MarrowError):
    """Nothing that tells the errors of a model for a class was held out."""


@dataclass(frozen=True)
class HeldOutErrors:
    """How often a model takes one class for another, and how well that is known.

    Attributes
    ----------
    classes
        In the order of rows and columns.
    confusion
        Number of held-out units; rows are the true class, columns the answer.
    effects
        By true class: design effect of right answers, by which clustering in sources reduces the
        number of units.
    sources
        By true class: how many sources its units are from.
    uncertain
        Fraction of the answers for such units that are uncertain for their low probability; None
        where that is not known.
    cautions
        Sentences on why the errors may be larger than these.
    inseparable
        Whether class and acquisition can't be told apart in what the model learnt from.
    unit
        What the model answers for.
    evaluated
        Name of the photographs of an evaluation that the errors are from; "" where they were held
        out when the model was trained.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    effects: tuple[float, ...]
    sources: tuple[int, ...]
    uncertain: float | None = None
    cautions: tuple[str, ...] = ()
    inseparable: bool = False
    unit: Unit = "cell"
    evaluated: str = ""

    def __post_init__(self):
        missing = [n for n, row in zip(self.classes, self.confusion, strict=True) if not sum(row)]
        if missing:
            which = (
                f"set of the evaluation of {self.evaluated}" if self.evaluated else "held-out set"
            )
            raise NothingHeldOutError(
                f"The {which} has no unit of the class {missing[0]}, so that the errors for "
                "it are not known; hold out more, or evaluate on a folder with all classes."
            )

    @property
    def units(self) -> str:
        """What the units are called on which the errors were seen."""
        return "evaluated" if self.evaluated else "held-out"

    @classmethod
    def of_answers(
        cls,
        truth: NDArray,
        answered: NDArray,
        sources: NDArray,
        classes: Sequence[str],
        uncertain: float | None = None,
        cautions: Sequence[str] = (),
        inseparable: bool = False,
        unit: Unit = "cell",
    ) -> HeldOutErrors:
        """Count the errors of answers for held-out units.

        Parameters
        ----------
        truth, answered, sources
            (n,) true class, answered class and source of each unit.
        classes
            All that there are.
        uncertain, cautions, inseparable, unit
            See the class.
        """
        confusion, effects, counts = [], [], []
        for name in classes:
            own = truth == name
            confusion.append(tuple(int((answered[own] == other).sum()) for other in classes))
            right = answered[own] == name
            effects.append(clustering(right, sources[own]))
            counts.append(count_sources(sources[own]))
        few = _few_sentence(classes, counts)
        return cls(
            tuple(classes),
            tuple(confusion),
            tuple(effects),
            tuple(counts),
            uncertain,
            (*cautions, *few),
            inseparable,
            unit,
        )

    @classmethod
    def of_evaluation(
        cls,
        evaluation: Evaluation,
        uncertain: float | None = None,
        cautions: Sequence[str] = (),
        unit: Unit = "cell",
        evaluated: str = "",
    ) -> HeldOutErrors:
        """Take the errors from scores, where the answers themselves are not at hand.

        The design effect is that of all classes together, and the number of sources of a class
        that has enough is taken to be its part of all.

        Parameters
        ----------
        evaluation
            The scores.
        uncertain, cautions, unit, evaluated
            See the class.
        """
        confusion = tuple(map(tuple, evaluation.confusion))
        even = max(MIN_SOURCES, evaluation.sources // len(evaluation.classes))
        counts = [evaluation.few_sources.get(name, even) for name in evaluation.classes]
        origin = (
            f"The errors are those of the evaluation of {evaluated}: it must be of photographs "
            "made like these."
        )
        kind = "evaluated" if evaluated else "held-out"
        return cls(
            evaluation.classes,
            confusion,
            (evaluation.design_effect,) * len(confusion),
            tuple(counts),
            uncertain,
            (
                *((origin,) if evaluated else ()),
                *cautions,
                *_few_sentence(evaluation.classes, counts, kind),
            ),
            unit=unit,
            evaluated=evaluated,
        )

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> HeldOutErrors:
        """Count the errors of a trained model on its held-out units.

        Raises
        ------
        MarrowError
            When nothing was held out, or a class has no held-out unit.
        """
        info = bundle.info
        if info.evaluation is None:
            raise NothingHeldOutError(
                f"{bundle.path} has no held-out units, so that its errors are not known; train "
                "with a held-out part, or give --evaluation."
            )
        table = bundle.read(HELDOUT, lambda content: _read_heldout(content, info.classes))
        cautions = [] if info.confounding is None else [info.confounding.sentence]
        if info.settings.protocol == "paper":
            cautions.append(OF_PAPER)
        try:
            return cls.of_answers(
                table["class"].to_numpy(),
                table["predicted"].to_numpy(),
                table["source"].to_numpy(),
                info.classes,
                1 - info.confidence.coverage if info.confidence.units else None,
                cautions,
                info.inseparable,
                counted_unit(info.settings.unit),
            )
        except MarrowError as error:
            raise type(error)(f"{bundle.path}: {error}") from error


def clustering(values: NDArray, sources: NDArray) -> float:
    """Return the design effect of values, (n,) from 0 to 1, in sources; 1 of no value."""
    if not len(values):
        return 1.0
    return design_effect(values, sources, ASSUMED_SOURCES, ASSUMED_CORRELATION)


def read_evaluation(path: Path) -> HeldOutErrors:
    """Read the errors from the ``evaluation.json`` of one model.

    Raises
    ------
    MarrowError
        When it is none, or of several models.
    """
    from napari_marrow.learning.scores.results import of_json

    try:
        result = of_json(path.read_bytes())
        for one in result.models:
            _check_values(one)
    except OSError as error:
        raise MarrowError(f"{path} can't be read ({error.strerror}); check its name.") from error
    except ValueError as error:
        raise MarrowError(
            f"{path} is not the result of an evaluation; give the evaluation.json that "
            "napari-marrow evaluate wrote."
        ) from error
    names = {one.model for one in result.models}
    if len(names) != 1:
        raise MarrowError(
            f"{path} holds the scores of {len(names)} models; give the evaluation.json of "
            "the model that answered."
        )
    # of one model under both protocols, the honest errors count
    model = min(result.models, key=lambda one: one.protocol != "honest")
    cautions = [OF_PAPER] if model.protocol == "paper" else []
    # a comparison is of the photographs that are learnt from, not of others
    is_of_others = result.kind == "evaluate"
    if not is_of_others:
        cautions.append(
            f"The errors are those of {one_line(model.model)} in the comparison of "
            f"{one_line(result.data.name)}: the model that answered must be trained like it."
        )
    if result.confounding is not None:
        cautions.append(
            result.confounding.in_evaluation if is_of_others else result.confounding.sentence
        )
    try:
        return HeldOutErrors.of_evaluation(
            model.evaluation,
            model.low_probability,
            cautions,
            counted_unit(result.data.unit),
            one_line(result.data.name) if is_of_others else "",
        )
    except MarrowError as error:
        raise MarrowError(f"{path}: {error}") from error


def _check_values(model: ModelResult) -> None:
    """Raise ValueError where the scores of a model can't be."""
    model.evaluation.check()
    if not 0 <= (model.low_probability or 0) <= 1:
        raise ValueError("a fraction is not from 0 to 1")


def _few_sentence(
    classes: Sequence[str], counts: Sequence[int], kind: str = "held-out"
) -> tuple[str, ...]:
    few = [f"{n} of {name}" for name, n in zip(classes, counts, strict=True) if n < MIN_SOURCES]
    if not few:
        return ()
    return (
        f"The model's errors are known from too few {kind} sources ({', '.join(few)}; "
        f"{MIN_SOURCES} are needed): an interval would be a guess.",
    )


def _read_heldout(content: bytes, classes: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    columns = ["class", "predicted", "source"]
    found = pd.read_csv(io.BytesIO(content), usecols=columns, dtype=str, keep_default_na=False)
    if not found[["class", "predicted"]].isin(classes).all(axis=None):
        raise ValueError("it has other classes")
    return found
