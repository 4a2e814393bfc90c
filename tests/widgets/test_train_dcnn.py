"""The dock widget in a real viewer, with a real child process where it says so."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QScrollArea

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import Stopped
from napari_marrow.data.options import option
from napari_marrow.learning.adaptation.acquisitions import Acquisition
from napari_marrow.learning.adaptation.reference import PictureSummary, Reference
from napari_marrow.learning.bundles.predictor import OTHER_ACQUISITION
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.model_settings import ClassicalSettings, NetworkSettings, OptionGroup
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make import predictions
from napari_marrow.viewer.make.predictions import predict_photographs
from napari_marrow.viewer.photograph.annotations import field_class
from napari_marrow.viewer.photograph.photograph import Photograph

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"


@pytest.fixture
def no_warm_start(monkeypatch):
    """GUI tests don't start TensorFlow."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)


@pytest.fixture
def open_widget(make_napari_viewer_proxy):
    """A viewer and its Train DCNN widget, opened by the name in the manifest."""
    made = []

    def make():
        viewer = make_napari_viewer_proxy()
        _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
        made.append(widget)
        return viewer, widget

    yield make
    for widget in made:
        widget.client.shutdown()


def small(widget, **values):
    """Settings of a training that takes seconds."""
    values = {"epochs": 3, "input_size": 32, "tiles": 1, "copies": 2, **values}
    for name, value in values.items():
        widget.form.fields[name].value = value


@pytest.mark.usefixtures("no_warm_start")
def test_it_opens_small_and_scrolls_and_imports_no_tensorflow(open_widget):
    _, widget = open_widget()
    assert widget.findChildren(QScrollArea)
    assert widget.minimumSizeHint().height() < 600
    assert widget.train_button.isEnabled()
    assert not widget.run.cancel_button.isEnabled()
    assert not widget.model.label_button.isEnabled()
    assert not {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)


@pytest.mark.usefixtures("no_warm_start")
def test_the_table_shows_fields_and_changes_their_classes(open_widget, snam, qtbot):
    viewer, widget = open_widget()
    viewer.open(str(snam), plugin=PLUGIN)
    table = widget.source.table
    qtbot.waitUntil(lambda: table.rowCount() == 6)
    assert [table.item(r, 0).text() for r in (0, 3)] == ["ALL_1", "MM_1"]
    table.selectRow(1)
    table.item(1, 1).setText("blast")
    assert field_class(viewer.layers["PKG - SN-AM"], 1) == "blast"
    qtbot.waitUntil(lambda: table.item(1, 1).text() == "blast")
    viewer.layers.clear()
    qtbot.waitUntil(lambda: table.rowCount() == 0)


@pytest.mark.usefixtures("no_warm_start")
@pytest.mark.parametrize("name", [WIDGET, "Chi-square features"])
def test_a_hidden_layer_can_be_ticked_and_all_selected_fields_at_once(
    make_napari_viewer_proxy, snam, draw, qtbot, name
):
    viewer = make_napari_viewer_proxy()
    table = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1].source.table
    viewer.open(str(snam), plugin=PLUGIN)
    viewer.add_image(draw()[0], rgb=True, name="hidden", visible=False)
    qtbot.waitUntil(lambda: table.rowCount() == 7)
    assert [table.is_checked(row) for row in range(7)] == [True] * 6 + [False]

    def chosen():
        return [len(x.chosen) for x in Photograph.open_in(viewer.layers)]

    table.setCurrentCell(6, 0)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert chosen() == [6, 1]
    qtbot.wait(200)  # the table is filled again, with the same ticks
    assert table.is_checked(6)
    stored = []
    for layer in viewer.layers:
        layer.events.metadata.connect(lambda _, name=layer.name: stored.append(name))
    table.selectAll()
    table.item(6, 0).setCheckState(Qt.CheckState.Unchecked)
    assert chosen() == [0, 0]
    assert sorted(stored) == ["PKG - SN-AM", "hidden"]  # once a layer


