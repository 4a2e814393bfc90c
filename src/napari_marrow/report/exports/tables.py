"""The cells of a field as a table, a row each, and the shares of the classes by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import table_kind
from napari_marrow.data.text import listed
from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.shares import count_classes
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.report.exports.pixels import FieldPixels

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("image", "index", "y", "x", "class", "probability")
LAST = (
    "uncertain", "reason", "class_from", "annotated", "model", "model_class", "area_px",
    "area_um2", "cell_area_px", "nucleus_to_cell_ratio",
)  # fmt: skip
CELLS = table_kind("a table of cells", FIRST, "probability_.+", LAST)
SHARE_COLUMNS = (
    "image", "class", "cells", "given", "without_class", "counted", "uncertain", "share", "low",
    "high", "basis",
)  # fmt: skip
SHARES = table_kind("a table of shares", SHARE_COLUMNS[:7], "share|low|high", SHARE_COLUMNS[10:])
ALL_FIELDS = "all fields"


def cell_table(answers: CellAnswers, field_name: str, pixels: FieldPixels) -> pd.DataFrame:
    """Return the cells of a field, in the order of ``answers``.

    Columns ``image``, ``index`` (the number of the label), ``y``, ``x`` (pixels, of the centre of
    the nucleus), ``class`` (that was given, else the model's answer), ``probability`` (the model's,
    of that class), one ``probability_<class>`` a class, ``uncertain``, ``reason`` (why the model's
    answer is), ``class_from`` (who gave the class: a person, or a model), ``annotated`` (whether a
    person gave it, or looked at the cell and accepted an answer), ``model``, ``model_class`` (its
    own answer; of answers that were accepted together the accepted one), ``area_px``
    and ``area_um2`` (of the nucleus), ``cell_area_px`` and ``nucleus_to_cell_ratio`` (the area of
    the nucleus over that of nucleus and cytoplasm, 0 to 1). What is not known is missing.

    Raises
    ------
    MarrowError
        When a cell is not in ``pixels`` any more.
    """
    import pandas as pd

    rows = answers.cells.rows_of(field_name)
    measured = pd.DataFrame(nucleus_table(pixels.nuclei, pixels.cytoplasm)).set_index("index")
    numbers = answers.cells.index[rows]
    if missing := sorted({*numbers.tolist()} - {*measured.index.tolist()}):
        names = listed([str(number) for number in missing])
        raise MarrowError(
            f"{field_name} has no cell {names} any more, as its nuclei were changed; wait until "
            "they are measured again, and export again."
        )
    own = measured.loc[numbers]
    final, given = answers.final[rows], answers.given[rows] != UNKNOWN
    probabilities = answers.probabilities[rows]
    of_class = np.full(len(rows), np.nan)
    known = final != UNKNOWN
    of_class[known] = probabilities[known, final[known]]
    annotated, origins = answers.reviewed[rows] != UNKNOWN, answers.origins[rows]
    is_unseen = given & ~annotated
    answered = np.where(is_unseen, final, answers.answers[rows])
    by_model = np.where(answered != UNKNOWN, answers.model, "")
    by_model = np.where(is_unseen, origins, by_model)
    per_class = dict(zip(answers.classes, probabilities.T, strict=True))
    unit_um2 = np.nan if pixels.pixel_size_um is None else np.prod(pixels.pixel_size_um)
    around = own.get("cytoplasm_area", pd.Series(0, own.index)).to_numpy()
    has_cytoplasm, area = around > 0, own["area"].to_numpy(np.intp)
    return pd.DataFrame({
        "image": field_name,
        "index": numbers,
        "y": own["y"].to_numpy(),
        "x": own["x"].to_numpy(),
        "class": class_names(final, answers.classes),
        "probability": of_class,
        **{f"probability_{name}": values for name, values in per_class.items()},
        "uncertain": answers.uncertain[rows],
        "reason": answers.reasons[rows],
        "class_from": np.where(given, origins, by_model),
        "annotated": annotated,
        "model": by_model,
        "model_class": class_names(answered, answers.classes),
        "area_px": area,
        "area_um2": area * unit_um2,
        "cell_area_px": np.where(has_cytoplasm, area + around, np.nan),
        "nucleus_to_cell_ratio": np.where(has_cytoplasm, area / (area + around), np.nan),
    })  # fmt: skip


def shares_table(
    answers: CellAnswers,
    fields: Sequence[str],
    errors: HeldOutErrors | None = None,
) -> pd.DataFrame:
    """Return the share of each class among the cells of some fields together, and of each of them.

    Columns ``image``, ``class``, ``cells``, ``given`` (those that were given any class),
    ``without_class``, ``counted`` (those of this class, given or answered), ``uncertain`` (answers
    among these that are), ``share``, ``low``, ``high`` and ``basis``, all as :func:`.count_classes`
    has them: no share where a cell has no class, and an interval only where it holds the errors of
    the model or all classes were given.

    Parameters
    ----------
    answers
        The cells.
    fields
        Their names.
    errors
        Of the model that answered; None where they are not known.
    """
    import pandas as pd

    names = answers.cells.field_names
    parts = {ALL_FIELDS: np.isin(names, fields), **{name: names == name for name in fields}}
    found = [
        _share(answers, image, np.flatnonzero(rows), code, errors)
        for image, rows in parts.items()
        for code in range(len(answers.classes))
    ]
    return pd.DataFrame(found, columns=SHARE_COLUMNS)


def _share(
    answers: CellAnswers,
    image: str,
    rows: NDArray[np.intp],
    code: int,
    errors: HeldOutErrors | None,
) -> dict[str, object]:
    """Return the share of a class among some cells."""
    name, own = answers.classes[code], rows[answers.final[rows] == code]
    counts = count_classes(answers, rows, errors, CountSettings(class_name=name))
    share = next((x for x in counts.shares if x.class_name == name), None)
    has_interval = share is not None and counts.basis != "answered"
    return {
        "image": image,
        "class": name,
        "cells": counts.cells,
        "given": counts.given,
        "without_class": counts.unanswered,
        "counted": len(own),
        "uncertain": int(answers.uncertain[own].sum()),
        "share": np.nan if share is None else share.estimate,
        "low": share.low if share is not None and has_interval else np.nan,
        "high": share.high if share is not None and has_interval else np.nan,
        "basis": "" if share is None else counts.basis,
    }
