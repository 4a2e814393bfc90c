"""A model that is opened in Train DCNN: what is shown, also where a part of it is damaged."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.widgets.components.training.last_model import last_model, remember_model
from tampering import seal

BUNDLES = Path(__file__).parents[2] / "learning" / "bundles" / "golden"


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "feature,importance\nx,much\n", "feature,importance\nx,0.5\n"]
)
def test_a_damaged_table_of_features_does_not_hide_that_the_model_is_open(
    make_napari_viewer, qtbot, tmp_path, monkeypatch, content
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    path = shutil.copytree(BUNDLES / "svm_schema1.marrow", tmp_path / "svm.marrow")
    (path / "features.csv").write_text(content)
    seal(path)
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
    widget.model.open_in_thread(path)
    qtbot.waitUntil(lambda: "features.csv" in widget.run.status.text(), timeout=20_000)
    status = widget.run.status.text()
    assert status.startswith(f"Opened {path}.")
    assert "copy the whole bundle again" in status
    assert "unexpectedly" not in status
    assert widget.model.bundle.path == path
    assert widget.model._importances_box.isHidden()


@pytest.fixture
def opened(make_napari_viewer_proxy, monkeypatch, snam):
    """A viewer with a folder, and the model panel of Train DCNN."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
    viewer.open(str(snam), plugin="napari-marrow")
    return viewer, widget.model, viewer.layers["PKG - SN-AM"]


def wait(model, qtbot):
    qtbot.waitUntil(lambda: not model.task.busy, timeout=20_000)


def answered(image):
    return [bool(x.text) for x in LayerInfo.of(image).predictions]


def test_the_shown_field_alone_is_labelled_and_other_answers_stay(
    opened, make_toy, tmp_path, qtbot
):
    viewer, model, image = opened
    assert not model.label_field_button.isEnabled()
    model.load(make_toy(tmp_path / "cells.marrow", unit="cell").path)
    for k, row in enumerate((4, 1)):
        viewer.dims.set_current_step(0, row)
        model.label_field_button.click()
        wait(model, qtbot)
        assert answered(image) == [x == 4 or (k == 1 and x == 1) for x in range(6)]
    assert set(viewer.layers["PKG - SN-AM predicted cells"].features["field"]) == {1, 4}
    image.visible = False
    model.label_field()
    assert "No photograph is visible" in model._run.status.text()


def test_answers_of_an_earlier_model_say_so_until_they_are_replaced(
    opened, make_toy, tmp_path, qtbot
):
    viewer, model, image = opened
    first = make_toy(tmp_path / "first.marrow", unit="cell")
    second = make_toy(tmp_path / "second.marrow", unit="cell", notes=("another",))
    model.load(first.path)
    model.label_layers()
    wait(model, qtbot)
    caption = viewer.canvas.overlays.text
    assert model.earlier.isHidden()
    assert "first" not in caption.text
    model.load(second.path)
    assert not model.earlier.isHidden()
    assert "PKG - SN-AM was answered by first" in model.earlier.text()
    assert "PKG - SN-AM predicted cells by first" in viewer.layers
    assert "by first, an earlier model" in caption.text
    model.load(first.path)  # the current one again
    assert model.earlier.isHidden()
    assert "PKG - SN-AM predicted cells" in viewer.layers
    assert "first" not in caption.text
    model.load(second.path)
    model.label_field()
    wait(model, qtbot)
    assert "another model gave them" in model._run.status.text()
    assert answered(image) == [True] + [False] * 5
    assert [x.name for x in viewer.layers if "predicted" in x.name] == [
        "PKG - SN-AM predicted cells"
    ]
    assert model.earlier.isHidden()


def test_corrections_outlive_another_model(opened, make_toy, tmp_path, qtbot):
    viewer, model, _ = opened
    for name in ("first", "second"):
        model.load(make_toy(tmp_path / f"{name}.marrow", unit="cell", notes=(name,)).path)
        model.label_layers()
        wait(model, qtbot)
        layer = viewer.layers["PKG - SN-AM predicted cells"]
        if name == "first":
            classes = layer.features["class"].astype(object)
            classes[3] = "artefact"
            layer.features = layer.features.assign(**{"class": classes})
    assert layer.features["class"].tolist().count("artefact") == 1
    assert "keeps its class" in model._run.status.text()


