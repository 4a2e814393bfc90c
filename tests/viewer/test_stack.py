import copy
import threading
import time

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.stack import KEPT, LazyStack


@pytest.fixture
def whole():
    return np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)


@pytest.fixture
def stack(whole):
    return LazyStack([lambda row=row: whole[row] for row in range(4)], (5, 6), np.uint8)


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        np.int64(2),
        (1, slice(2, 4)),
        (3, 2, 1),
        slice(1, 3),
        (slice(None), 4),
        (slice(None, None, 2), slice(1, 3), 5),
        (..., 0),
        (2, ...),
        slice(4, 9),
        ([0, 3],),
    ],
)
def test_it_is_indexed_like_the_array_it_stands_for(stack, whole, key):
    np.testing.assert_array_equal(stack[key], whole[key])


def test_one_slice_is_not_copied(stack, whole):
    """napari asks for ``stack[2:3]``; a copy of a full field takes longer than to read it."""
    assert np.shares_memory(stack[2:3], whole)


def test_it_is_an_array_to_numpy(stack, whole):
    assert (stack.shape, stack.ndim, stack.size, len(stack)) == ((4, 5, 6), 3, 120, 4)
    np.testing.assert_array_equal(np.asarray(stack), whole)
    assert np.asarray(stack, dtype=float).dtype == float


def test_only_what_is_looked_at_is_read_and_once():
    read = []
    readers = [lambda row=row: read.append(row) or np.full((2, 2), row) for row in range(3)]
    stack = LazyStack(readers, (2, 2), int)
    assert stack[1][0, 0] == 1
    assert stack[1, 1, 1] == 1
    assert read == [1]


def test_beyond_the_end_is_an_index_error(stack):
    with pytest.raises(IndexError):
        stack[4]


class Counting:
    """Readers that note which rows were read, and by whom."""

    def __init__(self, rows=6):
        self.read = []
        self.readers = [lambda row=row: self._read(row) for row in range(rows)]

    def _read(self, row):
        self.read.append((row, threading.current_thread() is threading.main_thread()))
        return np.full((2, 2), row, np.uint8)


def test_the_neighbours_of_the_shown_slice_are_read_ahead(qtbot):
    counting = Counting()
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    assert stack[3][0, 0] == 3
    assert counting.read == [(3, True)]  # nobody pages yet
    stack.read_neighbours()
    qtbot.waitUntil(lambda: len(counting.read) == 3, timeout=5000)
    assert counting.read[0] == (3, True)
    assert sorted(counting.read[1:]) == [(2, False), (4, False)]
    stack[4:5]
    qtbot.waitUntil(lambda: (5, False) in counting.read, timeout=5000)
    assert len(counting.read) == 4  # the slice itself was there already


def test_only_a_few_slices_are_kept(qtbot):
    counting = Counting(20)
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    np.testing.assert_array_equal(np.asarray(stack)[:, 0, 0], np.arange(20))
    assert len(stack._kept) == KEPT
    stack[0]
    assert counting.read.count((0, True)) == 2


def test_a_slice_that_failed_is_said_and_tried_again():
    answers = [OSError("gone"), np.ones((2, 2), np.uint8)]

    def read():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stack = LazyStack([read], (2, 2), np.uint8)
    with pytest.raises(OSError, match="gone"):
        stack[0]
    assert stack[0].all()


def test_a_failure_while_reading_ahead_is_not_lost(qtbot):
    tried = []

    def broken():
        tried.append(threading.current_thread() is threading.main_thread())
        raise OSError("gone")

    stack = LazyStack([lambda: np.ones((2, 2), np.uint8), broken], (2, 2), np.uint8)
    stack[0]
    stack.read_neighbours()
    qtbot.waitUntil(lambda: tried == [False], timeout=5000)
    with pytest.raises(OSError, match="gone"):
        stack[1]


