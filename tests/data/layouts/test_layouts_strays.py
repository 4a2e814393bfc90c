"""Nothing in a folder vanishes: what is no field is counted, and odd names are no classes."""

import csv
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import with_groups
from napari_marrow.data.layouts import scan, write_table


@pytest.fixture
def put(tmp_path):
    """Write pictures, each of another colour, below the test's folder."""
    made = []

    def write(*names, size=(12, 16)):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            made.append(path)
            Image.fromarray(np.full((*size, 3), len(made), np.uint8)).save(path)

    return write


def classes(folder):
    found = scan(folder)
    return {found.label(f): f.class_name for f in found.fields}


def counted(found):
    return [w for w in found.warnings if w.startswith("Passed over")]


def test_folders_below_a_class_folder_belong_to_it(put, tmp_path):
    put("ALL/1.png", "ALL/day 2/2.png", "ALL/day 2/late/3.png", "MM/4.png")
    assert classes(tmp_path) == {
        "ALL/1.png": "ALL",
        "ALL/day 2/2.png": "ALL",
        "ALL/day 2/late/3.png": "ALL",
        "MM/4.png": "MM",
    }
    told = "Folders taken for part of the class above them: ALL/day 2, ALL/day 2/late."
    assert told in scan(tmp_path).warnings


def test_a_known_class_is_found_above_folders_of_patients(put, tmp_path):
    put("all/patient 1/1.png", "all/patient 2/2.png", "hem/patient 3/images/3.png")
    assert list(classes(tmp_path).values()) == ["all", "all", "hem"]


def test_patients_and_slides_are_no_classes(put, tmp_path):
    put("AML/patient 1/1.png", "AML/Slide_B/2.png", "CLL/patient 1/3.png", "CLL/P07/4.png")
    assert list(classes(tmp_path).values()) == ["AML", "AML", "CLL", "CLL"]
    assert scan(tmp_path).warnings[0].startswith("Folders taken for part of the class above them:")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["study/AML/patient 1", "study/CML/patient 1"], ["AML", "CML"]),
        (["patient 1/ALL", "patient 2/MM", "patient 3/AML"], ["ALL", "MM", "AML"]),
        (["train/AML", "external/AML", "external/CML"], ["AML", "AML", "CML"]),
        (["AML", "CML", "new/AML", "new/CML"], ["AML", "CML", "AML", "CML"]),
        (["lab A/M1", "lab A/M3", "2023/M1", "day one/M3"], ["M1", "M3", "M1", "M3"]),
        (["acute/AML", "acute/APL", "chronic/CML"], ["AML", "APL", "CML"]),
        (["slide 1", "slide 2"], [None, None]),
    ],
)
def test_the_innermost_name_that_can_be_one_is_the_class(put, tmp_path, names, expected):
    put(*(f"{name}/{k}.png" for k, name in enumerate(names)))
    found = classes(tmp_path)
    assert [found[f"{name}/{k}.png"] for k, name in enumerate(names)] == expected


def test_sets_of_several_layouts_lie_side_by_side(put, tmp_path):
    put(
        "segpc/x/1.png",
        "segpc/y/1_1.png",
        "PKG - SN-AM/ALL/ALL_1.png",
        "cells/1.bmp",
        "cells/1.png",
    )
    put("cnmc/fold_0/hem/UID_H1_1_1_hem.png")
    (tmp_path / "cells" / "table.csv").write_text("image ID,class label\n1,2\n")
    found = scan(tmp_path)
    told = {found.label(f): (f.class_name, f.mask_kinds) for f in found.fields}
    assert told == {
        "segpc/x/1.png": ("MM", {"nucleus", "cytoplasm"}),
        "cells/1.bmp": ("lymphocyte", {"nucleus"}),
        "PKG - SN-AM/ALL/ALL_1.png": ("ALL", set()),
        "cnmc/fold_0/hem/UID_H1_1_1_hem.png": ("hem", set()),
    }
    assert not counted(found)
    write_table(found, tmp_path / "fields.csv")
    assert {found.label(f): (f.class_name, f.mask_kinds) for f in scan(tmp_path).fields} == told


