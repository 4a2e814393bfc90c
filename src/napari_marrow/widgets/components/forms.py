"""Forms made from settings dataclasses: labels, bounds and help come from their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Generic, TypeVar, get_type_hints

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QWidget

from napari_marrow.data.options import Settings
from napari_marrow.widgets.components.form_fields import FormField, make_field
from napari_marrow.widgets.components.layout import Fold, fill_column

MORE = "More settings"

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
        self.fields: dict[str, FormField] = {}
        self._labels: dict[str, QLabel] = {}
        shown, folded = QWidget(), QWidget()
        layouts = {False: _rows(shown), True: _rows(folded)}
        hints = get_type_hints(type(defaults))
        for field in dataclasses.fields(defaults):
            if field.name in without:
                continue
            made = make_field(field, hints[field.name], getattr(defaults, field.name))
            made.changed.connect(lambda value: self.changed.emit())
            self.fields[field.name] = made
            layout = layouts[field.metadata["advanced"]]
            if isinstance(made.native, QCheckBox):
                layout.addRow(made.native)
            else:
                label = self._labels[field.name] = QLabel(made.label)
                label.setToolTip(made.tooltip)
                layout.addRow(label, made.native)
        self._folded = [x.name for x in dataclasses.fields(defaults) if x.metadata["advanced"]]
        fill_column(self, shown)
        if layouts[True].rowCount():
            self.more = Fold(MORE, folded)
            self.layout().addWidget(self.more)  # type: ignore[union-attr]

    def settings(self) -> T:
        """Return the settings as the form shows them now."""
        kinds = {name: type(getattr(self._defaults, name)) for name in self.fields}
        shown = {name: kinds[name](field.value) for name, field in self.fields.items()}
        return dataclasses.replace(self._defaults, **shown)

    def show_settings(self, settings: T) -> None:
        """Show these settings."""
        for name, field in self.fields.items():
            field.value = getattr(settings, name)

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
        """Show or hide fields, and the fold where it has none; hidden ones keep their values."""
        for name in names:
            self.fields[name].native.setVisible(shown)
            if name in self._labels:
                self._labels[name].setVisible(shown)
        folded = [self.fields[name] for name in self._folded if name in self.fields]
        if folded:
            self.more.setVisible(any(not field.native.isHidden() for field in folded))


def _rows(parent: QWidget) -> QFormLayout:
    layout = QFormLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    # in a large font a label is above its field, so that the dock is no wider
    layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return layout
