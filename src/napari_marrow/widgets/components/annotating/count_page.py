"""The share of each class in the shown field and in all, against a cut-off, as one annotates."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QLabel

from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.viewer.annotating.open_project import OpenProject
from napari_marrow.widgets.components.annotating.review_page import ReviewPage
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import fill_column, row, text_label

DEFAULT_CLASS = "MM"
NOTHING = "Shares are shown once the cells are measured, and each has a class or an answer."


class CountPage(ReviewPage):
    """A table of shares, and the verdict on one class."""

    def __init__(self, project: OpenProject):
        super().__init__(project)
        self.class_name = QComboBox()
        self.class_name.setToolTip("The class whose share is compared with the cut-off.")
        self.class_name.currentTextChanged.connect(self._count)
        self.form = SettingsForm(CountSettings(), without=("class_name",))
        self.form.changed.connect(self._count)
        self.table = FactTable(
            ("Class", "This field", "All fields"),
            "Cells of each class and their share: those given, and for all others the answers.",
        )
        self.text = text_label(NOTHING)
        label = QLabel("Class")
        label.setToolTip(self.class_name.toolTip())
        fill_column(self, row(label, self.class_name), self.form, self.table, self.text)

    def _count(self) -> None:
        """Count what is chosen now, where something else was."""
        settings = replace(self.form.settings(), class_name=self.class_name.currentText())
        if self.reviewing is not None and self.reviewing.settings != settings:
            self.reviewing.count(settings)

    def refresh(self) -> None:
        """Show the shares as they are now."""
        reviewing = self.reviewing
        if reviewing is None:
            self.table.set_rows([])
            self.text.setText(NOTHING)
            return
        names = [x.name for x in reviewing.live.session.annotations.classes]
        if names != [self.class_name.itemText(k) for k in range(self.class_name.count())]:
            self._set_classes(names)
        self._count()
        counts = reviewing.counts
        columns = [{} if x is None else x.texts for x in (counts.shown, counts.all)]
        rows = [(name, *(own.get(name, "") for own in columns)) for name in names]
        self.table.set_rows(rows if any(columns) else [])
        found = [x for x in (counts.shown, counts.all) if x is not None]
        if len(found) == 2 and found[0].cells == found[1].cells:
            del found[0]
        sentences = [x.sentence for x in found]
        sentences += [x.remark for x in found[-1:]]
        self.text.setText("\n".join(filter(None, sentences)) or NOTHING)

    def _set_classes(self, names: list[str]) -> None:
        before = self.class_name.currentText() or DEFAULT_CLASS
        with QSignalBlocker(self.class_name):
            self.class_name.clear()
            self.class_name.addItems(names)
            self.class_name.setCurrentIndex(max(0, self.class_name.findText(before)))
