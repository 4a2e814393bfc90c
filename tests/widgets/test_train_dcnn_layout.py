"""Every part of Train DCNN is explained on hover, and fits into a dock of 400 pixels."""

import dataclasses

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QWidget,
)

from napari_marrow.audit.verdict import Confounding
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.events import Event
from napari_marrow.jobs.watched import WatchedReport, WatchedThumbnails
from napari_marrow.learning.model_settings import OptionGroup
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.settings import (
    CommonSettings,
    CompareSettings,
    PredictSettings,
    TrainingSettings,
)
from napari_marrow.measure.settings import ChiSquareSettings
from napari_marrow.widgets.components.layout import BREAK, TextLabel, breakable, text_label

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"
MAX_WIDTH_PX = 400
LONG = "Acute_lymphoblastic_leukaemia_of_precursor_B_cells_with_a_hyperdiploid_karyotype"


@pytest.fixture
def opened(make_napari_viewer, monkeypatch):
    """A window of a small screen, and the widget in it."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1366, 768)
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    yield viewer, dock, widget
    widget.client.shutdown()
    widget.runs.discard()


def option_groups(base=OptionGroup):
    return {base, *(x for group in base.__subclasses__() for x in option_groups(group))}


def test_every_option_has_a_label_and_help():
    kinds = {*option_groups(), CommonSettings, TrainingSettings, CompareSettings, PredictSettings}
    for kind in kinds | {SegmentSettings, ChiSquareSettings}:
        for field in dataclasses.fields(kind):
            assert field.metadata["label"].strip(), (kind, field.name)
            assert len(field.metadata["help"]) > 15, (kind, field.name)
            assert field.metadata["help"].endswith("."), (kind, field.name)


def test_everything_that_can_be_pressed_or_set_has_a_tooltip(opened, finish_run):
    _, _, widget = opened
    finish_run(widget)
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView)
    found = [x for kind in kinds for x in widget.findChildren(kind) if _own(x)]
    assert len(found) > 30
    assert not [
        (type(x).__name__, getattr(x, "text", str)()) for x in found if len(x.toolTip()) < 10
    ]
    for form in (widget.form, widget.model.form):
        for name, label in form._labels.items():
            assert label.toolTip() == form.fields[name].tooltip


def _own(widget):
    """Whether it is no part of another field, such as the line of a spin box."""
    inside = widget.parent()
    while isinstance(inside, QWidget):
        if isinstance(inside, QComboBox | QAbstractSpinBox | QAbstractItemView):
            return False
        inside = inside.parent()
    return not isinstance(widget, QScrollBar)


@pytest.mark.parametrize("model", MODELS)
def test_only_settings_of_the_chosen_model_are_shown(opened, model):
    _, _, widget = opened
    widget.form.more.expand()
    widget.form.fields["model"].value = model
    shown = {name for name, field in widget.form.fields.items() if not field.native.isHidden()}
    labels = {name for name, label in widget.form._labels.items() if not label.isHidden()}
    common = {field.name for field in dataclasses.fields(CommonSettings)}
    assert shown == common | MODELS[model].option_names
    assert labels == shown & set(widget.form._labels)


@pytest.mark.parametrize(("theme", "font_size"), [("dark", 9), ("light", 9), ("dark", 14)])
def test_it_fits_into_400_pixels_whatever_the_names(
    opened, finish_run, make_toy, tmp_path, qtbot, save_model, theme, font_size
):
    viewer, dock, widget = opened
    viewer.theme = theme
    get_settings().appearance.font_size = font_size
    deep = tmp_path / LONG[:60] / LONG
    deep.mkdir(parents=True)
    history = [{"epoch": k, "loss": 1 / k, "val_loss": 1 / k, "accuracy": 0.5} for k in (1, 2)]
    confounding = Confounding((LONG,), 1.0, 1e-9)
    for _ in range(2):
        bundle = make_toy(tmp_path / f"{len(widget.runs.runs)}.marrow", confounding=confounding)
        run = finish_run(widget, bundle, history)
        widget.runs.setData(widget.runs.index(len(widget.runs.runs) - 1, 0), LONG)
    save_model(widget, deep / "a")
    widget.source.set_folder(deep)
    thumbnails = WatchedThumbnails((b"",) * 8, (LONG,) * 8, (LONG,) * 8, (LONG, "b"), "training")
    report = WatchedReport(((0.1, 0.9),) * 8, 1, 1, thumbnails)
    widget.view.hear(run, report.to_event())
    widget.view.hear(
        run,
        Event("progress", "", 0.1, {"epoch": 3, "loss": 1, "val_loss": 2, "learning_rate": 1e-6}),
    )
    widget.view.show_runs([run])
    widget.form.more.expand()
    area = widget.findChild(QScrollArea)
    for model in MODELS:
        widget.form.fields["model"].value = model
        qtbot.wait(20)
        assert widget.minimumSizeHint().width() <= MAX_WIDTH_PX, model
    window = viewer.window._qt_window
    window.resizeDocks([dock], [MAX_WIDTH_PX], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: dock.width() <= MAX_WIDTH_PX)
    assert not area.horizontalScrollBar().maximum()
    for label in widget.findChildren(TextLabel):
        if label.isVisible():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    assert window.width() == 1366


def test_usual_names_can_be_read_in_the_narrowest_dock(
    opened, finish_run, make_toy, tmp_path, qtbot
):
    viewer, dock, widget = opened
    metrics = {"accuracy": Score(0.9, 0.71, 0.98, 0.55)}
    evaluation = Evaluation(metrics, [[1, 0], [0, 1]], ("ALL", "MM"), "ALL", 10, 10, 1.0)
    bundle = make_toy(tmp_path / "a.marrow", evaluation=evaluation)
    run = finish_run(widget, bundle, [{"epoch": k, "loss": 1 / k} for k in range(1, 121)])
    thumbnails = WatchedThumbnails((b"",) * 8, ("ALL",) * 8, ("a",) * 8, ("ALL", "MM"), "training")
    widget.view.hear(run, WatchedReport(((1.0, 0.0),) * 8, 1, 1, thumbnails).to_event())
    window = viewer.window._qt_window
    window.resizeDocks([dock], [1], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: dock.width() <= MAX_WIDTH_PX)
    qtbot.wait(100)
    table = widget.run_list.table
    for column in range(3):
        assert table.columnWidth(column) >= table.sizeHintForColumn(column), column
    for sample in widget.view.samples.samples:
        for line in sample.lines:
            assert sample.fontMetrics().horizontalAdvance(line) <= sample.width(), line


def test_a_long_word_breaks_and_is_copied_whole(qtbot):
    path = f"/data/{LONG}/model.marrow"
    label = text_label(f"Saved as {path}.")
    qtbot.addWidget(label)
    assert label.text() == f"Saved as {path}."
    whole = label.fontMetrics().horizontalAdvance(path)
    assert label.minimumSizeHint().width() < whole / 3
    label.setSelection(0, len(breakable(label.text())))
    assert BREAK in label.selectedText()
    qtbot.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == f"Saved as {path}."
    assert breakable("nothing long") == "nothing long"
