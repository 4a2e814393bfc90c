"""The share of a class among the cells of one field, with its interval, in a short line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.learning.counting.sentences import share_text
from napari_marrow.learning.scores.evaluation import MIN_SOURCES

if TYPE_CHECKING:
    import pandas as pd

    from napari_marrow.learning.bundles.bundle import Bundle

WITHOUT_ERRORS = "sampling alone"
"""What an interval covers that does not hold the model's errors."""


def held_out_errors(bundle: Bundle) -> HeldOutErrors | None:
    """Return the errors of a model; None where too few sources tell them."""
    try:
        errors = HeldOutErrors.of_bundle(bundle)
    except MarrowError:
        return None
    return errors if min(errors.sources) >= MIN_SOURCES else None


def field_share(
    table: pd.DataFrame, class_name: str | None, errors: HeldOutErrors | None = None
) -> str:
    """Return for example "ALL 67 % (39 to 86)"; '' where there is no cell.

    The interval is that of :func:`.count_cells` for one photograph, whose cells are taken as
    independent. It holds the model's errors where these are known, and says so where not.

    Parameters
    ----------
    table
        The cells of one field as they were answered: ``class``, ``uncertain`` and the
        probabilities.
    class_name
        What is counted.
    errors
        Of the model.
    """
    if class_name is None or table.empty:
        return ""
    own, settings = table.assign(image=""), CountSettings(class_name=class_name)
    result = count_cells(own, settings, errors)
    share = result.fields[0]
    if errors is not None and not (result.can_tell and share.low < share.high):
        return field_share(table, class_name)  # the answers can't come of these errors
    covers = "" if errors is not None else f"; {WITHOUT_ERRORS}"
    return f"{class_name} {share_text(share)[:-1]}{covers})"
