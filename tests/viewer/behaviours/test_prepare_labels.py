"""The labels of a folder are made in a worker; until then their masks are drawn."""

import gc
import threading
import weakref

import numpy as np
import pytest
from superqt.utils import WorkerBase

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import separate
from napari_marrow.viewer.behaviours.prepare_labels import attach_label_preparation
from napari_marrow.viewer.make.layers import collection_layers
from napari_marrow.viewer.stack import LazyStack

N_FIELDS = 7


class SlowLabels:
    """Labels that are made only when a test says so: row k holds k + 1, its draft 100 + k."""

    def __init__(self):
        self.made, self.may, self.errors = [], threading.Event(), {}
        readers = [lambda row=row: self._read(row) for row in range(N_FIELDS)]
        drafts = [
            lambda row=row: np.full((40, 50), 100 + row, np.uint16) for row in range(N_FIELDS)
        ]
        self.stack = LazyStack(readers, (40, 50), np.uint16, drafts=drafts)

    def _read(self, row):
        assert self.may.wait(20)
        self.made.append(row)
        if row in self.errors:
            raise self.errors[row]
        return np.full((40, 50), row + 1, np.uint16)


@pytest.fixture
def slow():
    return SlowLabels()


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    attach_label_preparation(viewer)
    return viewer


def add(viewer, stack):
    """Add a stack as a reader does, which announces it."""
    attach_label_preparation(viewer).expect([stack])
    return viewer.add_labels(stack)


def drawn(layer):
    """The label on the screen."""
    (value,) = np.unique(layer._slice.image.raw)
    return value


def test_drafts_are_replaced_and_the_nearest_come_first(viewer, slow, qtbot):
    layer = add(viewer, slow.stack)
    viewer.dims.set_current_step(0, 4)
    assert drawn(layer) == 104
    slow.may.set()
    qtbot.waitUntil(lambda: not slow.stack.unprepared, timeout=10000)
    qtbot.waitUntil(lambda: drawn(layer) == 5, timeout=10000)
    distances = [abs(row - 4) for row in dict.fromkeys(slow.made)]
    assert distances == sorted(distances)
    assert set(slow.made) == set(range(N_FIELDS))


def test_paging_waits_for_no_labels(viewer, slow):
    layer = add(viewer, slow.stack)
    for row in (5, 2, 3):
        viewer.dims.set_current_step(0, row)
        assert drawn(layer) == 100 + row
    slow.may.set()


def test_a_stack_that_is_added_meanwhile_is_made_too(viewer, slow, qtbot):
    add(viewer, slow.stack)
    qtbot.wait(500)  # its worker has begun
    other = SlowLabels()
    layer = add(viewer, other.stack)
    slow.may.set()
    other.may.set()
    qtbot.waitUntil(lambda: not slow.stack.unprepared, timeout=10000)
    qtbot.waitUntil(lambda: not other.stack.unprepared, timeout=10000)
    qtbot.waitUntil(lambda: drawn(layer) < 100, timeout=10000)


def test_where_no_labels_are_prepared_they_are_drawn_as_they_are(make_napari_viewer, slow):
    viewer = make_napari_viewer()
    slow.may.set()
    layer = viewer.add_labels(slow.stack)
    viewer.dims.set_current_step(0, 4)
    assert drawn(layer) == 5


def test_an_announced_stack_that_does_not_come_draws_no_more_drafts(viewer, slow, qtbot):
    slow.may.set()
    attach_label_preparation(viewer).expect([slow.stack])
    assert slow.stack[3].max() == 103
    qtbot.waitUntil(lambda: slow.stack[3].max() == 4, timeout=10000)


def test_a_removed_stack_draws_no_more_drafts(viewer, slow):
    layer = add(viewer, slow.stack)
    assert slow.stack[3].max() == 103
    viewer.layers.remove(layer)
    slow.may.set()
    assert slow.stack[3].max() == 4


