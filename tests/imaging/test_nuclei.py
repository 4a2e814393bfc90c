"""Nuclei come apart, keep their places, and are found without a mask."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.draw import disk
from skimage.measure import label, regionprops

from napari_marrow.imaging.nuclei import join_cytoplasm, nucleus_table, separate
from napari_marrow.simulation.phantom import PhantomSettings, draw_field


def discs(shape, *circles):
    mask = np.zeros(shape, bool)
    for y, x, radius in circles:
        mask[disk((y, x), radius, shape=shape)] = True
    return mask


def test_touching_nuclei_come_apart_at_the_neck():
    mask = discs((100, 160), (50, 50, 24), (50, 94, 24))
    assert label(mask).max() == 1  # one piece for connected components
    labels = separate(mask)
    assert labels.max() == 2
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels[50, 50] != labels[50, 94]
    # The neck is where the circles cross, at x = 72.
    assert set(np.unique(labels[:, :70])) == {0, labels[50, 50]}
    assert set(np.unique(labels[:, 75:])) == {0, labels[50, 94]}


def test_lone_nuclei_are_those_of_connected_components():
    mask = discs((120, 160), (30, 30, 18), (30, 100, 15), (85, 60, 20), (85, 120, 17))
    labels, expected = separate(mask), label(mask)
    assert labels.dtype == np.uint16
    pairs = set(zip(labels[mask].tolist(), expected[mask].tolist(), strict=True))
    assert len(pairs) == 4
    assert {a for a, _ in pairs} == {1, 2, 3, 4}


def test_one_elongated_nucleus_is_not_cut():
    rows, columns = np.indices((80, 120))
    mask = ((rows - 40) / 18) ** 2 + ((columns - 60) / 26) ** 2 < 1
    assert separate(mask).max() == 1


def test_holes_are_filled_and_specks_dropped():
    mask = discs((100, 160), (50, 40, 20), (50, 110, 20))
    mask[48:52, 38:42] = False
    mask[5:8, 5:8] = True  # 9 pixels beside 1257
    mask |= discs((100, 160), (85, 75, 6.2))  # 121 are thick enough, but still under a tenth
    labels = separate(mask)
    assert labels.max() == 2
    assert labels[50, 40] > 0
    assert not labels[5:8, 5:8].any()
    assert not labels[80:90, 70:80].any()


def grid(rows, columns, step, radius):
    return [
        (step * (i + 0.5), step * (j + 0.5), radius) for i in range(rows) for j in range(columns)
    ]


@pytest.mark.parametrize("scale", [1, 4])
def test_one_giant_takes_no_other_nucleus_away(scale):
    shape = (300 * scale, 640 * scale)
    small = [(y * scale, x * scale, 11 * scale) for y, x, _ in grid(5, 6, 60, 0)]
    # Four times as wide: 16 areas of a small nucleus, beside 30.
    mask = discs(shape, *small, (150 * scale, 500 * scale, 44 * scale))
    labels = separate(mask)
    assert labels.max() == 31
    assert labels[150 * scale, 500 * scale]
    assert all(labels[int(y), int(x)] for y, x, _ in small)


def test_a_third_of_the_typical_width_stays_and_a_sixth_goes():
    large = grid(2, 5, 120, 36)
    third = [(300, 60 * k + 30, 12) for k in range(8)]
    sixth = [(350, 40 * k + 20, 6) for k in range(14)]
    mask = discs((380, 620), *large, *third, *sixth)
    labels = separate(mask)
    assert labels.max() == 10 + 8
    np.testing.assert_array_equal(labels > 0, discs((380, 620), *large, *third))


def test_dust_does_not_become_nuclei_however_much_there_is():
    mask = discs((300, 300), (150, 150, 30))
    mask[5::10, 5:110:10] = True
    mask[6::10, 5:110:10] = True  # 330 specks of 2 by 1
    assert separate(mask).max() == 1


def test_the_middle_of_a_rosette_is_no_nucleus():
    angles = np.arange(8) * np.pi / 4
    # Neighbours are 2 * 48 sin(22.5 degrees) = 36.7 apart, a little less than two radii of 19.
    circles = [(80 + 48 * np.sin(a), 80 + 48 * np.cos(a), 19) for a in angles]
    mask = discs((160, 160), *circles)
    assert label(mask).max() == 1
    labels = separate(mask)
    assert labels.max() == 8
    assert not labels[discs(mask.shape, (80, 80, 28))].any()  # 48 - 19 = 29 are blank


def test_nuclei_that_all_have_a_large_hole_stay_whole():
    whole = discs((240, 320), *grid(3, 4, 80, 30))
    mask = whole & ~discs((240, 320), *grid(3, 4, 80, 10))
    labels = separate(mask)
    assert labels.max() == 12
    np.testing.assert_array_equal(labels > 0, whole)


def ring(count, step, radius):
    """Nuclei whose middles are the corners of a regular polygon with sides of ``step``."""
    angles = 0.3 + np.arange(count) * 2 * np.pi / count
    around = step / (2 * np.sin(np.pi / count))
    return [(150 + around * np.sin(a), 200 + around * np.cos(a), radius) for a in angles]


@pytest.mark.parametrize("count", [3, 4, 5, 6])
@pytest.mark.parametrize("step", [1.82, 1.9, 1.98])
def test_the_gap_that_overlapping_nuclei_enclose_is_none_of_them(count, step):
    circles = ring(count, 36 * step, 36)
    mask = discs((300, 400), *circles)
    assert label(mask).max() == 1
    labels = separate(mask)
    assert labels.max() == count
    assert len({labels[round(y), round(x)] for y, x, _ in circles}) == count
    assert labels[150, 200] == 0


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (4, 6)])
def test_a_block_of_touching_nuclei_comes_apart(rows, columns):
    circles = grid(rows, columns, 48, 25)
    labels = separate(discs((48 * rows, 48 * columns), *circles))
    assert labels.max() == rows * columns


@pytest.mark.parametrize("part", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("size", [0.7, 1, 2])
def test_lone_nuclei_with_many_pinholes_stay_whole(part, size):
    """Chromatin under a threshold leaves such holes: over a tenth of the area, as large as 10."""
    whole = discs((300, 400), *grid(3, 4, 100, 38))
    noise = gaussian_filter(np.random.default_rng(0).random(whole.shape), size)
    inside = discs(whole.shape, *grid(3, 4, 100, 34))
    labels = separate(whole & ~((noise < np.quantile(noise, part)) & inside))
    assert labels.max() == 12
    np.testing.assert_array_equal(labels > 0, whole)


def test_nuclei_back_to_back_do_not_become_one():
    """Each fills less of its hull than nuclei do, and 4 pixels are between them."""
    crescents = discs((220, 320), (100, 100, 30), (100, 164, 30))
    crescents &= ~discs((220, 320), (100, 78, 16), (100, 186, 16))
    labels = separate(crescents)
    np.testing.assert_array_equal(labels > 0, crescents)
    assert labels.max() == 2


@pytest.mark.parametrize("hole", [0.4, 0.5, 0.6])
def test_a_lone_nucleus_keeps_a_hole_however_large(hole):
    whole = discs((257, 257), (128, 128, 70))
    labels = separate(whole & ~discs(whole.shape, (128, 128, 70 * hole)))
    np.testing.assert_array_equal(labels, whole)


def test_a_full_field_is_marked_exactly_where_its_mask_is():
    mask = discs((1920, 2560), (900, 900, 300))
    mask[880:1300, 900] = False  # a scratch that the thinned mask may miss
    np.testing.assert_array_equal(separate(mask) > 0, mask)


def test_a_full_field_is_judged_small_and_comes_back_at_every_pixel():
    mask = discs((1200, 1600), (400, 400, 100), (400, 580, 100), (900, 1200, 120))
    labels = separate(mask)
    assert labels.shape == mask.shape
    assert labels.max() == 3
    overlap = ((labels > 0) & mask).sum() / ((labels > 0) | mask).sum()
    assert overlap > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (60, 80), (1300, 1000)])
def test_nothing_to_find(shape):
    assert not separate(np.zeros(shape, bool)).any()


def test_table_is_that_of_regionprops():
    labels = label(discs((60, 80), (20, 20, 8), (40, 60, 11))).astype(np.uint16)
    labels[labels == 2] = 9  # numbers may be left out
    table = nucleus_table(labels)
    regions = regionprops(labels)
    np.testing.assert_array_equal(table["index"], [1, 9])
    np.testing.assert_allclose(table["y"], [r.centroid[0] for r in regions], atol=1e-06)
    np.testing.assert_allclose(table["x"], [60 if r.label == 9 else 20 for r in regions], atol=1e-6)
    np.testing.assert_array_equal(table["area"], [(labels == i).sum() for i in (1, 9)])
    assert len(nucleus_table(np.zeros((4, 4), int))["index"]) == 0


def matches(truth, found):
    """Intersection over union of every pair of a true and a found nucleus that is over a half.

    Over a half no nucleus can match two others (Kirillov et al. 2019).
    """
    pairs = np.stack([truth.ravel(), found.ravel()])[:, (truth.ravel() > 0) & (found.ravel() > 0)]
    (t, f), both = np.unique(pairs, axis=1, return_counts=True)
    either = np.bincount(truth.ravel())[t] + np.bincount(found.ravel())[f] - both
    shares = both / either
    return shares[shares > 0.5]


def score(truths, find):
    """Panoptic quality and relative error of the count over fields whose nuclei touch."""
    shares, cells, seen, wrong = 0.0, 0, 0, 0
    for truth in truths:
        found = find(truth > 0)
        shares += matches(truth, found).sum()
        cells, seen = cells + int(truth.max()), seen + int(found.max())
        wrong += abs(int(truth.max()) - int(found.max()))
    return 2 * shares / (cells + seen), wrong / cells


@pytest.mark.parametrize(
    ("class_name", "quality", "miscount"), [("ALL", 0.93, 0.03), ("MM", 0.85, 0.12)]
)
def test_touching_nuclei_of_the_phantom_come_apart(class_name, quality, miscount):
    """Measured, so that a change for the worse shows; docs/reference/data.md has the numbers."""
    settings = PhantomSettings(width=512, height=384, touching=True, seed=3)
    truths = [draw_field(class_name, k, settings).nuclei for k in range(1, 9)]
    found = score(truths, separate)
    assert found[0] > quality
    assert found[1] < miscount
    # what not separating at all would score
    joined = score(truths, label)
    assert joined[0] < 0.5
    assert joined[1] > 0.4


def test_the_table_tells_how_much_of_its_cell_a_nucleus_fills():
    nuclei = np.zeros((20, 30), np.uint16)
    nuclei[2:6, 2:6] = 1  # 16 pixels
    nuclei[10:12, 20:25] = 2  # 10 pixels, no cytoplasm
    cytoplasm = np.zeros_like(nuclei)
    cytoplasm[6:9, 2:10] = 1  # 24 pixels
    table = nucleus_table(nuclei, cytoplasm)
    assert table["cytoplasm_area"].tolist() == [24, 0]
    assert table["nucleus_to_cell"][0] == 16 / 40
    assert np.isnan(table["nucleus_to_cell"][1])
    assert "nucleus_to_cell" not in nucleus_table(nuclei)


def cells(scale, shape, *circles):
    """Instance labels and cytoplasm of cells: (y, x, radius, shift of the nucleus, its radius)."""
    circles = [tuple(scale * v for v in c) for c in circles]
    shape = tuple(scale * v for v in shape)
    nuclei = np.zeros(shape, np.uint16)
    for number, (y, x, _, shift, radius) in enumerate(circles, 1):
        nuclei[discs(shape, (y, x + shift, radius))] = number
    return nuclei, discs(shape, *(c[:3] for c in circles)) & (nuclei == 0)


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("apart", [20, 4])
def test_cells_alike_have_ratios_alike(apart, scale):
    # The right cell's nucleus is nearer to the left cell's cytoplasm than that one's own nucleus.
    first, second = (200, 150, 80, -48, 28), (200, 310 + apart, 80, -48, 28)
    nuclei, cytoplasm = cells(scale, (400, 600), first, second)
    found = join_cytoplasm(nuclei, cytoplasm)
    assert found.dtype == np.uint16
    table = nucleus_table(nuclei, found)
    assert table["cytoplasm_area"].tolist() == [cytoplasm.sum() // 2] * 2
    np.testing.assert_allclose(table["nucleus_to_cell"], (28 / 80) ** 2, rtol=0.01, atol=1e-06)


@pytest.mark.parametrize("scale", [1, 4])
def test_cytoplasm_without_a_nucleus_belongs_to_none(scale):
    nuclei, cytoplasm = cells(scale, (200, 400), (60, 60, 40, 0, 20))
    nuclei[nuclei == 1] = 7  # numbers may be left out
    lone = discs(nuclei.shape, (140 * scale, 340 * scale, 30 * scale))
    other = discs(nuclei.shape, (140 * scale, 200 * scale, 15 * scale))
    found = join_cytoplasm(nuclei, cytoplasm | lone | other)
    assert set(np.unique(found[cytoplasm])) == {7}
    assert {*np.unique(found[lone]), *np.unique(found[other])} == {8, 9}
    assert not found[~(cytoplasm | lone | other)].any()
    table = nucleus_table(nuclei, found)
    assert table["index"].tolist() == [7]
    assert table["cytoplasm_area"].tolist() == [cytoplasm.sum()]
    assert table["nucleus_to_cell"][0] == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("shape", [(200, 200), (1920, 2560)])
@pytest.mark.parametrize(("blank", "number"), [(3, 1), (8, 1), (16, 2)])
def test_a_blank_between_nucleus_and_cytoplasm_breaks_no_cell(blank, number, shape):
    nuclei = discs(shape, (100, 100, 30)).astype(np.uint16)
    ring = discs(shape, (100, 100, 80)) & ~discs(shape, (100, 100, 30 + blank))
    assert set(np.unique(join_cytoplasm(nuclei, ring)[ring])) == {number}


def test_two_nuclei_share_a_piece_of_cytoplasm_halfway():
    nuclei = np.zeros((40, 101), np.uint16)
    nuclei[15:25, 15:25] = 1
    nuclei[15:25, 75:85] = 2  # as far from column 49.5 as the other
    found = join_cytoplasm(nuclei, np.ones_like(nuclei, bool))
    assert set(np.unique(found[:, 30:49])) == {1}
    assert set(np.unique(found[:, 51:70])) == {2}
    assert not found[nuclei > 0].any()


def test_cytoplasm_alone_is_numbered_by_pieces():
    mask = discs((100, 200), (50, 50, 20), (50, 150, 20))
    np.testing.assert_array_equal(join_cytoplasm(np.zeros(mask.shape, int), mask), label(mask))
    nothing = np.zeros(mask.shape, bool)
    assert not join_cytoplasm(nothing.astype(int), nothing).any()
