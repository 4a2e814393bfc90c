"""The dock widget "Evaluate" in a real viewer; the job that would run is looked at, not run."""

import dataclasses
import json
import sys
import time
from pathlib import Path

import pytest
from napari.layers import Points
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollArea,
)

from napari_marrow.data.errors import Stopped
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.jobs.evaluate_job import EvaluateJob
from napari_marrow.jobs.events import Event
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.findings import ClassCount, DataSummary, UnitAnswer
from napari_marrow.learning.scores.results import (
    Curve,
    Curves,
    EvaluationResult,
    ModelResult,
    to_json,
)
from napari_marrow.learning.settings import EvaluateSettings
from napari_marrow.viewer.training.session import OPEN
from napari_marrow.widgets.components.evaluation.report_folder import read_result
from napari_marrow.widgets.components.source_panel import Gathered
from napari_marrow.widgets.components.training.runs import runs_of
from napari_marrow.widgets.evaluate import Evaluated

PLUGIN, WIDGET = "napari-marrow", "Evaluate"
LONG = "Acute_lymphoblastic_leukaemia_of_precursor_B_cells_with_a_hyperdiploid_karyotype"
CURVE = Curve((0.0, 1.0), (0.0, 1.0), (0.0, 0.8), (0.2, 1.0))


def made(mistakes=(), classes=("ALL", "MM"), models=("svm",)):
    """A result with every page."""
    scores = {"accuracy": Score(0.9, 0.8, 0.95, 0.5), "auc": Score(0.9, 0.8, 0.95, 0.5)}
    confusion = [[9, 1], [2, 8]]
    own = Evaluation(scores, confusion, classes, classes[0], 20, 20, 1.0)
    return EvaluationResult(
        kind="compare",
        verdict=(f"{models[0]} is good.",),
        data=DataSummary("set", "cell", tuple(ClassCount(x, 6, 6, 10) for x in classes), "x", 0),
        models=tuple(ModelResult(x, "honest", own, Curves(*[CURVE] * 4)) for x in models),
        mistakes=tuple(mistakes),
    )


@pytest.fixture
def opened(make_napari_viewer):
    """A viewer and its Evaluate widget, opened by the name in the manifest."""
    viewer = make_napari_viewer()
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    yield viewer, dock, widget
    widget.process.end()


@pytest.fixture
def record(monkeypatch):
    """A function that lets a widget's child write a result, and returns the jobs it was sent."""

    def record(widget, result):
        jobs = []

        def run(name, job, emit, should_stop):
            jobs.append((name, json.loads(json.dumps(job))))
            emit(Event("progress", "Fitting svm, fold 1 of 5", 0.5))
            report = Path(job["out"])
            report.mkdir()
            (report / "report.html").write_text("a page")
            path = report / "comparison.json"
            path.write_text(to_json(result))
            return {"result": str(path)}

        monkeypatch.setattr(widget.process.client, "run", run)
        return jobs

    return record


def wait(widget, qtbot):
    qtbot.waitUntil(lambda: not widget.run.busy, timeout=20_000)


def test_it_opens_small_and_scrolls_and_imports_no_tensorflow(opened):
    _, _, widget = opened
    assert widget.findChildren(QScrollArea)
    assert widget.minimumSizeHint().height() < 600
    assert widget.evaluate_button.isEnabled()
    assert not widget.run.cancel_button.isEnabled()
    assert not widget.export_button.isEnabled()
    assert widget._result_box.isHidden()
    assert widget.process.client.pid is None  # no process before there is work
    assert not {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)


def test_the_job_is_the_form_and_the_folder_and_its_result_is_shown(opened, record, snam, qtbot):
    _, _, widget = opened
    jobs = record(widget, made())
    widget.source.set_folder(snam)
    for name, value in {"models": ("svm", "logistic"), "folds": 3, "unit": "cell"}.items():
        widget.form.fields[name].value = value
    widget.evaluate_button.click()
    wait(widget, qtbot)
    [(name, arguments)] = jobs
    job = CompareJob.from_dict(arguments)
    assert name == "compare"
    assert job.collection.fields == scan(snam).fields
    assert job.settings == dataclasses.replace(
        widget.form.settings(), models=("svm", "logistic"), folds=3, unit="cell"
    )
    assert job.out.is_relative_to(widget.process.folder)
    assert not widget._result_box.isHidden()
    assert not widget.asked.isExpanded()
    assert widget.view.verdict.headline.text() == "svm is good."
    assert "not exported" in widget.run.status.text()


