"""The fields of a form: a label, and a widget with a value, for each kind of option."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from qtpy.QtCore import QLocale, QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from napari_marrow.widgets.components.check_list import CheckList

T = TypeVar("T")
N_DECIMALS = 6
"""Of a number that is typed; those that are 0 at the end are not shown."""


class FormField(QObject, Generic[T]):
    """One field of a form.

    Attributes
    ----------
    native
        The widget in which the value is edited.
    label
        The text before it; a check box has it behind.
    """

    changed = Signal(object)
    """The value is another one, which is sent along."""

    def __init__(self, native: QWidget, label: str, tooltip: str):
        super().__init__(native)
        self.native, self.label = native, label
        native.setToolTip(tooltip)

    @property
    def tooltip(self) -> str:
        """What the field means, in a sentence."""
        return self.native.toolTip()

    @property
    def value(self) -> T:
        """The value that is shown; setting one that the field can't hold raises ValueError."""
        raise NotImplementedError

    @value.setter
    def value(self, value: T) -> None:
        raise NotImplementedError

    def _refuse(self, value: object) -> ValueError:
        return ValueError(f"{self.label} can't have the value {value!r}.")


class SwitchField(FormField[bool]):
    """A check box."""

    def __init__(self, label: str, tooltip: str):
        self._box = QCheckBox(label)
        super().__init__(self._box, label, tooltip)
        self._box.toggled.connect(self.changed.emit)

    @property
    def value(self) -> bool:
        """Whether it is checked."""
        return self._box.isChecked()

    @value.setter
    def value(self, value: bool) -> None:
        self._box.setChecked(value)


class TextField(FormField[str]):
    """A line of text."""

    def __init__(self, label: str, tooltip: str):
        self._line = QLineEdit()
        super().__init__(self._line, label, tooltip)
        self._line.textChanged.connect(self.changed.emit)

    @property
    def value(self) -> str:
        """The text."""
        return self._line.text()

    @value.setter
    def value(self, value: str) -> None:
        self._line.setText(value)


class ChoiceField(FormField[str]):
    """A combo box of names."""

    def __init__(self, label: str, tooltip: str, choices: Sequence[str]):
        self._box = QComboBox()
        super().__init__(self._box, label, tooltip)
        self._box.addItems(list(choices))
        self._box.currentTextChanged.connect(self.changed.emit)

    @property
    def value(self) -> str:
        """The name that is chosen."""
        return self._box.currentText()

    @value.setter
    def value(self, value: str) -> None:
        if value not in self.choices:
            raise self._refuse(value)
        self._box.setCurrentText(value)

    @property
    def choices(self) -> tuple[str, ...]:
        """The names; a chosen one that is no longer among them gives way to the first."""
        return tuple(self._box.itemText(k) for k in range(self._box.count()))

    @choices.setter
    def choices(self, choices: Sequence[str]) -> None:
        kept = self.value
        with QSignalBlocker(self._box):
            self._box.clear()
            self._box.addItems(list(choices))
            self._box.setCurrentIndex(max(self._box.findText(kept), 0))
        if self.value != kept:
            self.changed.emit(self.value)


class ChoicesField(FormField[tuple[str, ...]]):
    """A list of names with check boxes."""

    def __init__(self, label: str, tooltip: str, choices: Sequence[str]):
        self._list = CheckList(dict.fromkeys(choices, ""), (), selectable=False)
        super().__init__(self._list, label, tooltip)
        self._list.edited.connect(lambda: self.changed.emit(self.value))

    @property
    def value(self) -> tuple[str, ...]:
        """The names that are checked."""
        return self._list.checked

    @value.setter
    def value(self, value: Sequence[str]) -> None:
        self._list.check(*value)
        if set(self.value) != set(value):
            raise self._refuse(value)


class NumberField(FormField[float]):
    """A spin box of whole or other numbers, the smallest of which may have a name."""

    def __init__(self, label: str, tooltip: str, low: float, high: float, lowest: str, whole: bool):
        self._box = QSpinBox() if whole else _FloatBox()
        super().__init__(self._box, label, tooltip)
        if isinstance(self._box, QSpinBox):
            self._box.setRange(int(low), int(high))
        else:
            self._box.setDecimals(N_DECIMALS)
            self._box.setRange(low, high)
            self._box.setSingleStep(0.01 if high <= 1 else 0.1)
        self._box.setSpecialValueText(lowest)
        self._box.valueChanged.connect(self.changed.emit)

    @property
    def value(self) -> float:
        """The number."""
        return self._box.value()

    @value.setter
    def value(self, value: float) -> None:
        if not self._box.minimum() <= value <= self._box.maximum():
            raise self._refuse(value)
        self._box.setValue(value)  # type: ignore[arg-type]


class _FloatBox(QDoubleSpinBox):
    """Shows no more digits than a number has: 0.25, not 0.250000."""

    def textFromValue(self, value: float) -> str:
        """Return the shortest text in the user's language."""
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        return locale.toString(
            value, "f", QLocale.FloatingPointPrecisionOption.FloatingPointShortest
        )


def make_field(field: dataclasses.Field, hint: object, value: object) -> FormField[Any]:
    """Return the field of a form for one option of a settings dataclass.

    Parameters
    ----------
    field
        Of the settings dataclass.
    hint
        Its type.
    value
        The value to begin with.
    """
    meta = field.metadata
    label = f"{meta['label']} ({meta['unit']})" if meta["unit"] else meta["label"]
    tooltip = meta["help"]
    made: FormField[Any]
    if hint is bool:
        made = SwitchField(label, tooltip)
    elif choices := get_args(hint) if get_origin(hint) is Literal else meta["choices"]:
        kind = ChoicesField if get_origin(hint) is tuple else ChoiceField
        made = kind(label, tooltip, choices)
    elif hint is str:
        made = TextField(label, tooltip)
    else:
        made = NumberField(
            label, tooltip, meta["low"], meta["high"], meta["lowest"], whole=hint is int
        )
    made.value = value  # type: ignore[assignment]
    return made
