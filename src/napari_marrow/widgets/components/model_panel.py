"""The current model: what it is and how good, save, load, and label the open layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import QEventLoop
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.learning.bundle_files import FEATURES
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.settings import PredictSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.tables import verdict
from napari_marrow.viewer.io.opened import opened_files
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.records import AnsweringModel
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.cell_export import PredictedExport
from napari_marrow.widgets.components.dock_widget import DockWidget, while_alive
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.interaction import Emphasis
from napari_marrow.widgets.components.labelling import (
    Labelled,
    failed_sentences,
    outdated_sentence,
    predict_all,
    report,
    shown_photograph,
)
from napari_marrow.widgets.components.layout import (
    button,
    fill_column,
    group,
    path_button,
    row,
    text_label,
)
from napari_marrow.widgets.components.legend import Legend
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.training.last_model import last_model, remember_model
from napari_marrow.widgets.components.training.runs import Runs
from napari_marrow.widgets.components.training.saving import ask_path, save_bundle
from napari_marrow.widgets.components.training.unsaved_model import kept_models

if TYPE_CHECKING:
    import pandas as pd

    from napari_marrow.widgets.components.row_canvas import RowCanvas

MAX_IMPORTANCES = 10
"""Number of measured features that are shown, the most important first."""


class ModelPanel(QWidget):
    """Holds a bundle, and labels the open photographs with it in a thread.

    Parameters
    ----------
    owner
        The dock widget that this panel is in.
    run
        Shows progress and status of the labelling, and has the button that starts it.
    failed
        Called with the sentence of an error.
    runs
        Of the viewer; they know which models are not saved.
    """

    def __init__(
        self,
        owner: DockWidget,
        run: RunPanel,
        failed: Callable[[str], None],
        runs: Runs,
    ):
        super().__init__()
        self._runs = runs
        self._viewer, self._run = owner.viewer, run
        self.bundle: Bundle | None = None
        self.task, self.saving = Task(owner, run, failed), Task(owner, run, failed)
        self._reading = Task(owner, failed=self._say_also)
        self._begin_with = Task(owner, failed=lambda text: None)  # without it, as without a model
        self.importances: RowCanvas | None = None
        self.form = SettingsForm(PredictSettings())
        self.exported = PredictedExport(self._viewer, run, failed)
        self.result = text_label("No model yet: train one, or load a bundle.")
        if kept := kept_models():
            self.result.setText(f"{self.result.text()} One that was not saved is {kept[-1]}.")
        self.save_button = path_button(
            "Save bundle...",
            self._ask_path,
            self.save,
            "Save the model that is described above as a folder.",
        )
        self.load_button = path_button(
            "Load bundle...",
            self._ask_bundle,
            self.open_in_thread,
            "Open a model that was saved; models of other runs stay in the list of runs.",
        )
        self.label_button = button(
            "Label layers", self.label_layers, "Label every ticked field, or the cells in it."
        )
        self.label_field_button = button(
            "Label field",
            self.label_field,
            "Label only the field that is shown, or the cells in it; answers of other fields stay.",
        )
        self._emphasis = Emphasis(self.label_button)
        self.legend = Legend(self._viewer)
        self.earlier = text_label()
        self.earlier.hide()
        self._importances_layout = QVBoxLayout()
        self._importances_box = group("Most important features", self._importances_layout)
        self._importances_box.hide()
        fill_column(
            self,
            self.result,
            self.earlier,
            self._importances_box,
            row(self.save_button, self.load_button),
            self.form,
            self.exported,
            text_label(RESEARCH_ONLY),
        )
        run.insert(self.label_button)
        run.insert(self.label_field_button)
        run.changed.connect(self._show_state)
        self._viewer.layers.events.removed.connect(while_alive(self._show_earlier))
        self._show_state()

    def _show_state(self) -> None:
        free = not self._run.busy
        self.load_button.setEnabled(free)
        self.save_button.setEnabled(free and self.bundle is not None)
        for one in (self.label_button, self.label_field_button):
            one.setEnabled(free and self.bundle is not None)

    def _show_earlier(self) -> None:
        """Say which of the shown answers are of another model than the current one."""
        from napari_marrow.viewer.make.answering_model import mark_earlier_models

        text = ""
        if self.bundle is not None:
            text = mark_earlier_models(self._viewer.layers, self.bundle.fingerprint)
        self.earlier.setText(f"{text} Label layers gives those of this one." if text else "")
        self.earlier.setVisible(bool(text))

    def load(self, path: Path) -> None:
        """Open a bundle and show what it is and how good."""
        with self.task.reporting():
            self.show_model(open_model(path))

    def open_in_thread(self, path: Path) -> None:
        """Open a bundle while the viewer goes on."""

        def opened(bundle: Bundle) -> None:
            self.show_model(bundle)
            remember_model(path)
            self._run.say(f"Opened {path}.")

        self.task.start(lambda emit, stop: open_model(path), opened, begun=f"Opening {path}...")

    def show_model(self, bundle: Bundle) -> None:
        """Take an open bundle as the current model; show what it is and how good."""
        self.bundle, info = bundle, bundle.info
        self._runs.set_current(bundle.path)
        self._show_earlier()
        classes = " / ".join(info.classes)
        first = verdict(info.evaluation, info.confounding)
        about = f"{info.settings.model}, {classes}, one prediction per {info.settings.unit}."
        lines = [*first, about, *info.notes]
        self.result.setText("\n".join(lines))
        self.form.set_shown({"engine"}, KINDS[info.kind].has_engines)
        self._show_state()
        self._reading.cancel()
        self._importances_box.hide()
        if FEATURES in KINDS[info.kind].files:
            self._reading.start(partial(_read_importances, bundle), self._show_importances)

    def _say_also(self, text: str) -> None:
        """Say that a part of the model can't be shown, behind what became of the model."""
        self._run.say(" ".join(filter(None, [self._run.status.text(), text])))

    def _show_importances(self, best: pd.DataFrame) -> None:
        """Draw the most important of the measured features."""
        from napari_marrow.report.feature_figures import draw_importances
        from napari_marrow.widgets.components.row_canvas import RowCanvas

        if best.empty:
            return
        if self.importances is None:
            self.importances = RowCanvas(self._viewer)
            self._importances_layout.addWidget(self.importances)
        self.importances.show_rows(len(best), lambda axes, text: draw_importances(axes, best, text))
        self._importances_box.show()

    def _ask_bundle(self) -> str:
        last = last_model()
        start = "" if last is None else str(last.parent)
        return QFileDialog.getExistingDirectory(self, "Bundle (a .marrow folder)", start)

    def open_last(self) -> None:
        """Begin with the saved model that was used last, unless there is a model by then."""
        last = last_model()
        if last is None or self.bundle is not None or self._run.busy:
            return

        def opened(bundle: Bundle) -> None:
            if self.bundle is None:
                self.show_model(bundle)
                self._run.say(f"The model is {last}, which was used last.")

        self._begin_with.start(lambda emit, stop: open_model(last), opened, begun="")

    def _ask_path(self) -> str:
        """Ask where to save the model; "" for cancelled."""
        path = None if self.bundle is None else ask_path(self, self._runs, self.bundle.path)
        return "" if path is None else str(path)

    def save(self, path: Path) -> None:
        """Save the model as a bundle, in a thread; an older bundle of that name is replaced."""
        if self.bundle is None:
            return
        before, inputs = self.bundle.path, opened_files()

        def work(emit: Emit, should_stop: ShouldStop) -> Bundle:
            return open_model(save_bundle(before, path, inputs))

        def saved(bundle: Bundle) -> None:
            self._runs.set_saved(before, bundle.path)
            remember_model(bundle.path)
            self.show_model(bundle)
            self._run.say(f"Saved as {bundle.path}.")

        self.saving.start(work, saved, begun="Saving the model...")

    def finish_saving(self) -> None:
        """Wait for a model that is being saved: before its folder may be removed."""
        if self.saving.busy:
            loop = QEventLoop()
            self.saving.changed.connect(loop.quit)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)

    def label_layers(self) -> None:
        """Label every chosen field, or its cells, in a thread."""
        self._label(lambda: Photograph.chosen_of(self._viewer.layers))

    def label_field(self) -> None:
        """Label the field that is shown, or its cells, in a thread."""
        self._label(lambda: [shown_photograph(self._viewer)])

    def offer_labels(self) -> None:
        """Show that labelling is the next step; Return does it where a button had the focus."""
        self._emphasis.show()

    def _label(self, gather: Callable[[], list[Photograph]]) -> None:
        bundle = self.bundle
        if bundle is None:
            return
        with self.task.reporting():
            self._emphasis.end()
            settings = self.form.settings()
            model = bundle.with_engine(settings.engine)
            chosen = gather()
            self.task.start(
                partial(predict_all, model, chosen, settings.adapt),
                partial(self._show_labels, model),
                begun="Labelling...",
            )

    def _show_labels(self, bundle: Bundle, found: Labelled) -> None:
        """Show the answers for photographs that are as they were, and say which are not."""
        from napari_marrow.viewer.behaviours.opening import attach_behaviours
        from napari_marrow.viewer.make.predictions import show_predictions

        info, engine = bundle.info, bundle.predictor.engine
        outdated = {x: x.photograph.out_of_date(self._viewer.layers) for x in found.photographs}
        labelled = [x for x, why in outdated.items() if not why]
        attach_behaviours(self._viewer)
        by = AnsweringModel(bundle.fingerprint, self._name_of(bundle))
        notes = [show_predictions(self._viewer, one, info.classes, by) for one in labelled]
        self._show_earlier()
        sentences = [outdated_sentence(outdated), *failed_sentences(found.failed)]
        if labelled:
            first = [] if info.confounding is None else [info.confounding.sentence]
            notes += [info.others_sentence, engine.note]
            sides = [side for x in labelled for side in found.sides[x]]
            sentences = [*first, report(labelled, sides), *sentences, *notes, RESEARCH_ONLY]
        text = " ".join(filter(None, sentences))
        self._run.say(text)
        show_info(text)

    def _name_of(self, bundle: Bundle) -> str:
        run = self._runs.of_bundle(bundle.path)
        return bundle.path.stem if run is None else run.name


def open_model(path: Path) -> Bundle:
    """Open a bundle and all that labelling needs; for a thread, where imports hold nobody up."""
    import napari_marrow.viewer.make.answering_model
    import napari_marrow.viewer.make.predictions  # noqa: F401

    bundle = load_bundle(path)
    bundle.fingerprint  # noqa: B018 - of the files as they are checked now
    bundle.predictor  # noqa: B018 - opened now, while the files are those that were checked
    return bundle


def _read_importances(bundle: Bundle, emit: Emit, should_stop: ShouldStop) -> pd.DataFrame:
    """Read the table, and import in the thread what would block the viewer later."""
    import napari_marrow.widgets.components.row_canvas  # noqa: F401 - matplotlib
    from napari_marrow.report.feature_figures import read_importances

    features = bundle.info.features
    return bundle.read(
        FEATURES, lambda content: read_importances(content, features, MAX_IMPORTANCES)
    )
