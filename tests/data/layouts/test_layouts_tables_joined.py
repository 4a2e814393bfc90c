"""Several tables of classes, in folders below and above that which is opened."""

import pytest

from napari_marrow.data.layouts import SAVED, scan, scan_all, write_table


def classes(found):
    return [f.class_name for f in found.fields]


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("_classes.csv", "filename, A, B", "{0}.png, {1}, {2}"),
        ("labels.csv", "filename,label", "{0}.png,{3}"),
        ("t.tsv", "image\tclass", "{0}\t{3}"),
    ],
)
@pytest.mark.parametrize("parts", [("train", "valid"), ("images",), ("x/train", "x/test")])
def test_tables_beside_photographs_in_folders_below_are_each_for_its_own(
    put, parts, name, header, row
):
    for k, part in enumerate(parts):
        folder = put(*(f"{part}/{i}.png" for i in (1, 2, 3)))
        marks = [(i + k) % 2 for i in (1, 2, 3)]
        rows = [row.format(i, 1 - m, m, "AB"[m]) for i, m in zip((1, 2, 3), marks, strict=True)]
        (folder / part / name).write_text("\n".join([header, *rows]))
    found = scan(folder)
    got = {(f.path.parent, f.path.stem): f.class_name for f in found.fields}
    assert got == {
        (folder / part, str(i)): "AB"[(i + k) % 2]
        for k, part in enumerate(parts)
        for i in (1, 2, 3)
    }
    assert not any("passed over" in w.lower() for w in found.warnings)


@pytest.mark.parametrize("header", ["image,class", "filename,label", "Datei,Zelltyp"])
def test_tables_that_name_different_photographs_are_joined(put, header):
    folder = put(*(f"{i}.png" for i in range(1, 5)))
    (folder / "train.csv").write_text(f"{header}\n1.png,A\n2.png,B\n")
    (folder / "test.csv").write_text(f"{header}\n3.png,B\n4.png,A\n")
    got = {f.name: f.class_name for f in scan(folder).fields}
    assert got == {"1": "A", "2": "B", "3": "B", "4": "A"}
    (folder / "test.csv").write_text(f"{header}\n2.png,A\n3.png,B\n4.png,A\n")
    found = scan(folder)
    got = {f.name: f.class_name for f in found.fields}
    assert got == {"1": "A", "2": None, "3": "B", "4": "A"}
    assert any("train.csv" in w and "test.csv" in w and "2.png" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("table", "header", "row"),
    [
        ("labels.csv", "image ID,class", "{}"),
        ("labels/labels.csv", "filename,label", "00{}.png"),
        ("a.tsv", "image\tclass", "images/00{}.png"),
        ("../t.csv", "image,class", "set/images/00{}.png"),
    ],
)
def test_a_table_above_counts_for_the_folder_that_is_opened(put, table, header, row):
    folder = put("set/images/001.png", "set/images/002.png") / "set"
    (folder / table).parent.mkdir(exist_ok=True)
    mark = "\t" if "\t" in header else ","
    rows = [f"{row.format(k)}{mark}{label}" for k, label in ((1, "A"), (2, "B"))]
    (folder / table).write_text("\n".join([header, *rows]))
    found = scan(folder / "images")
    assert classes(found) == ["A", "B"]
    assert [f.source for f in found.fields] == ["001", "002"]
    assert any((folder / table).name in w for w in found.warnings)


@pytest.mark.parametrize("row", ["{}.png", "{}", "valid/{}.png"])
def test_a_table_above_that_may_be_about_another_folder_gives_no_class(put, row):
    folder = put(*(f"{part}/{k}.png" for part in ("train", "valid") for k in (1, 2)))
    rows = [f"{row.format(k)},A" for k in (1, 2)]
    (folder / "t.csv").write_text("\n".join(["filename,label", *rows]))
    assert classes(scan(folder / "train")) == [None, None]


