import numpy as np
import pytest

from napari_marrow.viewer.stack import LazyStack


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
