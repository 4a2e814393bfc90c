"""Tables of classes that a person made, in any spelling, and what is said of those not used."""

import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan


@pytest.mark.parametrize(
    ("separator", "encoding", "header"),
    [
        (",", "utf-8", "image,class,source"),
        (";", "utf-8-sig", "Image;Class;Source"),
        ("\t", "utf-16", "IMAGE\tCLASS\tSOURCE"),
        (";", "utf-16", " image ; class ; source "),
    ],
)
def test_a_table_is_read_however_it_was_saved(put, tmp_path, separator, encoding, header):
    put("Zélle 1.png", "2.png")
    rows = [header, separator.join(["Zélle 1", "AML", "p1"]), separator.join(["2.png", "CLL", ""])]
    (tmp_path / "classes.csv").write_text("\n".join(rows) + "\n\n", encoding=encoding)
    found = scan(tmp_path)
    assert [(f.name, f.class_name, f.source) for f in found.fields] == [
        ("Zélle 1", "AML", "p1"),
        ("2", "CLL", "2"),
    ]


def test_a_table_may_write_paths_as_windows_does(put, tmp_path):
    put("AML/1.png", "CLL/2.png")
    (tmp_path / "t.csv").write_text("image,class\nAML\\1.png,x\nCLL\\2,y\n")
    assert [f.class_name for f in scan(tmp_path / "t.csv").fields] == ["x", "y"]


def test_two_names_of_one_file_are_one_file_twice(put, tmp_path):
    put("1.png")
    (tmp_path / "t.csv").write_text("image,class\n1.png,x\n1,y\n")
    with pytest.raises(MarrowError, match=r"names 1.png more than once"):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("image;class\r\nZélle.png;é\r\n", "cp1252"),
        ("sep=;\r\nimage;class\r\nZélle.png;é\r\n", "cp1252"),
        ("sep=\t\nimage\tclass\nZélle.png\té\n", "utf-16"),
        ("image,class\rZélle.png,é\r", "utf-8"),
        ("image,class\nZÉLLE.PNG,é\n", "utf-8"),
    ],
)
def test_tables_as_excel_saves_them(put, tmp_path, text, encoding):
    put("Zélle.png", "2.png")
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    found = scan(tmp_path)
    assert [(f.name, f.class_name) for f in found.fields] == [("Zélle", "é")]
    assert any("1 photograph here is not named in t.csv" in w for w in found.warnings)


def test_a_table_of_predictions_is_no_truth(put, tmp_path):
    put("AML_1.png", "CLL_1.png")
    table = tmp_path / "predictions.csv"
    table.write_text("image,class,probability_AML,uncertain\nAML_1.png,CLL,0.1,False\n")
    found = scan(tmp_path)
    assert [f.class_name for f in found.fields] == [None, None]
    with pytest.raises(MarrowError, match=r"predictions.csv is a table of predictions"):
        scan(table)


UNUSED = {
    "other columns": "filename of it,what\n1.png,a\n2.png,b\n",
    "a fault": "image,class\n8.png,a\n9.png,b\n",
    "named twice": "image,class\n1.png,a\n1.png,b\n",
    "sources": "image,source\n1.png,p\n2.png,q\n",
    "the folders count": "filename,label\na/1.png,x\nb/2.png,y\n",
    "about something else": "city,people\nRome,3\n",
}


@pytest.mark.parametrize("text", UNUSED.values(), ids=UNUSED)
@pytest.mark.parametrize("folders", [("", ""), ("a/", "b/")])
def test_one_sentence_tells_of_a_table_that_is_not_used(put, tmp_path, text, folders):
    put(f"{folders[0]}1.png", f"{folders[1]}2.png")
    (tmp_path / "labels.csv").write_text(text)
    if text.startswith("image,class") and not folders[0]:  # beside photographs it must be right
        with pytest.raises(MarrowError, match=r"labels\.csv"):
            scan(tmp_path)
        return
    found = scan(tmp_path)
    about = [w for w in found.warnings if "labels.csv" in w]
    assert len(about) == (0 if tmp_path / "labels.csv" in found.tables else 1), about


