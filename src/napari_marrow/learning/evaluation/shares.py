"""The share of each class among the cells that a model was judged on, as a count would give it."""

from __future__ import annotations

import pandas as pd

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.learning.scores.findings import Share


def shares_of(bundle: Bundle, scored: pd.DataFrame) -> tuple[Share, ...]:
    """Return the share of each class in all, by source and by photograph.

    It is adjusted for the errors of the model on the units held out at its training, and so can be
    compared with the given classes. None of whole photographs, and of a model without held-out
    units of each class.

    Parameters
    ----------
    bundle
        The model.
    scored
        A row a cell with ``image``, ``index``, ``source``, ``predicted``, ``uncertain`` and
        probabilities.
    """
    if bundle.info.settings.unit != "cell":
        return ()
    try:
        errors = HeldOutErrors.of_bundle(bundle)
    except MarrowError:  # nothing of a class was held out
        return ()
    table = scored.assign(**{"class": scored["predicted"]})
    sources = dict(zip(scored["image"], scored["source"], strict=True))
    counts = (
        count_cells(table, CountSettings(name), errors, sources) for name in bundle.info.classes
    )
    return tuple(share for count in counts for share in count.shares)
