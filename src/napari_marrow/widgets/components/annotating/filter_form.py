"""The form that chooses which cells are looked at: in the gallery, and as rings on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_marrow.learning.annotating.arranging import CellFilter
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import fill_column

ANY = "any"


class FilterForm(QWidget):
    """Chooses cells by class, certainty, reason and probability."""

    changed = Signal()
    """Other cells are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.form = SettingsForm(CellFilter(), without=("class_name", "reason"))
        self.class_combo = _combo("Cells of this class: the one given, else the answer.")
        self.reason_combo = _combo("Of uncertain answers those with this reason.")
        names = QWidget()
        layout = QFormLayout(names)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow("Class", self.class_combo)
        layout.addRow("Reason", self.reason_combo)
        fill_column(self, names, self.form)
        self._enable_reason()
        self.form.changed.connect(self._enable_reason)
        self.form.changed.connect(self.changed)
        for combo in (self.class_combo, self.reason_combo):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())

    @property
    def cell_filter(self) -> CellFilter:
        """Which cells are looked at."""
        return replace(
            self.form.settings(),
            class_name=str(self.class_combo.currentData() or ""),
            reason=str(self.reason_combo.currentData() or ""),
        )

    def set_names(self, classes: Sequence[str], reasons: Sequence[str]) -> None:
        """Offer these classes and reasons; what is chosen stays, also where it has no cell now."""
        for combo, names in ((self.class_combo, classes), (self.reason_combo, reasons)):
            chosen = str(combo.currentData() or "")
            wanted = ["", *names, *([chosen] if chosen and chosen not in names else [])]
            if wanted == [combo.itemData(k) for k in range(combo.count())]:
                continue
            with QSignalBlocker(combo):
                combo.clear()
                for name in wanted:
                    combo.addItem(name or ANY, name)
                combo.setCurrentIndex(wanted.index(chosen))

    def _enable_reason(self) -> None:
        self.reason_combo.setEnabled(self.form.settings().shown == "uncertain")


def _combo(tooltip: str) -> QComboBox:
    made = QComboBox()
    made.setToolTip(tooltip)
    made.addItem(ANY, "")
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    return made
