"""A process ends well while a task works, whether its widget is still there or not."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, time
from qtpy.QtCore import QObject
from napari.qt import get_qapp
from napari_marrow.viewer.task import Task

app, begun = get_qapp(), []
owner, how = QObject(), sys.argv[1]

def work(emit, should_stop):
    begun.append(True)
    while not should_stop():
        time.sleep(0.01)
    time.sleep(0.5)  # what it does last is done after the script

task = Task(owner, failed=print)
task.start(work, print)
while not begun:
    app.processEvents()
    time.sleep(0.01)
if how == "deleted":
    owner.deleteLater()
    app.processEvents()
print("done")
"""


@pytest.mark.parametrize("how", ["end", "deleted"])
def test_a_script_that_ends_while_a_task_works_is_not_aborted(qapp, how):
    command = [sys.executable, "-c", SCRIPT, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout
