"""The data sets beside SN-AM: SegPC-2021, C-NMC 2019, ALL-IDB2, white blood cells, tables."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan, write_table


def put(path, value, size=(12, 16), mode=None):
    """Write an image of one value, or an array as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = value if isinstance(value, np.ndarray) else np.full((*size, 3), value, np.uint8)
    Image.fromarray(array, mode).save(path)


def cell(nucleus, cytoplasm, size=(12, 16)):
    array = np.zeros(size, np.uint8)
    array[cytoplasm] = 20
    array[nucleus] = 40
    return array


@pytest.mark.parametrize("part", ["", "train", "TCIA_SegPC_dataset/train"])
def test_segpc_has_one_mask_a_cell(tmp_path, part):
    place = tmp_path / part
    put(place / "x" / "106.bmp", 90)
    put(place / "x" / "107.bmp", 80)
    first = cell(np.s_[1:4, 1:4], np.s_[0:6, 0:6])
    second = cell(np.s_[7:9, 7:9], np.s_[6:11, 6:12])
    put(place / "y" / "106_1.bmp", first)
    put(place / "y" / "106_2.bmp", second)
    put(place / "y" / "107_1.bmp", second)
    put(place / "y" / "108_1.bmp", second)
    found = scan(tmp_path)
    assert [(f.name, f.class_name, len(f.cells)) for f in found.fields] == [
        ("106", "MM", 2),
        ("107", "MM", 1),
    ]
    assert len({f.source for f in found.fields}) == 2
    assert "Masks without their photograph, left out: 108." in found.warnings
    field = found.fields[0]
    assert field.mask_kinds == {"nucleus", "cytoplasm"}
    np.testing.assert_array_equal(field.mask("nucleus"), (first == 40) | (second == 40))
    np.testing.assert_array_equal(
        field.instances(), np.where(first == 40, 1, np.where(second == 40, 2, 0))
    )
    np.testing.assert_array_equal(
        field.instances("cytoplasm"), np.where(first == 20, 1, np.where(second == 20, 2, 0))
    )
    # Labels that somebody made since come before the files of single cells.
    Image.fromarray((first > 0).astype(np.uint8) * 9).save(tmp_path / "mine.png")
    mended = replace(field, labels=tmp_path / "mine.png")
    np.testing.assert_array_equal(mended.instances(), (first > 0) * 9)
    # The same field, opened by itself.
    assert scan(field.path).fields[0].cells == field.cells
    assert Collection.from_dict(found.to_dict()) == found


def test_cnmc_takes_the_patient_as_source_over_all_folds(tmp_path):
    root = tmp_path / "C-NMC_training_data"
    names = ["fold_0/all/UID_11_1_1_all", "fold_0/all/UID_11_2_1_all", "fold_1/all/UID_12_1_1_all"]
    names += ["fold_0/hem/UID_H11_1_1_hem", "fold_2/hem/UID_H11_1_2_hem"]
    for k, name in enumerate(names):
        put(root / f"{name}.bmp", 10 + 20 * k)
    for folder in (tmp_path, root):
        found = scan(folder)
        assert found.counts() == {"all": 3, "hem": 2}
        assert {f.source for f in found.fields} == {"UID_11", "UID_12", "UID_H11"}
    assert scan(root / "fold_0").counts() == {"all": 2, "hem": 1}


