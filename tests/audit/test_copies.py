"""Signatures of pictures: all eight turns of one are found at once, and others are not alike."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_marrow.audit.copies import (
    find_copies,
    find_copies_in,
    pack_signatures,
    signature,
    unpack_signatures,
)


def picture(seed):
    noise = np.random.default_rng(seed).normal(0, 1, (256, 256))
    smooth = gaussian_filter(noise, 6)
    return (128 + 40 * smooth / smooth.std()).clip(0, 255).astype(np.float32)


def turns(grey):
    return [np.rot90(square, k) for square in (grey, grey[:, ::-1]) for k in range(4)]


def pairs(pictures):
    found = find_copies(np.stack([signature(p) for p in pictures]))
    return list(zip(*(values.tolist() for values in found), strict=True))


@pytest.mark.parametrize("turn", range(1, 8))
def test_a_turned_picture_is_the_same_among_others(turn):
    pictures = [picture(0), picture(1), turns(picture(0))[turn], picture(2)]
    assert pairs(pictures) == [(0, 2, True)]


def test_pairs_are_found_across_blocks_and_light_does_not_matter():
    pictures = [picture(seed) for seed in range(600)]
    pictures[599], pictures[300] = pictures[3] * 0.8 + 20, pictures[280][::-1]
    assert pairs(pictures) == [(3, 599, False), (280, 300, True)]


def test_pictures_without_contrast_are_like_none():
    flat = np.full((256, 256), 200, np.float32)
    assert pairs([flat, flat, flat * 0]) == []
    assert pairs([flat]) == []


def test_copies_are_found_in_others_that_were_stored():
    known = np.stack([signature(picture(seed)) for seed in range(20)])
    stored = unpack_signatures(pack_signatures(known))
    np.testing.assert_allclose(stored, known, rtol=0, atol=1e-3)
    asked = np.stack([signature(p) for p in (picture(30), picture(7).T, picture(4))])
    found = find_copies_in(asked, stored)
    assert [values.tolist() for values in found] == [[1, 2], [7, 4], [True, False]]
