"""Count cells: the share of a class by field, by source and in all, against a cut-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import listed
from napari_marrow.learning.counting.adjusted import AdjustedShare, ErrorModel, adjusted_share
from napari_marrow.learning.counting.doubts import count_reasons, find_doubts
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountResult, CountSettings, Unit, Verdict
from napari_marrow.learning.counting.sentences import describe, misfit
from napari_marrow.learning.scores.evaluation import MIN_SOURCES
from napari_marrow.learning.scores.findings import Share

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "probability_"


@dataclass(frozen=True)
class _Cells:
    """The answers to count.

    Attributes
    ----------
    class_name, model
        What is counted, and the errors in it.
    codes, is_counted, uncertain
        (n,) of each cell: the position of its answer in the model, whether it is that class, and
        whether it is uncertain.
    """

    class_name: str
    model: ErrorModel
    codes: NDArray[np.intp]
    is_counted: NDArray[np.bool_]
    uncertain: NDArray[np.bool_]

    @classmethod
    def of_table(cls, table: pd.DataFrame, class_name: str, errors: HeldOutErrors | None) -> _Cells:
        answered, uncertain = table["class"].to_numpy(str), table["uncertain"].to_numpy(bool)
        is_counted = answered == class_name
        if errors is None:
            model = ErrorModel.without_errors()
            return cls(class_name, model, (~is_counted).astype(np.intp), is_counted, uncertain)
        positions = {name: k for k, name in enumerate(errors.classes)}
        codes = np.array([positions[one] for one in answered])
        model = ErrorModel.of_errors(errors, class_name)
        return cls(class_name, model, codes, is_counted, uncertain)

    def adjusted(
        self, clusters: NDArray | None = None, rows: NDArray[np.bool_] | slice = slice(None)
    ) -> AdjustedShare:
        """Return the share among some cells; ``clusters`` are those of all."""
        return adjusted_share(
            self.model, self.codes[rows], None if clusters is None else clusters[rows]
        )

    def share(
        self,
        clusters: NDArray | None = None,
        rows: NDArray[np.bool_] | slice = slice(None),
        image: str = "",
        source: str = "",
    ) -> Share:
        """Return the share among some cells with its interval."""
        found = self.adjusted(clusters, rows)
        counted, uncertain = int(self.is_counted[rows].sum()), int(self.uncertain[rows].sum())
        estimate = float(np.clip(found.estimate, 0, 1))
        low, high = found.interval()
        return Share(
            self.class_name, image, found.cells, counted, estimate, low, high, source, uncertain
        )


def count_cells(
    table: pd.DataFrame,
    settings: CountSettings,
    errors: HeldOutErrors | None = None,
    sources: Mapping[str, str] | None = None,
) -> CountResult:
    """Count the share of a class among cells that were answered; takes milliseconds.

    All answers count, also the uncertain ones: the errors of the model are known for all of its
    answers, and those that are left out would be of the cells that are hard to tell.

    Parameters
    ----------
    table
        A row a cell, as ``napari-marrow predict`` writes it.
    settings
        The class and the cut-off.
    errors
        Of the model; None to leave shares as they are answered.
    sources
        Patient, slide or the like by image. With several of them, these are what the interval in
        all takes as independent, and fields are within each.

    Raises
    ------
    MarrowError
        When the settings can't work, there is no cell, or the classes or the unit are not those of
        the model.
    """
    settings.check()
    _check_classes(table, settings.class_name, errors)
    unit: Unit = "photograph" if (table["index"] == 0).all() else "cell"
    if errors is not None and errors.unit != unit:
        raise MarrowError(
            f"The errors are those of a model with one prediction per {errors.unit}, but the "
            f"answers are one per {unit}; give the bundle that answered, or its evaluation."
        )
    cells = _Cells.of_table(table, settings.class_name, errors)
    images = table["image"].to_numpy(str)
    groups = None if sources is None else np.array([sources[image] for image in images])
    several = groups is not None and len(np.unique(groups)) > 1
    clusters = groups if groups is not None and several else images
    whole, share = cells.adjusted(clusters), cells.share(clusters)
    cutoff = settings.cutoff / 100
    verdict = find_verdict(whole, share, cutoff, errors)
    reasons = table["reason"].fillna("").tolist() if "reason" in table else [""] * len(table)
    result = CountResult(
        settings=settings,
        share=share,
        verdict=verdict,
        more_cells=whole.more_cells(cutoff) if verdict == "open" else None,
        is_limited_by_errors=verdict == "open" and whole.is_limited_by_errors(cutoff),
        clusters=whole.clusters or 0,
        unit=unit,
        doubts=(
            *find_doubts(cells.uncertain.tolist(), reasons, errors, unit),
            *misfit(whole, share, unit),
        ),
        sources=() if groups is None else _by_source(cells, images, groups),
        fields=_by_field(cells, images, sources or {}) if unit == "cell" else (),
        is_adjusted=errors is not None,
        can_tell=whole.errors.weights is not None,
        errors_of="" if errors is None else errors.units,
        cautions=() if errors is None else errors.cautions,
        reasons=dict(count_reasons(cells.uncertain.tolist(), reasons)),
    )
    return replace(result, sentences=describe(result))


def _by_field(cells: _Cells, images: NDArray, sources: Mapping[str, str]) -> tuple[Share, ...]:
    """Return the share in each field, of which the cells are taken as independent."""
    found = dict.fromkeys(images.tolist())
    return tuple(cells.share(None, images == x, x, sources.get(x, "")) for x in found)


def _by_source(cells: _Cells, images: NDArray, groups: NDArray) -> tuple[Share, ...]:
    """Return the share in each source, of which the fields are taken as independent."""
    found = dict.fromkeys(groups.tolist())
    return tuple(cells.share(images, groups == x, "", x) for x in found)


def find_verdict(
    whole: AdjustedShare, share: Share, cutoff: float, errors: HeldOutErrors | None
) -> Verdict:
    """Return on which side of a cut-off, a fraction, a share is shown to be."""
    known_from = MIN_SOURCES if errors is None else min(errors.sources)
    if min(known_from, MIN_SOURCES if whole.clusters is None else whole.clusters) < MIN_SOURCES:
        return "too few"
    if share.low > cutoff:
        return "above"
    return "below" if share.high < cutoff else "open"


def _check_classes(table: pd.DataFrame, class_name: str, errors: HeldOutErrors | None) -> None:
    """Raise MarrowError where a class is not known, or there is nothing to count."""
    columns = [name for name in table.columns if name.startswith(PROBABILITY)]
    classes = sorted(name.removeprefix(PROBABILITY) for name in columns)
    if not len(table):
        raise MarrowError("The table of answers has no cell; count one with at least one.")
    if class_name not in classes:
        raise MarrowError(
            f"The class {class_name} is not one of the answers; choose from {listed(classes)}."
        )
    if errors is not None and sorted(errors.classes) != classes:
        raise MarrowError(
            f"The model's classes are {listed(errors.classes)}, but the answers are of "
            f"{listed(classes)}; give the bundle that answered."
        )
    if unknown := sorted(set(table["class"]) - set(classes)):
        raise MarrowError(
            f"The answers hold the class {unknown[0]}, which has no column of probabilities; "
            "predict again."
        )
