"""A nucleus is cut between two points; expected halves are those it was drawn from."""

import numpy as np
import pytest
from scipy import ndimage

from napari_marrow.imaging.cut import cut_in_two


def disc(y, x, radius, shape=(60, 90)):
    rows, columns = np.indices(shape)
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


@pytest.mark.parametrize(("first", "second"), [((30, 25), (30, 62)), ((24, 18), (36, 64))])
def test_overlapping_discs_of_two_sizes_are_cut_at_their_neck(first, second):
    large, small = disc(30, 28, 20), disc(30, 58, 13)
    part = cut_in_two(large | small, first, second)
    # the outlines meet where both circles have the same power: at column 46.85 (hand calculation)
    columns = np.indices(part.shape)[1]
    expected = (large | small) & (columns > (58**2 - 28**2 + 20**2 - 13**2) / (2 * (58 - 28)))
    assert (part & expected).sum() / (part | expected).sum() > 0.97
    swapped = cut_in_two(large | small, second, first)
    assert (part ^ swapped)[large | small].mean() > 0.99


def test_a_round_nucleus_is_halved():
    nucleus = disc(30, 40, 20)
    part = cut_in_two(nucleus, (30, 30), (30, 50))
    assert abs(part.sum() / nucleus.sum() - 0.5) < 0.03
    assert part[30, 50]
    assert not part[30, 30]


def test_each_part_is_connected_in_a_bent_nucleus_and_at_the_edge():
    ring = disc(30, 30, 28) & ~disc(30, 30, 15)
    ring[30:, 20:40] = False  # open below
    part = cut_in_two(ring, (20, 10), (20, 50))
    for piece in (part, ring & ~part):
        assert ndimage.label(piece, np.ones((3, 3)))[1] == 1
    whole = np.ones((6, 10), bool)
    assert cut_in_two(whole, (3, 2), (3, 3)).any()