def test_a_bundle_is_evaluated_as_the_form_says(opened, record, make_toy, snam, qtbot, tmp_path):
    viewer, _, widget = opened
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    jobs = record(widget, made())
    widget.what.setCurrentIndex(1)
    assert widget.form.isHidden()
    widget.source.set_folder(snam)
    widget.evaluate_button.click()
    assert "No bundle is chosen" in widget.run.status.text()
    assert not widget.bundle.current_button.isEnabled()
    runs_of(viewer).set_current(bundle.path)  # as Train DCNN does
    widget.bundle.current_button.click()
    about = "dcnn, ALL / MM, one prediction per cell."
    qtbot.waitUntil(lambda: widget.bundle.about.text() == about, timeout=10_000)
    widget.bundle.form.fields["controls"].value = True
    widget.evaluate_button.click()
    wait(widget, qtbot)
    [(name, arguments)] = jobs
    job = EvaluateJob.from_dict(arguments)
    assert name == "evaluate"
    assert job.bundle == bundle.path
    assert job.collection.fields == scan(snam).fields
    assert job.settings == EvaluateSettings(controls=True)
    assert widget.view.verdict.headline.text() == "svm is good."
    widget.bundle.set_bundle(tmp_path / "none.marrow")
    qtbot.waitUntil(lambda: "none.marrow is not there" in widget.bundle.about.text())
    widget.what.setCurrentIndex(0)
    assert widget.bundle.isHidden()


def test_cells_of_layers_count_by_the_unit_of_the_bundle(
    opened, record, make_toy, draw, qtbot, tmp_path
):
    viewer, _, widget = opened
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer.add_image(draw("ALL", 1, (60, 80))[0], rgb=True, name="a")
    widget.source.where.setCurrentIndex(0)
    widget.what.setCurrentIndex(1)
    assert widget.source.learning.switch.isHidden()  # of whole fields
    widget.bundle.set_bundle(bundle.path)
    qtbot.waitUntil(lambda: not widget.source.learning.switch.isHidden(), timeout=10_000)
    widget.what.setCurrentIndex(0)
    assert widget.source.learning.switch.isHidden()


def test_options_are_those_of_the_chosen_models(opened):
    _, _, widget = opened
    widget.form.more.expand()
    for chosen in (("svm",), ("dcnn", "svm")):
        widget.form.fields["models"].value = chosen
        shown = {name for name, field in widget.form.fields.items() if not field.native.isHidden()}
        every = frozenset().union(*(spec.option_names for spec in MODELS.values()))
        own = frozenset().union(*(MODELS[x].option_names for x in chosen))
        assert shown & every == own & {*widget.form.fields}
        assert {"models", "folds", "protocol", "by", "unit"} <= shown


def test_layers_are_evaluated_on_and_a_mistake_in_one_is_shown_there(opened, record, draw, qtbot):
    viewer, _, widget = opened
    for k, name in enumerate(["ALL", "MM"] * 2):
        image = draw(name, k, (60, 80))[0]
        viewer.add_image(image, rgb=True, name=f"{name} {k}")
    mistake = UnitAnswer("MM 1", 2, 30.0, 41.0, "MM", "ALL", 0.9, "", "svm")
    jobs = record(widget, made([mistake]))
    widget.source.where.setCurrentIndex(0)
    table = widget.source.table
    qtbot.waitUntil(lambda: table.rowCount() == 4)
    for row in range(4):
        table.item(row, 1).setText(table.item(row, 0).text().split()[0])
    widget.evaluate_button.click()
    wait(widget, qtbot)
    collection = CompareJob.from_dict(jobs[0][1]).collection
    assert collection.root == OPEN
    assert collection.counts() == {"ALL": 2, "MM": 2}
    assert "Evaluated on 2 ALL and 2 MM fields" in widget.run.status.text()
    widget.view.mistakes.table.picked.emit(0)
    assert viewer.layers.selection.active is viewer.layers["MM 1"]
    assert [x.data.tolist() for x in viewer.layers if isinstance(x, Points)] == [[[30.0, 41.0]]]
    viewer.layers.remove(viewer.layers["MM 1"])
    widget.view.mistakes.table.picked.emit(0)
    assert "was closed" in widget.run.status.text()


def test_a_mistake_in_a_folder_opens_it_once_and_shows_the_cell(opened, snam, qtbot, tmp_path):
    viewer, dock, widget = opened
    collection = scan(snam)
    name = collection.label(collection.fields[4])
    cell = UnitAnswer(name, 1, 24.0, 32.0, "MM", "ALL", 0.9)
    unknown = dataclasses.replace(cell, image="other.bmp")
    evaluated = Evaluated(made([cell, unknown]), Gathered(collection), tmp_path)
    widget.show_evaluated(evaluated)
    mistakes = widget.view.mistakes.table
    mistakes.setFocus()
    mistakes.setCurrentCell(0, 0)
    qtbot.keyClick(mistakes, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "is shown" in widget.run.status.text(), timeout=20_000)
    opened_layers = [x.name for x in viewer.layers]
    assert opened_layers == ["PKG - SN-AM", "PKG - SN-AM nuclei", "shown cell"]
    assert viewer.dims.current_step[0] == 4
    viewer.dims.set_current_step(0, 0)
    qtbot.keyClick(mistakes, Qt.Key.Key_Return)
    assert [x.name for x in viewer.layers] == opened_layers
    assert viewer.dims.current_step[0] == 4
    mistakes.picked.emit(1)
    assert "other.bmp is not among" in widget.run.status.text()
    viewer.window.remove_dock_widget(dock)
    assert [x.name for x in viewer.layers] == opened_layers[:-1]  # the ring goes with the widget


