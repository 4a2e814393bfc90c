"""Nuclei and cytoplasm of drawn pictures, whose truth is exact, and of real ones."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.masks import read_mask
from napari_marrow.imaging.segmentation import (
    SegmentSettings,
    segment_cytoplasm,
    segment_nuclei,
)

BACKGROUND, RED_CELL, CYTOPLASM = (228, 224, 222), (200, 158, 150), (166, 158, 205)
DARK, PALE, BROWN = (82, 40, 130), (140, 92, 165), (120, 84, 92)


class Picture:
    """A picture of discs with a little noise, and where each kind of disc is."""

    def __init__(self, height, width):
        self.image = np.full((height, width, 3), BACKGROUND, np.float32)
        self.rows, self.columns = np.mgrid[:height, :width]

    def disc(self, colour, y, x, radius):
        where = (self.rows - y) ** 2 + (self.columns - x) ** 2 < radius**2
        self.image[where] = colour
        return where

    def pixels(self, seed=0):
        noise = np.random.default_rng(seed).normal(0, 3, self.image.shape)
        return np.clip(self.image + noise, 0, 255).astype(np.uint8)


def dice(found, truth):
    return 2 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + truth.sum())


@pytest.fixture(scope="module")
def field():
    """Twelve nuclei, two of them touching, among red cells; and the mask of the nuclei.

    Look, don't touch.
    """
    picture = Picture(480, 640)
    for k in range(30):
        picture.disc(RED_CELL, 37 * k % 480, 97 * k % 640, 22)
    nuclei = np.zeros((480, 640), bool)
    for k in range(11):
        nuclei |= picture.disc(DARK, 70 + 160 * (k // 4), 80 + 155 * (k % 4), 26)
    nuclei |= picture.disc(DARK, 70, 80 + 48, 26)  # touches the first
    image = picture.pixels()
    image.flags.writeable = nuclei.flags.writeable = False
    return image, nuclei


@pytest.fixture(scope="module")
def nuclei_of_field(field):
    """The nuclei that are found in :func:`field` as it is."""
    return segment_nuclei(field[0])


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (60, 80), (1300, 1000)])
@pytest.mark.parametrize("value", [0, 230, 255])
def test_nothing_to_find(shape, value):
    flat = np.full((*shape, 3), value, np.uint8)
    labels = segment_nuclei(flat)
    assert labels.shape == shape
    if value:
        assert not labels.any()
    assert segment_cytoplasm(flat, np.zeros(shape, np.uint16)).shape == shape


@pytest.mark.parametrize(("level", "deviation"), [(1.5, 1), (128, 3), (230, 1)])
def test_no_nuclei_in_the_noise_of_an_empty_photograph(level, deviation):
    """The shutter closed, half of the light, an empty field."""
    noise = np.random.default_rng(0).normal(level, deviation, (480, 640, 3))
    assert not segment_nuclei(np.clip(np.rint(noise), 0, 255).astype(np.uint8)).any()


def test_nuclei_among_red_cells(field):
    image, nuclei = field
    labels = segment_nuclei(image)
    assert labels.max() == 12
    assert dice(labels > 0, nuclei) > 0.97


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_field_gives_the_turned_nuclei(field, turns):
    image, _ = field
    turned = segment_nuclei(np.rot90(image, turns)) > 0
    assert dice(np.rot90(segment_nuclei(image) > 0, turns), turned) > 0.99


def test_a_field_at_four_times_the_size_gives_the_same(field):
    image, nuclei = field
    large = np.asarray(Image.fromarray(image).resize((2560, 1920), Image.Resampling.BICUBIC))
    labels = segment_nuclei(large)
    assert labels.max() == 12
    assert dice(labels > 0, nuclei.repeat(4, 0).repeat(4, 1)) > 0.97


@pytest.mark.parametrize("light", [(1, 1, 1), (0.6, 0.75, 1), (1, 1, 0.6)])
def test_the_colour_of_the_light_does_not_matter(field, light):
    image, nuclei = field
    labels = segment_nuclei((image * np.array(light)).astype(np.uint8))
    assert labels.max() == 12
    assert dice(labels > 0, nuclei) > 0.96


def test_overlapping_red_cells_are_no_nuclei(field):
    image, _ = field
    picture = Picture(480, 640)
    brown = picture.disc(BROWN, 400, 590, 24)
    image = image.copy()
    image[brown] = BROWN
    assert not segment_nuclei(image)[brown].any()


@pytest.mark.parametrize("colour", [RED_CELL, BROWN])
@pytest.mark.parametrize("background", [BACKGROUND, (225, 190, 205)])
def test_a_picture_without_nuclei_has_none(colour, background):
    """Red cells, some one over the other, on white and on pink."""
    picture = Picture(480, 640)
    picture.image[:] = background
    for k in range(30):
        picture.disc(colour, 37 * k % 480, 97 * k % 640, 22)
    overlap = 0.8 * np.array(colour)  # darker, and of the same hue
    for k in range(4):
        picture.disc(overlap, 100 + 80 * k, 120 * k + 60, 9)
    assert not segment_nuclei(picture.pixels()).any()


def test_only_red_cells_about_a_cut_off_nucleus():
    """A red cell in the middle is no nucleus, whose neighbour the one at the edge would be."""
    picture = Picture(257, 257)
    cut = picture.disc(DARK, 128, 0, 40)
    picture.disc(RED_CELL, 128, 128, 30)
    labels = segment_nuclei(picture.pixels())
    assert dice(labels > 0, cut) > 0.95


def test_in_a_picture_of_one_cell_its_neighbours_do_not_count():
    picture = Picture(257, 257)
    own = picture.disc(DARK, 128, 128, 45)
    picture.disc(DARK, 5, 240, 50)
    picture.disc(RED_CELL, 220, 40, 30)
    labels = segment_nuclei(picture.pixels())
    assert labels.max() == 1
    assert dice(labels > 0, own) > 0.97


def test_a_dark_neighbour_does_not_hide_a_pale_nucleus():
    picture = Picture(257, 257)
    own = picture.disc(PALE, 128, 128, 22)
    picture.disc((40, 12, 90), 128, 0, 70)
    for y, x in ((30, 200), (220, 210), (225, 120)):
        picture.disc(RED_CELL, y, x, 30)
    labels = segment_nuclei(picture.pixels())
    assert labels.max() == 1
    assert dice(labels > 0, own) > 0.9


def drawn_nuclei():
    """Three round nuclei, apart."""
    picture = Picture(300, 400)
    nuclei = [picture.disc(DARK, 80 + 140 * (k // 2), 90 + 180 * (k % 2), 28) for k in range(3)]
    return picture, np.any(nuclei, axis=0)


def test_thin_pieces_that_touch_a_nucleus_are_none_of_it():
    picture, nuclei = drawn_nuclei()
    bar = (abs(picture.rows - 80) < 2) & (picture.columns > 90) & (picture.columns < 160) & ~nuclei
    picture.image[bar] = DARK
    found = segment_nuclei(picture.pixels()) > 0
    assert np.count_nonzero(found & bar) < 0.15 * bar.sum()
    assert dice(found, nuclei) > 0.97


def test_nuclei_at_the_edge_of_a_field_stay_unless_unwanted(field):
    image, _ = field
    picture = Picture(480, 640)
    cut = picture.disc(DARK, 479, 320, 26)
    image = image.copy()
    image[cut] = DARK
    assert segment_nuclei(image).max() == 13
    whole = segment_nuclei(image, SegmentSettings(cut_off=False))
    assert whole.max() == 12
    assert not whole[cut].any()


def test_limits_are_areas_in_pixels_of_the_picture():
    picture = Picture(480, 640)
    areas = [np.count_nonzero(picture.disc(DARK, 120, 100 + 140 * k, 16 + 8 * k)) for k in range(4)]
    image = picture.pixels()
    assert segment_nuclei(image).max() == 4
    limited = SegmentSettings(smallest=(areas[0] + areas[1]) // 2, largest=areas[2] + 200)
    labels = segment_nuclei(image, limited)
    assert np.unique(labels).tolist() == [0, 1, 2]
    np.testing.assert_allclose(
        np.sort(np.bincount(labels.ravel())[1:]), areas[1:3], rtol=0.05, atol=1
    )


def test_limits_that_can_not_work_are_said():
    assert SegmentSettings().problems() == []
    assert SegmentSettings(smallest=20, largest=10).problems() == [
        "Largest is 10; it must be at least 20."
    ]
    assert SegmentSettings(smallest=-1).problems() == ["Smallest is -1; it must be at least 0."]


def test_settings_that_can_not_work_are_refused(field):
    for settings in (SegmentSettings(smallest=20, largest=10), SegmentSettings(smallest=-1)):
        with pytest.raises(MarrowError, match="it must be at least"):
            segment_nuclei(field[0], settings)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 40), np.uint8),
        np.zeros((30, 40, 1), np.uint8),
        np.zeros((30, 40, 3), np.float64),
        np.zeros((30, 40, 3), np.uint16),
        np.zeros((30, 40, 3), bool),
        np.zeros((0, 40, 3), np.uint8),
        np.zeros((2, 30, 40, 3), np.uint8),
    ],
)
def test_what_is_no_colour_photograph_is_refused(image):
    with pytest.raises(MarrowError, match=r"The image holds .*; give a colour photograph"):
        segment_nuclei(image)
    with pytest.raises(MarrowError, match=r"The image holds .*; give a colour photograph"):
        segment_cytoplasm(image, np.zeros(image.shape[:2], np.uint16))


@pytest.mark.parametrize(
    "nuclei",
    [
        np.zeros((480, 639), np.uint16),
        np.zeros((480, 640, 1), np.uint16),
        np.zeros((480, 640), np.float32),
        np.full((480, 640), -1),
    ],
)
def test_labels_that_are_not_the_photograph_s_are_refused(field, nuclei):
    with pytest.raises(MarrowError, match=r"The nuclei are .*whole numbers.*\(480, 640\)"):
        segment_cytoplasm(field[0], nuclei)


def test_alpha_is_not_looked_at(field):
    image, _ = field
    alpha = np.random.default_rng(0).integers(0, 256, (480, 640, 1), np.uint8)
    with_alpha = np.concatenate([image, alpha], axis=2)
    labels = segment_nuclei(image)
    np.testing.assert_array_equal(segment_nuclei(with_alpha), labels)
    np.testing.assert_array_equal(
        segment_cytoplasm(with_alpha, labels), segment_cytoplasm(image, labels)
    )


@pytest.mark.parametrize("touched", [False, True])
def test_cytoplasm_is_what_surrounds_the_nucleus(touched):
    picture = Picture(257, 257)
    cell = picture.disc(CYTOPLASM, 128, 128, 56)
    nucleus = picture.disc(DARK, 120, 128, 36)
    if touched:
        picture.disc(RED_CELL, 128, 210, 30)
        picture.disc(RED_CELL, 128, 45, 30)
        picture.image[cell & ~nucleus] = CYTOPLASM
    labels = segment_nuclei(picture.pixels())
    cytoplasm = segment_cytoplasm(picture.pixels(), labels)
    assert set(np.unique(cytoplasm)) == {0, 1}
    found = (labels > 0) | (cytoplasm > 0)
    assert (found & cell).sum() / (found | cell).sum() > 0.9
    assert not (cytoplasm[labels > 0]).any()


def test_each_cytoplasm_has_the_number_of_its_nucleus():
    picture = Picture(300, 500)
    for x in (120, 380):
        picture.disc(CYTOPLASM, 150, x, 50)
        picture.disc(DARK, 150, x, 28)
    labels = segment_nuclei(picture.pixels())
    cytoplasm = segment_cytoplasm(picture.pixels(), labels)
    for number in (1, 2):
        x = np.mean(np.nonzero(labels == number)[1])
        area = np.count_nonzero(cytoplasm == number)
        assert abs(np.mean(np.nonzero(cytoplasm == number)[1]) - x) < 3
        assert area == pytest.approx(np.pi * (50**2 - 28**2), abs=500)


def test_cells_that_were_cut_out():
    picture = Picture(300, 300)
    picture.image[:] = 0
    nucleus = picture.disc((84, 40, 110), 150, 150, 60)
    image = picture.pixels()
    image[~nucleus] = 0
    labels = segment_nuclei(image)
    assert labels.max() == 1
    assert dice(labels > 0, nucleus) > 0.98
    assert not segment_cytoplasm(image, labels)[~nucleus].any()


def test_cut_out_cells_have_cytoplasm_where_two_kinds_of_pixels_are_clear():
    picture = Picture(300, 300)
    cell = picture.disc(CYTOPLASM, 150, 150, 70)
    nucleus = picture.disc(DARK, 150, 140, 42)
    image = picture.pixels()
    image[~cell] = 0
    labels = segment_nuclei(image)
    assert dice(labels > 0, nucleus) > 0.97
    assert dice(segment_cytoplasm(image, labels) > 0, cell & ~nucleus) > 0.95


def through_an_eyepiece(image, value, radius):
    """The picture with all of a surround outside a circle, whose edge is a little blurred."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    away = np.hypot(rows - height / 2, columns - width / 2)[..., None] - radius * height
    part = 1 / (1 + np.exp(away))
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(image * part + value * (1 - part) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("value", [0, 15, 40])
@pytest.mark.parametrize("radius", [0.45, 0.5, 0.62])
def test_a_dark_surround_is_left_out(field, nuclei_of_field, value, radius):
    image, _ = field
    seen = through_an_eyepiece(np.full_like(image, 255), 0, radius)[..., 0] > 200
    inside = through_an_eyepiece(image, value, radius)
    labels = segment_nuclei(inside)
    assert dice((labels > 0) & seen, (nuclei_of_field > 0) & seen) > 0.97
    assert not labels[~ndimage.binary_dilation(seen, iterations=4)].any()


def test_the_surround_is_no_cytoplasm():
    picture = Picture(480, 640)
    cells, nuclei = np.zeros((2, 480, 640), bool)
    for y, x in ((240, 145), (150, 300), (330, 400)):
        cells |= picture.disc(CYTOPLASM, y, x, 56)
        nuclei |= picture.disc(DARK, y, x, 36)
    image = through_an_eyepiece(picture.pixels(), 20, 0.5)
    cytoplasm = segment_cytoplasm(image, segment_nuclei(image)) > 0
    assert dice(cytoplasm, cells & ~nuclei) > 0.9


def test_nuclei_at_the_rim_of_a_round_field_are_cut_off(field):
    image, _ = field
    image = through_an_eyepiece(image, 10, 0.5)
    rows, columns = np.nonzero(segment_nuclei(image, SegmentSettings(cut_off=False)))
    assert 100 < len(rows) < np.count_nonzero(segment_nuclei(image))
    assert np.hypot(rows - 240, columns - 320).max() < 235


def test_a_dark_corner_of_a_photograph_is_no_surround(field):
    image, _ = field
    cut = Picture(480, 640).disc(DARK, 0, 0, 40)
    image = image.copy()
    image[cut] = DARK
    assert dice(segment_nuclei(image) > 0, (segment_nuclei(field[0]) > 0) | cut) > 0.97


@pytest.mark.real
def test_nuclei_of_real_fields(real_data):
    """Dice against the hand-drawn masks; ALL_5's leaves out its largest cell, see the README."""
    scores, counts = [], []
    for k in range(1, 6):
        path = real_data / f"snam-thumbnails/ALL/ALL_{k}.png"
        image = np.asarray(Image.open(path).convert("RGB"))
        truth = read_mask(path.with_stem(f"ALL_{k}_nucleus_mask"), image.shape[:2])
        labels = segment_nuclei(image)
        scores.append(dice(labels > 0, truth))
        counts.append(int(labels.max()))
    assert min(scores[:4]) > 0.9, scores
    assert np.mean(scores[:4]) > 0.92, scores
    assert np.abs(np.subtract(counts, [7, 6, 12, 3, 5])).max() <= 1, counts


@pytest.mark.real
def test_cells_of_real_pictures(real_data):
    """Every fifth of ALL-IDB2: nucleus (0, 255, 255) and cytoplasm (0, 0, 255) in its masks."""
    nuclei, cells = [], []
    for path in sorted((real_data / "all-idb2").rglob("*.tif"))[::5]:
        image = np.asarray(Image.open(path).convert("RGB"))
        mask = real_data / "all-idb2-masks" / path.parent.name / path.name
        drawn = np.asarray(Image.open(mask).convert("RGB"))
        nucleus = (drawn == (0, 255, 255)).all(axis=-1)
        cell = nucleus | (drawn == (0, 0, 255)).all(axis=-1)
        labels = segment_nuclei(image)
        found = (labels > 0) | (segment_cytoplasm(image, labels) > 0)
        nuclei.append(dice(labels > 0, nucleus))
        cells.append((found & cell).sum() / (found | cell).sum())
    assert np.mean(nuclei) > 0.955
    assert min(nuclei) > 0.5
    assert np.mean(cells) > 0.88


def test_the_gap_in_a_square_of_nuclei_is_no_nucleus_on_a_photograph_either():
    rows, columns = np.indices((300, 400))
    middles = [(100, 100), (100, 168), (168, 100), (168, 168), (240, 300)]
    mask = np.any([(rows - y) ** 2 + (columns - x) ** 2 < 36**2 for y, x in middles], axis=0)
    clean = np.where(mask[..., None], (100, 50, 140), (230, 220, 225))
    noise = np.random.default_rng(0).normal(0, 3, clean.shape)
    labels = segment_nuclei(np.clip(clean + noise, 0, 255).astype(np.uint8))
    assert labels.max() == 5
    assert labels[134, 134] == 0


@pytest.mark.parametrize(("height", "radius"), [(1000, 4), (1350, 4)])
def test_nuclei_that_are_small_against_the_picture(height, radius):
    """Of a low magnification, or a stitched field; seen from afar there is nothing of them."""
    picture = Picture(height, height * 4 // 3)
    nuclei = np.zeros(picture.image.shape[:2], bool)
    for k in range(60):
        middle = 40 + 131 * k % (height - 80), 40 + 277 * k % (height - 80)
        picture.disc(RED_CELL, middle[0] + 3 * radius, middle[1], radius)
        nuclei |= picture.disc(DARK, *middle, radius)
    image = picture.pixels()
    labels = segment_nuclei(image)
    assert labels.max() == 60
    assert dice(labels > 0, nuclei) > 0.88  # 7 pixels wide
    around = segment_cytoplasm(image, labels)
    assert around.shape == labels.shape
    assert set(np.unique(around)) <= set(range(61))


def test_cytoplasm_of_small_nuclei_is_that_of_large_ones():
    """One picture, beside much background: the cells have the cytoplasm that they had without."""
    picture = Picture(160, 200)
    cells = picture.disc(CYTOPLASM, 80, 60, 9) | picture.disc(CYTOPLASM, 80, 140, 8)
    nuclei = np.zeros((160, 200), np.uint8)
    nuclei[picture.disc(DARK, 80, 60, 5)] = 1
    nuclei[picture.disc(DARK, 80, 140, 4)] = 2
    large = Picture(1500, 2000)
    large.image[700:860, 900:1100] = picture.image
    truth, labels = np.zeros((1500, 2000), bool), np.zeros((1500, 2000), np.uint8)
    truth[700:860, 900:1100], labels[700:860, 900:1100] = cells, nuclei
    whole = (segment_cytoplasm(large.pixels(), labels) > 0) | (labels > 0)
    assert dice(whole, truth) > 0.9


@pytest.mark.parametrize("radius", [45, 60, 90])
def test_grains_of_chromatin_do_not_cut_a_wide_nucleus(radius):
    """Sharp pictures at a high magnification show them; two nuclei that touch stay two."""
    picture = Picture(6 * radius, 7 * radius)
    nuclei = picture.disc(DARK, 3 * radius, 2.2 * radius, radius)
    nuclei |= picture.disc(DARK, 3 * radius, 4.0 * radius, radius)
    rng = np.random.default_rng(radius)
    for y, x in rng.uniform((2 * radius, radius), (4 * radius, 5 * radius), (60, 2)):
        if nuclei[int(y), int(x)]:
            picture.disc(PALE, y, x, 3)
    labels = segment_nuclei(picture.pixels())
    assert labels.max() == 2
    assert dice(labels > 0, nuclei) > 0.95
    assert len(np.unique(labels[3 * radius, [int(2.2 * radius), int(4 * radius)]])) == 2