def test_all_idb2_tells_the_class_in_the_name_and_keeps_masks_in_colours(tmp_path):
    colours = np.full((12, 16, 3), 255, np.uint8)
    colours[2:8, 2:8] = (0, 0, 255)
    colours[3:6, 3:6] = (0, 255, 255)
    put(tmp_path / "img" / "Im001_1.tif", 90)
    put(tmp_path / "img" / "Im131_0.tif", 80)
    put(tmp_path / "img-masks" / "Im001_1.tif", colours)
    found = scan(tmp_path / "img")
    assert [(f.name, f.class_name) for f in found.fields] == [
        ("Im001_1", "blast"),
        ("Im131_0", "normal"),
    ]
    field = found.fields[0]
    nucleus = np.zeros((12, 16), bool)
    nucleus[3:6, 3:6] = True
    cytoplasm = np.zeros((12, 16), bool)
    cytoplasm[2:8, 2:8] = True
    np.testing.assert_array_equal(field.mask("nucleus"), nucleus)
    np.testing.assert_array_equal(field.mask("cytoplasm"), cytoplasm & ~nucleus)
    assert scan(field.path).fields[0].mask_code == "colours"
    assert scan(tmp_path).counts()["blast"] == 1  # "img" is no class
    write_table(found, tmp_path / "img" / "fields.csv")
    assert scan(tmp_path / "img" / "fields.csv").fields == found.fields


def test_white_blood_cells_have_levels_and_a_table_of_numbers(tmp_path):
    levels = np.zeros((12, 16), np.uint8)
    levels[2:8, 2:8] = 128
    levels[3:6, 3:6] = 255
    for name in ("001", "002", "010"):
        put(tmp_path / f"{name}.bmp", 50 + int(name))
        put(tmp_path / f"{name}.png", levels)
    (tmp_path / "labels.csv").write_text("image ID,class label\n1,2\n2,5\n10,1\n")
    found = scan(tmp_path)
    assert [f.class_name for f in found.fields] == ["lymphocyte", "basophil", "neutrophil"]
    np.testing.assert_array_equal(found.fields[0].mask("nucleus"), levels == 255)
    np.testing.assert_array_equal(found.fields[0].mask("cytoplasm"), levels == 128)
    assert [f.name for f in scan(tmp_path / "002.bmp").fields] == ["002"]
    for k in range(3, 9):
        put(tmp_path / f"00{k}.bmp", 100 + k)
        put(tmp_path / f"00{k}.png", levels)
    put(tmp_path / "overview.png", 7)
    found = scan(tmp_path)
    assert len(found.fields) == 9
    assert "Pictures without a mask, left out: overview.png." in found.warnings
    write_table(found, tmp_path / "fields.csv")
    assert scan(tmp_path / "fields.csv").fields == scan(tmp_path).fields == found.fields


@pytest.mark.parametrize("folders", [("",), ("lymphocyte", "monocyte")])
@pytest.mark.parametrize("stray", [(), (24, 37, 50), (254, 1, 127, 129)])
def test_levels_with_stray_values_are_masks_and_reported(tmp_path, folders, stray):
    levels = np.zeros((60, 80), np.uint8)
    levels[20:40, 20:40], levels[25:35, 25:35] = 128, 255
    levels[0, : len(stray)] = stray
    for folder in folders:
        for k in (1, 2):
            put(tmp_path / folder / f"00{k}.bmp", k, (60, 80))
            put(tmp_path / folder / f"00{k}.png", levels)
    found = scan(tmp_path)
    assert [f.path.suffix for f in found.fields] == [".bmp"] * 2 * len(folders)
    np.testing.assert_array_equal(found.fields[0].mask("nucleus")[1:], levels[1:] == 255)
    said = [w for w in found.warnings if w.startswith("Taken for masks by their pixels")]
    assert said
    assert all("001.png, 002.png" in w for w in said)


@pytest.mark.parametrize(
    "others", [(60,), (24, 37, 50), (64, 192), (1, 2, 3, 4)], ids=lambda others: f"{others}"
)
def test_pictures_of_further_levels_are_not_guessed_into_masks(tmp_path, others):
    """One in twenty pixels has another level: it may be a drawing, and is reported as such."""
    levels = np.zeros((60, 80), np.uint8)
    levels[20:40, 20:40], levels[25:35, 25:35] = 128, 255
    for k, value in enumerate(others):
        levels[k :: len(others), -4:] = value
    for k in (1, 2):
        noise = np.random.default_rng(k).integers(60, 200, (60, 80, 3), np.uint8)
        put(tmp_path / f"00{k}.bmp", noise)
        put(tmp_path / f"00{k}.png", levels)
    found = scan(tmp_path)
    assert [f.path.name for f in found.fields] == ["001.bmp", "001.png", "002.bmp", "002.png"]
    assert not any(f.masks for f in found.fields)
    (finding,) = [f for f in audit(found).findings if f.kind == "mask-as-image"]
    assert set(finding.files) == {"001.png", "002.png"}


