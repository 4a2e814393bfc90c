"""Patients in the names of folders and files, beside classes and in one name with them."""

import pytest

from napari_marrow.data.layouts import scan


def photographs(*folders, n=3):
    return [f"{folder}/{k}.png" for folder in folders for k in range(n)]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Patienten/P{}", "Kontrollen/K{}"), ("AML cases/A{:02d}", "donors/D{:02d}"),
     ("Erkrankte/E {}", "Gesunde/G {}"), ("Cases/C{}", "Controls/K{}")],
)  # fmt: skip
def test_a_series_of_codes_is_of_the_group_above(put, first, second):
    folder = put(*photographs(*(text.format(k) for text in (first, second) for k in (1, 2))))
    found = scan(folder)
    assert found.counts() == {text.partition("/")[0]: 6 for text in (first, second)}
    assert len({f.source for f in found.fields}) == 4


def test_a_series_below_one_folder_alone_stays_classes(put):
    found = scan(put(*photographs("set/K1", "set/K2", "other/K1", "other/K2")))
    assert found.counts() == {"K1": 6, "K2": 6}


@pytest.mark.parametrize("kinds", [("ALL/L1", "ALL/L2"), ("AML/M1", "AML/M5a")])
def test_kinds_of_leukaemia_are_no_series(put, kinds):
    folder = put(*photographs(*kinds, "blood/B cell"))
    assert not any(f.class_name == "B" for f in scan(folder).fields)
    assert len(scan(folder).classes) == (2 if "ALL/L1" in kinds else 3)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("P0{k}_{c}", ("ALL", "MM")), ("patient{k} {c}", ("blast", "normal")),
     ("{c}-Fall {k}", ("gesund", "krank")), ("Slide_{k}-{c}", ("Normal cells", "AML")),
     ("Probandin {k}, {c}", ("Blasten", "gesund"))],
)  # fmt: skip
def test_a_name_of_a_patient_and_a_class_gives_both(put, name, classes):
    of = {k: classes[k > 2] for k in range(1, 5)}
    found = scan(put(*photographs(*(name.format(k=k, c=c) for k, c in of.items()))))
    assert found.counts() == dict.fromkeys(classes, 6)
    assert len({f.source for f in found.fields}) == 4


def test_a_patient_of_two_such_names_is_one_source(put):
    found = scan(put(*photographs("P01_blast", "P01_normal", "P02_blast", "P02_normal")))
    assert found.counts() == {"blast": 6, "normal": 6}
    assert {f.source for f in found.fields} == {"P01", "P02"}


FOLDERS = ["P{p:02d}", "2021-01{p:02d}", "Adams {p}", "images/{p:03d}", "Pat-{p}/x100"]


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("mixed", [False, True])
def test_folders_are_sources_where_a_table_gives_the_classes(put, name, mixed):
    places = [name.format(p=p) for p in range(1, 7)]
    names = photographs(*places)
    rows = [f"{n},{('B cell', 'T cell')[(k if mixed else k // 3) % 2]}"
            for k, n in enumerate(names)]  # fmt: skip
    folder = put(*names)
    (folder / "labels.csv").write_text("\n".join(["image,class", *rows]))
    found = scan(folder / "labels.csv")
    assert found.counts() == {"B cell": 9, "T cell": 9}
    assert len({(f.source, f.path.parent) for f in found.fields}) == 6
    assert len({f.source for f in found.fields}) == 6
    assert any("6 folders" in w and "--groups" in w for w in found.warnings)


def test_folders_with_a_table_each_are_sources(put):
    folder = put(*photographs("P01", "P02", "P03"))
    for name in ("P01", "P02", "P03"):
        rows = ["filename,label", "0.png,A", "1.png,B", "2.png,A"]
        (folder / name / "labels.csv").write_text("\n".join(rows))
    assert {f.source for f in scan(folder).fields} == {"P01", "P02", "P03"}


@pytest.mark.parametrize("folders", ["P0{p}", "P-{p}/x100", "images/Pt{p}"])
def test_folders_are_sources_where_the_names_of_files_give_the_classes(put, folders):
    places = [folders.format(p=p) for p in range(1, 5)]
    found = scan(put(*(f"{n}/{c}_{k}.png" for n in places for c in ("ALL", "MM") for k in "12")))
    assert found.counts() == {"ALL": 8, "MM": 8}
    assert len({(f.source, f.path.parent) for f in found.fields}) == 4
    assert len({f.source for f in found.fields}) == 4