@pytest.mark.usefixtures("no_warm_start")
def test_annotating_cells_adds_a_layer_ready_to_paint(open_widget, snam, qtbot):
    viewer, widget = open_widget()
    viewer.open(str(snam / "PKG - SN-AM" / "MM" / "MM_1.bmp"), plugin=PLUGIN)
    qtbot.waitUntil(lambda: widget.source.table.rowCount() == 1)
    widget.source.add_cells_layer()
    layer = viewer.layers["MM_1 cells"]
    assert layer.mode == "paint"
    assert list(layer.features["class"]) == ["ALL", "MM"]
    assert widget.source.table.item(0, 2).text() == ""
    layer.data_setitem((np.array([3, 3]), np.array([4, 5])), 2)
    qtbot.waitUntil(lambda: widget.source.table.item(0, 2).text() == "1 MM")
    widget.source.add_cells_layer()  # again: the same layer
    assert [x.name for x in viewer.layers if "cells" in x.name] == ["MM_1 cells"]


@pytest.mark.usefixtures("no_warm_start")
def test_the_job_that_would_run_is_the_form_and_the_layers(open_widget, snam, qtbot, monkeypatch):
    viewer, widget = open_widget()
    viewer.open(str(snam), plugin=PLUGIN)
    small(widget, seed=5, unit="cell")
    sent = []

    def run(name, job, emit, should_stop):
        sent.append((name, job))
        while not should_stop():
            time.sleep(0.01)
        raise Stopped

    monkeypatch.setattr(widget.client, "run", run)
    widget.train()
    qtbot.waitUntil(lambda: bool(sent), timeout=20_000)
    [(name, job)] = sent
    assert name == "train"
    assert job["settings"]["seed"] == 5
    assert widget.source.origin == "the layers PKG - SN-AM"
    assert job["settings"]["unit"] == "cell"
    assert [f["class"] for f in job["collection"]["fields"]] == ["ALL"] * 3 + ["MM"] * 3
    assert widget.run.cancel_button.isEnabled()
    widget.run.cancel_button.click()
    assert widget.train_button.isEnabled()


@pytest.mark.usefixtures("no_warm_start")
def test_what_cannot_work_is_one_sentence_and_nothing_runs(open_widget, tmp_path, qtbot, notified):
    _, widget = open_widget()
    widget.train()
    assert "No photograph is open" in notified[-1]
    assert widget.train_button.isEnabled()
    empty = tmp_path / "empty"
    empty.mkdir()
    widget.source.set_folder(empty)
    qtbot.waitUntil(lambda: "holds no photograph" in widget.source.run.status.text())
    widget.train()
    qtbot.waitUntil(lambda: "holds no photograph" in widget.run.status.text())
    assert widget.train_button.isEnabled()
    assert widget.client.pid is None


@pytest.mark.usefixtures("no_warm_start")
def test_a_bundle_is_loaded_labels_the_layers_and_is_saved(
    open_widget, snam, tmp_path, make_toy, qtbot, notified, save_model
):
    viewer, widget = open_widget()
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    confounding = Confounding(("camera",), 1.0, 1e-9)
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell", confounding=confounding)
    widget.model.load(bundle.path)
    assert widget.model.result.text().startswith("Class and camera go together")
    assert "ALL / MM, one prediction per cell" in widget.model.result.text()
    widget.model.label_layers()
    qtbot.waitUntil(lambda: "ALL_1 predicted cells" in viewer.layers, timeout=20_000)
    qtbot.waitUntil(lambda: not widget.model.task.busy)
    assert widget.run.status.text().startswith("Class and camera go together")
    assert len(viewer.layers["ALL_1 predicted cells"].features) == 12
    assert "predicted" in viewer.canvas.overlays.text.text
    save_model(widget, tmp_path / "kept")
    assert (tmp_path / "kept.marrow" / "model.onnx").is_file()
    (tmp_path / "mine.marrow").mkdir()
    (tmp_path / "mine.marrow" / "features.csv").write_text("mine")
    save_model(widget, tmp_path / "mine")
    assert "features.csv" in notified[-1]
    assert (tmp_path / "mine.marrow" / "features.csv").read_text() == "mine"
    (tmp_path / "kept.marrow" / "model.onnx").write_bytes(b"x")
    widget.model.load(tmp_path / "kept.marrow")
    assert "altered" in notified[-1]


