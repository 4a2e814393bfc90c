"""Forms made from settings dataclasses: labels, bounds and help come from their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, Select, SpinBox
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QCollapsible

T = TypeVar("T")
MORE = "More settings"
ROW_PX = 20
"""Height of a row of a list of choices, of which several can be taken."""
OPENED, CLOSED = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"


class SettingsForm(QWidget, Generic[T]):
    """A form for a settings dataclass; fields marked ``advanced`` are folded away.

    Parameters
    ----------
    defaults
        The settings to begin with; their class is what :meth:`settings` returns.
    without
        Names of fields that the form leaves out; they keep the values of ``defaults``.
    """

    def __init__(self, defaults: T, without: Collection[str] = ()):
        super().__init__()
        self._defaults = defaults
        self.fields: dict[str, Any] = {}
        shown: Container[Any] = Container(labels=True)
        folded: Container[Any] = Container(labels=True)
        hints = get_type_hints(type(defaults))
        for field in dataclasses.fields(defaults):  # type: ignore[arg-type]
            if field.name in without:
                continue
            widget = _widget(field, hints[field.name], getattr(defaults, field.name))
            self.fields[field.name] = widget
            (folded if field.metadata["advanced"] else shown).append(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for container in (shown, folded):
            container.margins = (0, 0, 0, 0)
        layout.addWidget(shown.native)
        if len(folded):
            # Its icons are painted black, whatever the theme; signs in the text are not.
            self.more = QCollapsible(
                f"{CLOSED} {MORE}", expandedIcon=QIcon(), collapsedIcon=QIcon()
            )
            self.more.toggled.connect(self._show_sign)
            self.more.setDuration(0)
            self.more.addWidget(folded.native)
            layout.addWidget(self.more)

    def _show_sign(self, opened: bool) -> None:
        self.more.setText(f"{OPENED if opened else CLOSED} {MORE}")

    def settings(self) -> T:
        """The settings as the form shows them now."""
        shown = {name: widget.value for name, widget in self.fields.items()}
        return dataclasses.replace(self._defaults, **shown)  # type: ignore[type-var]

    def show_settings(self, settings: T) -> None:
        """Make the form show other settings."""
        for name, widget in self.fields.items():
            widget.value = getattr(settings, name)


def _widget(field: dataclasses.Field, hint: Any, value: Any) -> Any:
    """The magicgui widget of one field."""
    meta = field.metadata
    unit = f" ({meta['unit']})" if meta["unit"] else ""
    common: dict[str, Any] = {
        "name": field.name,
        "label": f"{meta['label']}{unit}",
        "tooltip": meta["help"],
    }
    if get_origin(hint) is Literal:
        return ComboBox(choices=get_args(hint), value=value, **common)
    if get_origin(hint) is tuple:
        several = Select(choices=meta["choices"], value=value, **common)
        several.native.setFixedHeight(ROW_PX * len(meta["choices"]) + 6)
        return several
    if hint is bool:
        return CheckBox(value=value, **{**common, "text": ""})
    if hint is str:
        return LineEdit(value=value, **common)
    if hint is float:
        small = meta["high"] <= 1
        bounds = {"min": meta["low"], "max": meta["high"], "step": 0.01 if small else 0.1}
        widget = FloatSpinBox(value=value, **bounds, **common)
        widget.native.setDecimals(4 if small else 2)
        return widget
    return SpinBox(value=value, min=meta["low"], max=meta["high"], **common)
