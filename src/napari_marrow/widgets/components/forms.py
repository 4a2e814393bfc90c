"""Forms made from settings dataclasses: labels, bounds and help come from their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import (
    Any,
    Generic,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from magicgui.widgets import Container, FloatSpinBox, Select, create_widget
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_marrow.data.options import Settings
from napari_marrow.widgets.components.layout import fill_column

MORE = "More settings"
ROW_HEIGHT_PX = 20
"""Of a list of choices, of which several can be selected."""
OPENED, CLOSED = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"


T = TypeVar("T", bound=Settings)


class SettingsForm(QWidget, Generic[T]):
    """A form for a settings dataclass; fields marked ``advanced`` are folded away.

    Parameters
    ----------
    defaults
        The settings to begin with; their class is what :meth:`settings` returns.
    without
        Names of fields that the form leaves out; they keep the values of ``defaults``.
    """

    changed = Signal()
    """A field has another value."""

    def __init__(self, defaults: T, without: Collection[str] = ()):
        super().__init__()
        self._defaults = defaults
        self.fields: dict[str, Any] = {}  # magicgui's, by name
        shown: Container = Container(labels=True)
        folded: Container = Container(labels=True)
        hints = get_type_hints(type(defaults))
        for field in dataclasses.fields(defaults):
            if field.name in without:
                continue
            widget = _widget(field, hints[field.name], getattr(defaults, field.name))
            widget.changed.connect(lambda value: self.changed.emit())
            self.fields[field.name] = widget
            (folded if field.metadata["advanced"] else shown).append(widget)
        for container in (shown, folded):
            container.margins = (0, 0, 0, 0)
        fill_column(self, shown.native)
        if len(folded):
            # Its icons are painted black, whatever the theme; signs in the text are not.
            self.more = QCollapsible(
                f"{CLOSED} {MORE}", expandedIcon=QIcon(), collapsedIcon=QIcon()
            )
            self.more.toggled.connect(self._show_sign)
            self.more.setDuration(0)
            self.more.addWidget(folded.native)
            self.layout().addWidget(self.more)  # type: ignore[union-attr]

    def _show_sign(self, opened: bool) -> None:
        self.more.setText(f"{OPENED if opened else CLOSED} {MORE}")

    def settings(self) -> T:
        """Return the settings as the form shows them now."""
        shown = {name: widget.value for name, widget in self.fields.items()}
        return dataclasses.replace(self._defaults, **shown)

    def checked_settings(self) -> T:
        """Return the settings as the form shows them now.

        Raises
        ------
        MarrowError
            When they can't work.
        """
        settings = self.settings()
        settings.check()
        return settings

    def set_shown(self, names: Collection[str], shown: bool) -> None:
        """Show or hide fields; hidden ones keep their values."""
        for name in names:
            self.fields[name].visible = shown


def _widget(field: dataclasses.Field, hint: object, value: object) -> ValueWidget:
    """Return the magicgui widget of one field."""
    meta = field.metadata
    unit = f" ({meta['unit']})" if meta["unit"] else ""
    options: dict[str, object] = {"tooltip": meta["help"]}
    if hint is bool:
        options["text"] = ""
    if choices := get_args(hint) if get_origin(hint) is Literal else meta["choices"]:
        several = get_origin(hint) is tuple
        options |= {"choices": choices, "widget_type": "Select" if several else "ComboBox"}
    if meta["high"] is not None:
        options |= {"min": meta["low"], "max": meta["high"]}
    if hint is float:
        options["step"] = 0.01 if meta["high"] <= 1 else 0.1
    widget = create_widget(
        value, hint, name=field.name, label=f"{meta['label']}{unit}", options=options
    )
    if isinstance(widget, Select):
        widget.native.setFixedHeight(ROW_HEIGHT_PX * len(meta["choices"]) + 6)
    if isinstance(widget, FloatSpinBox):
        widget.native.setDecimals(4 if meta["high"] <= 1 else 2)
    assert isinstance(widget, ValueWidget)
    return widget