def test_why_nothing_was_found_is_said(put, tmp_path):
    put("bone report/AML/1.png")
    with pytest.raises(MarrowError, match=r"1 image .* a mask: bone report/AML/1\.png"):
        scan(tmp_path)


def test_classes_of_several_laboratories_are_classes(put, tmp_path):
    put("lab 1/AML/1.png", "lab 1/CLL/2.png", "lab 2/AML/3.png", "lab 2/CLL/4.png")
    assert scan(tmp_path).counts() == {"AML": 2, "CLL": 2}


def test_classes_below_one_folder_are_classes(put, tmp_path):
    put("all/benign/1.png", "all/malignant/2.png")
    assert scan(tmp_path).classes == ("benign", "malignant")


def test_a_third_class_stands_beside_all_and_mm(put, tmp_path):
    put("ALL/1.png", "MM/2.png", "CLL/3.png", "out of remission/4.png")
    assert scan(tmp_path).classes == ("ALL", "CLL", "MM", "out of remission")


def test_a_preview_beside_class_folders_does_not_join_them(put, tmp_path):
    put("data/preview.png", "data/ALL/1.png", "data/MM/2.png")
    put("lab/overview.png", "lab/ALL/3.png")
    assert classes(tmp_path) == {
        "data/preview.png": None,
        "data/ALL/1.png": "ALL",
        "data/MM/2.png": "MM",
        "lab/overview.png": None,
        "lab/ALL/3.png": "ALL",
    }


@pytest.mark.parametrize(
    "name", ["C-NMC_test_final_phase_data", "test", "Validation", "images", "fold_0", "train-data"]
)
def test_how_data_are_used_is_no_class(put, tmp_path, name):
    put(f"{name}/7.png", "AML/1.png", "CLL/2.png")
    assert classes(tmp_path)[f"{name}/7.png"] is None
    assert scan(tmp_path).classes == ("AML", "CLL")


def test_numbers_and_common_words_can_be_classes(put, tmp_path):
    put("0/1.png", "1/2.png", "data cells/3.png", "tested/4.png")
    assert scan(tmp_path).classes == ("0", "1", "data cells", "tested")


@pytest.mark.parametrize("name", ["results_2026", "Results 1", "my outputs", "predictions.old"])
def test_results_are_no_class_whatever_their_name(put, tmp_path, name):
    put("AML/1.png", "CLL/2.png", f"{name}/overlay.png", f"AML/{name}/1.png")
    found = scan(tmp_path)
    assert found.classes == ("AML", "CLL")
    assert len(found.fields) == 2
    assert counted(found) == [
        "Passed over: 2 images taken neither for a photograph nor for a mask: "
        f"AML/{name}/1.png, {name}/overlay.png."
    ]


def test_masks_in_a_folder_of_their_own_are_counted(put, tmp_path):
    put("AML/1.png", "CLL/2.png", "AML/masks/3.png")
    found = scan(tmp_path)
    assert len(found.fields) == 2
    assert "Folders of masks, left out: AML/masks." in found.warnings
    assert "AML/masks/3.png" in counted(found)[0]


@pytest.mark.parametrize("layout", ["segpc", "wbc", "table"])
def test_strays_are_counted_in_every_layout(put, tmp_path, layout):
    if layout == "segpc":
        put("train/x/1.png", "train/y/1_1.png")
        used = 1
    elif layout == "wbc":
        put("1.bmp", "1.png", "2.bmp", "2.png")
        (tmp_path / "table.csv").write_text("image ID,class label\n1,2\n2,2\n")
        used = 2
    else:
        put("1.png")
        (tmp_path / "classes.csv").write_text("image,class\n1.png,AML\n")
        used = 1
    (tmp_path / "Thumbs.db").write_text("x")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / ".DS_Store").write_text("x")
    found = scan(tmp_path)
    assert len(found.fields) == used
    assert counted(found) == [
        "Passed over: 2 files that are not images: Thumbs.db, notes/.DS_Store."
    ]


def test_the_part_of_segpc_without_masks_is_kept(put, tmp_path):
    put("train/x/1.png", "train/y/1_1.png", "test/x/2.png", "test/x/3.png")
    found = scan(tmp_path)
    assert {found.label(f): (f.class_name, len(f.cells)) for f in found.fields} == {
        "train/x/1.png": ("MM", 1),
        "test/x/2.png": ("MM", 0),
        "test/x/3.png": ("MM", 0),
    }


