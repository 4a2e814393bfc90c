"""A model that is opened in Train DCNN: what is shown, also where a part of it is damaged."""

import shutil
from pathlib import Path

import pytest

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
