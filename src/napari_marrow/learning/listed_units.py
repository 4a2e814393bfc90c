"""Units before they are measured: their number, and splits that leave enough to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.text import counted, listed
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.learning.learners import N_AS_PUBLISHED, Callbacks, Learner, learner_class
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import CompareSettings, TrainingSettings, Unit
from napari_marrow.learning.splits import (
    Rows,
    Split,
    split_as_published,
    split_by_source,
)
from napari_marrow.learning.units.samples import cells_of, check_found, check_masks, with_classes


def list_units(
    collection: Collection,
    settings: TrainingSettings | CompareSettings,
    callbacks: Callbacks,
    failures: Failures,
) -> pd.DataFrame:
    """Return ``index``, ``image``, ``source`` and ``class`` of what will be learnt from.

    Nothing is measured; of cells the nuclei are found, which measuring then takes from the cache. A
    class of one unit is reported. Fields that can't be used are added to ``failures``.

    Raises
    ------
    MarrowError
        When no field can be used, no cell is found, or there are not two classes.
    """
    units = _find_units(collection, settings.unit, callbacks.progress, failures)
    check_classes(units, collection)
    for name, own in units.groupby("class"):
        if len(own) == 1:
            callbacks.message(
                f"{name} has {_described(own, settings.unit)}: the result can't be measured; add "
                "more of this class."
            )
    return units


def _described(units: pd.DataFrame, unit: Unit) -> str:
    """Return the number of the units of a class, and their photographs."""
    count = len(units[["image", "index"]].drop_duplicates())
    number = f"only one {unit}" if count == 1 else counted(count, unit)
    return f"{number}, {'in ' * (unit == 'cell')}{listed(sorted(set(units['image'])))}"


def to_split(units: pd.DataFrame, settings: TrainingSettings) -> pd.DataFrame:
    """Return listed units in as many rows as they are measured in."""
    return pd.concat([units] * (N_AS_PUBLISHED if settings.protocol == "paper" else 1))


def checked_split(
    table: pd.DataFrame, settings: TrainingSettings, acquisitions: Mapping[str, str]
) -> Split:
    """Split units; raise MarrowError where a side to learn from holds too few of a class.

    ``acquisitions`` has that of each photograph.
    """
    split = split_units(table, settings, acquisitions)
    check_learnable(table, np.concatenate([split.train, split.validation]), settings)
    return split


def has_learnable(table: pd.DataFrame, rows: Rows, settings: TrainingSettings) -> bool:
    """Whether rows hold enough units of each class for a model to learn from."""
    counts = table["class"].iloc[rows].value_counts()
    needed = MODELS[settings.model].min_units
    return all(counts.get(name, 0) >= needed for name in set(table["class"]))


def check_learnable(table: pd.DataFrame, rows: Rows, settings: TrainingSettings) -> None:
    """Raise MarrowError where rows hold too few units of a class for a model to learn from."""
    needed = MODELS[settings.model].min_units
    learnt = table["class"].iloc[rows].value_counts()
    for name, own in table.groupby("class"):
        if (left := learnt.get(name, 0)) < needed:
            rest = f" ({left} of them to learn from)" if len(own) > 1 else ""
            raise MarrowError(
                f"{name} has {_described(own, settings.unit)}{rest}, and {settings.model} needs "
                f"{needed}; add more of this class, or choose another model."
            )


def check_classes(table: pd.DataFrame, collection: Collection) -> None:
    """Raise MarrowError where units are not of two classes at least."""
    found = sorted(table["class"].unique())
    if len(found) < 2:
        raise MarrowError(
            f"{collection.root} gave units of the class {', '.join(found) or 'none'} only; "
            "training needs at least two classes."
        )


def _find_units(
    collection: Collection,
    unit: Unit,
    progress: Callable[[float, str], None],
    failures: Failures,
) -> pd.DataFrame:
    tables = []
    for k, field in enumerate(collection.fields):
        name, index = collection.label(field), [0]
        with failures.leaving_out(name):
            if unit == "cell":
                progress(k / len(collection.fields), f"Finding the cells of {field.name}")
                check_masks(field)
                labels = np.unique(cells_of(field.image(), field_labels(field)))
                index = labels[labels > 0].tolist()
            tables.append(with_classes(pd.DataFrame({"index": index}), field, name, unit))
    failures.check_some_left(len(collection.fields))
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    check_found(table, collection)
    return table[table["class"].notna()].reset_index(drop=True)


def split_units(
    table: pd.DataFrame, settings: TrainingSettings, acquisitions: Mapping[str, str]
) -> Split:
    """Split units into training, validation and held-out side, as the protocol says.

    ``acquisitions`` has that of each photograph.
    """
    fractions = (settings.heldout, settings.validation, settings.seed)
    classes, sources = table["class"].to_numpy(str), table["source"].to_numpy(str)
    if settings.protocol == "paper":
        return split_as_published(classes, *fractions)
    own = table["image"].map(acquisitions).to_numpy(str)
    return split_by_source(classes, sources, *fractions, own)


def prepare_learner(
    collection: Collection,
    settings: TrainingSettings,
    leave_out: bool,
    callbacks: Callbacks,
    failures: Failures,
) -> Learner:
    """Measure or load the units, ready to be fitted; see :class:`.Learner` for the parameters.

    Raises
    ------
    MarrowError
        When no unit can be used, or there are not two classes.
    """
    learner = learner_class(settings.kind)(collection, settings, callbacks, failures, leave_out)
    check_classes(learner.table, collection)
    return learner