STORED = ["images_{p}", "HAM10000_images_part_{p}", "{c}", "train{p}", "day {p}", "2021-0{p}"]


@pytest.mark.parametrize("name", STORED)
def test_folders_that_tell_storage_or_the_class_are_no_sources_beside_a_table(put, name):
    names = [f"{name.format(p=p, c='xyzuvw'[c])}/{c}{k}.png"
             for p in range(1, 7) for c in range(6) for k in "ab"]  # fmt: skip
    folder = put(*dict.fromkeys(names))
    rows = [f"{n},kind {n.split('/')[-1][0]}" for n in dict.fromkeys(names)]
    (folder / "labels.csv").write_text("\n".join(["image,class", *rows]))
    found = scan(folder / "labels.csv")
    assert len({f.source for f in found.fields}) == len(found.fields)


CODES = ["H23-100{p}", "P0{p}", "2021-0100{p}", "Patient {p}", "Pat_{a}", "{p}"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("classes", ["blast lymphocyte", "normal tumour"])
def test_a_patient_with_cells_of_two_classes_is_one_source(put, code, classes):
    people = [code.format(p=p, a="abc"[p]) for p in range(3)]
    found = scan(put(*photographs(*(f"{c}/{n}" for c in classes.split() for n in people))))
    assert {f.source for f in found.fields} == set(people)
    assert any("--groups" in w and people[1] in w and "anew" in w for w in found.warnings)


@pytest.mark.parametrize("code", ["P0{p}", "Slide {p}", "{p}"])
@pytest.mark.parametrize("classes", ["ALL MM", "AML Healthy", "CLL controls"])
def test_a_number_in_two_diagnoses_is_of_two_patients(put, code, classes):
    people = [code.format(p=p) for p in (1, 2, 3)]
    found = scan(put(*photographs(*(f"{c}/{n}" for c in classes.split() for n in people))))
    assert len({f.source for f in found.fields}) == 6
    assert any("--groups" in w and people[1] in w for w in found.warnings)


def test_a_case_number_in_two_diagnoses_is_of_one_patient(put):
    found = scan(put(*photographs("ALL/H23-1001", "ALL/H23-1002", "MM/H23-1001", "MM/H23-1003")))
    assert {f.source for f in found.fields} == {"H23-1001", "H23-1002", "H23-1003"}


NUMBERED = ["{c} {p}", "{c}_{p:02d}", "{c}{p}", "{p:02d}_Meier{a}_{c}", "Meier{a}, {c}",
            "Meier{a} ({c})", "{p} {c}", "Patient {p} ({c})"]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("classes", ["ALL MM", "AML CLL"])
def test_a_class_word_with_a_number_or_a_name_is_the_class_and_its_folder_the_source(
    put, name, classes
):
    places = [name.format(c=c, p=p, a="abcdefg"[p]) for p, c in enumerate(classes.split() * 3, 1)]
    found = scan(put(*photographs(*places)))
    assert found.counts() == dict.fromkeys(classes.split(), 9)
    assert len({(f.source, f.path.parent) for f in found.fields}) == 6
    assert len({f.source for f in found.fields}) == 6
    assert any("--groups" in w for w in found.warnings)


KINDS = ["L1 L2 L3 M1 M2 M3", "MDS 1,MDS 2,AML", "T ALL,B ALL,T CLL,B CLL",
         "01-Monocyte,02-Lymphocyte,03-Basophil", "AML M1,AML M2,ALL L1,ALL L2",
         "neutrophil band,neutrophil segmented,lymphocyte reactive,lymphocyte typical",
         "grade 1,grade 2,stage 1,stage 2"]  # fmt: skip


@pytest.mark.parametrize("kinds", KINDS)
def test_kinds_with_a_number_or_a_word_stay_classes(put, kinds):
    names = kinds.split("," if "," in kinds else None)
    assert len(scan(put(*photographs(*names))).classes) == len(names)


@pytest.mark.parametrize("name", ["{p:03d}", "BM-{p}00", "Adams {p}", "K{p}", "H{p}234-21"])
@pytest.mark.parametrize("at", ["", "images/"])
def test_a_table_counts_before_folders_that_may_be_patients(put, name, at):
    names = photographs(*(at + name.format(p=p) for p in range(1, 7)))
    folder = put(*names)
    rows = [f"{n.removeprefix(at)},{('B cell', 'T cell')[k // 3 % 2]}" for k, n in enumerate(names)]
    (folder / "labels.csv").write_text("\n".join(["filename,label", *rows]))
    for place in (folder, folder / at):
        found = scan(place)
        assert found.counts() == {"B cell": 9, "T cell": 9}
        assert len({f.source for f in found.fields}) == 6


@pytest.mark.parametrize("folders", ["blast normal", "a b", "001 002"])
@pytest.mark.parametrize("classes", [("one", "other"), ("b", "a")])
def test_class_folders_count_before_a_table_that_says_the_same_or_corrects_some(
    put, folders, classes
):
    names = photographs(*folders.split())
    folder = put(*names)
    rows = [f"{n},{classes[k // 3]}" for k, n in enumerate(names)]
    (folder / "labels.csv").write_text("\n".join(["filename,label", *rows]))
    assert scan(folder).counts() == dict.fromkeys(folders.split(), 3)


@pytest.mark.parametrize("folders", ["sick well", "relapse remission", "mutated wildtype"])
@pytest.mark.parametrize("header", ["image,category", "filename;label", "name,condition"])
@pytest.mark.parametrize("qualities", ["good bad", "sharp blurred"])
def test_class_folders_count_before_a_table_about_something_else(put, folders, header, qualities):
    names = photographs(*folders.split(), n=4)
    folder = put(*names)
    mark = ";" if ";" in header else ","
    rows = [f"{name}{mark}{qualities.split()[k % 2]}" for k, name in enumerate(names)]
    (folder / "quality.csv").write_text("\n".join([header, *rows]))
    found = scan(folder)
    assert found.counts() == dict.fromkeys(sorted(folders.split()), 4)
    assert any("quality.csv" in w for w in found.warnings)


@pytest.mark.parametrize("other", ["acute_leukemia", "Acute_Leukemia", "ACUTE leukemia"])
def test_an_underscore_and_a_space_make_no_two_classes(put, other):
    found = scan(put(*photographs("acute leukemia", "normal"), f"{other}/7.png"))
    assert found.counts() == {"acute leukemia": 4, "normal": 3}


def test_a_column_of_names_as_in_c_nmc_tells_the_patients(put):
    folder = put(*(f"{k}.png" for k in range(6)))
    rows = [f"UID_{57 + k // 3}_{k}_1_{'all' if k < 3 else 'hem'}.bmp,{k}.png,{int(k < 3)}"
            for k in range(6)]  # fmt: skip
    (folder / "t.csv").write_text("\n".join(["Patient_ID,image,class", *rows]))
    assert {f.source for f in scan(folder / "t.csv").fields} == {"UID_57", "UID_58"}


@pytest.mark.parametrize("name", ["H23-100{p}_{k}", "2023-100{p}_{k}", "BM-100{p}-{k}",
                                  "Probe {p}_{k}", "Präparat {p} Bild {k}"])  # fmt: skip
@pytest.mark.parametrize("both", [False, True])
def test_numbers_of_cases_in_the_names_of_files_are_sources_or_reported(put, name, both):
    classes = ("sick", "well")
    people = [(p, c) for p in range(1, 7) for c in classes if both or c == classes[p % 2]]
    found = scan(put(*(f"{c}/{name.format(p=p, k=k)}.png" for p, c in people for k in range(3))))
    assert sum("--groups" in w for w in found.warnings) == 1
    assert both or len({f.source for f in found.fields}) == 6


@pytest.mark.parametrize("name", ["{c}_P{p}_{k}", "{c} P{p:02d} {k}", "{c}-H23-100{p}-{k}"])
@pytest.mark.parametrize("classes", [("ALL", "MM"), ("sick", "well")])
@pytest.mark.parametrize("both", [False, True])
def test_codes_behind_the_class_in_the_names_of_files_are_sources_or_reported(
    put, name, classes, both
):
    people = [(p, c) for p in range(1, 7) for c in classes if both or c == classes[p % 2]]
    found = scan(put(*(f"{c}/{name.format(c=c, p=p, k=k)}.png" for p, c in people for k in "ab")))
    assert sum("--groups" in w for w in found.warnings) == 1
    assert both or len({f.source for f in found.fields}) == 6
