"""Units: tiles that cover a field, crops a cell, and tables that stay in step."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.stain import white_balance
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.units.samples import (
    Units,
    class_codes,
    collect_units,
    cut_units,
    drawn_notes,
    field_labels,
)
from napari_marrow.measure.settings import FeatureSettings

FIELD = Preprocessing("field", 24, 2, 2.5, white_balance=False)
CELL = Preprocessing("cell", 32, 1, 2.5)


@pytest.fixture
def labelled(tmp_path, draw):
    """A field of two cells, 3 and 7, with an instance labels file."""
    image, _ = draw("MM", 0, (60, 80))
    labels = np.zeros((60, 80), np.uint16)
    labels[10:20, 10:20], labels[30:46, 50:66] = 3, 7
    Image.fromarray(image).save(tmp_path / "f.bmp")
    Image.fromarray(labels).save(tmp_path / "l.png")
    return Field(tmp_path / "f.bmp", "f", "f", "MM", labels=tmp_path / "l.png")


def test_tiles_cover_the_field():
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    units = cut_units(image, None, FIELD)
    # side 48 / 2 = 24: two rows at 0 and 24, three columns at 0, 20 and 40; drawn as they are
    expected = [image[y : y + 24, x : x + 24] for y in (0, 24) for x in (0, 20, 40)]
    np.testing.assert_array_equal(units.images, expected)
    np.testing.assert_array_equal(units.owner, [0] * 6)
    row = units.table.iloc[0]
    assert (row["index"], row["y"], row["x"]) == (0, 23.5, 31.5)
    means = units.table[["mean_red", "mean_green", "mean_blue"]].to_numpy()[0]
    np.testing.assert_allclose(means, image.mean(axis=(0, 1)), atol=1e-06)


def test_white_balance_is_applied_where_asked_for(draw):
    image, _ = draw("ALL", 1)
    how = replace(FIELD, tiles=1, input_size=48, white_balance=True)
    np.testing.assert_array_equal(
        cut_units(image, None, how).images[0], white_balance(image)[:, :48]
    )


def test_preprocessing_comes_from_the_settings():
    settings = TrainingSettings(unit="cell", input_size=64, tiles=3, crop_factor=2.0)
    assert Preprocessing.of(settings) == Preprocessing("cell", 64, 3, 2.0, True)


def test_cells_have_a_crop_each(draw, labelled):
    units = cut_units(labelled.image(), labelled.instances(), CELL)
    assert units.images.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(units.table["index"], [3, 7])
    np.testing.assert_allclose(units.table["y"], [14.5, 37.5], atol=1e-06)
    # The colours are those of the photograph, not of the white-balanced crops.
    raw = cut_units(labelled.image(), labelled.instances(), replace(CELL, white_balance=False))
    np.testing.assert_allclose(
        units.table[["mean_red", "mean_green", "mean_blue"]],
        [crop.reshape(-1, 3).mean(axis=0) for crop in raw.images],
        atol=1.5,
    )
    assert abs(units.images.mean() - raw.images.mean()) > 1.5


def test_a_field_without_cells_gives_no_unit_and_no_crash():
    units = cut_units(np.full((60, 80, 3), 235, np.uint8), None, CELL)
    assert len(units.table) == len(units.images) == 0
    assert {"index", "y", "x", "mean_red"} <= set(units.table)


def test_labels_of_somebody_come_before_the_mask(tmp_path, labelled, draw, write_mask):
    np.testing.assert_array_equal(np.unique(field_labels(labelled)), [0, 3, 7])
    _, mask = draw("MM", 0, (60, 80))
    write_mask(tmp_path / "n.bmp", mask)
    masked = replace(labelled, labels=None, masks={"nucleus": tmp_path / "n.bmp"})
    np.testing.assert_array_equal(field_labels(masked) > 0, mask)
    assert field_labels(replace(labelled, labels=None)) is None


def test_collected_units_know_their_class_source_and_image(collection):
    units = collect_units(collection, FIELD)
    assert len(units.images) == 36
    np.testing.assert_array_equal(units.owner, np.repeat(np.arange(6), 6))
    assert units.table["class"].tolist() == ["ALL"] * 3 + ["MM"] * 3
    assert units.table["source"].tolist() == [f.source for f in collection.fields]
    assert units.table["image"].tolist() == [collection.label(f) for f in collection.fields]
    alone = cut_units(collection.fields[4].image(), None, FIELD)
    np.testing.assert_array_equal(units.images[units.owner == 4], alone.images)


def test_cells_of_masks(collection):
    told = []
    units = collect_units(collection, CELL, lambda part, text: told.append((part, text)))
    counts = units.table.groupby("image").size()
    assert counts["ALL/ALL_1.bmp"] == 12
    assert counts["MM/MM_1.bmp"] == 1
    assert units.table.groupby("image")["source"].nunique().eq(1).all()
    assert told[0] == (0, "Reading ALL_1")
    assert [part for part, _ in told] == sorted(part for part, _ in told)


def test_annotated_cells_have_their_own_class_and_the_others_the_fields(labelled):
    own = replace(labelled, cell_classes={7: "ALL"})
    both = collect_units(Collection(own.path.parent, (own,)), CELL)
    assert both.table["class"].tolist() == ["MM", "ALL"]
    only = replace(own, class_name=None)
    units = collect_units(Collection(own.path.parent, (only,)), CELL)
    assert units.table["index"].tolist() == [7]  # cell 3 has no class: not learnt from
    assert len(units.images) == 1
    field = collect_units(Collection(own.path.parent, (only,)), FIELD)
    assert field.table["class"].tolist() == ["ALL"]


def test_a_field_of_two_classes_has_none_itself(labelled):
    mixed = replace(labelled, class_name=None, cell_classes={3: "MM", 7: "ALL"})
    with pytest.raises(MarrowError, match="annotated cells of ALL and MM"):
        collect_units(Collection(mixed.path.parent, (mixed,)), FIELD)


def test_no_cell_anywhere_is_said(tmp_path):
    Image.new("RGB", (64, 48), (230, 230, 230)).save(tmp_path / "a.png")
    blank = Field(tmp_path / "a.png", "a", "a", "ALL")
    with pytest.raises(MarrowError, match="No cell was found in the 1 fields"):
        collect_units(Collection(tmp_path, (blank,)), CELL)


def test_a_blank_field_among_others_is_only_without_cells(tmp_path, labelled):
    Image.new("RGB", (64, 48), (230, 230, 230)).save(tmp_path / "a.png")
    blank = Field(tmp_path / "a.png", "a", "a", "ALL")
    units = collect_units(Collection(tmp_path, (blank, labelled)), CELL)
    assert units.table["image"].tolist() == ["f.bmp", "f.bmp"]
    np.testing.assert_array_equal(units.owner, [0, 1])


def test_a_mask_that_does_not_fit_is_said_even_when_not_used(tmp_path, labelled):
    Image.new("RGB", (8, 6)).save(tmp_path / "c.bmp")
    wrong = replace(labelled, masks={"cytoplasm": tmp_path / "c.bmp"})
    with pytest.raises(MarrowError, match=r"c\.bmp is 8x6 and its photograph 80x60"):
        collect_units(Collection(tmp_path, (wrong,)), FIELD)


def test_taking_rows_takes_their_images(collection):
    units = collect_units(collection, CELL)
    rows = np.array([30, 2, 13])
    taken = units.take(rows)
    pd.testing.assert_frame_equal(taken.table, units.table.iloc[rows].reset_index(drop=True))
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(
            taken.images[taken.owner == place], units.images[units.owner == row]
        )
    assert len(units.take(np.array([], int)).images) == 0


def test_helpers():
    table = pd.DataFrame({"class": ["MM", "ALL", "MM"]})
    np.testing.assert_array_equal(class_codes(table, ("ALL", "MM")), [1, 0, 1])
    values, owner = np.array([[1.0, 0], [3, 2], [10, 20]]), np.array([1, 1, 0])
    expected = pd.DataFrame(values).groupby(owner).mean().to_numpy()
    units = Units(np.zeros((3, 1, 1, 3), np.uint8), owner, table[:2])
    np.testing.assert_allclose(units.mean_over_images(values), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("all_", "mm", "families", "noted"),
    [
        (4, 4, ("colour",), False),
        (0, 0, ("colour",), False),
        (3, 4, ("colour",), False),  # a quarter without: no more than chance and neglect do
        (2, 4, ("colour",), True),
        (0, 4, ("histogram",), False),  # nuclei have no say
    ],
)
def test_masks_of_one_class_only_are_noted(tmp_path, all_, mm, families, noted):
    fields = []
    for name, masks in (("ALL", all_), ("MM", mm)):
        for k in range(4):
            own = {"nucleus": tmp_path / "mask.png"} if k < masks else {}
            fields.append(Field(tmp_path / f"{k}.png", str(k), str(k), name, own))
    notes = drawn_notes(Collection(tmp_path, tuple(fields)), FeatureSettings(families))
    assert bool(notes) == noted
    if noted:
        assert notes[0].startswith("Nuclei come from masks in 2 of 4 fields of ALL and in 4 of 4 ")