def test_a_table_in_a_flat_folder_tells_class_and_source(put, tmp_path):
    put("a.png", "b.png", "c.png", "left.png", "a_nucleus_mask.png")
    table = "\ufeffimage,class,source\na.png,ALL,p1\nb.png,MM,p1\nc.png,,\n"
    (tmp_path / "classes.csv").write_text(table, encoding="utf-8")
    for found in (scan(tmp_path), scan(tmp_path / "classes.csv")):
        told = [(f.name, f.class_name, f.source) for f in found.fields]
        assert told == [("a", "ALL", "p1"), ("b", "MM", "p1"), ("c", None, "c")]
        assert set(found.fields[0].masks) == {"nucleus"}
        assert any("1 photograph here is not named in classes.csv" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,class\nz.png,ALL\n", "names z.png, which is not there"),
        ("image,class\na.png,ALL\na.png,MM\n", "names a.png more than once"),
        ("image,class\na_nucleus_mask.png,ALL\n", "is a mask or no image"),
        ("x,y\na.png,ALL\n", "needs the columns image and class.*it has x, y"),
    ],
)
def test_a_wrong_table_is_one_sentence(put, tmp_path, text, sentence):
    put("a.png", "a_nucleus_mask.png")
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(MarrowError, match=sentence):
        scan(table)


TABLES = [
    "image ID,class\n1,A\n2,B\n",
    "filename;label\n001.png;A\n002.png;B\n",
    "\ufeffFile Name\tDiagnosis\nd\\001.PNG\tA\nd\\002.PNG\tB\n",
    "id,cell_type\n001,A\n002,B\n",
    "image|class\n001.png|A\n002.png|B\n",
    "file label\n001.png A\n002.png B\n",
    'image    class   note\n001.png  A     "not sure" \n002.png  B       -\n',
    "# of the pilot study\n# by me, in May\n\nimage,class\n001.png,A\n002.png,B\n",
    "# image, class, as agreed\nimage\tclass\n001.png\tA\n002.png\tB\n",
    "#image|class\n001.png|A\n002.png|B\n",
]


@pytest.mark.parametrize("text", TABLES)
@pytest.mark.parametrize(("name", "encoding"), [("t.csv", "utf-8"), ("t.txt", "utf-16")])
def test_tables_in_other_spellings_are_read(put, text, name, encoding):
    folder = put("001.png", "002.png")
    (folder / name).write_bytes(text.encode(encoding))
    assert [f.class_name for f in scan(folder).fields] == ["A", "B"]


@pytest.mark.parametrize(
    ("stem", "row"),
    [("00{}", "{}"), ("x_0{}", "x_{}"), ("img00{}a", "img{}a"), ("0{}", "{}.0"), ("{}", "00{}")],
)
@pytest.mark.parametrize("end", ["", ".png"])
def test_numbers_are_found_with_and_without_leading_zeros(put, stem, row, end):
    if row.endswith(".0") and end:
        return  # no number of a spreadsheet
    folder = put(*(f"{stem.format(k)}.png" for k in (1, 2)))
    rows = [f"{row.format(k)}{end},{'AB'[k - 1]},p{k}" for k in (1, 2)]
    (folder / "t.csv").write_text("\n".join(["image ID,class,patient", *rows]))
    found = scan(folder)
    assert [(f.class_name, f.source) for f in found.fields] == [("A", "p1"), ("B", "p2")]


@pytest.mark.parametrize(
    "text", ["NA", "NaN", "nan", "None", "n/a", "N/A", "-", "?", "unknown", "Unknown", "null", ""]
)
def test_a_text_that_means_unknown_is_no_class_and_no_source(put, text):
    folder = put(*(f"{k}.png" for k in range(6)))
    rows = [f"{k}.png,{('ALL', 'MM', text)[k % 3]},{(text, 'p')[k == 0]}" for k in range(6)]
    (folder / "t.csv").write_text("\n".join(["file,label,patient", *rows]))
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["ALL", "MM", None] * 2
    assert [f.source for f in found.fields] == ["p", "1", "2", "3", "4", "5"]
    assert any("t.csv" in w and "2 photographs" in w and text in w for w in found.warnings)


def test_a_minus_is_a_class_beside_a_plus(put):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text("image,class\n1.png,+\n2.png,-\n")
    assert [f.class_name for f in scan(folder).fields] == ["+", "-"]


def test_a_table_that_is_passed_over_is_named_with_the_reason(put):
    folder = put("A/1.png", "B/2.png")
    (folder / "notes.csv").write_text("bildchen,notiz\n1.png,x\n2.png,y\n")
    (warning,) = [w for w in scan(folder).warnings if "bildchen" in w]
    assert "notes.csv" in warning
    assert "notiz" in warning