def test_nested_class_folders_and_results_beside_them(tmp_path):
    for name in ("train/cat/1.png", "train/dog/1.png", "test/cat/2.png", "test/bird/1.png"):
        put(tmp_path / name, 1 + hash_byte(name))
    put(tmp_path / "results" / "loss.png", 255)
    put(tmp_path / "model.marrow" / "figures" / "roc.png", 255)
    found = scan(tmp_path)
    assert found.counts() == {"bird": 1, "cat": 2, "dog": 1}
    assert found.warnings == (
        "Folders of results, left out: results.",
        "Passed over: 2 images taken neither for a photograph nor for a mask: "
        "model.marrow/figures/roc.png, results/loss.png.",
    )


def test_beside_all_and_mm_nothing_else_is_a_class(make_snam, tmp_path):
    root = make_snam(tmp_path / "s")
    put(root / "screenshots" / "1.png", 7)
    found = scan(root)
    assert found.counts() == {"ALL": 3, "MM": 3}
    assert found.warnings == (
        "Folders of other things, left out: screenshots.",
        "Passed over: 1 image taken neither for a photograph nor for a mask: screenshots/1.png.",
    )


def hash_byte(text):
    import hashlib

    return hashlib.sha256(text.encode()).digest()[0] % 200


@pytest.mark.real
def test_real_folders(real_data):
    found = scan(real_data / "snam-thumbnails")
    assert found.counts() == {"ALL": 6, "MM": 1}
    assert sum("nucleus" in f.masks for f in found.fields) == 5
    found = scan(real_data / "segpc")
    assert found.counts() == {"MM": 14}
    assert all(set(f.masks) == {"cell"} for f in found.fields)
    # "JPEG noise, threshold at 128"
    path = found.fields[0].masks["cell"]
    expected = np.asarray(Image.open(path)) > 127
    np.testing.assert_array_equal(found.fields[0].mask("cell"), expected)
    found = scan(real_data / "cnmc")
    assert found.counts() == {"all": 10, "hem": 10}
    patients = {p.name.split("_")[1] for p in (real_data / "cnmc").rglob("*.bmp")}
    assert {f.source for f in found.fields} == {f"UID_{p}" for p in patients}


@pytest.mark.real
def test_real_single_cells(real_data):
    found = scan(real_data / "all-idb2")
    files = list((real_data / "all-idb2").rglob("*.tif"))
    blasts = sum(p.stem.endswith("_1") for p in files)
    assert found.counts() == {"blast": blasts, "normal": len(files) - blasts}
    assert all(f.mask_kinds == {"nucleus", "cytoplasm"} for f in found.fields)
    mask = np.asarray(Image.open(found.fields[0].masks["nucleus"]))
    expected = (mask == (0, 255, 255)).all(axis=-1)
    np.testing.assert_array_equal(found.fields[0].mask("nucleus"), expected)
    found = scan(real_data / "wbc-dataset1")
    assert len(found.fields) == 100
    with open(real_data / "wbc-dataset1" / "labels.csv", newline="") as file:
        numbers = [row["class label"] for row in csv.DictReader(file)]
    words = {"neutrophil": "1", "lymphocyte": "2", "monocyte": "3", "eosinophil": "4"}
    assert found.counts() == {w: numbers.count(n) for w, n in words.items()}
    mask = np.asarray(Image.open(found.fields[0].path.with_suffix(".png")))
    np.testing.assert_array_equal(found.fields[0].mask("cytoplasm"), mask == 128)
