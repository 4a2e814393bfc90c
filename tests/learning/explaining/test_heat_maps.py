"""Occlusion of a network that looks at one known place; correlations and energies by hand."""

import numpy as np
import pytest
from scipy.special import expit

from napari_marrow.learning.explaining.heat_maps import (
    centred_spot,
    energy_within,
    enlarged,
    log_odds,
    occlude,
    over_patches,
    patches,
    rank_correlation,
)

SIDE, WHITE = 80, np.full(3, 240, np.uint8)
LOOKS_AT = slice(10, 20), slice(50, 60)


def looks_at_one_place(images):
    """The darker that place is, the more it is the first class."""
    darkness = (240 - images[:, *LOOKS_AT].astype(float)).mean(axis=(1, 2, 3))
    first = expit(darkness / 20 - 5)
    return np.column_stack([first, 1 - first])


@pytest.fixture
def image():
    return np.full((SIDE, SIDE, 3), 80, np.uint8)


def test_an_answer_falls_where_the_network_looks_and_nowhere_else(image):
    fractions = []
    found = occlude(looks_at_one_place, image, 0, WHITE, fractions.append)
    for box, drop in zip(patches(SIDE), found.drops.ravel(), strict=True):
        covered = np.zeros((SIDE, SIDE), bool)
        covered[box] = True
        # 160 levels darker than white are 8 of log-odds
        assert drop == pytest.approx(8 * covered[LOOKS_AT].mean(), abs=1e-6)
    assert found.lowest[0] == pytest.approx(expit(-5))
    assert fractions[0] == 0
    assert fractions == sorted(fractions)


def test_what_speaks_for_the_other_class_falls_below_zero(image):
    found = occlude(looks_at_one_place, image, 1, WHITE)
    assert found.drops.min() == pytest.approx(-8, abs=1e-6)
    assert found.drops.max() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("side", [32, 64, 80, 224])
def test_patches_cover_every_pixel_and_are_of_one_size_inside(side):
    covered = np.zeros((side, side), int)
    for box in patches(side):
        covered[box] += 1
    assert covered.min() >= 1
    widths = {box[1].stop - box[1].start for box in patches(side)[5:11]}
    assert max(widths) - min(widths) <= 1
    assert max(widths) == pytest.approx(side / 5, abs=1)


def test_log_odds_are_of_one_class_against_all_others():
    found = log_odds(np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]), 0)
    assert found[0] == pytest.approx(0)
    assert np.isfinite(found[1])
    assert found[1] > 60


def test_a_map_of_the_same_place_agrees_with_occlusion_and_another_does_not(image):
    drops = occlude(looks_at_one_place, image, 0, WHITE).drops.clip(min=0)
    same, other = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    same[LOOKS_AT], other[60:70, 10:20] = 1, 1
    assert rank_correlation(over_patches(same), drops.ravel()) > 0.95
    assert rank_correlation(over_patches(other), drops.ravel()) < 0.1
    assert rank_correlation(over_patches(np.ones((SIDE, SIDE))), drops.ravel()) == 0


def test_energy_is_the_part_of_the_sum_inside():
    heat = np.zeros((8, 8))
    heat[:2], heat[4:6] = 3, 1
    mask = np.zeros((8, 8), bool)
    mask[:2, :4] = True
    assert energy_within(heat, mask) == pytest.approx(24 / 64)
    assert np.isnan(energy_within(np.zeros((8, 8)), mask))


def test_a_map_is_enlarged_about_the_same_middle():
    heat = np.zeros((4, 4))
    heat[1, 2] = 1
    found = enlarged(heat, 64)
    rows, columns = np.indices((64, 64))
    assert (found * rows).sum() / found.sum() == pytest.approx(1.5 * 16 - 0.5)
    assert (found * columns).sum() / found.sum() == pytest.approx(2.5 * 16 - 0.5)
    assert found.sum() == pytest.approx(256, rel=1e-6)


def test_the_spot_is_in_the_middle():
    spot = centred_spot(9)
    assert np.unravel_index(spot.argmax(), spot.shape) == (4, 4)
    assert spot[0, 4] == pytest.approx(-4)
