"""Augmentation: what is made of an image and its masks; against Pillow and scikit-image."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage.filters import sobel

import napari_marrow
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts.names import class_of_name, source_of_name
from napari_marrow.data.options import settings_from_dict
from napari_marrow.imaging.augment import (
    SEVEN_LAYER,
    augment,
    count,
    rotate90,
    vary,
    vary_by_one_operation,
)
from napari_marrow.imaging.intensity import edges
from napari_marrow.imaging.settings import OPERATIONS, RANDOM, AugmentSettings

EVERY = AugmentSettings(tuple(OPERATIONS), copies=2, seed=4, blur=4.0, distortion=0.03)
STILL = {"edges", "blur", "equalise", "light", "stain", "noise"}


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (12, 18, 3)).astype(np.uint8)


@pytest.fixture
def field():
    """A photograph with a mask and labels."""
    generator = np.random.default_rng(1)
    image = generator.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    labels = np.zeros((48, 64), np.int32)
    labels[8:20, 10:30], labels[25:45, 30:60] = 7, 70000
    return image, {"nuclei": labels, "nucleus": labels > 0}


def test_rotation_is_counter_clockwise_like_pillows(image):
    expected = Image.fromarray(image).transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_array_equal(rotate90(image), expected)
    np.testing.assert_array_equal(rotate90(image[..., 0]), np.asarray(expected)[..., 0])


def test_edges_are_dark_where_sobel_is_strong():
    step = np.full((20, 30, 3), 250, np.uint8)
    step[:, 15:] = 150
    out = edges(step)
    assert out.dtype == np.uint8
    assert (out[:, 3:12] == 255).all()  # flat: white
    expected = np.round(255 * (1 - 2 * sobel(step[..., 0])))
    np.testing.assert_array_equal(out[10, :, 0], expected[10])
    # scikit-image's gradient is the step (100) over the root of 2: 255 - 2 * 70.7 = 113.6
    assert out[10, 14, 0] == 114


def test_vary_without_zoom_and_stain_only_turns_and_mirrors():
    side = np.random.default_rng(1).integers(0, 256, (1, 9, 9, 3)).astype(np.uint8)
    turns = [np.rot90(side[0], k) for k in range(4)]
    turns += [t[:, ::-1] for t in turns]
    generator = np.random.default_rng(2)
    seen = set()
    for _ in range(80):
        out = vary(side, generator, zoom=0, stain=0)[0]
        seen.add(next(k for k, t in enumerate(turns) if np.array_equal(out, t)))
    assert seen == set(range(8))


def test_vary_is_repeatable_differs_and_keeps_the_original():
    images = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    before = images.copy()
    once, again = (vary(images, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(images, before)
    same = vary(np.repeat(images[:1], 6, 0), np.random.default_rng(7))
    assert len({picture.tobytes() for picture in same}) == 6


def test_vary_changes_colour_mildly():
    grey = np.full((200, 4, 4, 3), 128, np.uint8)
    out = vary(grey, np.random.default_rng(4))[:, 0, 0].astype(float)
    # light exp(N(0, .04)) and strength exp(N(0, .08)) of log(128/255) = -.69: sd of the log is
    # about sqrt(.04^2 + (.69 * .08)^2) = .068, so 128 * .068 = 8.7
    assert 6 < out.std() < 12
    assert abs(out.mean() - 128) < 4


def test_every_operation_is_there_with_its_copies(field):
    image, masks = field
    before = image.copy()
    made = augment(image, EVERY, masks, "ALL_1")
    np.testing.assert_array_equal(image, before)
    assert len(made) == 8 + 2 * len(RANDOM) == count(1, EVERY) - 1
    assert {a.operation for a in made} == set(OPERATIONS)
    for a in made:
        assert a.image.dtype == np.uint8
        assert a.source == "ALL_1"
        assert not np.array_equal(a.image, image), a.operation
        assert not np.shares_memory(a.image, image)
        for name, mask in masks.items():
            assert a.masks[name].shape == a.image.shape[:2]
            assert a.masks[name].dtype == mask.dtype
            assert not np.shares_memory(a.masks[name], mask)
            assert set(np.unique(a.masks[name])) == set(np.unique(mask)), a.operation
            assert np.array_equal(a.masks[name], mask) == (a.operation in STILL)
        np.testing.assert_array_equal(a.masks["nucleus"], a.masks["nuclei"] > 0)


def test_copies_of_random_operations_differ(field):
    made = augment(field[0], EVERY)
    assert len({a.image.tobytes() for a in made}) == len(made)
    assert {a.operation for a in made if a.copy == 2} == set(RANDOM)


def test_published_two_are_the_default(field):
    image, masks = field
    turned, drawn = augment(image, masks=masks)
    np.testing.assert_array_equal(turned.image, np.rot90(image))
    np.testing.assert_array_equal(turned.masks["nuclei"], np.rot90(masks["nuclei"]))
    np.testing.assert_array_equal(drawn.image, edges(image))
    np.testing.assert_array_equal(drawn.masks["nuclei"], masks["nuclei"])


def test_right_angles_and_mirrors_by_name(field):
    settings = AugmentSettings(("rotate90", "rotate180", "rotate270", "mirror", "flip"))
    expected = [np.rot90(field[0], k) for k in (1, 2, 3)]
    expected += [np.fliplr(field[0]), np.flipud(field[0])]
    for made, image in zip(augment(field[0], settings), expected, strict=True):
        np.testing.assert_array_equal(made.image, image)


def test_a_seed_gives_the_same_whatever_else_is_made(field):
    every = {a.name: a.image for a in augment(field[0], EVERY, name="MM_2")}
    fewer = dataclasses.replace(EVERY, operations=("noise", "rotate"))
    for a in augment(field[0], fewer, name="MM_2"):
        np.testing.assert_array_equal(a.image, every[a.name])
    for settings, name in ((dataclasses.replace(EVERY, seed=5), "MM_2"), (EVERY, "MM_3")):
        for a in augment(field[0], settings, name=name):
            same = every[f"MM_2_{a.name[5:]}"]
            assert np.array_equal(a.image, same) == (a.operation not in RANDOM), a.operation


def test_strengths_of_zero_leave_the_image(field):
    zero = {n: 0.0 for n in ("border", "shift", "angle", "distortion", "light", "stain", "noise")}
    names = ("crop-border", "translate", "rotate", "distort", "light", "stain", "noise")
    image = field[0].clip(1)
    for a in augment(image, AugmentSettings(names, **zero)):
        np.testing.assert_array_equal(a.image, image)


def test_strengths_are_at_least_half_and_at_most_all(field):
    grey = np.full((40, 60, 3), 100, np.uint8)
    settings = AugmentSettings(("light", "noise"), copies=20, light=0.2, noise=8)
    for a in augment(grey, settings):
        if a.operation == "noise":
            assert a.image.std() == pytest.approx(8, rel=0.05, abs=1e-6)
        else:  # by 5 to 10 % in the middle
            assert 4 <= abs(int(a.image[20, 30, 0]) - 100) <= 11


@pytest.mark.parametrize("stem", ["ALL_1", "MM_5_also_ref_image", "25_ALL_5", "x"])
def test_names_tell_the_source(field, stem):
    for a in augment(field[0], EVERY, name=stem):
        assert a.name.startswith(f"{stem}_{a.operation}")
        for name in (a.name, f"{a.name}_edges", f"{a.name}_rotate90"):
            assert source_of_name(Path(f"ALL/{name}.bmp")) == f"ALL/{stem}"
            assert class_of_name(name) == class_of_name(stem)


@pytest.mark.parametrize("word", [*OPERATIONS, "noise7"])
def test_classes_and_stems_of_these_words_stay(word):
    assert source_of_name(Path(f"{word}/{word}.bmp")) == f"{word}/{word}"
    assert source_of_name(Path(f"{word}/{word}_3.bmp")) == f"{word}/{word}_3"
    assert source_of_name(Path(f"a_{word}/b.bmp")) == f"a_{word}/b"


def test_count_is_originals_and_products():
    assert count(60, AugmentSettings()) == 180  # 60 and 60 turned and 60 of edges
    assert count(60, AugmentSettings(originals=False)) == 120
    assert count(10, AugmentSettings(("mirror", "noise"), copies=4)) == 10 * (1 + 1 + 4)
    assert count(0, AugmentSettings()) == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"operations": ("rotate90", "spin")}, "Operations has 'spin'; choose from rotate90,"),
        ({"operations": ()}, "Operations is empty"),
        ({"operations": ("flip", "flip")}, "one more than once"),
        ({"copies": 0}, "Copies is 0; it must be at least 1."),
        ({"angle": 46.0}, "Angle is 46.0; it must be at most 45."),
    ],
)
def test_problems_in_words(field, values, said):
    settings = AugmentSettings(**values)
    assert said in " ".join(settings.problems())
    with pytest.raises(MarrowError, match=r"Operations|Copies|Angle"):
        augment(field[0], settings)


def test_settings_go_through_json():
    values = dataclasses.asdict(EVERY) | {"operations": list(EVERY.operations)}
    assert settings_from_dict(AugmentSettings, values) == EVERY
    assert all({"label", "help", "unit"} <= set(f.metadata) for f in dataclasses.fields(EVERY))


def test_wrong_arrays_are_said(field):
    image, masks = field
    with pytest.raises(MarrowError, match="colour photograph"):
        augment(image[..., 0])
    with pytest.raises(MarrowError, match=r"mask nuclei .*int32.*shape"):
        augment(image[:-1], masks=masks)
    with pytest.raises(MarrowError, match="whole numbers"):
        augment(image, masks={"nuclei": masks["nuclei"].astype(float)})


def test_it_is_there_at_the_top_level():
    assert napari_marrow.augment is augment
    assert napari_marrow.AugmentSettings is AugmentSettings


def test_each_image_of_a_batch_goes_through_one_operation_or_none():
    """Those without random numbers against NumPy and Pillow; all seven are seen, evenly."""
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    image[..., 1] //= 2  # an equalized histogram differs
    batch = np.repeat(image[None], 700, 0)
    before = batch.copy()
    out, again = (vary_by_one_operation(batch, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(out, again)
    np.testing.assert_array_equal(batch, before)
    assert out.dtype == np.uint8
    known = {
        "none": image,
        "mirror": np.asarray(ImageOps.mirror(Image.fromarray(image))),
        "equalise": np.asarray(ImageOps.equalize(Image.fromarray(image))),
    }
    for expected in known.values():  # 100 are expected, with a standard deviation of 9
        assert 60 < (out == expected).all(axis=(1, 2, 3)).sum() < 140
    others = {x.tobytes() for x in out} - {x.tobytes() for x in known.values()}
    assert len(others) > 200  # 100 each of rotate, blur, distort; shifts are few whole pixels


@pytest.mark.parametrize("operation", SEVEN_LAYER.operations)
def test_an_operation_of_a_batch_has_its_strength(field, operation):
    """An operation changes some images, and none where its strength is 0."""
    image = field[0][:40, :40]
    one = dataclasses.replace(SEVEN_LAYER, operations=(operation,))
    batch = np.repeat(image[None], 8, 0)
    for strength in (one, dataclasses.replace(one, shift=0, angle=0, distortion=0)):
        out = vary_by_one_operation(batch, np.random.default_rng(0), strength)
        changed = (out != image).any(axis=(1, 2, 3))
        assert not changed.all()
        is_still = strength is not one and operation in ("translate", "rotate", "distort")
        assert changed.any() == (not is_still)