def test_a_mistake_in_an_open_folder_is_shown_in_its_slice(opened, snam, tmp_path):
    viewer, _, widget = opened
    viewer.open(str(snam), plugin=PLUGIN)
    collection = scan(snam)
    name = collection.label(collection.fields[4])
    cell = UnitAnswer(name, 1, 24.0, 32.0, "MM", "ALL", 0.9)
    widget.show_evaluated(Evaluated(made([cell]), Gathered(collection), tmp_path))
    widget.view.mistakes.table.picked.emit(0)
    assert viewer.dims.current_step[0] == 4
    [ring] = [x for x in viewer.layers if isinstance(x, Points)]
    assert ring.data.tolist() == [[4, 24, 32]]


def test_cancel_leaves_an_earlier_result_and_errors_are_one_sentence(
    opened, record, snam, qtbot, monkeypatch
):
    _, _, widget = opened
    widget.evaluate_button.click()
    assert "No folder is chosen" in widget.run.status.text()
    record(widget, made())
    widget.source.set_folder(snam)
    widget.evaluate()
    wait(widget, qtbot)
    before = widget.evaluated

    def run(name, job, emit, should_stop):
        while not should_stop():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr(widget.process.client, "run", run)
    widget.evaluate()
    qtbot.waitUntil(lambda: "Starting" in widget.run.status.text(), timeout=10_000)
    widget.run.cancel_button.click()
    wait(widget, qtbot)
    assert widget.run.status.text() == "Stopped."
    assert widget.evaluated is before
    assert widget.export_button.isEnabled()


def test_the_report_is_exported_to_a_new_folder_only(opened, record, snam, qtbot, tmp_path):
    _, _, widget = opened
    record(widget, made())
    widget.source.set_folder(snam)
    widget.evaluate()
    wait(widget, qtbot)
    out = tmp_path / "report"
    widget.export(out)
    wait(widget, qtbot)
    assert sorted(x.name for x in out.iterdir()) == ["comparison.json", "report.html"]
    assert read_result(out / "comparison.json") == made()
    assert widget.run.status.text() == f"The report is in {out}."
    (out / "report.html").write_text("edited")
    widget.export(out)
    wait(widget, qtbot)
    assert f"{out} is there already" in widget.run.status.text()
    assert (out / "report.html").read_text() == "edited"


def test_nothing_is_left_when_the_dock_is_closed(opened):
    viewer, dock, widget = opened
    folder = widget.process.folder
    assert folder.is_dir()
    viewer.window.remove_dock_widget(dock)
    assert widget.process.client.closed
    assert not folder.exists()


def test_a_result_of_another_version_is_refused(opened, record, snam, qtbot, monkeypatch, tmp_path):
    _, _, widget = opened
    path = tmp_path / "comparison.json"
    path.write_text('{"rows": []}')
    monkeypatch.setattr(widget.process.client, "run", lambda *_: {"result": str(path)})
    widget.source.set_folder(snam)
    widget.evaluate()
    wait(widget, qtbot)
    assert "comparison.json holds no result" in widget.run.status.text()
    assert widget.evaluated is None


def test_everything_that_can_be_pressed_or_set_has_a_tooltip(opened, tmp_path, collection):
    _, _, widget = opened
    widget.show_evaluated(Evaluated(made(models=("a", "b")), Gathered(collection), tmp_path))
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView)
    found = [x for kind in kinds for x in widget.findChildren(kind) if _own(x)]
    assert len(found) > 30
    assert not [(type(x).__name__, getattr(x, "text", str)()) for x in found if not x.toolTip()]


def _own(widget):
    """Whether it is no part of another field, such as the line of a spin box."""
    inside = widget.parent()
    while inside is not None:
        if isinstance(inside, QComboBox | QAbstractSpinBox | QAbstractItemView):
            return False
        inside = inside.parent()
    return True


@pytest.mark.parametrize(("theme", "font_size"), [("dark", 9), ("light", 14)])
def test_it_fits_into_400_pixels_whatever_the_names(
    make_napari_viewer, collection, qtbot, tmp_path, theme, font_size
):
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1366, 768)
    viewer.theme = theme
    get_settings().appearance.font_size = font_size
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    unit = UnitAnswer(f"{LONG}/{LONG}.png", 3, 1.0, 2.0, LONG, f"{LONG} 2", 0.9, LONG, LONG)
    result = made([unit], (LONG, f"{LONG} 2"), (LONG, "svm"))
    for k in range(widget.what.count()):
        widget.what.setCurrentIndex(k)
        qtbot.wait(20)
        assert widget.minimumSizeHint().width() <= 400
    widget.show_evaluated(Evaluated(result, Gathered(collection), tmp_path))
    window = viewer.window._qt_window
    area = widget.findChild(QScrollArea)
    for title in widget.view.pages.offered:
        widget.view.pages.select(title)
        qtbot.wait(20)
        assert widget.minimumSizeHint().width() <= 400, title
        window.resizeDocks([dock], [400], Qt.Orientation.Horizontal)
        qtbot.waitUntil(lambda: dock.width() <= 400)
        assert not area.horizontalScrollBar().maximum(), title
    widget.process.end()