def test_a_broken_csv_near_white_blood_cells_does_not_stop_them(put, tmp_path):
    put("cells/1.bmp", "cells/1.png", "cells/2.bmp", "cells/2.png")
    (tmp_path / "a.csv").write_bytes(b"\xff\x00\xfa" * 40)
    (tmp_path / "cells" / "b.csv").write_bytes(b"\x93\x94;\x00\n" * 40)
    with open(tmp_path / "z.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image ID", "class label"), (1, 2), (2, 5)])
    found = scan(tmp_path / "cells")
    assert [f.class_name for f in found.fields] == ["lymphocyte", "basophil"]


def test_rows_of_groups_must_agree_and_be_exact(put, tmp_path):
    put("AML/1.png", "CLL/1.png")
    found = scan(tmp_path)
    table = tmp_path / "groups.csv"
    table.write_text("image,source\n1.png,p\n")
    with pytest.raises(MarrowError, match=r"1.png, which several fields .* path, AML/1.png"):
        with_groups(found, table)
    table.write_text("image;source\nAML/1.png;p\nAML/1.png;q\nCLL/1.png;q\n")
    with pytest.raises(MarrowError, match=r"p and q for AML/1.png; keep one row"):
        with_groups(found, table)
    table.write_text("image;source\nAML\\1.png;p\nCLL/1.png;q\n")
    assert [f.source for f in with_groups(found, table).fields] == ["p", "q"]


@pytest.mark.parametrize("name", ["cells", "."])
def test_a_path_that_is_relative_says_the_same(put, tmp_path, monkeypatch, name):
    """Masks and tables lie beside the folder: its name must be known."""
    put("cells/Im001_1.png", "cells/Im002_0.png", "cells-masks/Im001_1.png")
    monkeypatch.chdir(tmp_path if name == "cells" else tmp_path / "cells")
    found = scan(name)
    assert [(f.class_name, f.mask_kinds) for f in found.fields] == [
        ("blast", {"nucleus"}),
        ("normal", set()),
    ]
    monkeypatch.chdir(tmp_path / "cells")
    assert scan("Im001_1.png").fields[0].mask_kinds == {"nucleus"}


def test_all_idb_masks_are_found_from_above(put, tmp_path):
    put("idb/all/Im001_1.png", "idb/all-masks/Im001_1.png")
    found = scan(tmp_path)
    assert [f.mask_kinds for f in found.fields] == [{"nucleus"}]
    assert not counted(found)


def test_several_sets_of_white_blood_cells_below_one_folder(put, tmp_path):
    for part in ("Dataset 1", "Dataset 2"):
        put(*(f"{part}/{k}.{kind}" for k in (1, 2) for kind in ("bmp", "png")))
        table = tmp_path / f"Class Labels of {part}.csv"
        table.write_text(f"image ID,class label\n1,2\n2,{part[-1]}\n")
    found = scan(tmp_path)
    assert {f.source: f.class_name for f in found.fields} == {
        "Dataset 1/1": "lymphocyte",
        "Dataset 1/2": "neutrophil",
        "Dataset 2/1": "lymphocyte",
        "Dataset 2/2": "lymphocyte",
    }
    assert not counted(found)


