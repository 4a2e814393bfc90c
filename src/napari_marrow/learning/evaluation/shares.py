"""The share of each class among the cells that a model was judged on, as a count would give it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pandas as pd

from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors, NothingHeldOutError
from napari_marrow.learning.counting.result import CountResult, CountSettings
from napari_marrow.learning.scores.findings import Share

Sentences: TypeAlias = tuple[str, ...]


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
    errors = _errors(bundle)
    if bundle.info.settings.unit != "cell" or errors is None:
        return ()
    counts = (
        _count(scored, CountSettings(class_name=name), errors) for name in bundle.info.classes
    )
    return tuple(
        replace(share, is_guess=count.verdict == "too few")
        for count in counts
        for share in count.shares
    )


def count_sentences(bundle: Bundle, scored: pd.DataFrame, settings: CountSettings) -> Sentences:
    """Return what the share of a class means against a cut-off, the doubts first.

    Without held-out units of each class the errors of the model are not in it, which it says.

    Parameters
    ----------
    bundle, scored
        As above, also of whole photographs.
    settings
        The class and the cut-off.

    Raises
    ------
    MarrowError
        When the model does not know the class.
    """
    return _count(scored, settings, _errors(bundle)).sentences


def _errors(bundle: Bundle) -> HeldOutErrors | None:
    try:
        return HeldOutErrors.of_bundle(bundle)
    except NothingHeldOutError:
        return None


def _count(
    scored: pd.DataFrame, settings: CountSettings, errors: HeldOutErrors | None
) -> CountResult:
    table = scored.assign(**{"class": scored["predicted"]})
    sources = dict(zip(scored["image"], scored["source"], strict=True))
    return count_cells(table, settings, errors, sources)