def test_painting_on_it_is_one_sentence(stack):
    with pytest.raises(MarrowError, match="open the field by itself"):
        stack[0, 1, 1] = 3


def test_a_deep_copy_reads_the_same(stack, whole):
    stack[1]
    np.testing.assert_array_equal(copy.deepcopy(stack), whole)


def test_a_slice_that_is_wanted_now_does_not_wait_for_the_quiet(monkeypatch):
    monkeypatch.setattr("napari_marrow.viewer.stack.QUIET_S", 60)
    counting = Counting()
    stack = LazyStack(counting.readers, (2, 2), np.uint8, slow=True)
    stack[0]
    stack.read_neighbours()
    while stack._kept[1].running() is False:
        time.sleep(0.001)
    assert stack[1][0, 0] == 1
    assert counting.read == [(0, True), (1, False)]


class Labels(Counting):
    """Readers of labels, two of which can't be read."""

    def _read(self, row):
        super()._read(row)
        if row in (2, 4):
            raise MarrowError(f"{row} is damaged.")
        return np.array([[0, 0, row], [row, row, 300]], np.uint16)

    def stack(self, **options):
        return LazyStack(self.readers, (2, 3), np.uint16, labels=True, **options)


def test_all_labels_are_kept_and_are_the_same_again():
    counting = Labels(60)
    stack = counting.stack(warn=lambda error: None)
    first = [stack[row] for row in range(60)]
    for row in range(60):
        assert stack.is_ready(row) == (row not in (2, 4))
        if stack.is_ready(row):
            np.testing.assert_array_equal(stack[row], [[0, 0, row], [row, row, 300]])
            np.testing.assert_array_equal(first[row], stack[row])
            assert stack[row].dtype == np.uint16
            assert counting.read.count((row, True)) == 1


def test_labels_that_were_painted_on_are_not_those_that_are_kept():
    stack = Labels(60).stack()
    stack[7][:] = 99
    for row in range(8, 20):
        stack[row]
    np.testing.assert_array_equal(stack[7], [[0, 0, 7], [7, 7, 300]])


def test_labels_that_failed_are_empty_and_said_and_read_again():
    counting, said = Labels(60), []
    stack = counting.stack(warn=lambda error: said.append(str(error)))
    assert not stack[2].any()
    assert stack[2].shape == (2, 3)
    assert said == ["2 is damaged."]
    for row in range(10, 20):
        stack[row]
    stack[2]
    assert counting.read.count((2, True)) == 2
    with pytest.raises(MarrowError, match="2 is damaged"):
        counting.stack()[2]


def read_all(stack, qtbot):
    qtbot.waitUntil(lambda: not stack.read_all_ahead(), timeout=10000)


def test_all_labels_are_read_ahead_the_nearest_first_and_once(qtbot):
    counting = Labels(30)
    stack = counting.stack(warn=lambda error: None)
    stack[10]
    read_all(stack, qtbot)
    assert sorted(row for row, _ in counting.read) == list(range(30))
    distances = [abs(row - 10) for row, _ in counting.read]
    assert distances == sorted(distances)
    assert [by_looking for _, by_looking in counting.read] == [True] + [False] * 29


def test_photographs_are_not_all_read_ahead():
    stack = LazyStack(Counting().readers, (2, 2), np.uint8)
    stack[0]
    assert not stack.read_all_ahead()


def test_labels_are_packed_within_bounds(monkeypatch, qtbot):
    monkeypatch.setattr("napari_marrow.viewer.stack.PACKED_BYTES", 10 * 4 * (2 + 4))
    counting = Labels(60)  # 4 runs each: 2 bytes of label and 4 of length
    stack = counting.stack(warn=lambda error: None)
    stack[30]
    read_all(stack, qtbot)
    assert sum(stack.is_ready(row) for row in range(60)) <= 10 + KEPT
    assert len(counting.read) < 20
    np.testing.assert_array_equal(stack[59], [[0, 0, 59], [59, 59, 300]])