def test_predicted_cells_are_written_as_they_are_shown(
    opened, make_toy, tmp_path, qtbot, monkeypatch
):
    viewer, model, _ = opened
    out, export = tmp_path / "predicted", model.exported
    export.export(out)
    assert "No predicted cells" in model._run.status.text()
    model.load(make_toy(tmp_path / "first.marrow", unit="cell").path)
    model.label_layers()
    wait(model, qtbot)
    layer = viewer.layers["PKG - SN-AM predicted cells"]
    classes = layer.features["class"].astype(object)
    classes[3] = "artefact"
    layer.features = layer.features.assign(**{"class": classes})
    qtbot.waitUntil(lambda: bool(layer.features["corrected"][3]))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    export.button.click()
    assert not export.button.isEnabled()
    qtbot.waitUntil(lambda: "written" in model._run.status.text(), timeout=20_000)
    table, shown = pd.read_csv(out / "cells.csv", keep_default_na=False), layer.features
    same = {"annotated": "corrected", "model_class": "predicted_class"}
    for ours in ("index", "class", "reason", *same):
        theirs = same.get(ours, ours)
        assert table[ours].tolist() == shown[theirs].tolist()
    for name in ("y", "x", "probability_ALL", "probability_MM"):
        assert table[name].to_numpy(float) == pytest.approx(shown[name].to_numpy(), abs=1e-6)
    assert table["class_from"].value_counts().to_dict() == {
        "first": len(table) - 1, "person": 1,
    }  # fmt: skip
    assert not table["uncertain"][3]
    assert table["image"].nunique() == 6
    frames = [np.asarray(layer.data[k]) for k in range(6)]
    for row, (_, own) in enumerate(table.groupby("image", sort=False)):
        areas = [(frames[row] == number).sum() for number in own["index"]]
        assert own["area_px"].tolist() == areas
    assert len([*(out / "geojson").iterdir()]) == 6


def drop(widget, *paths):
    """Drag files over a widget and let go."""
    data, copy = QMimeData(), Qt.DropAction.CopyAction
    data.setUrls([QUrl.fromLocalFile(str(x)) for x in paths])
    rest = (copy, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(9, 9), *rest)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(QPointF(9, 9), *rest))


@pytest.fixture
def train(monkeypatch):
    """A function that opens Train DCNN in a viewer."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)

    def opened(viewer):
        return viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")[1]

    return opened


def test_three_actions_lead_from_a_folder_to_labelled_cells(
    make_napari_viewer, train, snam, tmp_path, make_toy, qtbot
):
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    before = train(make_napari_viewer())
    drop(before, bundle.path)
    qtbot.waitUntil(lambda: "Opened" in before.run.status.text(), timeout=20_000)
    viewer = make_napari_viewer()
    widget = train(viewer)  # 1: open the widget, which begins with that model
    drop(widget, snam)  # 2: no dialog asks for a reader
    assert "PKG - SN-AM" in viewer.layers
    qtbot.waitUntil(widget.model.label_button.isEnabled, timeout=20_000)
    assert widget.run.status.text() == f"The model is {bundle.path}, which was used last."
    widget.model.label_button.click()  # 3
    qtbot.waitUntil(lambda: "PKG - SN-AM predicted cells" in viewer.layers, timeout=20_000)


def test_a_last_model_that_is_gone_or_damaged_is_no_matter(
    make_napari_viewer, train, tmp_path, make_toy, qtbot
):
    bundle = make_toy(tmp_path / "cells.marrow")
    remember_model(bundle.path)
    (bundle.path / "model.onnx").write_bytes(b"x")
    widget = train(make_napari_viewer())
    widget.model.open_last()
    qtbot.waitUntil(lambda: not widget.model._begin_with.busy, timeout=20_000)
    assert widget.model.bundle is None
    assert widget.run.status.text() == ""
    shutil.rmtree(bundle.path)
    assert last_model() is None


def test_labelling_is_the_next_step_after_a_training(opened, finish_run, qtbot):
    _, model, _ = opened
    widget = model.parent()
    while not hasattr(widget, "runs"):
        widget = widget.parent()
    assert not model.label_button.property("emphasized")
    finish_run(widget)
    assert model.label_button.property("emphasized")
    model.label_button.click()
    assert not model.label_button.property("emphasized")
    wait(model, qtbot)
