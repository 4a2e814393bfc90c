"""What is chosen in a gallery of cells: groups, order, filter, and the size of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_marrow.data.options import Settings, option
from napari_marrow.learning.annotating.arranging import Arrangement, CellFilter
from napari_marrow.widgets.components.annotating.cell_delegate import DEFAULT_SIDE_PX
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import Fold, fill_column, group

ANY = "any"


@dataclass(frozen=True)
class PictureSettings(Settings):
    """How large cells are shown."""

    side_px: int = option(
        DEFAULT_SIDE_PX,
        "Picture size",
        "Side of the picture of a cell.",
        unit="px",
        low=32,
        high=256,
    )
    same_scale: bool = option(
        True,
        "All cells at the same scale",
        "So that sizes can be compared, as on the canvas; else each nucleus fills its picture.",
    )


class GalleryControls(QWidget):
    """The forms of a gallery."""

    arranged = Signal()
    """Other groups, another order or another filter was chosen."""
    resized = Signal()
    """Another size or scale of pictures was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.order_form = SettingsForm(Arrangement(), without=("group_size",))
        self.size_form = SettingsForm(Arrangement(), without=("groups", "order"))
        self.filter_form = SettingsForm(CellFilter(), without=("class_name", "reason"))
        self.picture_form = SettingsForm(PictureSettings())
        self.class_combo = _combo("Cells of this class: the one given, else the answer.")
        self.reason_combo = _combo("Of uncertain answers those with this reason.")
        names = QWidget()
        layout = QFormLayout(names)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow("Class", self.class_combo)
        layout.addRow("Reason", self.reason_combo)
        content = QWidget()
        fill_column(
            content,
            group("Filter", names, self.filter_form),
            group("Size", self.size_form, self.picture_form),
        )
        self.more = Fold("Filter and size", content)
        fill_column(self, self.order_form, self.more)
        self._enable_reason()
        for form in (self.order_form, self.size_form, self.filter_form):
            form.changed.connect(self.arranged)
        self.filter_form.changed.connect(self._enable_reason)
        self.picture_form.changed.connect(self.resized)
        for combo in (self.class_combo, self.reason_combo):
            combo.currentIndexChanged.connect(lambda _: self.arranged.emit())

    @property
    def arrangement(self) -> Arrangement:
        """Groups and order."""
        order = self.order_form.settings()
        return replace(order, group_size=self.size_form.settings().group_size)

    @property
    def cell_filter(self) -> CellFilter:
        """Which cells are looked at."""
        return replace(
            self.filter_form.settings(),
            class_name=str(self.class_combo.currentData() or ""),
            reason=str(self.reason_combo.currentData() or ""),
        )

    @property
    def pictures(self) -> PictureSettings:
        """Size and scale."""
        return self.picture_form.settings()

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
        self.reason_combo.setEnabled(self.filter_form.settings().shown == "uncertain")


def _combo(tooltip: str) -> QComboBox:
    made = QComboBox()
    made.setToolTip(tooltip)
    made.addItem(ANY, "")
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    return made
