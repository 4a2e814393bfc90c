"""What :class:`.LayerInfo` holds of each slice: what a product is, and what was predicted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Record:
    """A dataclass that is stored as a dictionary of its attributes."""

    def to_dict(self) -> dict[str, object]:
        """Return the attributes as a dictionary."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote."""
        names = {f.name for f in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})


@dataclass(frozen=True)
class Product(_Record):
    """One slice of a stack of augmented photographs.

    Attributes
    ----------
    name
        Of the slice; a file of the product would have this stem.
    operation, copy
        What made it; an empty operation is the photograph itself.
    source
        The source of the photograph's field.
    photograph
        Path of the photograph; where there is no file, what tells it from others.
    class_name
        Class of the photograph's field, or None.
    size
        Height and width in pixels; a smaller slice is in the upper left corner of the stack.
    layer, row
        ``id`` and slice of the layer that it was made from; of an earlier version not known.
    """

    name: str
    operation: str
    copy: int
    source: str
    photograph: str
    class_name: str | None
    size: tuple[int, int]
    layer: str = ""
    row: int = 0

    @property
    def place(self) -> Path:
        """The name, below the file of the photograph if there is one."""
        return Path(self.photograph if Path(self.photograph).is_absolute() else "", self.name)


@dataclass(frozen=True)
class AnsweringModel(_Record):
    """The model that gave answers.

    Attributes
    ----------
    id
        Its fingerprint, see :attr:`.Bundle.fingerprint`.
    name
        As a person knows it.
    is_earlier
        Whether another one labels by now.
    """

    id: str
    name: str
    is_earlier: bool = False


@dataclass(frozen=True)
class FieldPrediction(_Record):
    """The prediction of one field.

    Attributes
    ----------
    class_name, probability, uncertain
        The answer for the field.
    text
        The answer as the caption shows it; empty where the field was not chosen.
    table
        As predicted, one row a unit; it is what is saved.
    share
        Of a field with cells: the share of its class with an interval, in words.
    """

    class_name: str | None
    probability: float | None
    uncertain: bool
    text: str
    table: pd.DataFrame
    share: str = ""
