import copy
import threading

import numpy as np
import pytest
from napari.layers import Labels

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.stack import MAX_KEPT_SLICES, EditableStack, LazyStack, read_slice


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
def test_it_is_indexed_like_the_array_it_stands_for(stack, whole, key):
    np.testing.assert_array_equal(stack[key], whole[key])


def test_a_slice_is_not_copied(stack, whole):
    """A copy of a full field takes longer than to read it."""
    assert np.shares_memory(stack[2], whole)


def test_it_is_an_array_to_numpy(stack, whole):
    assert (stack.shape, stack.ndim, stack.size, len(stack)) == ((4, 5, 6), 3, 120, 4)
    np.testing.assert_array_equal(np.asarray(stack), whole)
    assert np.asarray(stack, dtype=float).dtype == float


def test_beyond_the_end_is_an_index_error(stack):
    with pytest.raises(IndexError):
        stack[4]


class Counting:
    """Readers that note which rows were read, and whether in the main thread."""

    def __init__(self, rows=6):
        self.read = []
        self.readers = [lambda row=row: self._read(row) for row in range(rows)]

    def _read(self, row):
        self.read.append((row, threading.current_thread() is threading.main_thread()))
        return np.full((2, 2), row, np.uint8)


def test_only_what_is_indexed_is_read_and_once():
    counting = Counting()
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    assert stack[1][0, 0] == 1
    assert stack[1, 1, 1] == 1
    assert [row for row, _ in counting.read] == [1]


def test_the_next_slice_is_read_in_a_thread_while_paging(qtbot):
    counting = Counting()
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    stack[3]
    assert counting.read == [(3, True)]  # nobody pages yet
    stack[2]
    qtbot.waitUntil(lambda: counting.read == [(3, True), (2, True), (1, False)], timeout=5000)
    stack[1]
    qtbot.waitUntil(lambda: counting.read[3:] == [(0, False)], timeout=5000)


def test_only_a_few_slices_are_kept():
    counting = Counting(20)
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    np.testing.assert_array_equal(np.asarray(stack)[:, 0, 0], np.arange(20))
    for row in range(19, 19 - MAX_KEPT_SLICES, -1):
        stack.read(row)
    assert len(counting.read) == 20
    stack.read(19 - MAX_KEPT_SLICES)
    assert len(counting.read) == 21


def test_a_slice_that_failed_is_reported_and_tried_again():
    answers = [MarrowError("x.bmp is gone"), np.ones((2, 2), np.uint8)]

    def read():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stack = LazyStack([read], (2, 2), np.uint8)
    with pytest.raises(MarrowError, match=r"x\.bmp"):
        stack[0]
    assert stack[0].all()


def test_an_error_while_prefetching_is_not_lost(qtbot):
    tried = []

    def broken():
        tried.append(threading.current_thread() is threading.main_thread())
        raise MarrowError("x.bmp is gone")

    readers = [lambda: np.ones((2, 2), np.uint8)] * 2 + [broken]
    stack = LazyStack(readers, (2, 2), np.uint8)
    stack[0], stack[1]
    qtbot.waitUntil(lambda: tried == [False], timeout=5000)
    with pytest.raises(MarrowError, match=r"x\.bmp"):
        stack[2]


def test_painting_on_it_is_refused(stack):
    with pytest.raises(MarrowError, match="open the field by itself"):
        stack[0, 1, 1] = 3


def test_what_is_shown_cannot_be_painted_on(stack):
    for shown in (stack[2], stack[2, :2]):
        with pytest.raises(ValueError, match="read-only"):
            shown[:] = 99


def test_painting_on_labels_does_what_it_does_to_an_array():
    whole = np.zeros((6, 40, 50), np.uint16)
    whole[:, 10:20, 10:20], whole[:, 25:30, 30:40] = 3, 4
    stack = EditableStack([lambda row=row: whole[row] for row in range(6)], (40, 50), np.uint16)
    painted, expected = Labels(stack), Labels(whole.copy())
    for layer in (painted, expected):
        for row in (0, 3, 5):  # more than are kept of what was read
            layer.paint((row, 5, 30), 7)
            layer.fill((row, 12, 12), 0)
            layer.fill((row, 28, 33), 9)
        layer.undo()
        layer.undo()
        layer.redo()
        layer.preserve_labels = True
        layer.paint((3, 28, 33), 2)
    for row in range(6):
        np.testing.assert_array_equal(read_slice(stack, row), expected.data[row])
        np.testing.assert_array_equal(stack[row], expected.data[row])
    np.testing.assert_array_equal(np.asarray(stack), expected.data)
    assert np.max(stack) == stack.largest_label == expected.data.max()
    assert np.min(stack) == 0
    other = copy.deepcopy(stack)
    stack[1, 2:4, 2:4] = 5
    assert (read_slice(stack, 1)[2:4, 2:4] == 5).all()
    np.testing.assert_array_equal(np.asarray(other), expected.data)
    assert not (whole == 7).any()


