"""Masks that hold nucleus and cytoplasm, and masks that other layouts keep in one code."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.layouts import scan
from napari_marrow.data.masks import holds_mask, shared_code

SIZE = (60, 80)
NUCLEUS, CELL, SECOND = (np.zeros(SIZE, bool) for _ in range(3))
CELL[10:50, 15:55] = NUCLEUS[20:40, 20:40] = SECOND[5:15, 65:75] = True
CODES = {
    "black and white": np.where(NUCLEUS, 255, 0),
    "0 and 1": NUCLEUS,
    "0 and 200": np.where(NUCLEUS, 200, 0),
    "inverted": np.where(NUCLEUS, 0, 255),
    "inverted 0 and 1": ~NUCLEUS,
    "published levels": np.where(NUCLEUS, 255, np.where(CELL, 128, 0)),
    "levels 1, 2": np.where(NUCLEUS, 2, np.where(CELL, 1, 0)),
    "levels 2, 1": np.where(NUCLEUS, 1, np.where(CELL, 2, 0)),
    "levels 100, 200": np.where(NUCLEUS, 200, np.where(CELL, 100, 0)),
    "published colours": np.where(
        NUCLEUS[..., None],
        (0, 255, 255),
        np.where(CELL[..., None], (0, 0, 255), (255, 255, 255)),
    ),
    "red in green": np.where(
        NUCLEUS[..., None], (255, 0, 0), np.where(CELL[..., None], (0, 200, 0), (0, 0, 0))
    ),
}
BOTH = [name for name in CODES if "levels" in name or "colours" in name or "red" in name]
LAYOUTS = {
    "cells/{}.bmp": ("cells/{}.png", ""),
    "table/{}.bmp": ("table/{}.png", "image ID,class label\n1,1\n2,2\n"),
    "words/{}.bmp": ("words/{}.png", "filename,label\n1.bmp,A\n2.bmp,B\n"),
    "img/Im00{}_1.tif": ("img-masks/Im00{}_1.tif", ""),
    "blast/Im00{}_1.tif": ("blast_masks/Im00{}_1.tif", ""),
    "set/images/{}.png": ("set/masks/{}.png", ""),
}


def photograph(seed):
    """Return a photograph whose nucleus is dark and whose cytoplasm is between it and the rest."""
    noise = np.random.default_rng(seed).integers(0, 30, (*SIZE, 3), np.uint8)
    return noise + np.where(NUCLEUS, 60, np.where(CELL, 140, 210)).astype(np.uint8)[..., None]


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels).astype(np.uint8)).save(path)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("code", CODES)
def test_masks_are_read_by_the_code_of_their_pixels_in_every_layout(tmp_path, name, code):
    beside, table = LAYOUTS[name]
    for k in (1, 2):
        save(tmp_path / name.format(k), photograph(k))
        save(tmp_path / beside.format(k), CODES[code])
    if table:
        (tmp_path / name).with_name("labels.csv").write_text(table)
    found = scan(tmp_path)
    assert len(found.fields) == 2
    kinds = {"nucleus", "cytoplasm"} if code in BOTH else {"nucleus"}
    for field in found.fields:
        assert field.mask_kinds == kinds
        np.testing.assert_array_equal(field.mask("nucleus"), NUCLEUS)
        if code in BOTH:
            np.testing.assert_array_equal(field.mask("cytoplasm"), CELL & ~NUCLEUS)


@pytest.mark.parametrize("suffix", ["jpg", "jfif"])
def test_published_colours_are_known_in_jpegs(tmp_path, suffix):
    for folder, pixels in (("img", photograph(0)), ("img-masks", CODES["published colours"])):
        path = tmp_path / folder / f"Im001_1.{suffix}"
        path.parent.mkdir()
        Image.fromarray(pixels.astype(np.uint8)).save(path, "JPEG", quality=90)
    (field,) = scan(tmp_path).fields
    assert (field.mask("nucleus") != NUCLEUS).mean() < 0.02
    assert (field.mask("cytoplasm") != CELL & ~NUCLEUS).mean() < 0.05


@pytest.mark.parametrize("code", ["published levels", "levels 1, 2", "black and white"])
def test_masks_with_soft_edges_are_no_labels(tmp_path, code):
    """Half of their cytoplasm would count as nucleus: the audit names them."""
    grey = Image.fromarray(CODES[code].astype(np.uint8) * (50 if "1" in code else 1))
    grey.resize((30, 40)).resize(SIZE[::-1], Image.Resampling.BILINEAR).save(tmp_path / "1.png")
    save(tmp_path / "1.bmp", photograph(1))
    assert not any(f.masks for f in scan(tmp_path).fields)


@pytest.mark.parametrize("names", [("ALL/{}", "MM/{}"), ("blast/a/{}", "normal/b/{}")])
@pytest.mark.parametrize("header", ["file,category", "image,label", "Filename;Type"])
def test_a_table_in_a_class_folder_replaces_no_class(tmp_path, names, header):
    for place in names:
        for k in (1, 2):
            save(tmp_path / place.format(f"{k}.bmp"), photograph(k))
            save(tmp_path / place.format(f"{k}.png"), CODES["published levels"])
        rows = "\n".join([header, "1.bmp,good", "2.bmp,bad"])
        rows = rows if "," in header else rows.replace(",", ";")
        (tmp_path / place.format("notes.csv")).write_text(rows)
    found = scan(tmp_path)
    assert found.counts() == dict.fromkeys((n.partition("/")[0] for n in names), 2)
    assert all(f.mask_kinds == {"nucleus", "cytoplasm"} for f in found.fields)


@pytest.mark.parametrize("labels", [np.uint8, np.uint16])
def test_labels_of_cells_are_no_levels(tmp_path, labels):
    pixels = (np.where(SECOND, 2, 0) + NUCLEUS).astype(labels)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    save(tmp_path / "1.bmp", photograph(1))
    (field,) = scan(tmp_path).fields
    assert field.mask_kinds == {"nucleus"}
    np.testing.assert_array_equal(field.mask("nucleus"), NUCLEUS | SECOND)


@pytest.mark.parametrize("header", ["filename,label", "image ID,class label", "Bild;Diagnose"])
@pytest.mark.parametrize("place", ["", "imgs"])
def test_copies_of_photographs_in_another_format_are_no_masks(tmp_path, header, place):
    for k in (1, 2, 3):
        for suffix in ("bmp", "png"):
            save(tmp_path / place / f"{k}.{suffix}", photograph(k))
    separator = ";" if ";" in header else ","
    rows = [f"{k}.bmp{separator}{name}" for k, name in ((1, "A"), (2, "B"), (3, "A"))]
    (tmp_path / "labels.csv").write_text("\n".join([header, *rows]))
    found = scan(tmp_path)
    assert not any(f.masks for f in found.fields)
    assert found.counts() == {"A": 2, "B": 1}
    assert len({f.source for f in found.fields}) == 3
    assert {f.path.name: f.class_name for f in found.fields if f.class_name} == {
        "1.bmp": "A",
        "2.bmp": "B",
        "3.bmp": "A",
    }


def test_the_table_of_cells_outlives_an_empty_and_a_broken_mask(tmp_path):
    for k in range(1, 11):
        save(tmp_path / f"{k}.bmp", photograph(k))
        save(tmp_path / f"{k}.png", CODES["published levels"] if k > 1 else np.zeros(SIZE))
    (tmp_path / "2.png").write_bytes(b"damaged")
    rows = [f"{k},{k % 5 + 1}" for k in range(1, 11)]
    (tmp_path / "labels.csv").write_text("\n".join(["image ID,class label", *rows]))
    found = scan(tmp_path)
    assert [f.path.suffix for f in found.fields] == [".bmp"] * 10
    assert all(f.class_name and f.masks for f in found.fields)
    assert any("2.png" in w for w in found.warnings)


def test_a_cell_without_nucleus_or_cytoplasm_has_none_in_a_set_with_both(tmp_path):
    for k in range(1, 5):
        save(tmp_path / f"images/{k}.png", photograph(k))
        save(tmp_path / f"masks/{k}.png", CODES["published levels"])
    save(tmp_path / "masks/2.png", np.where(CELL, 128, 0))
    save(tmp_path / "masks/3.png", np.where(NUCLEUS, 255, 0))
    fields = scan(tmp_path).fields
    assert not fields[1].mask("nucleus").any()
    assert not fields[2].mask("cytoplasm").any()
    np.testing.assert_array_equal(fields[2].mask("nucleus"), NUCLEUS)


def test_a_photograph_is_no_mask_and_a_picture_of_one_colour_tells_nothing(tmp_path):
    save(tmp_path / "a.png", photograph(0))
    save(tmp_path / "b.png", np.full(SIZE, 200))
    save(tmp_path / "c.png", CODES["0 and 1"])
    assert [holds_mask(tmp_path / f"{name}.png") for name in "abc"] == [False, None, True]
    assert shared_code([]) == "white"
