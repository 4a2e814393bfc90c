"""Whether folders or a table give the classes where both could; either way the other is named."""

import pytest

from napari_marrow.data.fields import with_groups
from napari_marrow.data.layouts import scan


@pytest.fixture
def put_table(put):
    """Write photographs and a table of them, in which values take turns or stand for a folder."""

    def write(folders, header, values, *, each=False, n=4, at="", more=()):
        names = [f"{folder}/{folder}{k}.png" for folder in folders for k in range(n)]
        root = put(*names, *more)
        chosen = [values[(k // n if each else k) % len(values)] for k in range(len(names))]
        rows = [f"{name},{value}" for name, value in zip(names, chosen, strict=True)]
        if at:
            rows = [row.rpartition("/")[2] for row in rows]
        (root / at / "notes.csv").write_text("\n".join([header, *rows]))
        return root

    return write


def names_both(found, *texts):
    return sum(all(text in w for text in texts) for w in found.warnings) == 1


@pytest.mark.parametrize(
    ("folders", "column", "values"),
    [("Adams Baker", "class", "Lympho Mono"), ("Zeiss Leica Olympus", "Label", "0 1"),
     ("A1 B7 C3 D5", "Zelltyp", "NGS LYT MON"), ("BM-100 BM-101", "diagnosis", "NPM1 RUNX1"),
     ("Adams Baker Clark Davis", "true_label", "yes no")],
)  # fmt: skip
def test_a_column_that_says_it_is_the_class_counts_before_folders_of_other_names(
    put_table, folders, column, values
):
    folders, values = folders.split(), values.split()
    found = scan(put_table(folders, f"image,{column}", values, n=6))
    assert found.counts() == dict.fromkeys(values, len(folders) * 6 // len(values))
    assert {f.source for f in found.fields} == {*folders}
    assert names_both(found, "notes.csv", values[0], folders[0], f"column {column.lower()}", "move")


def test_folders_of_one_diagnosis_each_are_the_sources_too(put_table):
    found = scan(put_table(["Adams", "Baker", "Clark"], "file,Diagnose", ["X", "Y"], each=True))
    assert found.counts() == {"X": 8, "Y": 4}
    assert {f.source for f in found.fields} == {"Adams", "Baker", "Clark"}


def test_folders_that_are_the_classes_by_other_names_count(put_table):
    found = scan(put_table(["a1b", "a2b"], "image,class", ["X", "Y"], each=True))
    assert found.counts() == {"a1b": 4, "a2b": 4}
    assert names_both(found, "notes.csv", "X", "column class", "folders", "scan the table")


@pytest.mark.parametrize("folders", ["sick well", "Adams Baker Clark Davis"])
@pytest.mark.parametrize(
    ("column", "values"),
    [("category", ["early", "late"]), ("type", ["normal", "complex"]), ("class", ["good", "bad"]),
     ("label", ["male", "female"])],
)  # fmt: skip
def test_other_columns_and_values_that_rate_pictures_leave_the_classes_to_the_folders(
    put_table, folders, column, values
):
    found = scan(put_table(folders.split(), f"image,{column}", values))
    assert found.counts() == dict.fromkeys(sorted(folders.split()), 4)
    assert names_both(found, "notes.csv", *values, column.lower(), "folders", "scan the table")


@pytest.mark.parametrize(
    ("folders", "column", "values"),
    [(("ALL", "MM"), "class", "good bad"), (("blast", "normal"), "diagnosis", "PC BL"),
     (("lymphocyte", "other"), "class", "X Y")],
)  # fmt: skip
@pytest.mark.parametrize("more", [(), ("overview.png",)])
def test_folders_with_words_for_classes_count_before_any_table(
    put_table, folders, column, values, more
):
    found = scan(put_table(folders, f"image,{column}", values.split(), more=more))
    assert found.counts() == dict.fromkeys(folders, 4)
    assert [f.name for f in found.fields if f.class_name is None] == ["overview"] * len(more)
    assert names_both(found, "notes.csv", *values.split(), "folders", "scan the table")


@pytest.mark.parametrize(
    ("folder", "header"),
    [("ALL", "file,category"), ("blasts", "image,class"), ("Lymphozyten", "name,label")],
)
@pytest.mark.parametrize("at", ["", "{}"])
def test_good_and_bad_pictures_of_the_one_class_folder_are_of_its_class(
    put_table, folder, header, at
):
    at = at.format(folder)
    found = scan(put_table([folder], header, ["good", "bad"], at=at))
    assert found.counts() == {folder: 4}
    assert names_both(found, "notes.csv", "good", "bad", "scan the table")


def test_kinds_in_a_column_class_count_in_the_one_class_folder(put_table):
    found = scan(put_table(["leukemia"], "image,class", ["X", "Y"]))
    assert found.counts() == {"X": 2, "Y": 2}
    assert names_both(found, "notes.csv", "leukemia", "column class")
    assert len({f.source for f in found.fields}) == 4


def test_a_table_of_photographs_beside_class_folders_counts_for_these(put, put_table):
    root = put_table(["normal"], "image,class", ["X"], more=[f"{k}.png" for k in range(6)])
    rows = [f"{k}.png,{'XY'[k % 2]}" for k in range(6)]
    (root / "notes.csv").write_text("\n".join(["image,class", *rows]))
    assert scan(root).counts() == {"X": 3, "Y": 3}


@pytest.mark.parametrize(
    ("classes", "column"),
    [(("ALL", "MM"), "patient_id"), (("sick", "well"), "Fallnummer"), (("a", "b"), "slide")],
)
def test_patients_of_a_table_that_agrees_with_the_folders_are_named_with_the_command(
    put, classes, column
):
    names = [f"{c}/{c}{k}.png" for c in classes for k in range(6)]
    root = put(*names)
    rows = [f"{name},P{k // 3},{40 + k},{name.split('/')[0]}" for k, name in enumerate(names)]
    table = root / "metadata.csv"
    table.write_text("\n".join([f"image,{column},age,diagnosis", *rows]))
    found = scan(root)
    assert found.counts() == dict.fromkeys(classes, 6)
    assert names_both(found, "metadata.csv", column.lower(), "--groups")
    assert len({f.source for f in with_groups(found, table).fields}) == 4


@pytest.mark.parametrize("header", ["image,quality", "image,type", "image,type,age"])
@pytest.mark.parametrize("folders", [("ALL", "MM"), ("blast", "normal", "other")])
def test_a_table_beside_folders_that_count_in_any_case_is_named_without_advice(
    put_table, folders, header
):
    found = scan(put_table(folders, header, ["train", "test"]))
    (warning,) = [w for w in found.warnings if "notes.csv" in w]
    assert "folders" in warning
    assert "column" not in warning


@pytest.mark.parametrize(
    ("folders", "classes"),
    [("AML_train CLL_train AML_test", "AML CLL AML"), ("train_normal test-blast", "normal blast"),
     ("plasma_cells_train Testset_lymphocytes", "plasma lymphocytes")],
)  # fmt: skip
def test_a_word_for_a_class_in_the_name_of_a_part_is_the_class(put, folders, classes):
    found = scan(put(*(f"{folder}/{k}.png" for folder in folders.split() for k in range(2))))
    assert sorted(str(f.class_name).split()[0] for f in found.fields) == sorted(classes.split() * 2)


@pytest.mark.parametrize("folder", ["test_ALL_IDB1", "train_patients", "C-NMC_train", "lab_test"])
def test_parts_without_a_word_for_a_class_give_none(put, folder):
    assert scan(put(f"{folder}/1.png", "train/2.png")).classes == ()
