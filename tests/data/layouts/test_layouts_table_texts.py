"""What spreadsheets and other programs make of names and of the lines above a table."""

import os

import pytest

from napari_marrow.data.layouts import scan

BAD_NAME = "caf\udce9{}.png"
"""Latin-1 bytes in a file's name."""


def classes(folder):
    return {f.path.name: f.class_name for f in scan(folder).fields}


@pytest.mark.parametrize(
    "row",
    [
        '"{},0";{}',
        "{}.000000;{}",
        '"=""00{}""";{}',
        '="00{}";{}',
        "'00{};{}",
        "'00{}.png';'{}'",
        "00{}.jpg;{}",
        "00{}.TIF;{}",
        "\u201c00{}.png\u201d;{}",
    ],
)
@pytest.mark.parametrize("header", ["image;class", "fname;cls", "Bild;Klasse", "Datei;Diagnose"])
def test_names_as_spreadsheets_write_them_are_found(put, row, header):
    folder = put("001.png", "002.png", "003.png")
    rows = [row.format(k, label) for k, label in ((1, "A"), (2, "B"), (3, "A"))]
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    assert classes(folder) == {"001.png": "A", "002.png": "B", "003.png": "A"}


def test_a_name_in_another_format_is_not_a_photograph_that_is_named_itself(put):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text("image,class\n1.png,A\n1.jpg,B\n2.jpg,B\n")
    assert classes(folder) == {"1.png": "A", "2.png": "B"}
    assert any("1.jpg" in w for w in scan(folder).warnings)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_utf_16_needs_no_mark_at_its_start(put, encoding, separator):
    folder = put("1.png", "2.png")
    rows = [("Image Name", "Label"), ("1.png", "A"), ("2.png", "B")]
    text = "\n".join(separator.join(row) for row in rows)
    (folder / "t.txt").write_text(text, encoding=encoding)
    assert classes(folder) == {"1.png": "A", "2.png": "B"}


@pytest.mark.parametrize("header", ["image,class", "filename,label"])
def test_a_row_that_stands_twice_counts_once(put, header):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text(f"{header}\n1.png,A\n2.png,B\n1.png,A\n")
    assert classes(folder) == {"1.png": "A", "2.png": "B"}


@pytest.mark.parametrize(
    "above", ["Table S1,", "Results of 2020", "Title\n\nby me, 2021;x", "a,b\nc\n# d\ne"]
)
@pytest.mark.parametrize("header", ["image,class", "filename,label"])
def test_lines_of_a_title_above_the_names_of_columns_are_passed_over(put, above, header):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text(f"{above}\n{header}\n1.png,A\n2.png,B\n")
    assert classes(folder) == {"1.png": "A", "2.png": "B"}


def test_a_colon_may_separate_columns(put):
    folder = put("1.png", "2.png")
    (folder / "t.csv").write_text("image:class\n1.png:A\n2.png:B\n")
    assert classes(folder) == {"1.png": "A", "2.png": "B"}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-16"])
@pytest.mark.parametrize("header", ["image,class", "filename,label"])
def test_file_names_in_latin_1_are_found(put, header, encoding):
    folder = put("x.png")
    with open(folder / "x.png", "rb") as file:
        content = file.read()
    for k in (0, 1):
        with open(os.fsencode(folder / BAD_NAME.format(k)), "wb") as file:
            file.write(content)
    rows = ["caf\xe90.png,A", "caf\xe91.png,B", "x.png,A"]
    (folder / "t.csv").write_text("\n".join([header, *rows]), encoding=encoding)
    names = {BAD_NAME.format(0): "A", BAD_NAME.format(1): "B", "x.png": "A"}
    assert classes(folder) == names
