"""What a person arranged counts: folders, tables and patients, in any spelling."""

import os
import unicodedata
from collections import Counter

import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import with_groups
from napari_marrow.data.layouts import scan

COMPOSED = "\u00c9osinophile"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.fixture
def put(tmp_path):
    """Write photographs that differ, by their names below a folder."""

    def put(*names):
        for k, name in enumerate(names):
            path = tmp_path / "d" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 12), (k % 256, k // 256, len(name) % 256)).save(path)
        return tmp_path / "d"

    return put


@pytest.mark.parametrize(
    "name", ["Im00{k}_1.png", "UID_{k}_1_1_all.png", "25_ALL_{k}.png", "MM_{k}.png"]
)
@pytest.mark.parametrize("classes", [("ALL", "MM"), ("blood", "marrow"), ("normal", "blast")])
def test_class_folders_count_before_the_names_of_files(put, name, classes):
    found = scan(put(*(f"{c}/{name.format(k=k)}" for c in classes for k in range(1, 4))))
    assert {f.path.parent.name: f.class_name for f in found.fields} == {c: c for c in classes}


@pytest.mark.parametrize("folders", [("img", "healthy"), ("raw", "leukemia"), (".", "normal")])
@pytest.mark.parametrize("name", ["Im00{k}_1.jpg", "Im00{k}_0.jpg"])
def test_a_class_folder_beside_another_counts_before_the_one_class_of_all_idb_names(
    put, folders, name
):
    found = scan(put(*(f"{f}/{name.format(k=k)}" for f in folders for k in (1, 2, 3))))
    assert found.counts() == {folders[1]: 3}
    assert any("without a class" in warning for warning in found.warnings)


@pytest.mark.parametrize("folders", [("ALL_IDB2/img",), ("img", "ALL_IDB1/im"), (".",)])
def test_all_idb_names_of_both_classes_count_where_no_folder_tells_one(put, folders):
    folder = put(*(f"{f}/Im00{k}_{k % 2}.jpg" for f in folders for k in range(4)))
    found = scan(folder)
    assert found.counts() == {"blast": 2 * len(folders), "normal": 2 * len(folders)}
    assert any("file names" in warning and "ALL-IDB2" in warning for warning in found.warnings)
    Image.new("RGB", (16, 12)).save(folder / folders[0] / "field.png")
    assert scan(folder).counts() == {}


ONE_CLASS = [("AML", "test"), ("Lymphom", "images"), ("Kohorte 1", "unsorted"),
             ("Lymphom", "lymphom"), ("Stra\u00dfe", "STRASSE")]  # fmt: skip
NAMES = ["Im00{k}_{b}", "im{k}_{b}", "IM00{k}_{b}", "{k}_{m}_7", "UID_{k}_1_1_{h}"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folders", ONE_CLASS)
def test_a_single_class_folder_counts_before_the_names_of_files(put, folders, name):
    stems = [
        name.format(k=k, b=k % 2, m=("ALL", "MM")[k % 2], h=("all", "hem")[k % 2]) for k in range(6)
    ]
    found = scan(put(*(f"{folder}/{stem}.png" for folder in folders for stem in stems)))
    alike = folders[0].casefold() == folders[1].casefold()
    assert len(found.classes) == 1
    assert found.counts() == {found.classes[0]: 12 if alike else 6}
    assert {f.class_name for f in found.fields if f.path.parent.name == folders[0]} == {
        found.classes[0]
    }


@pytest.mark.parametrize("name", ["{c}/x/{k}.bmp", "train/{c}/x/{k}.bmp", "{c}/train/x/{k}.bmp"])
@pytest.mark.parametrize("classes", ["AML normal", "blast healthy"])
def test_class_folders_count_where_masks_lie_beside_as_in_segpc(put, name, classes):
    names = [name.format(c=c, k=k) for c in classes.split() for k in (1, 2)]
    found = scan(put(*names, *(n.replace("/x/", "/y/").replace(".", "_1.") for n in names)))
    assert found.counts() == dict.fromkeys(classes.split(), 2)
    assert all(f.cells for f in found.fields)


@pytest.mark.parametrize("folder", ["AML", "normal"])
def test_a_photograph_by_itself_has_the_class_of_its_folder(put, folder):
    folder = put(f"{folder}/Im001_1.png") / folder
    assert [f.class_name for f in scan(folder / "Im001_1.png").fields] == [folder.name]


@pytest.mark.parametrize("name", ["im{k}_{b}", "Im{k}_{b}", "IM00{k}_{b}", "Im00{k}_{b}x"])
def test_names_that_only_look_like_those_of_all_idb_tell_no_class(put, name):
    found = scan(put(*(f"{name.format(k=k, b=k % 2)}.png" for k in range(4))))
    assert found.counts() == {}


@pytest.mark.parametrize("header", ["image,class", "filename,label", "Image ID;Diagnosis"])
@pytest.mark.parametrize("name", ["Im00{}_1", "{}_ALL_5", "UID_{}_1_1_hem", "MM_{}"])
def test_a_table_counts_before_the_names_of_files(put, name, header):
    names = [f"{name.format(k)}.png" for k in (1, 2)]
    folder = put(*names)
    separator = ";" if ";" in header else ","
    rows = [f"{n}{separator}{c}" for n, c in zip(names, ("MM", "ALL"), strict=True)]
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    assert {f.path.name: f.class_name for f in scan(folder).fields} == dict(
        zip(names, ("MM", "ALL"), strict=True)
    )


PATIENTS = ["patient {p}/{c}/{k}.png", "{c}/case_{p}/{k}.png", "P0{p}/{c}/{k}.png",
            "{c}/14-2254{p}AB/{k}.png", "train/{c}/Slide {p}/{k}.png"]  # fmt: skip


@pytest.mark.parametrize("name", PATIENTS)
def test_folders_of_patients_are_the_sources(put, name):
    names = [name.format(p=p, c=c, k=k) for p in (1, 2, 3) for c in ("ALL", "MM") for k in "ab"]
    found = scan(put(*names))
    assert found.counts() == {"ALL": 6, "MM": 6}
    assert set(Counter(f.source for f in found.fields).values()) <= {2, 4}
    assert any("--groups" in warning and "sources" in warning for warning in found.warnings)


NAMED = ["{n}/{c}/{k}.png", "{c}/{n}/{k}.png", "{n} 0/2023-01-0{k}/{c}/x.png",
         "patients/{n}/{c}/images/{k}.png", "{c}/2021-10{p}/{k}.png", "train/{n}/{c}/{k}.png",
         "{n}/{c}/fold1/{k}.png"]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_folders_of_any_names_that_divide_the_pictures_are_the_sources(put, name):
    people = {"Adams": "ALL", "Berg": "MM", "Chen": "ALL", "Gray": "MM"}
    names = [
        name.format(n=n, c=c, p=p, k=k) for p, (n, c) in enumerate(people.items()) for k in (1, 2)
    ]
    found = scan(put(*names))
    assert found.counts() == {"ALL": 4, "MM": 4}
    assert sorted(Counter(f.source for f in found.fields).values()) == [2] * 4
    assert sum("--groups" in warning for warning in found.warnings) == 1


SPELT = ["Patient{p}_{k}", "patient_0{p}-cell{k}", "slide{p}_x{k}_y0", "subject-{p}_{k}",
         "ALL_case {p} ({k})", "donor0{p}_slide{k}", "subj0{p}_{k}", "Fall{p}_{k}",
         "Proband {p} Bild {k}", "P00{p}_{k}", "pt{p}-{k}", "S0{p}_img{k}",
         "MRN0{p}_{k}"]  # fmt: skip


@pytest.mark.parametrize("name", SPELT)
@pytest.mark.parametrize("folders", ["{c}", "train/{c}"])
def test_patients_and_slides_spelt_in_the_names_of_files_are_the_sources(put, folders, name):
    people = {p: ("blast", "normal")[p % 2] for p in range(1, 7)}
    names = [(p, f"{folders}/{name}.png".format(c=c, p=p, k=k)) for p, c in people.items()
             for k in range(3)]  # fmt: skip
    found = scan(put(*(n for _, n in names)))
    assert sorted(Counter(f.source for f in found.fields).values()) == [3] * 6
    assert sum("--groups" in warning for warning in found.warnings) == 1


@pytest.mark.parametrize("name", ["P0{p}_cell{k}", "pt{p}-{k}", "p_{p}_{k}", "slide_{c}_{p}{k}"])
def test_what_may_be_patients_in_the_names_of_files_is_only_said(put, name):
    names = [f"{c}/{name.format(p=p, k=k, c='ab'.index(c))}.png"
             for c in "ab" for p in (1, 2, 3) for k in (1, 2)]  # fmt: skip
    found = scan(put(*names))
    assert len({f.source for f in found.fields}) == len(names)
    assert sum("--groups" in warning for warning in found.warnings) == 1


@pytest.mark.parametrize("name", ["patient{p}", "case_{p}", "P0{p}", "showcase{p}_1", "PC{p}_1"])
def test_patients_of_one_picture_each_need_no_word(put, name):
    found = scan(put(*(f"{'AB'[p % 2]}/{name.format(p=p)}.png" for p in range(1, 7))))
    assert len({f.source for f in found.fields}) == 6
    assert not any("--groups" in warning for warning in found.warnings)


DATED = ["2021-03-0{p} Meier", "2021-03-0{p}", "Meier 202{p}", "2021030{p}_Kim", "0{p}.03.2021",
         "2021_3_{p} (Abe)", "Rossi 0{p}.11.2020"]  # fmt: skip


@pytest.mark.parametrize("patient", DATED)
@pytest.mark.parametrize("name", ["{c}/{n}/{k}.png", "train/{c}/{n}/{k}.png"])
def test_folders_of_patients_named_by_date_are_the_sources(put, name, patient):
    people = {patient.format(p=p): ("blast", "normal")[p % 2] for p in range(1, 7)}
    found = scan(put(*(name.format(c=c, n=n, k=k) for n, c in people.items() for k in range(3))))
    assert found.counts() == {"blast": 9, "normal": 9}
    assert {f.source for f in found.fields} == set(people)
    assert sum("--groups" in warning for warning in found.warnings) == 1


@pytest.mark.parametrize("folder", ["2021-03-0{p}", "2021-03-0{p} run {p}", "202{p}", "2021-0{p}"])
@pytest.mark.parametrize("name", ["{c}/{n}/{k}.png", "{n}/{c}/{k}.png"])
def test_days_on_which_all_classes_were_taken_are_no_patients(put, name, folder):
    days = [folder.format(p=p) for p in range(1, 7)]
    names = [name.format(c=c, n=n, k=k) for n in days for c in ("blast", "normal") for k in "ab"]
    found = scan(put(*names))
    assert len({f.source for f in found.fields}) == len(names)


def test_patients_with_pictures_of_several_classes_are_not_taken_for_views(put):
    people = ("Adams", "Berg", "Chen", "Gray")
    found = scan(put(*(f"{n}/{c}/{k}.png" for n in people for c in ("A", "B") for k in (1, 2))))
    assert {f.source for f in found.fields} == set(people)


CLASSES_ABOVE = ["{c}/{n}/{k}.png", "set/{c}/{n}/{k}.png", "train/{c}/{n}/{k}.png",
                 "{c}/test/{n}/{k}.png", "{c}/{n}/val/{k}.png"]  # fmt: skip


@pytest.mark.parametrize("name", [*CLASSES_ABOVE, "{n}/{c}/{k}.png", "set/{n}/{c}/{k}.png"])
@pytest.mark.parametrize("classes", ["blast normal", "Leukemia Healthy", "plasma-cell lymphocytes"])
@pytest.mark.parametrize("both", [False, True], ids=["one class each", "both classes"])
def test_words_for_cells_and_diagnoses_are_classes_beside_names_of_people(put, name, classes, both):
    people = ("Adams", "Berg", "Chen", "Gray")
    first, second = classes.split()
    pairs = [(n, c) for n in people for c in (first, second)]
    pairs = pairs if both else [x for x in pairs if (x[0] in people[:2]) == (x[1] == first)]
    found = scan(put(*(name.format(n=n, c=c, k=k) for n, c in pairs for k in (1, 2, 3))))
    assert set(found.counts()) == {first, second}
    assert {f.source for f in found.fields} == set(people)
    told = " ".join(found.warnings)
    assert "--groups" in told
    assert "class" in told


def test_names_that_tell_no_classes_apart_by_their_words_are_reported(put):
    found = scan(put(*(f"Leukemia/{c}/{k}.png" for c in ("one", "other") for k in (1, 2))))
    assert set(found.counts()) == {"one", "other"}
    assert any("Leukemia" in warning for warning in found.warnings)


VIEWS = ["{c}/Original/{k}.png {c}/Segmented/{k}.png", "{c}/train/{k}.png {c}/test/{k}.png",
         "{c}/raw/{k}.png {c}/aug/{k}.png", "set1/{c}/{k}.png set2/{c}/{k}.png",
         "{c}/{c}/{k}.png {c}/{c}/2{k}.png"]  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_folders_of_views_and_parts_are_no_patients(put, name):
    names = [n.format(c=c, k=k) for n in name.split() for c in ("ALL", "MM") for k in (1, 2, 3)]
    assert not any("patients" in warning for warning in scan(put(*names)).warnings)


OTHERS = ["fold_{p}/{c}/{k}.png", "40X_{p}/{c}/{k}.png", "{c}/200{p}-01-01/{k}.png"]


@pytest.mark.parametrize("name", OTHERS)
def test_folds_magnifications_and_dates_are_no_patients(put, name):
    names = [
        name.format(p=p, c=c, k=f"{p}{c}{k}") for p in (1, 2) for c in ("ALL", "MM") for k in "ab"
    ]
    found = scan(put(*names))
    assert len({f.source for f in found.fields}) == 8


@pytest.mark.parametrize("test", ["test/", "holdout/", ""])
@pytest.mark.parametrize("whole", ["Set", "MyLeukaemiaSet", "Marrow 2021", "blood cells"])
@pytest.mark.parametrize("classes", [("ALL", "MM"), ("blast", "normal"), ("Plasma cells", "AML")])
def test_photographs_beside_the_class_folders_have_no_class(put, test, whole, classes):
    names = [f"{whole}/train/{c}/{k}.png" for c in classes for k in range(3)]
    found = scan(put(*names, f"{whole}/{test}8.png", f"{whole}/{test}9.png"))
    assert found.counts() == dict.fromkeys(classes, 3)
    assert [f.class_name for f in found.fields if f.path.stem in "89"] == [None, None]


def test_names_below_a_folder_with_photographs_that_may_be_patients_are_only_said(put):
    found = scan(put("AML/1.png", *(f"AML/{n}/{k}.png" for n in ("Adams", "Berg") for k in "ab")))
    assert found.counts() == {"AML": 5}
    assert any("AML/Adams, AML/Berg" in warning for warning in found.warnings)


@pytest.mark.parametrize("classes", [("ALL", "MM"), ("blast", "normal")])
@pytest.mark.parametrize("folder", ["unsorted", "to_classify", "To sort", "predict", "unlabeled",
                                    "New folder (2)", "new", "not yet labelled",
                                    "todo", "untitled folder"])  # fmt: skip
def test_folders_of_what_nobody_sorted_are_no_classes(put, folder, classes):
    found = scan(put(*(f"{c}/{k}.png" for c in (*classes, folder) for k in range(3))))
    assert found.counts() == dict.fromkeys(classes, 3)
    assert any("without a class" in warning and folder in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "other",
    [
        DECOMPOSED, COMPOSED.lower(), f"{COMPOSED} ", f"{COMPOSED}\u200b", f"\ufeff{COMPOSED}",
        COMPOSED.replace("o", "\u00ado"), COMPOSED.replace("p", "\uff50"), f"{COMPOSED}\u00a0",
    ],
)  # fmt: skip
def test_spellings_of_one_class_are_joined_and_reported(put, other):
    found = scan(put(f"{COMPOSED}/1.png", f"{COMPOSED}/2.png", f"{other}/3.png", "B/4.png"))
    assert found.counts() == {"B": 1, COMPOSED: 3}
    assert any(COMPOSED in warning and "joined" in warning for warning in found.warnings)


def test_a_table_finds_files_in_another_unicode_form_and_so_do_groups(put, tmp_path):
    folder = put(f"A/{DECOMPOSED}.png", f"B/{DECOMPOSED} 2.png")
    table = tmp_path / "g.csv"
    table.write_text(f"file;patient\n{COMPOSED}.png;p\n{COMPOSED} 2;q\n", encoding="latin-1")
    assert [f.source for f in with_groups(scan(folder), table).fields] == ["p", "q"]


@pytest.mark.parametrize("row", ["{}", "A/{}", "A\\00{}.png", "a/00{}.PNG", "d/A/00{}.png", "{}.0"])
def test_groups_are_found_in_the_spellings_of_tables_of_classes(put, tmp_path, row):
    folder = put("A/001.png", "A/002.png")
    table = tmp_path / "g.csv"
    table.write_text("\n".join(["Image ID,patient", *(f"{row.format(k)},p{k}" for k in (1, 2))]))
    assert [f.source for f in with_groups(scan(folder), table).fields] == ["p1", "p2"]


def test_photographs_of_one_name_are_named_by_their_folders(put):
    found = scan(put("a/001.png", "b/001.png", "b/002.png"))
    assert [f.name for f in found.fields] == ["a/001.png", "b/001.png", "002"]


def test_a_name_in_latin_1_is_shown_escaped(put):
    folder = put("A/x.png", "B/y.png")
    (folder / "A/x.png").rename(os.fsdecode(os.fsencode(folder) + b"/A/caf\xe9.png"))
    field, _ = scan(folder).fields
    assert field.name == r"caf\xe9"
    assert field.image().shape == (12, 16, 3)


def test_a_name_that_several_files_have_is_unclear(put, tmp_path):
    folder = put("A/1.png", "B/1.png")
    table = tmp_path / "g.csv"
    table.write_text("image,source\n1.png,p\n")
    with pytest.raises(MarrowError, match=r"g\.csv.*several"):
        with_groups(scan(folder), table)


def test_a_link_to_nothing_is_a_photograph_that_cannot_be_read(put):
    folder = put("ALL/1.png", "MM/2.png")
    (folder / "MM/3.png").symlink_to(folder / "moved/3.png")
    found = scan(folder)
    assert [f.path.name for f in found.fields] == ["1.png", "2.png", "3.png"]
    (warning,) = [w for w in found.warnings if "3.png" in w]
    assert "link" in warning


def test_of_spellings_of_one_class_one_without_invisible_characters_stays(put):
    found = scan(
        put("MM\u200b/1.png", "MM\u200b/2.png", "\uff2d\uff2d/3.png", "MM/4.png", "B/5.png")
    )
    assert found.counts() == {"B": 1, "MM": 4}
    assert any("invisible" in w and "\uff2d\uff2d" in w for w in found.warnings)


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\u2028"])
def test_a_line_break_in_a_name_breaks_no_sentence(put, sign):
    folder = put("A/1.png", "B/2.png", f"B/a{sign}b.png")
    (folder / f"B/a{sign}b.png").write_bytes(b"")
    (folder / f"B/a{sign}b.doc").write_bytes(b"")
    told = [w for w in scan(folder).warnings if "a\ufffdb" in w]
    assert len(told) == 2
    assert not any(sign in w for w in told)
    with pytest.raises(MarrowError, match="a\ufffdb"):
        scan(folder / f"B/c{sign}d" / f"a{sign}b.png")


@pytest.mark.parametrize(
    "part",
    [
        "testset", "hold_out", "Extern", "query", "neu", "misc", "zweite Klinik", "test/Adams",
        "test/BM-100", "Testset/images", "val/hospital",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "classes", ["train/{ALL,MM}", "S/trainset/{gesund,krank}", "Training_Data/{blast,normal}"]
)
def test_a_folder_beside_the_part_to_learn_from_gives_no_class_of_its_own(put, part, classes):
    above, _, names = classes.rstrip("}").rpartition("/{")
    names = names.split(",")
    top = above.rpartition("/")[0] or "."
    folder = put(*(f"{above}/{c}/{k}.png" for c in names for k in range(3)),
                 *(f"{top}/{part}/{k}.png" for k in range(3)))  # fmt: skip
    found = scan(folder)
    assert found.counts() == dict.fromkeys(names, 3)
    assert sum(f.class_name is None for f in found.fields) == 3
    assert any("class" in w and part.partition("/")[0] in w for w in found.warnings) or any(
        "without a class" in w for w in found.warnings
    )


@pytest.mark.parametrize("part", ["test", "extern", "Testdaten", "hold-out"])
def test_a_part_with_the_same_classes_keeps_them_and_so_do_words_for_cells(put, part):
    folder = put(*(f"train/{c}/{k}.png" for c in ("gesund", "acute leukemia") for k in range(3)),
                 f"{part}/Gesund/7.png", f"{part}/acute_leukemia/8.png", "blast/9.png")  # fmt: skip
    found = scan(folder)
    assert sum(f.class_name is None for f in found.fields) == 0
    assert "blast" in found.classes
    assert {f.class_name.casefold().replace("_", " ") for f in found.fields} == {
        "gesund", "acute leukemia", "blast"
    }  # fmt: skip


@pytest.mark.parametrize(
    "part", ["testset", "Valset", "trainset", "hold-out", "no_label", "Unknown", "Testdaten"]
)
def test_parts_of_other_spellings_beside_class_folders_are_no_class(put, part):
    found = scan(put(*(f"{c}/{k}.png" for c in ("gesund", "krank", part) for k in range(3))))
    assert found.counts() == {"gesund": 3, "krank": 3}
