"""What is measured or cut is kept: the same answers as without, and of other things never."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.learning.units import feature_table, samples
from napari_marrow.learning.units.feature_table import measure
from napari_marrow.learning.units.samples import cut_units
from napari_marrow.measure.extract import features
from napari_marrow.measure.settings import FAMILIES, FeatureSettings

CELL = FeatureSettings(("colour", "morphology"), "cell")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def calls(monkeypatch):
    """The names of what is done, one after the other."""
    made = []

    def count(module, name):
        real = getattr(module, name)
        counting = lambda *args: made.append(name) or real(*args)  # noqa: E731
        monkeypatch.setattr(module, name, counting)

    count(feature_table, "features")
    count(samples, "cut_cells")
    count(samples, "white_balance")
    return made


@pytest.fixture
def cells(draw):
    """A photograph, and two labels in it."""
    labels = np.zeros((96, 128), np.uint16)
    labels[10:40, 10:40], labels[50:90, 60:100] = 3, 7
    return draw("ALL", 1, (96, 128))[0], labels


def check_measured(image, labels, settings):
    masks = None if labels is None else {"nucleus": labels}
    expected = features(image, masks, settings)
    pd.testing.assert_frame_equal(measure(image, labels, settings), expected, rtol=0, atol=1e-09)


@pytest.mark.parametrize("unit", ["field", "cell"])
@pytest.mark.parametrize("labelled", [True, False])
def test_features_are_measured_once_and_are_the_same(cells, calls, unit, labelled):
    image, labels = cells
    for _ in range(2):
        check_measured(image, labels if labelled else None, FeatureSettings(FAMILIES, unit))
    assert calls == ["features"]


def test_a_photograph_without_cells_is_measured_once(cells, calls):
    image, labels = cells
    for _ in range(2):
        check_measured(image, labels * 0, CELL)
    assert calls == ["features"]


def test_other_labels_pixels_and_settings_are_measured_anew(cells, calls):
    image, labels = cells
    check_measured(image, labels, CELL)
    edited, brighter = labels.copy(), image.copy()
    edited[10, 10] = 0
    brighter[60, 70] += 1
    for number, other in enumerate(
        [
            (image, edited, CELL),
            (image, np.where(labels == 7, 8, labels), CELL),
            (brighter, labels, CELL),
            (image, labels, FeatureSettings(("colour",), "cell")),
            (image, labels, FeatureSettings(("colour", "morphology"), "field")),
        ]
    ):
        check_measured(*other)
        assert len(calls) == 2 + number
    labels[10, 10] = 0  # in place, as a person paints
    check_measured(image, labels, CELL)
    assert len(calls) == 6  # as ``edited`` was


def test_labels_of_any_type_are_the_same_cells(cells, calls):
    image, labels = cells
    for kind in (np.uint8, np.int32, np.int64):
        check_measured(image, labels.astype(kind), CELL)
    assert calls == ["features"]


@pytest.mark.parametrize("damage", [lambda b: b[:200], lambda b: b"", lambda b: b[:-9] + b"x" * 9])
def test_damaged_files_are_made_again(cells, calls, folder, damage):
    image, labels = cells
    check_measured(image, labels, CELL)
    for file in folder.rglob("*.npz"):
        file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        check_measured(image, labels, CELL)
    assert calls == ["features"] * 2


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_crops_and_tiles_are_cut_once_and_are_the_same(cells, calls, unit):
    image, labels = cells
    how = Preprocessing(unit, 24, 2, 2.5)
    expected = samples._cut(image, labels if unit == "cell" else None, how)
    calls.clear()
    for _ in range(2):
        units = cut_units(image, labels, how)
        np.testing.assert_array_equal(units.images, expected.images, strict=True)
        np.testing.assert_array_equal(units.owner, expected.owner, strict=True)
        pd.testing.assert_frame_equal(units.table, expected.table, rtol=0, atol=1e-09)
        units.images[:] = 0  # they are the caller's own
    assert calls.count("white_balance") == 1


def test_other_labels_pixels_and_sizes_are_cut_anew(cells, calls):
    image, labels = cells
    how = Preprocessing("cell", 24, 2, 2.5)
    others = [
        (image, labels, how),
        (image, labels.clip(max=6), how),
        (255 - image, labels, how),
        (image, labels, Preprocessing("cell", 25, 2, 2.5)),
        (image, labels, Preprocessing("cell", 24, 2, 2.0)),
        (image, labels, Preprocessing("cell", 24, 2, 2.5, white_balance=False)),
    ]
    for number, other in enumerate(others, 1):
        cut_units(*other)
        assert calls.count("cut_cells") == number
