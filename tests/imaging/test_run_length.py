import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_marrow.imaging.run_length import RunLengthLabels, label_checksums

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9)


@given(st.sampled_from(["u1", "u2", "i4", "u8"]).flatmap(lambda t: hnp.arrays(t, SHAPES)))
def test_labels_come_back_as_they_were(labels):
    again = RunLengthLabels.encode(labels).decode()
    assert again.dtype == labels.dtype
    np.testing.assert_array_equal(again, labels)


@pytest.mark.parametrize("turned", [np.fliplr, np.transpose, lambda x: x[::2, 1::3]])
def test_views_of_other_arrays_are_packed_in_their_own_order(turned):
    labels = turned(np.arange(60, dtype=np.uint16).reshape(6, 10) // 7)
    np.testing.assert_array_equal(RunLengthLabels.encode(labels).decode(), labels)


def test_runs_are_counted_across_rows():
    labels = np.array([[0, 0, 5], [5, 5, 0]], np.uint16)
    packed = RunLengthLabels.encode(labels)
    assert packed.values.tolist() == [0, 5, 0]
    assert packed.lengths.tolist() == [2, 3, 1]


def test_labels_are_looked_up_without_decoding():
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 4, (7, 9)), 3, axis=1).astype(np.uint16)
    places = rng.integers(-2, 30, (200, 2))
    inside = ((places >= 0) & (places < labels.shape)).all(axis=1)
    expected = np.zeros(200, int)
    expected[inside] = labels[tuple(places[inside].T)]
    assert 0 < inside.sum() < 200
    np.testing.assert_array_equal(RunLengthLabels.encode(labels).at(places), expected)
    assert RunLengthLabels.encode(labels).at(np.empty((0, 2), int)).size == 0


def test_a_checksum_follows_the_pixels_of_a_label_and_not_others():
    labels = np.zeros((8, 9), np.uint16)
    labels[1:4, 1:4], labels[5:7, 2:8] = 3, 7
    before = label_checksums(labels)
    assert sorted(before) == [3, 7]
    wider = np.pad(labels, ((0, 2), (0, 3))).astype(np.int64)
    assert label_checksums(wider) == before
    moved = labels.copy()
    moved[1, 1], moved[4, 3] = 0, 3  # as many pixels
    after = label_checksums(moved)
    assert after[3] != before[3]
    assert after[7] == before[7]
    assert label_checksums(np.zeros((3, 3), int)) == {}