@pytest.mark.parametrize(
    "path", ["{}", "images/{}", "../images/{}", "file:///home/a%20b/images/{}"]
)
@pytest.mark.parametrize("name", ["csv/annotations.csv", "labels/t.tsv", "meta data/list.txt"])
def test_a_table_in_a_folder_of_its_own_gives_the_classes(put, name, path):
    folder = put("images/a 1.png", "images/a 2.png")
    (folder / name).parent.mkdir()
    row = path.format("a%20{}.png" if path.startswith("file:") else "a {}.png")
    rows = [f"{row.format(k)}\t{label}" for k, label in ((1, "x"), (2, "y"))]
    (folder / name).write_text("\n".join(["filename\tlabel", *rows]))
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["x", "y"]
    assert not any("Passed over" in w for w in found.warnings)


def test_a_table_in_a_folder_of_its_own_is_named_where_it_does_not_count(put):
    folder = put("A/1.png", "B/2.png")
    for name in ("labels", "results"):
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text("filename,label\n1.png,x\n2.png,y\n")
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["A", "B"]
    (warning,) = [w for w in found.warnings if "labels.csv" in w]
    assert "folders give them" in warning


def test_of_several_tables_in_a_folder_of_their_own_none_is_used(put):
    folder = put("images/1.png", "images/2.png")
    (folder / "csv").mkdir()
    for name in ("a", "b"):
        (folder / "csv" / f"{name}.csv").write_text("image,class\n1.png,x\n2.png,y\n")
    found = scan(folder)
    assert [f.class_name for f in found.fields] == [None, None]
    assert any("csv/a.csv, csv/b.csv" in w for w in found.warnings)


def test_a_table_in_a_text_file_is_passed_over_with_the_reason_and_a_text_is_not(put):
    folder = put("A/1.png", "B/2.png")
    (folder / "labels.txt").write_text("file\tlabel\n1.png\tx\n2.png\ty\n")
    (folder / "notes.txt").write_text("The image class was\ngiven by two of us.\n")
    (folder / "A/1.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    found = scan(folder)
    (warning,) = [w for w in found.warnings if "labels.txt" in w]
    assert "classes" in warning
    (warning,) = [w for w in found.warnings if "notes.txt" in w]
    assert "1.txt" in warning
    assert "not images" in warning


LISTS = {
    "labels.txt": "{image} {label}", "labels.csv": "{image},{label}", "t.txt": "{image}\t{label}",
    "t.tsv": "{label}\t{image}", "classes.csv": "{label};{image}", "a.txt": "{label}   {image} ",
}  # fmt: skip


@pytest.mark.parametrize(("name", "row"), LISTS.items())
@pytest.mark.parametrize("labels", ["ALL MM", "1 0"])
def test_a_list_of_files_and_classes_needs_no_header(put, name, row, labels):
    folder = put(*(f"x_{k}.png" for k in range(6)))
    rows = [row.format(image=f"x_{k}.png", label=labels.split()[k % 2]) for k in range(6)]
    (folder / name).write_text("\n".join(rows))
    found = scan(folder)
    assert [f.class_name for f in found.fields] == labels.split() * 3
    assert not any(name in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "rows",
    [
        "x_{k}.png ALL 7.5",
        "x_{k}.png {k}.25",
        "x_{k}.png ALL and more",
        "x_{k}.png,ALL,Adams",
        "x {k}.png ALL",
    ],
)
def test_another_list_of_files_is_named_with_what_to_do(put, rows):
    folder = put(*(f"x_{k}.png" for k in range(6)), "A/9.png", "B/9.png")
    (folder / "list.txt").write_text("\n".join(rows.format(k=k) for k in range(6)))
    (warning,) = [w for w in scan(folder).warnings if "list.txt" in w]
    assert ("above" in warning) == ("x {" not in rows)


def test_a_row_with_more_texts_than_columns_between_spaces_is_refused(put):
    folder = put("1.png", "2.png", *(f"b{k}.png" for k in range(8)))
    rows = [f"b{k}.png A" for k in range(8)]
    (folder / "t.txt").write_text("\n".join(["image class", *rows, "1.png normal cell"]))
    with pytest.raises(MarrowError, match=r"t\.txt.*normal cell.*commas"):
        scan(folder)


@pytest.mark.parametrize("name", ["labels/v1/train.csv", "meta/labels/final/t.tsv", "csv/a/b.txt"])
@pytest.mark.parametrize("pictures", ["images", "data/images"])
def test_a_table_in_a_folder_below_one_of_its_own_gives_the_classes(put, name, pictures):
    folder = put(f"{pictures}/1.png", f"{pictures}/2.png")
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("filename\tlabel\n1.png\tx\n2.png\ty\n")
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["x", "y"]
    assert found.tables == (folder / name,)
