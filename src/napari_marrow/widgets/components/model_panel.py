"""The model at hand: what it is and how good, saving, loading, and labelling the open layers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundle import BUNDLE, FEATURES, Bundle, load_bundle
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.tables import verdict
from napari_marrow.viewer.photograph.labelling import (
    Target,
    predict_target,
    show_predictions,
    targets,
)
from napari_marrow.widgets.components.parts import Bars, button, group, in_worker, row, wrapped

if TYPE_CHECKING:
    import napari
    import pandas as pd

    from napari_marrow.learning.predictor import Prediction
    from napari_marrow.widgets.components.row_canvas import RowCanvas

MOST = 10
"""So many features of a classical model are shown, the ones that count most."""
Answers = list[tuple[Target, list["Prediction"]]]


class ModelPanel(QWidget):
    """Holds a bundle; labels the open photographs with it in a thread of the viewer.

    Signals
    -------
    said(text, problem)
        A sentence for the user, and whether it is about something that went wrong.
    changed()
        The model is another, or labelling began or ended.
    """

    said = Signal(str, bool)
    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, bars: Bars):
        super().__init__()
        self._viewer, self._bars = viewer, bars
        self.bundle: Bundle | None = None
        self._worker: Any = None
        self.importances: RowCanvas | None = None
        self.result = wrapped("No model yet: train one, or load a bundle.")
        self.save_button = button("Save bundle...", self._choose_save)
        self.load_button = button("Load bundle...", self._choose_load)
        self.label_button = button(
            "Label layers", self.label_layers, "Label every open photograph, or the cells in it."
        )
        self._importance_place = QVBoxLayout()
        self._importance_box = group("What counts most in this model", self._importance_place)
        self._importance_box.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.result)
        layout.addWidget(self._importance_box)
        layout.addLayout(row(self.save_button, self.load_button))
        layout.addWidget(self.label_button)
        layout.addWidget(wrapped(RESEARCH_ONLY))

    @property
    def busy(self) -> bool:
        """Whether layers are being labelled."""
        return self._worker is not None

    def set_free(self, free: bool) -> None:
        """Let the buttons be pressed, as far as there is something for them to do."""
        self.load_button.setEnabled(free)
        self.save_button.setEnabled(free and self.bundle is not None)
        self.label_button.setEnabled(free and self.bundle is not None)

    def load(self, path: Path) -> None:
        """Open a bundle and show what it is and how good."""
        try:
            bundle = load_bundle(path)
            bundle.session  # noqa: B018 - opened now, while the files are those that were checked
        except MarrowError as error:
            self.said.emit(str(error), True)
            return
        self.bundle = bundle
        info = self.bundle.info
        model, classes = info.settings.model, " / ".join(info.classes)
        lines = [f"{model}, {classes}, one answer a {info.settings.unit}."]
        lines += [*verdict(info.evaluation), *info.notes]
        self.result.setText("\n".join(lines))
        self.changed.emit()
        self._importance_box.hide()
        if info.features:
            in_worker(self, _importances, bundle, done=self._show_importances, failed=self._failed)

    def _show_importances(self, found: tuple[Bundle, pd.DataFrame]) -> None:
        """Draw what counts in a classical model."""
        from napari_marrow.report.feature_figures import draw_importances
        from napari_marrow.widgets.components.row_canvas import RowCanvas

        bundle, best = found
        if bundle is not self.bundle or best.empty:  # another was loaded meanwhile
            return
        if self.importances is None:
            self.importances = RowCanvas(self._viewer.theme)
            self._importance_place.addWidget(self.importances)
        self.importances.show_rows(len(best), lambda axes, text: draw_importances(axes, best, text))
        self._importance_box.show()

    def set_theme(self, theme: str) -> None:
        """Draw in the colours of another theme of napari."""
        if self.importances is not None:
            self.importances.set_theme(theme)

    def save(self, path: Path) -> None:
        """Save the model as a bundle; an older bundle of that name is replaced."""
        if self.bundle is None:
            return
        path = path if path.suffix == ".marrow" else path.with_name(path.name + ".marrow")
        try:
            if path.resolve() != self.bundle.path.resolve():
                if not self.bundle.path.is_dir():
                    raise MarrowError(f"{self.bundle.path} was removed; train or load it again.")
                with atomic_folder(path, BUNDLE, [self.bundle.path]) as folder:
                    shutil.copytree(self.bundle.path, folder, dirs_exist_ok=True)
        except MarrowError as error:
            self.said.emit(str(error), True)
            return
        self.load(path)
        self.said.emit(f"Saved as {path}.", False)

    def _choose_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save bundle", "model.marrow")
        if path:
            self.save(Path(path))

    def _choose_load(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Bundle (a .marrow folder)")
        if path:
            self.load(Path(path))

    def label_layers(self) -> None:
        """Label every open photograph, or its cells, without keeping the viewer waiting."""
        if self.bundle is None:
            return
        try:
            found = targets(self._viewer.layers)
        except MarrowError as error:
            self.said.emit(str(error), True)
            return
        self.said.emit("Labelling...", False)
        self._bars.show(0)
        self._worker = in_worker(
            self,
            _predict_all,
            self.bundle,
            found,
            done=self._labelled,
            failed=self._failed,
            step=self._step,
            ended=self._ended,
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Stop labelling after the field at hand; nothing is labelled then."""
        if self._worker is not None:
            self._worker.quit()
            self.said.emit("Stopped; nothing was labelled.", False)

    def _step(self, fraction: float) -> None:
        if self.busy and not self._worker.abort_requested:
            self._bars.show(fraction)

    def _labelled(self, answers: Answers | None) -> None:
        if answers is None or self.bundle is None:  # stopped
            return
        answers = [(t, p) for t, p in answers if t.layer in self._viewer.layers]
        for target, predictions in answers:
            show_predictions(self._viewer, self.bundle, target, predictions)
        count = sum(len(predictions) for _, predictions in answers)
        text = f"{count} field{'s' * (count != 1)} labelled. {RESEARCH_ONLY}"
        self.said.emit(text, False)
        show_info(text)

    def _failed(self, text: str) -> None:
        self.said.emit(text, True)

    def _ended(self) -> None:
        self._worker = None
        self._bars.close()
        self.changed.emit()


def _importances(bundle: Bundle) -> tuple[Bundle, pd.DataFrame]:
    """Read in a worker, which also imports what would make the viewer wait later."""
    import pandas as pd

    import napari_marrow.widgets.components.row_canvas  # noqa: F401 - matplotlib
    from napari_marrow.report.feature_figures import most_important

    return bundle, most_important(pd.read_csv(bundle.path / FEATURES), MOST)


def _predict_all(bundle: Bundle, found: list[Target]) -> Iterator[float]:
    """Predict target after target; yields how much is done, returns the predictions."""
    total, done = sum(len(target) for target in found), 0
    answers: Answers = []
    for target in found:
        predictions = []
        for prediction in predict_target(bundle, target):
            predictions.append(prediction)
            done += 1
            yield done / total
        answers.append((target, predictions))
    return answers  # type: ignore[return-value]  # a worker hands it to its ``returned`` signal