@pytest.mark.usefixtures("no_warm_start")
def test_answers_for_another_microscope_stand_where_the_user_says_that_all_is_of_it(
    open_widget, snam, tmp_path, make_toy, qtbot
):
    """The photographs learnt from had half of the light; the model is trusted elsewhere."""
    rng = np.random.default_rng(0)
    usual = np.log([110, 105, 108, 8, 0.5, 0.5, 0.2, 0.5, 90])
    dark = (usual + rng.normal(0, 0.02, (30, 9))).astype(np.float32)
    learnt_from = Acquisition(
        "a", {"ALL": 20, "MM": 20}, (0.04,), (1.0,), photograph=tuple(usual.tolist())
    )
    bundle = make_toy(
        tmp_path / "cells.marrow",
        unit="cell",
        acquisitions=(learnt_from,),
        fingerprints={f"{k}.bmp": f"{k:064x}" for k in range(30)},
        elsewhere=Confidence(1.0, 0.5, 100, 0.9, 0.02, 0.05, 30),
        reference=Reference.of_summaries(
            [PictureSummary(np.zeros((2, 28, 28), "f4"), np.zeros((1, 16), "f4"), x) for x in dark],
            np.arange(30).astype(str),
            [True] * 30,
            ["a"] * 30,
            ["ALL", "MM"] * 15,
        ),
    )
    viewer, widget = open_widget()
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    widget.model.load(bundle.path)
    marked = {}
    for adapt in ("auto", "batch"):
        widget.model.form.fields["adapt"].value = adapt
        widget.model.label_layers()
        qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=20_000)
        assert "unlike those learnt from" in widget.run.status.text()
        reasons = viewer.layers["ALL_1 predicted cells"].features["reason"]
        marked[adapt] = reasons.str.contains(OTHER_ACQUISITION).to_numpy()
        widget.run.say("")
    assert marked["auto"].all()
    assert not marked["batch"].any()


def _cut_off(path):
    path.write_bytes(path.read_bytes()[:500])


def _written_over(path):
    shutil.copy(path.with_name("ALL_1.bmp"), path)


@pytest.mark.usefixtures("no_warm_start")
@pytest.mark.parametrize(
    "damage", [_cut_off, _written_over, os.remove], ids=["cut off", "written over", "removed"]
)
@pytest.mark.parametrize("unit", ["field", "cell"])
def test_labelling_goes_on_without_a_field_that_can_not_be_used(
    open_widget, make_snam, tmp_path, make_toy, qtbot, damage, unit
):
    root = make_snam(tmp_path / "data", 2)
    viewer, widget = open_widget()
    viewer.open(str(root), plugin=PLUGIN)
    damage(root / "ALL" / "ALL_2.bmp")
    widget.model.load(make_toy(tmp_path / "toy.marrow", unit=unit).path)
    widget.model.label_button.click()
    qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=20_000)
    said = widget.run.status.text()
    assert "3 fields labelled" in said
    assert "1 field left out: " in said
    assert "ALL_2.bmp" in said
    answers = LayerInfo.of(viewer.layers[root.name]).predictions
    assert [bool(x.text) for x in answers] == [True, False, True, True]


def test_an_engine_that_can_not_be_used_is_told_beside_the_labels(
    open_widget, snam, toy, qtbot, monkeypatch
):
    """ONNX Runtime has the provider of a card here, but no card."""
    known = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    viewer, widget = open_widget()
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    widget.model.load(toy.path)
    widget.model.form.fields["engine"].value = "cuda"
    widget.model.label_layers()
    qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=20_000)
    assert "in place of the engine cuda" in widget.run.status.text()


