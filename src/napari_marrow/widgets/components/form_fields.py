"""The fields of a form: magicgui's widget for each kind of option."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args, get_origin

from magicgui.widgets import FloatSpinBox, create_widget
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QDoubleSpinBox

from napari_marrow.widgets.components.check_list import CheckList


class Choices(QObject):
    """Several of some names, as magicgui's Select, with check boxes in place of a selection.

    Parameters
    ----------
    label, tooltip
        Text before the list, and what it means.
    choices
        The names.
    """

    changed = Signal(object)
    """Other names are checked, which are sent along."""

    def __init__(self, label: str, tooltip: str, choices: Sequence[str]):
        self.native = CheckList(dict.fromkeys(choices, ""), (), selectable=False)
        super().__init__(self.native)
        self.label, self.tooltip = label, tooltip
        self.native.setToolTip(tooltip)
        self.native.edited.connect(lambda: self.changed.emit(self.value))

    @property
    def value(self) -> tuple[str, ...]:
        """The names that are checked; setting one that is not there raises ValueError."""
        return self.native.checked

    @value.setter
    def value(self, value: Sequence[str]) -> None:
        self.native.check(*value)
        if set(self.value) != set(value):
            raise ValueError(f"{self.label} can't have the value {value!r}.")


FormField: TypeAlias = ValueWidget | Choices


def make_field(field: dataclasses.Field, hint: object, value: object) -> FormField:
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
    tooltip, choices = meta["help"], get_args(hint) if _is_literal(hint) else meta["choices"]
    if get_origin(hint) is tuple:
        several = Choices(label, tooltip, choices)
        several.value = value  # type: ignore[assignment]
        return several
    options: dict[str, object] = {"tooltip": tooltip}
    if choices:
        options |= {"choices": choices, "widget_type": "ComboBox"}
    if meta["high"] is not None:
        step = 1 if hint is int else 0.01 if meta["high"] <= 1 else 0.1
        options |= {"min": meta["low"], "max": meta["high"], "step": step}
    if meta["lowest"]:
        options["widget_type"] = FloatSpinBox  # that for whole numbers shows none in words
    made = create_widget(value, hint, name=field.name, label=label, options=options)
    assert isinstance(made, ValueWidget)
    if isinstance(made, FloatSpinBox):
        assert isinstance(made.native, QDoubleSpinBox)
        made.native.setSpecialValueText(meta["lowest"])
        made.native.setDecimals(0 if hint is int else meta["decimals"])
        made.value = float(value)  # type: ignore[arg-type]  # with all its digits
    return made


def _is_literal(hint: object) -> bool:
    return get_origin(hint) is Literal
