"""Fourier features, against numpy's full transform in plain loops, and waves made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_marrow.measure.fourier import fourier

# No frequency of these lies on the limit of a ring or a sector by rounding alone.
SIZES = [(37, 53), (38, 54), (38, 53), (37, 54)]


def noise(shape, seed):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def grey(picture):
    red, green, blue = np.moveaxis(picture.astype(np.int64), -1, 0)
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(float)


def rings(found):
    return [values for name, values in found.items() if "_ring_" in name]


def directions(found):
    return [values for name, values in found.items() if "_direction_" in name]


@pytest.mark.parametrize("size", SIZES)
def test_is_the_full_transform_summed_one_by_one(size):
    """Also proves what rfft2 leaves out: the full transform has every frequency twice."""
    picture = noise(size, 1)
    found = fourier(picture[None])
    power = np.abs(np.fft.fft2(grey(picture))) ** 2
    power[0, 0] = 0
    ring, sector, low = np.zeros(12), np.zeros(8), np.zeros((4, 4))
    limits = [0.5 / 2 ** (k / 2) for k in range(11, -1, -1)]
    for y in range(size[0]):
        for x in range(size[1]):
            down = y if y <= size[0] / 2 else y - size[0]
            across = x if x <= size[1] / 2 else x - size[1]
            if abs(down) < 4 and abs(across) < 4:
                low[abs(down), abs(across)] += power[y, x]
            length = np.hypot(down / size[0], across / size[1])
            if length > 0.5:
                continue
            ring[next(k for k, limit in enumerate(limits) if length <= limit)] += power[y, x]
            degrees = np.degrees(np.arctan2(down / size[0], across / size[1])) % 180
            sector[int(degrees // 22.5) % 8] += power[y, x]
    whole = power.sum()
    np.testing.assert_allclose(np.ravel(rings(found)), ring / whole, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.ravel(directions(found)), sector / whole, rtol=1e-4, atol=1e-6)
    for y in range(4):
        for x in range(4):
            if (y, x) != (0, 0):
                (value,) = found[f"fourier_low_y{y}_x{x}"]
                assert value == pytest.approx(low[y, x] / whole, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("down", "across", "ring", "direction"),
    [
        (0, 3, "0.0442_0.0625", "000_022"),  # 3 / 64 a pixel, across
        (2, 0, "0.0221_0.0312", "090_112"),  # 2 / 64 a pixel, down
        (2, 1, "0.0312_0.0442", "045_067"),  # the square root of 5, over 64; 63 degrees
        (-2, 1, "0.0312_0.0442", "112_135"),
    ],
)
def test_a_wave_is_where_its_length_and_direction_say(down, across, ring, direction):
    y, x = np.indices((64, 64)) / 64
    wave = 128 + 100 * np.cos(2 * np.pi * (down * y + across * x))
    picture = np.repeat(np.rint(wave).astype(np.uint8)[..., None], 3, axis=2)
    found = {name: values[0] for name, values in fourier(picture[None]).items()}
    for name in (
        f"fourier_ring_{ring}_per_px",
        f"fourier_direction_{direction}_deg",
        f"fourier_low_y{abs(down)}_x{abs(across)}",
    ):
        assert found[name] == pytest.approx(1, abs=1e-3), name
    assert sum(found.values()) == pytest.approx(3, abs=3e-3)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(8, 40), st.integers(8, 40)), st.integers(0, 9))
def test_a_quarter_turn_leaves_rings_and_moves_directions_by_90_degrees(size, seed):
    picture = noise(size, seed)
    first, turned = fourier(picture[None]), fourier(np.rot90(picture)[None].copy())
    np.testing.assert_allclose(rings(turned), rings(first), atol=1e-5)
    # waves that run exactly along a limit go to the sector above it, before and after
    np.testing.assert_allclose(directions(turned), np.roll(directions(first), 4, 0), atol=1e-5)
    for y in range(4):
        for x in range(4):
            if (y, x) != (0, 0):
                one, other = first[f"fourier_low_y{y}_x{x}"], turned[f"fourier_low_y{x}_x{y}"]
                np.testing.assert_allclose(one, other, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(8, 40), st.integers(8, 40)), st.integers(0, 9), st.integers(1, 3))
def test_the_strength_of_the_light_does_not_count(size, seed, factor):
    dim = noise(size, seed) // 4
    dim[..., 1:] = dim[..., :1]  # grey, so that luma is exact
    bright = dim * factor + np.uint8(7)
    for name, values in fourier(dim[None]).items():
        np.testing.assert_allclose(fourier(bright[None])[name], values, atol=1e-5, err_msg=name)


def test_rings_and_directions_are_parts_of_one_whole():
    found = fourier(np.stack([noise((30, 44), k) for k in range(3)]))
    np.testing.assert_allclose(sum(rings(found)), sum(directions(found)), rtol=1e-5, atol=1e-6)
    # 1 / 44 a pixel is the lowest frequency there is, and the first two rings end before it
    some = [(values > 0).all() for values in rings(found)]
    assert some == [False] * 3 + [True] * 9
    assert (len(rings(found)), len(directions(found)), len(found)) == (12, 8, 35)


def test_each_picture_is_measured_for_itself():
    pictures = np.stack([noise((20, 31), k) for k in range(3)])
    together = fourier(pictures)
    for k in range(3):
        for name, values in fourier(pictures[k : k + 1]).items():
            assert together[name][k] == pytest.approx(values[0], rel=1e-5, abs=1e-6)


def test_of_one_colour_there_is_nothing_to_measure():
    found = fourier(np.full((1, 12, 16, 3), 77, np.uint8))
    assert all(np.isnan(values).all() for values in found.values())


def test_a_tiny_picture_has_no_power_where_it_has_no_frequency():
    found = fourier(noise((2, 2), 0)[None])
    assert found["fourier_low_y3_x0"] == found["fourier_low_y0_x3"] == 0
