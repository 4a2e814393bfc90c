"""What is imported on the viewer's thread when a button is clicked: nothing that takes long."""

import json
import subprocess
import sys

import pytest

SLOW = [
    "matplotlib",
    "onnxruntime",
    "scipy.stats",
    "sklearn",
    "tensorflow",
    "keras",
    "torch",
    "jax",
]
SCRIPT = """
import json, sys, threading, time
from pathlib import Path
import napari
import napari_marrow.widgets.train_dcnn as module
from napari_marrow.data.errors import Stopped
from napari_marrow.jobs.events import Event
from qtpy.QtWidgets import QApplication

what, slow, folder, bundle = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
module.WARM_START_AFTER_MS = 10**8
imported = []


class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            imported.append(name)


def wait(until):
    end = time.monotonic() + 60
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)
    assert until()


def run(name, job, emit, should_stop):
    emit(Event("started", "train"))
    for k in range(1, 4):
        emit(Event("progress", f"Epoch {k}", k / 4, {"epoch": k, "loss": 1 / k, "val_loss": 1 / k}))
    while not should_stop():
        time.sleep(0.01)
    raise Stopped


viewer = napari.Viewer()
_, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
viewer.open(folder, plugin="napari-marrow")
wait(lambda: widget.source.table.rowCount() == 6)
widget.client.run = run
if what == "label":
    widget.model.open_in_thread(Path(bundle))
    wait(lambda: widget.model.bundle is not None and not widget.model.task.busy)
sys.meta_path.insert(0, Watch())
if what == "train":
    widget.train_button.click()
    wait(lambda: "Epoch 3" in widget.run.status.text())
    widget.run.cancel_button.click()
else:
    widget.model.label_button.click()
    wait(lambda: any("predicted" in layer.name for layer in viewer.layers))
found = {name for name in imported if any(f"{name}.".startswith(f"{x}.") for x in slow)}
never = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
print("FOUND", json.dumps(sorted(found | never)))
viewer.close()
"""


@pytest.mark.parametrize("what", ["train", "label"])
def test_a_click_imports_nothing_slow_on_the_viewers_thread(what, snam, tmp_path, make_toy, qapp):
    """In a process of its own, where nothing is imported yet; on the display of the tests."""
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    arguments = [what, json.dumps(SLOW), str(snam), str(bundle.path)]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert found == ["FOUND []"], done.stderr[-2000:]
