"""Tables with a column for each class, in which 1 marks a photograph's own."""

import pandas as pd
import pytest

from napari_marrow.data.layouts import scan

CLASSES = ["ALL", "MM", "CLL", "MM", "ALL", "CLL"]
MARKS = {"whole": ("1", "0"), "ISIC": ("1.0", "0.0"), "words": ("True", "FALSE"),
         "empty": ("1", ""), "quoted": ('"1,0"', '"0,0"'),
         "German": ("WAHR", "FALSCH"), "ja": ("ja", "nein"), "letters": ("Y", "n"),
         "T": ("T", "F"), "cross": ("x", ""), "floats": ("1.000e+00", "0.000e+00")}  # fmt: skip
EXTRA = {
    "none": ("", lambda k: ""),
    "age": (",age", lambda k: f",{40 + k}"),
    "count": (",count", lambda k: f",{k % 2}"),
    "fold": (",fold", lambda k: f",{k % 2}"),
    "sex": (",male,Female", lambda k: f",{k % 2},{1 - k % 2}"),
    "training": (",is_train", lambda k: f",{int(k > 0)}"),
    "validation": (",in_validation", lambda k: f",{int(k == 2)}"),
    "another mark": (",reviewed", lambda k: f",{int(k == 2)}"),
    "a mark of most": (",reviewed", lambda k: f",{int(k != 2)}"),
    "index": (",index", lambda k: f",{k % 2}"),
    "sexes": (",m,w", lambda k: f",{k % 2},{1 - k % 2}"),
    "source": (",patient", lambda k: f",p{k % 3}"),
    "texts": (",stain", lambda k: ",Giemsa"),
}


@pytest.fixture
def folder(put):
    return put(*(f"images/x_{k}.png" for k in range(len(CLASSES))))


def write(path, names, mark, extra=EXTRA["none"], rows=CLASSES):
    yes, no = mark
    cells = [",".join(yes if name == own else no for name in names) for own in rows]
    lines = [f"images/x_{k}.png,{text}{extra[1](k)}" for k, text in enumerate(cells)]
    path.write_text("\n".join([f"image,{','.join(names)}{extra[0]}", *lines]))


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("names", [("ALL", "MM", "CLL"), ("CLL", "ALL", "MM", "AML")])
def test_a_column_for_each_class_is_read(folder, names, mark):
    write(folder / "t.csv", names, mark)
    found = scan(folder)
    assert [f.class_name for f in found.fields] == CLASSES
    assert found.tables == (folder / "t.csv",)
    (warning,) = found.warnings
    assert "t.csv" in warning
    assert "columns ALL, CLL, MM" in warning
    assert [f.class_name for f in scan(folder / "t.csv").fields] == CLASSES


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
def test_other_columns_of_numbers_are_no_classes(folder, extra):
    write(folder / "t.csv", ("ALL", "MM", "CLL"), MARKS["whole"], extra)
    found = scan(folder)
    assert [f.class_name for f in found.fields] == CLASSES
    assert len({f.source for f in found.fields}) == (3 if "patient" in extra[0] else 6)


def test_dummies_as_pandas_writes_them_are_read(folder):
    table = pd.DataFrame({"file": [f"x_{k}.png" for k in range(6)], "cell_type": CLASSES})
    pd.get_dummies(table, columns=["cell_type"]).to_csv(folder / "t.csv")
    assert [f.class_name for f in scan(folder).fields] == CLASSES


def test_rows_of_no_class_or_of_several_have_none_and_are_named(folder):
    write(folder / "t.csv", ("ALL", "MM", "CLL"), MARKS["whole"])
    text = (folder / "t.csv").read_text()
    text = text.replace("x_1.png,0,1,0", "x_1.png,0,0,0").replace("x_3.png,0,1,0", "x_3.png,1,1,0")
    (folder / "t.csv").write_text(text)
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["ALL", None, "CLL", None, "ALL", "CLL"]
    (warning,) = [w for w in found.warnings if "t.csv" in w and "marks no class" in w]
    assert "x_1.png, images/x_3.png" in warning
    assert "2 photographs" in warning


NO_CLASSES = {
    "one column": "image,is_train\nx_{k}.png,{odd}\n",
    "one class": "image,ALL\nx_{k}.png,{odd}\n",
    "sexes": "image,male,female\nx_{k}.png,{odd},{even}\n",
    "letters for sexes": "image,m,f\nx_{k}.png,{odd},{even}\n",
    "German sexes": "image,weiblich,maennlich\nx_{k}.png,{odd},{even}\n",
    "quality": "image,blurred,overexposed\nx_{k}.png,{odd},{even}\n",
    "work": "image,Checked,discarded\nx_{k}.png,{odd},{even}\n",
    "history": "image,smoker,has fever\nx_{k}.png,{odd},{even}\n",
    "type of part": "filename,type\nx_{k}.png,train\n",
    "type of file": "filename,type\nx_{k}.png,PNG\n",
    "category of part": "filename,category\nx_{k}.png,test set {odd}\n",
    "parts": "image,train,test\nx_{k}.png,{odd},{even}\n",
    "several each": "image,round,dark,large\nx_{k}.png,1,{odd},{odd}\n",
    "numbers": "image,area,perimeter\nx_{k}.png,{k}.5,{k}.25\n",
    "counts": "image,age,n_cells\nx_{k}.png,{k},{odd}\n",
    "one in all rows": "image,checked,blurred\nx_{k}.png,1,0\n",
}


@pytest.mark.parametrize("text", NO_CLASSES.values(), ids=NO_CLASSES)
def test_columns_that_are_no_classes_are_passed_over_with_the_reason(folder, text):
    header, row = text.splitlines()
    rows = [row.format(k=k, odd=k % 2, even=1 - k % 2) for k in range(6)]
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    found = scan(folder)
    assert {f.class_name for f in found.fields} == {None}
    (warning,) = [w for w in found.warnings if "t.csv" in w]
    assert "no column class" in warning


def test_class_folders_count_before_a_column_for_each_class(put):
    folder = put("AML/x_0.png", "AML/x_1.png", "MM/x_2.png", "MM/x_3.png")
    rows = [f"x_{k}.png,{k % 2},{1 - k % 2}" for k in range(4)]
    (folder / "t.csv").write_text("\n".join(["image,blast,normal", *rows]))
    found = scan(folder)
    assert found.counts() == {"AML": 2, "MM": 2}
    (warning,) = [w for w in found.warnings if "t.csv" in w]
    assert "folders give them" in warning


def test_names_that_fit_no_file_are_reported(folder):
    (folder / "t.csv").write_text("image,ALL,MM\nfar_1.png,1,0\nfar_2.png,0,1\n")
    found = scan(folder)
    assert {f.class_name for f in found.fields} == {None}
    assert any("far_1.png" in w for w in found.warnings)