class Stalls:
    """Measures how long the event loop is away: a timer that should come every 10 ms."""

    def __init__(self):
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def _tick(self):
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now

    def stop(self):
        self._timer.stop()
        return self.longest


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_training_in_the_child_end_to_end(
    open_widget, make_snam, tmp_path, qtbot, notified, record_property
):
    """Train, be killed, train again, cancel, label, close: the whole contract with one viewer."""
    root = make_snam(tmp_path / "data", 8, masks=False)
    viewer, widget = open_widget()
    viewer.open(str(root), plugin=PLUGIN)
    annotated = viewer.add_labels(np.eye(9, dtype=int), name="mine")
    image = viewer.layers[root.name]
    small(widget, epochs=400, patience=0, copies=8)

    # Killed in the middle: the viewer lives, layers and annotations are there, the user is told.
    widget.train()
    qtbot.waitUntil(lambda: "Epoch 2" in widget.run.status.text(), timeout=300_000)
    os.kill(widget.client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: widget.train_button.isEnabled(), timeout=10_000)
    assert "was killed" in notified[-1]
    assert "Start again" in widget.run.status.text()
    np.testing.assert_array_equal(annotated.data, np.eye(9))
    assert image.data.shape[0] == 16

    # Cancel is felt within a second.
    widget.train()
    qtbot.waitUntil(lambda: "Epoch 2" in widget.run.status.text(), timeout=300_000)
    begun = time.perf_counter()
    widget.task.cancel()
    qtbot.waitUntil(lambda: widget.train_button.isEnabled(), timeout=10_000)
    record_property("cancel_seconds", round(time.perf_counter() - begun, 3))
    assert widget.run.status.text() == "Stopped."

    # The next training works, and the event loop is never away for long.
    small(widget, epochs=6, copies=6, learning_rate=0.003)
    stalls = Stalls()
    widget.train()
    qtbot.waitUntil(lambda: widget.model.bundle is not None, timeout=300_000)
    longest = stalls.stop()
    record_property("longest_stall_seconds", round(longest, 3))
    print(f"\nlongest stall of the event loop while training: {1000 * longest:.0f} ms")
    run = widget.runs.runs[-1]
    assert [x.state for x in widget.runs.runs] == ["failed", "cancelled", "finished"]
    assert len(run.history) == len(pd.read_csv(run.bundle / "history.csv"))
    assert widget.view.samples.samples
    assert len(widget.view.plot.accuracy.lines) == 3
    assert "Held-out accuracy" in widget.model.result.text()
    assert "(" in widget.model.result.text()  # with its interval
    assert not {"tensorflow", "keras"} & set(sys.modules)

    widget.model.label_layers()
    qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=60_000)
    answers = LayerInfo.of(image).predictions
    assert len(answers) == 16

    # Closing the viewer ends the child.
    pid = widget.client.pid
    assert pid is not None
    viewer.close()
    qtbot.waitUntil(lambda: not _runs(pid), timeout=10_000)


@pytest.mark.usefixtures("no_warm_start")
def test_the_form_shows_the_options_that_the_chosen_model_takes(open_widget, monkeypatch):
    """Also those of a model with options of its own and of two other groups."""

    @dataclasses.dataclass(frozen=True)
    class BlendSettings(OptionGroup):
        blend: float = option(0.5, "Blend", "Weight of the network.", low=0, high=1)

    @dataclasses.dataclass(frozen=True)
    class HybridSettings(BlendSettings, ClassicalSettings, NetworkSettings):
        pass

    @dataclasses.dataclass(frozen=True)
    class Training(BlendSettings, TrainingSettings):
        pass

    hybrid = dataclasses.replace(MODELS["logistic"], settings=HybridSettings)
    monkeypatch.setitem(MODELS, "logistic", hybrid)
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.TrainingSettings", Training)
    _, widget = open_widget()

    def shown():
        return {n for n, field in widget.form.fields.items() if not field.native.isHidden()}

    common = {"model", "unit", "seed", "heldout"}
    assert common | {"epochs", "copies"} <= shown()
    assert not {"families", "select", "blend"} & shown()
    widget.form.fields["model"].value = "svm"
    assert common | {"families", "select"} <= shown()
    assert not {"epochs", "device", "copies", "blend", "validation"} & shown()
    assert widget.form.settings().epochs == 40
    widget.form.fields["model"].value = "paper"
    assert common | {"epochs", "copies", "validation"} <= shown()
    widget.form.fields["model"].value = "logistic"
    assert common | {"families", "select", "epochs", "copies", "blend"} <= shown()
    widget.form.fields["blend"].value = 0.25
    assert widget.form.checked_settings().blend == 0.25