def test_white_blood_cells_in_class_folders_keep_their_masks(tmp_path):
    levels = np.zeros((40, 50), np.uint8)
    levels[10:30, 10:30] = 128
    levels[15:25, 15:25] = 255
    grey = np.tile(np.uint8([0, 120, 255]), (40, 17))[:, :50]  # no level of a mask among them
    for stem, beside in (
        ("train/neutrophil/001", levels),
        ("train/neutrophil/002", np.where(levels == 255, 255, 0).astype(np.uint8)),
        ("train/basophil/003", np.repeat(levels[..., None], 3, 2)),
        ("train/basophil/004", grey),
        ("train/masks/005", levels),
    ):
        path = tmp_path / stem
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(int(path.name))
        Image.fromarray(rng.integers(0, 255, (40, 50, 3), np.uint8)).save(f"{path}.bmp")
        Image.fromarray(beside).save(f"{path}.png")
    (tmp_path / "train/basophil/006.png").write_bytes(b"damaged")
    shutil.copy(tmp_path / "train/basophil/003.bmp", tmp_path / "train/basophil/006.bmp")
    found = scan(tmp_path)
    told = {(f.path.name, f.class_name): f for f in found.fields}
    assert set(told) == {
        *((f"00{k}.bmp", "neutrophil") for k in (1, 2)),
        *((f"00{k}.bmp", "basophil") for k in (3, 4, 6)),
        ("004.png", "basophil"),
        ("006.png", "basophil"),
    }
    for name, class_name in (("001", "neutrophil"), ("003", "basophil")):
        for field in (
            told[f"{name}.bmp", class_name],
            *scan(told[f"{name}.bmp", class_name].path).fields,
        ):
            np.testing.assert_array_equal(field.mask("nucleus"), levels == 255)
            np.testing.assert_array_equal(field.mask("cytoplasm"), levels == 128)
    assert not told["004.bmp", "basophil"].masks
    write_table(found, tmp_path / "fields.csv")
    assert scan(tmp_path / "fields.csv").fields == found.fields


def test_photographs_saved_twice_are_no_masks(put, tmp_path):
    put("AML/1.bmp", "AML/1.png", "CLL/2.bmp", "CLL/2.png")
    assert len(scan(tmp_path).fields) == 4
    put("flat/ALL_1.bmp", "flat/ALL_1.png", "flat/2_MM.bmp", "flat/2_MM.png")
    found = scan(tmp_path / "flat")
    assert sorted(str(f.class_name) for f in found.fields) == ["ALL", "ALL", "MM", "MM"]
    assert not any(f.masks for f in found.fields)
    assert not scan(tmp_path / "flat" / "ALL_1.bmp").fields[0].masks


@pytest.mark.parametrize(
    "below", ["001", "x100", "40x", "cropped", "BM-100", "0001-1000", "JPEGImages"]
)
def test_numbers_codes_and_enlargements_below_a_class_belong_to_it(put, tmp_path, below):
    put(f"MGUS/{below}/a.bmp", f"SMM/{below}/b.bmp")
    found = scan(tmp_path)
    assert {f.name: f.class_name for f in found.fields} == {"a": "MGUS", "b": "SMM"}


def test_folders_above_that_could_be_the_classes_are_named(put, tmp_path):
    put("gamma/meyer/a.bmp", "delta/smith/b.bmp", "delta/jones/c.bmp")
    (told,) = [w for w in scan(tmp_path).warnings if "could be classes" in w]
    assert "delta, gamma" in told
    assert not any("could be" in w for w in scan(tmp_path / "delta").warnings)
    put("one/leukaemia/meyer/a.bmp", "one/leukaemia/smith/b.bmp")
    (told,) = [w for w in scan(tmp_path / "one").warnings if "could be classes" in w]
    assert "leukaemia" in told


def test_a_class_in_the_name_of_a_part_counts(put, tmp_path):
    put("ALL_train/a.bmp", "MM_train/b.bmp", "test MM/c.bmp", "ALL MM test/d.bmp")
    found = scan(tmp_path)
    told = {f.name: f.class_name for f in found.fields}
    assert told == {"a": "ALL", "b": "MM", "c": "MM", "d": None}
    assert not any("part of the class" in w for w in found.warnings)


def test_segpc_photographs_scanned_alone_keep_their_masks(put, tmp_path):
    put("train/x/1.png", "train/y/1_1.png")
    assert [(f.class_name, len(f.cells)) for f in scan(tmp_path / "train" / "x").fields] == [
        ("MM", 1)
    ]


def test_segpc_is_known_however_often_it_was_packed(put, tmp_path):
    inside = "/".join(["TCIA_SegPC_dataset"] * 3 + ["train"] * 3)
    put(f"{inside}/x/1.png", f"{inside}/y/1_1.png", f"{inside}/y/1_2.png")
    found = scan(tmp_path)
    assert [(f.class_name, len(f.cells)) for f in found.fields] == [("MM", 2)]


