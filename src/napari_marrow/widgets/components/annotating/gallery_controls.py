"""What is chosen in a gallery of cells: groups, order, filter, and the size of the pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_marrow.data.options import Settings, option
from napari_marrow.learning.annotating.arranging import Arrangement
from napari_marrow.widgets.components.annotating.cell_delegate import DEFAULT_SIDE_PX
from napari_marrow.widgets.components.annotating.filter_form import FilterForm
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import Fold, fill_column, group


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
        self.filter = FilterForm()
        self.picture_form = SettingsForm(PictureSettings())
        content = QWidget()
        fill_column(
            content,
            group("Filter", self.filter),
            group("Size", self.size_form, self.picture_form),
        )
        self.more = Fold("Filter and size", content)
        fill_column(self, self.order_form, self.more)
        for form in (self.order_form, self.size_form, self.filter):
            form.changed.connect(self.arranged)
        self.picture_form.changed.connect(self.resized)

    @property
    def arrangement(self) -> Arrangement:
        """Groups and order."""
        order = self.order_form.settings()
        return replace(order, group_size=self.size_form.settings().group_size)

    @property
    def pictures(self) -> PictureSettings:
        """Size and scale."""
        return self.picture_form.settings()