@pytest.mark.parametrize("name", ["train_labels", "labels of train", "Train"])
def test_a_table_above_with_the_name_of_another_folder_gives_no_class(put, name):
    folder = put("train/3.png", "valid/1.png", "valid/2.png")
    (folder / f"{name}.csv").write_text("filename,label\n1.png,A\n2.png,B\n")
    assert classes(scan(folder / "valid")) == [None, None]


def test_each_table_that_is_passed_over_is_named_in_one_sentence(put):
    folder = put("images/1.png", "images/2.png")
    for name, label in (("first", "A"), ("second", "B")):
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text(f"filename,label\n1.png,{label}\n2.png,B\n")
    (folder / "elsewhere.csv").write_text("filename,label\n7.png,A\n8.png,B\n")
    found = scan(folder)
    assert classes(found) == [None, None]
    assert [w for w in found.warnings if "elsewhere.csv" in w] == [
        w for w in found.warnings if "7.png" in w and "passed over" in w
    ]
    (folder / "elsewhere.csv").unlink()
    found = scan(folder)
    assert classes(found) == [None, None]
    for name in ("first", "second"):
        assert sum(f"{name}.csv" in w for w in found.warnings) == 1, found.warnings
    assert {p.name for p in found.passed_over} == {"first.csv", "second.csv"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("image,class\n1.png,A\n1.png,B\n2.png,B\n3.png,A\n", "1.png"),
        ("filename;label\n3.png;A\n1;A\n1.png;a\n2.png;B\nx\\2.png;A\n2;B\n", "2.png"),
        ("Datei\tZelltyp\n2.png\tB\n1.png\tA\n1.png\tunknown\n3.png\tA\n", "1.png"),
    ],
)
@pytest.mark.parametrize("opened", ["folder", "table"])
def test_a_photograph_with_two_classes_in_one_table_has_none(put, text, names, opened):
    folder = put("1.png", "2.png", "3.png")
    table = folder / "t.csv"
    table.write_text(text)
    found = scan(folder if opened == "folder" else table)
    expected = {"1": "A", "2": "B", "3": "A"} | {names[0]: None}
    assert {f.name: f.class_name for f in found.fields} == expected
    [said] = [w for w in found.warnings if "different classes" in w]
    assert "t.csv" in said
    assert names in said
    assert not any("gives no class" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("t.csv", "image,class,source\n1.png,A,p1\n2.png,B,p2\n"),
        ("labels.tsv", "filename\tlabel\tpatient\n1\tA\tp1\n2\tB\tp2\n7\tB\tp2\n"),
        ("../labels.csv", "file,diagnosis,patient\nset/1.png,A,p1\nset/2.png,B,p2\n"),
        ("../tables/t.csv", "Datei;Klasse;Fallnummer\n1.png;A;p1\n2.png;B;p2\n"),
    ],
)
def test_photographs_opened_one_by_one_have_the_classes_of_the_table(put, table, text):
    folder = put("set/1.png", "set/2.png", "set/3.png") / "set"
    (folder / table).parent.mkdir(exist_ok=True)
    (folder / table).write_text(text)
    expected = [("A", "p1"), ("B", "p2"), (None, "3")]
    for k, one in enumerate(expected):
        [field] = scan(folder / f"{k + 1}.png").fields
        assert (field.class_name, field.source) == one
    opened = scan_all([folder / f"{k}.png" for k in (1, 2, 3)])
    assert [(f.class_name, f.source) for c in opened for f in c.fields] == expected


def test_a_photograph_opens_beside_a_table_that_can_not_be_used(put):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text("image,class\n1.png,A\n1.png,B\n")
    found = scan(folder / "2.png")
    assert classes(found) == [None]
    assert any("t.csv" in w for w in found.warnings)


@pytest.mark.parametrize("new", ["MM/1.png", "MM/a/1.png", "AML/x.png"])
def test_class_folders_added_beside_a_saved_table_are_named_with_it(put, new):
    folder = put("ALL/1.png", "ALL/2.png")
    write_table(scan(folder), folder / SAVED)
    put(new)
    found = scan(folder)
    assert len(found.fields) == 2
    [said] = [w for w in found.warnings if new in w]
    assert SAVED in said
