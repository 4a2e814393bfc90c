"""The dock widget "Chi-square features": measure, choose what goes with the class, see where."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QScrollArea, QVBoxLayout

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.imports import importing
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.events import Event
from napari_marrow.measure.settings import (
    MEASURED,
    ChiSquareSettings,
    FeatureSettings,
)
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.photograph.measuring import Place, gather_opened, opened_fields
from napari_marrow.widgets.components.check_list import TickList
from napari_marrow.widgets.components.docked import DockedWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.parts import (
    Bars,
    Told,
    button,
    group,
    in_worker,
    row,
    scrolling,
    wrapped,
)
from napari_marrow.widgets.components.source_panel import SourcePanel

if TYPE_CHECKING:
    import napari
    import pandas as pd
    from napari.layers import Image

    from napari_marrow.widgets.components.score_view import ScoreView

Finder = Callable[[Path, Callable[[], bool]], tuple[Collection, dict[str, Place]]]
"""What a worker calls to get fields and places of tables, with an empty folder, and may stop."""


@dataclass(frozen=True)
class Asked:
    """What one run measures, and of which layers, with how many fields; a folder has none."""

    find: Finder
    settings: FeatureSettings
    selection: ChiSquareSettings
    photographs: tuple[Image, ...] = ()
    opened: int = 0


@dataclass(frozen=True)
class Found:
    """What one run found; without two classes there are no scores."""

    table: pd.DataFrame
    scores: pd.DataFrame | None
    notes: list[str]
    places: dict[str, Place]


class ChiSquare(DockedWidget):
    """Measures fields or cells and scores the features against the classes."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__()
        # Layers of the proxy that widgets get are proxies, which are never the same object twice.
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._worker: Any = None
        self._stop = Flag()
        self._asked: Asked | None = None  # what runs, or None
        self.found: Found | None = None
        self._unit = "field"  # of what was found
        self.view: ScoreView | None = None
        self._build()
        self._viewer.events.theme.connect(self._on_theme)
        self._show_state()

    def _build(self) -> None:
        self.source = SourcePanel(self._viewer)
        self.families = TickList(MEASURED, FeatureSettings().families, pickable=False)
        self.form = SettingsForm(FeatureSettings(), without=("families",))
        self.selection = SettingsForm(ChiSquareSettings())
        self.measure_button = button("Measure", self.measure, "Then the features are scored.")
        self.cancel_button = button("Cancel", self.cancel, "Stops after the field at hand.")
        self.map_button = button(
            "Show map", self.show_map, "Where in the picture classes differ: needs pixels."
        )
        self.save_button = button(
            "Save CSV...", self._choose_save, "All features, and their scores beside them."
        )
        self.status, self.bars = wrapped(), Bars(self)
        self._view_place = QVBoxLayout()
        scrolling(
            self,
            group("Measure what", self.source),
            group("Features", self.families, self.form, self.selection),
            group("Run", row(self.measure_button, self.cancel_button), self.bars.own, self.status),
            group("Result", row(self.map_button, self.save_button), self._view_place),
            wrapped(RESEARCH_ONLY),
        )
        self.setMinimumWidth(340)

    def shutdown(self) -> None:
        """End what runs; may be called more than once."""
        self._stop.set()
        self._asked = None
        self.bars.close()
        self._show_state()

    def _on_theme(self, event: Any = None) -> None:
        if self.view is not None:
            self.view.set_theme(self._viewer.theme)

    def _show_state(self) -> None:
        busy, found = self._asked is not None, self.found
        self.measure_button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy and not self._stop.is_set())
        self.save_button.setEnabled(found is not None)
        self.map_button.setEnabled(found is not None and _has_map(found))

    # --- measuring ----------------------------------------------------------------------------

    def settings(self) -> FeatureSettings:
        """What to measure, as the widget shows it now."""
        return replace(self.form.settings(), families=self.families.ticked)

    def measure(self) -> None:
        """Measure and score in a thread; what can't work is said at once."""
        if self._asked is not None:
            return
        if self._worker is not None and self._worker.is_running:
            self.status.setText("The run before is still ending; try again in a moment.")
            return
        settings, selection = self.settings(), self.selection.settings()
        try:
            if problems := settings.problems() + selection.problems():
                raise MarrowError(" ".join(problems))
            asked = self._ask(settings, selection)
        except MarrowError as error:
            self.status.setText(str(error))
            return
        self._asked, self._stop = asked, Flag()
        told = Told()
        told.progress.connect(self._step)
        self.destroyed.connect(self._stop.set)
        self._worker = in_worker(
            self,
            _find,
            asked,
            told,
            self._stop.is_set,
            done=self._show,
            failed=self.status.setText,
            ended=self._ended,
        )
        self.status.setText("Reading what to measure...")
        self._show_state()
        self.bars.show(0)  # last: it lets the viewer handle events

    def _ask(self, settings: FeatureSettings, selection: ChiSquareSettings) -> Asked:
        if self.source.from_folder:
            folder = self.source.folder()
            return Asked(lambda empty, stopped: (scan(folder), {}), settings, selection)
        opened = gather_opened(self._viewer.layers)
        nuclei = settings.needs_nuclei

        def find(empty: Path, stopped: Callable[[], bool]) -> Any:
            return opened_fields(opened, empty, settings.unit, nuclei, stopped)

        photographs = tuple(x.annotated.target.layer for x in opened)
        fields = sum(len(x.annotated.target) for x in opened)
        return Asked(find, settings, selection, photographs, fields)

    def cancel(self) -> None:
        """Stop after the field at hand; nothing is shown then."""
        if self._asked is not None:
            self._stop.set()
            self.status.setText("Stopping...")
            self._show_state()

    def _step(self, fraction: float, text: str) -> None:
        if self._asked is not None and not self._stop.is_set():
            self.status.setText(f"{text}...")
            self.bars.show(fraction)

    def _ended(self) -> None:
        self._asked = None
        self.bars.close()
        self._show_state()

    def _show(self, found: Found | None) -> None:
        asked = self._asked
        if asked is None:
            return
        if found is None or self._stop.is_set():
            self.status.setText("Stopped; what was shown before is still there.")
            return
        self.found, self._unit = found, asked.settings.unit
        self._show_scores(found)
        self.status.setText(" ".join(self._told(found, asked)))

    def _told(self, found: Found, asked: Asked) -> list[str]:
        """What is to be said of what was found; puts the tables of cells into their layers."""
        from napari_marrow.learning.feature_table import feature_columns
        from napari_marrow.viewer.io.feature_tables import columns_for, show_tables

        features = feature_columns(found.table)
        told = [f"{len(found.table)} rows of {len(features)} features.", *found.notes]
        gone = [x.name for x in asked.photographs if x not in self._viewer.layers]
        if gone:
            told.append(f"Removed meanwhile, and measured all the same: {', '.join(gone)}.")
        if asked.settings.unit == "field" or not asked.photographs:
            return [*told, "Save CSV has the table."]
        names = columns_for(features, found.scores)
        told += show_tables(self._viewer, found.places, found.table, names)
        if len(names) < len(features):
            told.append(f"A table has the {len(names)} chosen features; Save CSV has all.")
        return told

    def _show_scores(self, found: Found) -> None:
        if self.view is None and found.scores is not None:
            from napari_marrow.widgets.components.score_view import ScoreView

            self.view = ScoreView(self._viewer.theme)
            self.view.clicked.connect(self._show_clicked)
            self._view_place.addWidget(self.view)
        if self.view is not None:
            self.view.setVisible(found.scores is not None)
            if found.scores is not None:
                self.view.show_scores(found.table, found.scores)

    def _show_clicked(self) -> None:
        """Bring what was clicked into sight: on a small screen it lies below."""
        area = self.findChild(QScrollArea)
        if area is not None and self.view is not None:
            area.ensureWidgetVisible(self.view.numbers)

    # --- what was found -----------------------------------------------------------------------

    def show_map(self) -> None:
        """Add the mean pictures of the classes, and the map over them."""
        from napari_marrow.viewer.make.chi_square_map import show_map

        found = self.found
        if found is not None and found.scores is not None and _has_map(found):
            said = show_map(self._viewer, found.table, found.scores, self._unit)
            self.status.setText(said)

    def _choose_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save features", "features.csv", "Table (*.csv)"
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write ``T.csv`` and ``T.scores.csv``, as ``napari-marrow features`` does."""
        from napari_marrow.jobs.features import save_tables

        found = self.found
        if found is None:
            return
        out = path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv")

        def done(beside: Path | None) -> None:
            scores = "without scores" if beside is None else f"and {beside.name}"
            self.status.setText(f"Saved {out} {scores}.")

        # Many cells of many features take seconds.
        in_worker(
            self,
            save_tables,
            found.table,
            found.scores,
            out,
            done=done,
            failed=self.status.setText,
            ended=self._show_state,
        )
        self.save_button.setEnabled(False)


def _has_map(found: Found) -> bool:
    from napari_marrow.measure.thumbnail_grid import PREFIX

    measured = any(name.startswith(PREFIX) for name in found.table.columns)
    return measured and found.scores is not None


def _find(asked: Asked, told: Told, should_stop: Callable[[], bool]) -> Found | None:
    """Measure and score in a worker; None when it was stopped."""
    with importing:
        import napari_marrow.widgets.components.score_view  # noqa: F401 - matplotlib: not on the viewer's thread
        from napari_marrow.jobs.features import measured, scored
        from napari_marrow.learning.samples import drawn_notes

    def emit(event: Event) -> None:
        told.progress.emit(event.fraction or 0.0, event.text)

    with tempfile.TemporaryDirectory(prefix="napari-marrow-") as folder:
        try:
            collection, places = asked.find(Path(folder), should_stop)
            table = measured(collection, asked.settings, emit, should_stop)
            told.progress.emit(1.0, "Choosing features")
            scores, notes = scored(table, asked.selection, should_stop)
            notes = [*drawn_notes(collection, asked.settings), *notes]
            left_out = asked.opened - len(collection.fields)
            if left_out > 0:
                fields = "field" if left_out == 1 else "fields"
                notes.append(f"{left_out} open {fields} without a class left out.")
        except Stopped:
            return None
    return Found(table, scores, notes, places)