MASK = np.random.default_rng(0).random((5, 4, 3)) < 0.3
KEYS = [
    (),
    2,
    -1,
    np.int64(3),
    np.array(1),
    slice(1, 4),
    slice(None, None, -2),
    ...,
    [0, 3],
    np.array([[1, 4], [1, 0]]),
    np.array([True, False, True, False, True]),
    MASK,
    (2, MASK[2]),
    (slice(1, 3), MASK[0]),
    (MASK[:, :, 0], 2),
    (..., 1),
    (..., 1, 2, 0),
    (..., [0, 2]),
    (0, slice(1, 3), slice(None, None, 2)),
    (slice(None), 1),
    (slice(1, 3), [0, 1], [2, 0]),
    (slice(0, 4, 2), slice(None), [2, 0]),
    (1, slice(None), [2, 0]),
    ([1, 0, 4], 2),
    ([1, 0, 4], 2, 0),
    ([1, 0, 4], [3, 3, 0], [0, 1, 2]),
    ([1, 1, 1], [3, 3, 0], [0, 1, 2]),
    ([1, 4], slice(1, 3), [0, 2]),
    ([[1], [4]], [0, 3, 2], -1),
    np.ix_([0, 4], [1, 2], [2, 0]),
    (np.array([], int),) * 3,
    (None, 2),
    (3, None, ..., 1),
    (2, 3, 1),
]


@pytest.mark.parametrize("key", KEYS)
def test_any_key_does_what_it_does_to_an_array(key):
    whole = np.random.default_rng(1).integers(0, 900, (5, 4, 3), np.uint16)
    expected, taken = whole.copy(), whole[key]
    stack = EditableStack([lambda row=row: whole[row] for row in range(5)], (4, 3), np.uint16)
    lazy = LazyStack([lambda row=row: whole[row] for row in range(5)], (4, 3), np.uint16)
    for found in (stack[key], lazy[key]):
        assert np.shape(found) == np.shape(taken)
        np.testing.assert_array_equal(found, taken)
    values = np.arange(1000, 1000 + np.size(taken)).reshape(np.shape(taken))
    for value in (values, 7, *([values[None], values[..., :1]] if values.ndim > 1 else ())):
        stack[key] = expected[key] = value
        np.testing.assert_array_equal(np.asarray(stack), expected)


@pytest.mark.parametrize("key", [5, ([0, 5], [0, 0], [0, 0]), (0, [4], [0]), (0, 0, 0, 0), "a"])
def test_a_key_outside_is_refused_as_an_array_does(key):
    stack = EditableStack([lambda: np.zeros((4, 3), np.uint16)] * 5, (4, 3), np.uint16)
    with pytest.raises(IndexError):
        stack[key]
    with pytest.raises(IndexError):
        stack[key] = 1
    assert not np.asarray(stack).any()


def test_labels_set_one_by_one_can_be_undone():
    stack = EditableStack([lambda: np.zeros((9, 8), np.uint16)] * 3, (9, 8), np.uint16)
    layer, expected = Labels(stack), np.zeros((3, 9, 8), np.uint16)
    places = ([0, 0, 2, 2, 2], [1, 8, 1, 1, 5], [7, 0, 3, 4, 5])
    layer.data_setitem(tuple(map(np.array, places)), np.array([4, 5, 6, 7, 8]))
    layer.undo()
    np.testing.assert_array_equal(np.asarray(stack), expected)
    layer.redo()
    expected[places] = [4, 5, 6, 7, 8]
    np.testing.assert_array_equal(np.asarray(stack), expected)


def test_a_deep_copy_reads_the_same(stack, whole):
    np.testing.assert_array_equal(copy.deepcopy(stack), whole)


def test_a_known_slice_is_not_read():
    counting = Counting()
    stack = LazyStack(counting.readers, (2, 2), np.uint8)
    stack.put(3, np.full((2, 1), 9, np.uint8))
    assert stack[3].tolist() == [[9, 0], [9, 0]]  # in the upper left corner
    assert counting.read == []


def test_a_slice_that_cannot_be_read_is_drawn_empty_with_a_warning_but_never_read_so():
    def broken():
        raise MarrowError("x.bmp is damaged")

    messages = []
    warn = lambda error: messages.append(str(error))  # noqa: E731
    stack = LazyStack([broken, lambda: np.ones((2, 2))], (2, 2), np.uint16, warn=warn)
    assert not stack[0].any()
    assert messages == ["x.bmp is damaged"]
    assert stack[:].sum() == 4
    with pytest.raises(MarrowError, match=r"x\.bmp"):
        read_slice(stack, 0)


@pytest.fixture
def labels():
    """A stack of labels: drafts hold 100 and more, true labels less."""
    readers = [lambda row=row: np.full((2, 2), row + 1, np.uint16) for row in range(5)]
    drafts = [lambda row=row: np.full((2, 2), row + 100, np.uint16) for row in range(5)]
    stack = LazyStack(readers, (2, 2), np.uint16, drafts=drafts)
    stack.preparers.add(stack)  # any object
    return stack


def test_drafts_are_drawn_until_labels_are_made(labels):
    assert labels[3][0, 0] == 103
    assert labels[3, :, :][0, 0] == 103  # as napari asks
    labels.prepare(3)
    assert labels.unprepared == {0, 1, 2, 4}
    assert labels[3][0, 0] == 4


def test_no_drafts_are_drawn_where_no_worker_replaces_them(labels):
    labels.preparers.clear()
    assert labels[3][0, 0] == 4


def test_who_computes_never_gets_a_draft(labels):
    assert read_slice(labels, 2)[0, 0] == 3
    assert labels[2][0, 0] == 3  # from now on it is drawn, too
    np.testing.assert_array_equal(np.asarray(labels)[:, 0, 0], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(labels[1:3, 0, 0], [2, 3])


def test_preparing_raises_nothing_before_the_labels_are_drawn():
    def broken():
        raise MarrowError("x.bmp is damaged")

    stack = LazyStack([broken], (2, 2), np.uint16, drafts=[lambda: np.ones((2, 2), np.uint16)])
    stack.prepare(0)
    with pytest.raises(MarrowError, match=r"x\.bmp"):
        stack[0]