def test_a_link_to_a_folder_above_is_not_followed(put, tmp_path):
    put("AML/1.png", "CLL/2.png")
    (tmp_path / "AML" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "linked").symlink_to(tmp_path / "CLL", target_is_directory=True)
    assert len(scan(tmp_path).fields) == 3  # a link to a folder beside is one as any other


def test_a_closed_folder_does_not_stop_the_scan(put, tmp_path, monkeypatch):
    put("AML/1.png", "CLL/2.png")
    (tmp_path / "lost").mkdir()
    listdir, scandir = os.listdir, os.scandir

    def closed(then):
        def look(path):
            if str(path).endswith("lost"):
                raise PermissionError(13, "Permission denied", str(path))
            return then(path)

        return look

    monkeypatch.setattr(os, "listdir", closed(listdir))
    monkeypatch.setattr(os, "scandir", closed(scandir))
    found = scan(tmp_path)
    assert len(found.fields) == 2
    assert "Folders that can't be read, left out: lost; ask their owner." in found.warnings


def test_turned_copies_keep_their_patient(put, tmp_path):
    put("all/UID_6_1_1_all.png", "all/UID_6_1_1_all_rot90.png", "hem/UID_H6_1_2_hem_flip.png")
    found = scan(tmp_path)
    assert [f.source for f in found.fields] == ["UID_6", "UID_6", "UID_H6"]


@pytest.mark.parametrize("pair", ["patients controls", "Cases Controls", "Donors Subjects"])
def test_groups_of_people_are_classes(put, tmp_path, pair):
    first, second = pair.split()
    put(f"{first}/1.png", f"{second}/2.png", f"{second}/patient 3/3.png")
    assert classes(tmp_path) == {
        f"{first}/1.png": first,
        f"{second}/2.png": second,
        f"{second}/patient 3/3.png": second,
    }


def test_groups_in_class_folders_are_part_of_them(put, tmp_path):
    put("AML/samples/1.png", "CML/patients/2.png", "CML/patients/P01/3.png")
    assert set(classes(tmp_path).items()) == {
        ("AML/samples/1.png", "AML"),
        ("CML/patients/2.png", "CML"),
        ("CML/patients/P01/3.png", "CML"),
    }


def test_folders_far_below_are_read(put, tmp_path):
    put("a/b/c/d/e/f/blast/1.png", "a/b/c/d/e/f/g/normal/2.png", "a/b/c/d/e/f/g/h/late/3.png")
    found = scan(tmp_path)
    assert [f.class_name for f in found.fields] == ["blast", "normal"]
    assert counted(found) == [
        "Passed over: 1 image taken neither for a photograph nor for a mask: "
        "a/b/c/d/e/f/g/h/late/3.png."
    ]


def test_spelling_in_capitals_parts_no_mask_from_its_photograph(put, tmp_path):
    put("MM/MM_1.BMP", "MM/mm_1_nucleus_mask.bmp", "MM/Mm_1_Cyto_Mask.png")
    found = scan(tmp_path)
    assert [f.name for f in found.fields] == ["MM_1"]
    masks = {kind: path.name for kind, path in found.fields[0].masks.items()}
    assert masks == {"nucleus": "mm_1_nucleus_mask.bmp", "cytoplasm": "Mm_1_Cyto_Mask.png"}
    assert not found.warnings
    (alone,) = scan(tmp_path / "MM" / "MM_1.BMP").fields
    assert alone.masks == found.fields[0].masks


def test_where_two_photographs_may_be_meant_the_mask_is_left_out(put, tmp_path):
    put("ALL/a_1.bmp", "ALL/A_1.png", "ALL/A_1_nucleus_mask.png", "ALL/a_2.bmp", "ALL/A_2.png")
    put("ALL/b_2.bmp", "ALL/B_2_nucleus_mask.bmp", "ALL/b_2_nucleus_mask.bmp")
    masks = {f.path.name: {p.name for p in f.masks.values()} for f in scan(tmp_path).fields}
    assert masks["A_1.png"] == {"A_1_nucleus_mask.png"}
    assert masks["a_1.bmp"] == set()
    assert masks["b_2.bmp"] == {"b_2_nucleus_mask.bmp"}  # its own, before one spelt otherwise
