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
        np.array([3, 0]),
        (np.array([True, False, False, True]), 2),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_it_is_indexed_like_the_array_it_stands_for(stack, whole, key, flat):
    stack.flat = flat
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


def wide(row):
    """Labels of few runs."""
    return np.repeat(np.array([[0, 0, row], [row, row, 300]], np.uint16), 9, axis=1)


class Labels(Counting):
    """Readers of labels, two of which can't be read."""

    def _read(self, row):
        super()._read(row)
        if row in (2, 4):
            raise MarrowError(f"{row} is damaged.")
        return wide(row)

    def stack(self, **options):
        return LazyStack(self.readers, (2, 27), np.uint16, labels=True, **options)


def test_all_labels_are_kept_and_are_the_same_again():
    counting = Labels(60)
    stack = counting.stack(warn=lambda error: None)
    first = [stack[row] for row in range(60)]
    for row in range(60):
        assert stack.is_ready(row) == (row not in (2, 4))
        if stack.is_ready(row):
            np.testing.assert_array_equal(stack[row], wide(row))
            np.testing.assert_array_equal(first[row], stack[row])
            assert stack[row].dtype == np.uint16
            assert [r for r, _ in counting.read].count(row) == 1  # by whomever


def test_what_is_shown_cannot_be_painted_on():
    stack = Labels(60).stack()
    for shown in (stack[7], stack[7:8], stack[7, :2]):
        with pytest.raises(ValueError, match="read-only"):
            shown[:] = 99
    np.testing.assert_array_equal(stack[7], wide(7))


def test_labels_that_failed_are_empty_and_said_and_read_again():
    counting, said = Labels(60), []
    stack = counting.stack(warn=lambda error: said.append(str(error)))
    assert not stack[2].any()
    assert said == ["2 is damaged."]
    assert stack[2].shape == (2, 27)
    for row in range(10, 20):
        stack[row]
    assert counting.read.count((2, True)) >= 2
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
    def read(row):
        seen.append(row)
        return np.full((20, 20), row, np.uint16)

    seen = []
    monkeypatch.setattr("napari_marrow.viewer.stack.PACKED_BYTES", 10 * (2 + 4))
    readers = [lambda row=row: read(row) for row in range(60)]
    stack = LazyStack(readers, (20, 20), np.uint16, labels=True)
    stack[30]
    read_all(stack, qtbot)  # of each one run: 2 bytes of label and 4 of length
    assert sum(stack.is_ready(row) for row in range(60)) == 10
    assert len(seen) == 10
    assert (stack[59] == 59).all()


def test_labels_that_packing_would_enlarge_are_not_packed_and_hinder_no_others():
    noise = np.arange(6, dtype=np.uint16).reshape(2, 3)
    stack = LazyStack([lambda: noise, lambda: noise // 9], (2, 3), np.uint16, labels=True)
    for row in (0, 1, 0, 1):
        np.testing.assert_array_equal(stack[row], noise if row == 0 else noise // 9)
    assert list(stack._packed) == [1]


def test_what_fails_unseen_is_said_when_it_is_looked_at(qtbot):
    said = []
    stack = Labels(8).stack(warn=lambda error: said.append(str(error)))
    stack[0]
    read_all(stack, qtbot)
    qtbot.waitUntil(lambda: stack.is_ready(7), timeout=5000)
    assert said == []
    assert not stack[4].any()
    assert said == ["4 is damaged."]


def test_what_is_made_of_slices_that_failed_fails_too(qtbot):
    """Cytoplasm is made of nuclei: of nuclei that can't be read just now it is not made at all."""
    gone, said = {3}, []

    def read(row):
        if row in gone:
            raise MarrowError(f"{row} is away.")
        return np.full((2, 30), row, np.uint16)

    def warn(error):
        said.append(str(error))

    readers = [lambda row=row: read(row) for row in range(6)]
    nuclei = LazyStack(readers, (2, 30), np.uint16, labels=True, warn=warn)
    readers = [lambda row=row: nuclei.made(row) * 2 for row in range(6)]
    around = LazyStack(readers, (2, 30), np.uint16, labels=True, warn=warn)
    around[0]
    read_all(around, qtbot)
    assert not around[3].any()
    assert said == ["3 is away."]
    gone.clear()
    assert (around[3] == 6).all()
    assert (nuclei[3] == 3).all()


def test_a_copy_has_what_was_packed_and_says_what_fails():
    counting, said = Labels(6), []
    stack = counting.stack(warn=lambda error: said.append(str(error)))
    stack[5]
    copied = copy.deepcopy(stack)
    np.testing.assert_array_equal(copied[5], wide(5))
    assert len(counting.read) == 1
    copied[4]
    assert said == ["4 is damaged."]
    copied[1], copied[5], copied[1]
    assert [row for row, _ in counting.read].count(1) == 1


def test_packed_slices_are_not_unpacked_ahead():
    """The thread is left to photographs, which somebody may be waiting for."""
    stack = Labels(8).stack()
    for row in (0, 1, 3, 5):
        stack[row]
    stack[0]
    stack.read_neighbours()
    assert 1 not in stack._kept


def test_fetching_reads_nothing_that_is_packed():
    counting = Labels(6)
    stack = counting.stack()
    stack[1]
    stack.fetch(1)
    np.testing.assert_array_equal(stack[1], wide(1))
    assert len(counting.read) == 1
    assert not stack._kept