def test_adding_a_stack_waits_for_no_labels(viewer, slow):
    layer = add(viewer, slow.stack)
    assert slow.made == []
    assert drawn(layer) >= 100
    slow.may.set()


def test_removed_stacks_are_made_no_further_and_not_kept(viewer, slow, qtbot):
    layer = add(viewer, slow.stack)
    qtbot.wait(500)
    viewer.layers.remove(layer)
    slow.may.set()
    qtbot.waitUntil(lambda: len(slow.made) > 0, timeout=10000)
    qtbot.wait(300)
    assert len(slow.made) < N_FIELDS
    stack = weakref.ref(slow.stack)
    slow.stack = layer = None
    qtbot.waitUntil(lambda: gc.collect() >= 0 and stack() is None, timeout=10000)


def test_a_folder_opens_with_masks_and_ends_with_nuclei(
    make_napari_viewer, make_snam, tmp_path, qtbot
):
    viewer = make_napari_viewer()
    folder = make_snam(tmp_path / "made")
    viewer.open(str(folder), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    assert nuclei._slice.image.raw.max() == 1  # the mask
    qtbot.waitUntil(lambda: nuclei._slice.image.raw.max() == 12, timeout=20000)
    viewer.layers.clear()
    viewer.open(str(folder), plugin="napari-marrow")  # now from the cache
    again = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(lambda: not again.data.unprepared, timeout=20000)


def test_without_a_cache_folder_no_nuclei_are_separated_while_paging(
    make_snam, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file" / "in the way"))
    made = []

    def counting(mask):
        made.append(mask.shape)
        return separate(mask)

    monkeypatch.setattr("napari_marrow.imaging.nuclei.separate", counting)
    layers = collection_layers(scan(make_snam(tmp_path / "made", 4)))
    stack = next(data for data, options, _ in layers if options["name"].endswith("nuclei"))
    for row in range(len(stack)):
        stack.prepare(row)
    n_made = len(made)
    for row in [*range(len(stack)), *range(len(stack))]:
        assert stack.read(row).any()
    assert n_made == len(made) == len(stack)


def test_the_worker_pauses_while_the_user_pages(viewer, slow, monkeypatch, qtbot):
    monkeypatch.setattr("napari_marrow.viewer.behaviours.prepare_labels.MAX_PAUSE_S", 60)
    add(viewer, slow.stack)
    qtbot.wait(500)  # the worker has begun, and waits
    viewer.dims.set_current_step(0, 5)
    slow.may.set()
    qtbot.waitUntil(lambda: len(slow.made) == 1, timeout=10000)
    for row in (4, 5, 4, 5):
        viewer.dims.set_current_step(0, row)
        qtbot.wait(50)
    assert len(slow.made) == 1
    qtbot.waitUntil(lambda: not slow.stack.unprepared, timeout=10000)


def test_a_closed_viewer_makes_no_more_labels(make_napari_viewer, slow, qtbot):
    viewer = make_napari_viewer()
    add(viewer, slow.stack)
    qtbot.wait(500)  # its worker has begun
    task = attach_label_preparation(viewer)._task
    viewer.close()
    slow.may.set()
    qtbot.waitUntil(lambda: task._in_thread is None, timeout=10000)
    qtbot.wait(500)
    assert len(slow.made) == 1


def test_no_more_labels_are_made_when_napari_quits(viewer, slow, qtbot):
    add(viewer, slow.stack)
    qtbot.wait(500)  # its worker has begun
    threading.Timer(0.1, slow.may.set).start()
    WorkerBase.await_workers(10_000)
    qtbot.wait(1000)
    assert len(slow.made) == 1


def test_a_fault_is_reported_and_the_other_labels_are_made(viewer, slow, qtbot, notified):
    slow.errors[2] = KeyError("fault")
    add(viewer, slow.stack)
    slow.may.set()
    qtbot.waitUntil(lambda: not slow.stack.unprepared, timeout=10000)
    assert ["fault" in text for text in notified] == [True]
    assert set(slow.made) == set(range(N_FIELDS))
