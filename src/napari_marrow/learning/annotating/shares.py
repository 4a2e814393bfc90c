"""The share of each class while a person annotates: of the classes given, and of the answers.

Cells that were given a class count as they are. The answers for all others are adjusted for the
errors that the model makes on cells drawn at random (Rogan and Gladen, see
:mod:`napari_marrow.learning.counting.adjusted`), where these are known from enough fields. Until
then there is a share of answers, but no interval and no verdict: intervals that leave the errors
out may never hold the truth, see ``benchmarks/counting_annotated.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes
from napari_marrow.learning.counting.adjusted import AdjustedShare, ErrorModel, adjusted_share
from napari_marrow.learning.counting.count import find_verdict
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings, Verdict
from napari_marrow.learning.counting.sentences import percent, share_text
from napari_marrow.learning.scores.evaluation import MIN_SOURCES
from napari_marrow.learning.scores.findings import Share
from napari_marrow.learning.scores.words import TOO_FEW

Basis = Literal["given", "corrected", "answered"]
"""What a share is of: classes that were given alone; also answers, corrected for the errors of the
model; or answers as they are."""


_HOW: Mapping[Basis, str] = {
    "given": "",
    "corrected": ", corrected for errors",
    "answered": " as answered",
}


@dataclass(frozen=True)
class ClassCounts:
    """The share of each class among some cells.

    Attributes
    ----------
    settings
        The class that is counted, and the cut-off.
    cells, given
        Number of cells, and of those that were given a class.
    unanswered
        Number of those that have neither a class nor an answer: with any there are no shares.
    shares
        A share a class.
    verdict
        On the class that is counted; None where it has no share.
    fields
        Number of fields, which the intervals take as independent; within one its cells are.
    basis
        What all shares are of.
    """

    settings: CountSettings
    cells: int
    given: int
    unanswered: int
    shares: tuple[Share, ...]
    verdict: Verdict | None
    fields: int
    basis: Basis

    @property
    def _where(self) -> str:
        place = "this field" if self.fields == 1 else counted(self.fields, "field")
        return f"{counted(self.cells, 'cell')} in {place}"

    @property
    def sentence(self) -> str:
        """The share of the class that is counted, and the verdict."""
        if self.unanswered:
            known = self.cells - self.unanswered
            return (
                f"{known} of {self._where} have a class: the share is known once a model answers "
                "for all others, for which at least two classes are to be given."
            )
        if self.verdict is None:
            return ""
        return f"{self._share(f' of {self._where}')}: {self._verdict}."

    @property
    def remark(self) -> str:
        """Why the errors of the model are not in the shares; "" where they are."""
        if self.unanswered or self.basis != "answered":
            return ""
        return (
            "Answers are not corrected for the errors of the model: these are known once cells of "
            f"each class were drawn at random in {MIN_SOURCES} fields. Or give all cells a class."
        )

    @property
    def texts(self) -> dict[str, str]:
        """Number of cells of each class and the share: "31 (72 %)" or "31, corrected 68 %"."""
        form = "{}, corrected {} %" if self.basis == "corrected" else "{} ({} %)"
        return {x.class_name: form.format(x.counted, percent(x.estimate)) for x in self.shares}

    @property
    def lines(self) -> tuple[str, str]:
        """Counts and verdict in two short lines, for the canvas; "" of what is not known."""
        named = ", ".join(f"{x.class_name} {x.counted}" for x in self.shares if x.counted)
        counts = f"{named} of {counted(self.cells, 'cell')} ({self.given} given)" if named else ""
        return counts, "" if self.verdict is None else f"{self._share('')}: {self._verdict}"

    def _share(self, of: str) -> str:
        (share,) = (x for x in self.shares if x.class_name == self.settings.class_name)
        cutoff = self.settings.cutoff
        is_guess = self.verdict == "too few"
        text = f"{percent(share.estimate, cutoff)} %" if is_guess else share_text(share, cutoff)
        return f"{share.class_name} {text}{of}{_HOW[self.basis]}"

    @property
    def _verdict(self) -> str:
        cutoff = f"{self.settings.cutoff:g} %"
        if self.verdict == "too few":
            return TOO_FEW if self.basis == "answered" else f"{TOO_FEW} from so few fields"
        if self.verdict == "open":
            return f"neither above nor below {cutoff} is shown"
        return f"{self.verdict} {cutoff}"


def count_classes(
    known: CellAnswers,
    rows: NDArray[np.intp],
    errors: HeldOutErrors | None,
    settings: CountSettings,
) -> ClassCounts:
    """Count the cells of each class, those given and those answered; takes milliseconds.

    Parameters
    ----------
    known
        What is known of the class of each cell. Answers that were accepted together count as
        answers, and not as given.
    rows
        Those to count.
    errors
        Of the model that answered, on cells drawn at random; None where they are not known.
    settings
        Which class the verdict is on, and the cut-off.
    """
    final, given = known.final[rows], known.reviewed[rows]
    fields = known.cells.field[rows]
    n_fields, unanswered = len(np.unique(fields)), int((final == UNKNOWN).sum())
    n_given = int((given != UNKNOWN).sum())
    everything = len(rows) > 0 and n_given == len(rows)
    usable = errors if errors is not None and min(errors.sources) >= MIN_SOURCES else None
    basis: Basis = "given" if everything else "answered"
    if unanswered or not len(rows):
        return ClassCounts(settings, len(rows), n_given, unanswered, (), None, n_fields, basis)
    uncertain, clusters = known.uncertain[rows], None if n_fields == 1 else fields
    wholes = None if everything else _all_corrected(known, given, final, usable, clusters)
    basis = basis if wholes is None else "corrected"
    shares, verdict = [], None
    for code, name in enumerate(known.classes):
        is_own = final == code
        whole = None if wholes is None else wholes.get(name)
        if whole is None:
            raw = (~is_own).astype(np.intp)
            whole = adjusted_share(ErrorModel.without_errors(), raw, clusters)
        share = _share(whole, name, is_own, uncertain)
        shares.append(share)
        if name == settings.class_name:
            by = usable if basis == "corrected" else None
            verdict = find_verdict(whole, share, settings.cutoff / 100, by)
            verdict = "too few" if basis == "answered" else verdict
    found = tuple(shares)
    return ClassCounts(settings, len(rows), n_given, 0, found, verdict, n_fields, basis)


def _all_corrected(
    known: CellAnswers,
    given: Codes,
    final: Codes,
    errors: HeldOutErrors | None,
    clusters: Codes | None,
) -> dict[str, AdjustedShare] | None:
    """Return the corrected share of each class; None unless it is known for all that cells have.

    So all shares of a table have one basis. A class that no cell has is 0 on each.
    """
    found = {}
    for code, name in enumerate(known.classes):
        whole = _corrected(known, given, final, errors, name, clusters)
        if whole is not None:
            found[name] = whole
        elif (final == code).any():
            return None
    return found or None


def _share(
    whole: AdjustedShare, name: str, own: NDArray[np.bool_], uncertain: NDArray[np.bool_]
) -> Share:
    low, high = whole.interval()
    estimate = float(np.clip(whole.estimate, 0, 1))
    return Share(
        name, "", len(own), int(own.sum()), estimate, low, high, uncertain=int(uncertain.sum())
    )


def _corrected(
    known: CellAnswers,
    given: Codes,
    final: Codes,
    errors: HeldOutErrors | None,
    name: str,
    clusters: Codes | None,
) -> AdjustedShare | None:
    """Return the share of a class, of given cells as they are and of others adjusted.

    None where the errors for it are not known, or the model tells it no better than by chance.
    """
    if errors is None or name not in errors.classes:
        return None
    model = ErrorModel.of_errors(errors, name)
    if model.weights is None:
        return None
    given = _positions(given, known.classes, errors.classes)
    final = _positions(final, known.classes, errors.classes)
    if (final == UNKNOWN).any():  # a class that the errors are not known for
        return None
    return mixed_share(model, given != UNKNOWN, final, clusters)


def mixed_share(
    model: ErrorModel, is_given: NDArray[np.bool_], final: Codes, clusters: NDArray | None
) -> AdjustedShare:
    """Return the share of a class among cells of which some were given theirs.

    Parameters
    ----------
    model
        The errors in the answers, which tell the class from others.
    is_given
        (n,) whether the class of a cell was given; else the model answered.
    final
        (n,) position of the class, or the answer, among the classes of the model.
    clusters
        See :func:`.adjusted_share`.
    """
    size = len(model.answers)
    counts = np.bincount(final[is_given], minlength=size).astype(float)
    answered = np.bincount(final[~is_given], minlength=size).astype(float)
    others = np.linalg.solve(model.answers.T, answered).clip(0)  # of each true class
    part = np.divide(counts, counts + others, out=np.zeros(size), where=counts + others > 0)
    return adjusted_share(model.with_known(part), np.where(is_given, final, size + final), clusters)


def _positions(codes: Codes, names: Sequence[str], others: Sequence[str]) -> Codes:
    """Return codes of classes in another order; -1 of those that are not in it."""
    found = [others.index(x) if x in others else UNKNOWN for x in names]
    return np.array([*found, UNKNOWN])[codes]