@pytest.mark.timeout(600)
def test_a_classical_model_waits_for_no_tensorflow_and_shows_what_counts(
    open_widget, make_snam, toy, tmp_path, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    root = make_snam(tmp_path / "data", 6, masks=False)
    viewer, widget = open_widget()
    viewer.open(str(root), plugin=PLUGIN)
    widget.warm()
    warming = widget.client.pid
    small(widget, model="svm", families=("histogram", "fourier"))
    widget.train()
    qtbot.waitUntil(lambda: widget.model.bundle is not None, timeout=300_000)
    assert widget._view_box.isHidden()  # there is no loss to show
    qtbot.waitUntil(lambda: widget.model.importances is not None, timeout=20_000)
    table = pd.read_csv(widget.model.bundle.path / "features.csv")
    best = table[table["importance"] > 0].nlargest(10, "importance")["feature"].tolist()
    axes = widget.model.importances.figure.axes[0]
    assert [text.get_text() for text in axes.texts] == best
    assert not widget.model._importances_box.isHidden()
    assert widget.model.form.fields["engine"].native.isHidden()  # no other engine runs it
    assert widget.model.form.more.isHidden()  # it has nothing else
    # The child that was to import TensorFlow was given up, and the next one is warmed in its stead.
    assert widget.client.pid != warming
    assert widget.client.busy
    widget.model.load(toy.path)  # a network has nothing of the kind
    assert widget.model._importances_box.isHidden()
    assert not widget.model.form.fields["engine"].native.isHidden()
    assert not widget.model.form.more.isHidden()


def _runs(pid):
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0


def test_a_child_that_ends_while_it_looks_for_devices_is_started_once_more(
    open_widget, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    _, widget = open_widget()
    widget.warm()
    qtbot.waitUntil(lambda: widget.client.pid is not None, timeout=10_000)
    first = widget.client.pid
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: widget.client.pid not in (None, first), timeout=10_000)
    assert widget.devices.text() == "Looking for devices..."
    os.kill(widget.client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "ended" in widget.devices.text(), timeout=10_000)
    assert "training process" not in widget.devices.text()
    assert widget.train_button.isEnabled()
    assert widget.client.pid is None


def test_closing_the_dock_ends_the_child(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy()
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.warm()
    qtbot.waitUntil(lambda: widget.client.pid is not None, timeout=5000)
    process = widget.client._process
    assert process.poll() is None
    dock.destroyOnClose()  # what the cross of the dock does
    qtbot.waitUntil(lambda: process.poll() is not None, timeout=5000)
    assert not widget.folder.exists()


@pytest.mark.usefixtures("no_warm_start")
def test_labelling_outlives_its_layers_and_its_widget(
    open_widget, snam, toy, qtbot, monkeypatch, notified
):
    viewer, widget = open_widget()
    viewer.open(str(snam), plugin=PLUGIN)
    widget.model.load(toy.path)
    cleared = threading.Event()

    def predict_later(*args):
        cleared.wait(20)  # clearing handles events: labelling could end before it
        return predict_photographs(*args)

    monkeypatch.setattr(predictions, "predict_photographs", predict_later)
    widget.model.label_layers()
    viewer.layers.clear()
    cleared.set()
    qtbot.waitUntil(lambda: not widget.model.task.busy, timeout=20000)
    assert "removed meanwhile" in widget.run.status.text()


@pytest.mark.usefixtures("no_warm_start")
def test_a_bundle_removed_after_loading_is_one_sentence(
    open_widget, toy, tmp_path, snam, qtbot, save_model
):
    viewer, widget = open_widget()
    viewer.open(str(snam), plugin=PLUGIN)
    widget.model.load(toy.path)
    shutil.rmtree(toy.path)
    save_model(widget, tmp_path / "copy.marrow")
    assert "was removed; train or load it again" in widget.run.status.text()
    widget.model.label_layers()  # what was checked when it was loaded is still at hand
    qtbot.waitUntil(lambda: "6 fields labelled" in widget.run.status.text(), timeout=20000)


@pytest.mark.usefixtures("no_warm_start")
def test_a_bar_that_is_closed_while_it_is_made_does_not_stay(open_widget, monkeypatch):
    """Making napari's bar handles events, and the end of the work may be among them."""
    from napari.utils import progress

    from napari_marrow.widgets.components import progress as module

    _, widget = open_widget()

    def made(*args, **kwargs):
        bar = progress(*args, **kwargs)
        widget.run.bars.close()
        return bar

    monkeypatch.setattr(module, "progress", made)
    widget.run.bars.show(0.5)
    assert widget.run.bars._activity is None
    assert not progress._all_instances
