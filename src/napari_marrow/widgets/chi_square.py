"""The dock widget "Chi-square features": measure features, score them by class, show a map."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QScrollArea, QVBoxLayout

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.imports import importing
from napari_marrow.data.layouts import scan
from napari_marrow.data.outputs import input_files
from napari_marrow.data.text import listed
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.measure.settings import MEASURED, ChiSquareSettings, FeatureSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.io.opened import opened_files
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.viewer.training.learning import LearningSummary
from napari_marrow.viewer.training.measuring import TableTarget, opened_fields
from napari_marrow.widgets.components.check_list import CheckList
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import button, group, path_button, row, text_label
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.source_panel import SourcePanel

if TYPE_CHECKING:
    import napari
    import pandas as pd

    from napari_marrow.widgets.components.score_view import ScoreView

Fields = tuple[Collection, dict[str, TableTarget], LearningSummary | None]
"""The fields; and of open ones the layers of their cells, and what there is to measure."""
Finder = Callable[[Path, ShouldStop], Fields]
"""Called in a thread, with an empty folder."""


@dataclass(frozen=True)
class Found:
    """What one run found in the fields; without two classes there are no scores."""

    fields: Collection
    unit: str
    table: pd.DataFrame
    scores: pd.DataFrame | None
    notes: list[str]
    places: dict[str, TableTarget]
    summary: LearningSummary | None

    @property
    def has_map(self) -> bool:
        """Whether pixels were measured and scored."""
        from napari_marrow.measure.thumbnail_grid import PREFIX

        measured = any(name.startswith(PREFIX) for name in self.table.columns)
        return measured and self.scores is not None


class ChiSquare(DockWidget):
    """Measures fields or cells and scores the features against the classes."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.found: Found | None = None
        self.view: ScoreView | None = None
        self.source = SourcePanel(self, "Measures")
        self.families = CheckList(MEASURED, FeatureSettings().families, selectable=False)
        self.form = SettingsForm(FeatureSettings(), without=("families",))
        self.form.fields["unit"].changed.connect(self.source.learning.set_unit)
        self.selection = SettingsForm(ChiSquareSettings())
        self.measure_button = button("Measure", self.measure, "Then the features are scored.")
        self.run = RunPanel(self.measure_button)
        self.task = Task(self, self.run)
        self.save_task = Task(self, failed=self.run.say)
        self.map_button = button(
            "Show map", self.show_map, "Where in the picture classes differ: needs pixels."
        )
        self.save_button = path_button(
            "Save CSV...",
            lambda: QFileDialog.getSaveFileName(
                self, "Save features", "features.csv", "Table (*.csv)"
            )[0],
            self.save,
            "All features, and their scores beside them.",
        )
        self._view_layout = QVBoxLayout()
        self.fill(
            group("Measure", self.source),
            group("Features", self.families, self.form, self.selection),
            group("Result", row(self.map_button, self.save_button), self._view_layout),
            text_label(RESEARCH_ONLY),
            actions=[self.run],
        )
        self.save_task.changed.connect(self._show_state)
        self._show_state()

    def _show_state(self) -> None:
        self.save_button.setEnabled(self.found is not None and not self.save_task.busy)
        self.map_button.setEnabled(self.found is not None and self.found.has_map)

    def settings(self) -> FeatureSettings:
        """Return what to measure, as the widget shows it now."""
        return replace(self.form.settings(), families=self.families.checked)

    def measure(self) -> None:
        """Measure and score in a thread; what can't work is reported at once."""
        with self.task.reporting():
            settings, selection = self.settings(), self.selection.settings()
            if problems := settings.problems() + selection.problems():
                raise MarrowError(" ".join(problems))
            photographs: list[Photograph] = []
            if self.source.from_folder:
                folder = self.source.folder()
                find: Finder = lambda empty, should_stop: (scan(folder), {}, None)  # noqa: E731
            else:
                photographs = Photograph.chosen_of(self.viewer.layers)
                unit, nuclei = settings.unit, settings.needs_nuclei
                only = self.source.learning.only_annotated
                find = lambda empty, should_stop: opened_fields(  # noqa: E731
                    photographs, empty, unit, nuclei, should_stop, only
                )
            self.task.start(
                partial(_measure, find, settings, selection),
                lambda found: self._show(found, photographs),
                begun="Reading what to measure...",
            )

    def _show(self, found: Found, photographs: list[Photograph]) -> None:
        self.found = found
        self._show_scores(found)
        self.run.say(" ".join(self._report(found, photographs)))
        self._show_state()

    def _report(self, found: Found, photographs: list[Photograph]) -> list[str]:
        """Put the tables of cells into their layers; return what to say of the run."""
        from napari_marrow.learning.units.feature_table import feature_columns
        from napari_marrow.viewer.io.feature_tables import columns_for, show_tables

        features = feature_columns(found.table)
        messages = [f"{len(found.table)} rows of {len(features)} features.", *found.notes]
        if found.summary is not None:
            messages.append(found.summary.sentence("Measured"))
        if removed := [x.layer.name for x in photographs if x.layer not in self.viewer.layers]:
            messages.append(f"Removed meanwhile, and measured all the same: {listed(removed)}.")
        if found.unit == "field" or not photographs:
            return [*messages, "Save CSV has the table."]
        names = columns_for(features, found.scores)
        messages += show_tables(self.viewer, found.places, found.table, names)
        if len(names) < len(features):
            messages.append(f"A table has the {len(names)} selected features; Save CSV has all.")
        return messages

    def _show_scores(self, found: Found) -> None:
        if self.view is None and found.scores is not None:
            from napari_marrow.widgets.components.score_view import ScoreView

            self.view = ScoreView(self.viewer)
            self.view.clicked.connect(self._scroll_to_numbers)
            self._view_layout.addWidget(self.view)
        if self.view is not None:
            self.view.setVisible(found.scores is not None)
            if found.scores is not None:
                self.view.show_scores(found.table, found.scores)

    def _scroll_to_numbers(self) -> None:
        """Scroll to the numbers of what was clicked: on a small screen they are out of sight."""
        area = self.findChild(QScrollArea)
        if area is not None and self.view is not None:
            area.ensureWidgetVisible(self.view.numbers)

    def show_map(self) -> None:
        """Add the mean pictures of the classes, and the map over them."""
        from napari_marrow.viewer.make.chi_square_map import show_map

        found = self.found
        if found is not None and found.scores is not None and found.has_map:
            self.run.say(show_map(self.viewer, found.table, found.scores, found.unit))

    def save(self, path: Path) -> None:
        """Write ``T.csv`` and ``T.scores.csv``, as ``napari-marrow features`` does."""
        from napari_marrow.jobs.features import removed_scores, save_tables

        found = self.found
        if found is None:
            return
        out = path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv")

        def report(beside: Path | None) -> None:
            scores = "without scores" if beside is None else f"and {beside.name}"
            self.run.say(" ".join([f"Saved {out} {scores}.", *removed]))

        removed = removed_scores(found.scores, out)
        read = [*input_files([found.fields]), *opened_files()]
        # In a thread: many cells of many features take seconds.
        self.save_task.start(
            lambda emit, should_stop: save_tables(found.table, found.scores, out, read), report
        )


def _measure(
    find: Finder,
    settings: FeatureSettings,
    selection: ChiSquareSettings,
    emit: Emit,
    should_stop: ShouldStop,
) -> Found:
    """Measure and score in a thread."""
    with importing:
        import napari_marrow.widgets.components.score_view  # noqa: F401 - matplotlib: not on the viewer's thread
        from napari_marrow.jobs.features import measure_features, score_features
        from napari_marrow.learning.units.samples import drawn_notes

    with tempfile.TemporaryDirectory(prefix="napari-marrow-") as folder:
        fields, places, summary = find(Path(folder), should_stop)
        failures = Failures()
        table = measure_features(fields, settings, emit, should_stop, failures)
        emit(Event("progress", "Scoring features", 1.0))
        scores, notes = score_features(table, selection, should_stop)
        notes = [*failures.note(), *drawn_notes(fields, settings), *notes]
    return Found(fields, settings.unit, table, scores, notes, places, summary)
