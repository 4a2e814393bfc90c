"""Which table is whose: several folders of white blood cells with tables beside or in them."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.layouts import scan

WORDS = {1: "neutrophil", 2: "lymphocyte", 3: "monocyte", 4: "eosinophil", 5: "basophil"}


@pytest.fixture
def put_cells(tmp_path):
    """Write cells with their masks into a folder; the levels of the masks are those published."""

    def write(folder, n=6):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for k in range(1, n + 1):
            noise = np.random.default_rng([k, len(folder), ord(folder[-1])])
            pixels = noise.integers(60, 200, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{k:03d}.bmp")
            levels = np.zeros((20, 24), np.uint8)
            levels[4:16, 4:16], levels[7:12, 7:12] = 128, 255
            Image.fromarray(levels).save(tmp_path / folder / f"{k:03d}.png")
        return tmp_path

    return write


def classes(found, folder=""):
    return [f.class_name for f in found.fields if folder in ("", f.path.parent.name)]


def number(name):
    return {"Dataset 1": lambda k: k % 2 + 1, "Dataset 2": lambda k: k % 3 + 3}[name]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image ID,class", "{},{}"),
        ("Image_ID,Class_Label", "{},{}"),
        ("image ID,class label", "{}.0,{}.0"),
        ("image ID;class label", "{:03d}.bmp;{}"),
        ("ID,Class Label", "{:03d},{}"),
    ],
)
def test_each_folder_of_cells_has_its_own_table(put_cells, header, row):
    for name in ("Dataset 1", "Dataset 2"):
        root = put_cells(name)
        rows = [row.format(k, number(name)(k)) for k in range(1, 7)]
        published = name == "Dataset 1"
        own = (
            ["image ID,class label", *(f"{k},{number(name)(k)}" for k in range(1, 7))]
            if published
            else [header, *rows]
        )
        (root / f"Class Labels of {name}.csv").write_text("\n".join(own))
    for name in ("Dataset 1", "Dataset 2"):
        expected = [WORDS[number(name)(k)] for k in range(1, 7)]
        assert classes(scan(root), name) == expected
        assert classes(scan(root / name)) == expected
    assert {f.mask_code for f in scan(root).fields} == {"levels"}


@pytest.mark.parametrize("without", [1, 3, 6])
def test_a_row_that_is_missing_leaves_one_cell_without_a_class(put_cells, without):
    for name in ("Dataset 1", "Dataset 2"):
        root = put_cells(name)
        rows = [f"{k},{number(name)(k)}" for k in range(1, 7) if k != without]
        table = root / f"Class Labels of {name}.csv"
        table.write_text("\n".join(["image ID,class label", *rows]))
    for name in ("Dataset 1", "Dataset 2"):
        expected = [WORDS[number(name)(k)] if k != without else None for k in range(1, 7)]
        assert classes(scan(root), name) == expected


@pytest.mark.parametrize("header", ["image ID,class label", "image ID,class", "file,cell type"])
@pytest.mark.parametrize("tables", [("a.csv", "b.csv"), ("x/a.csv", "x/b.csv")])
def test_of_several_tables_that_fit_none_is_taken_and_all_are_named(put_cells, tables, header):
    root = put_cells("x")
    for k, name in enumerate(tables):
        rows = [f"{i},{k + 1}" for i in range(1, 7)]
        (root / name).write_text("\n".join([header, *rows]))
    found = scan(root / "x")
    assert classes(found) == [None] * 6
    assert any("a.csv" in w and "b.csv" in w for w in found.warnings)


@pytest.mark.parametrize("header", ["image ID,class label", "image ID,class", "file,label"])
@pytest.mark.parametrize("folders", [("x", "40x"), ("Dataset 1", "Dataset 2")])
def test_one_table_is_not_given_to_two_folders(put_cells, folders, header):
    for name in folders:
        root = put_cells(name)
    (root / "labels.csv").write_text("\n".join([header, *(f"{k},2" for k in range(1, 7))]))
    for place in (root, root / folders[1]):
        found = scan(place)
        assert set(classes(found)) == {None}
        assert any("labels.csv" in w for w in found.warnings)


def test_the_table_of_another_folder_is_not_taken_even_where_that_folder_is_not_there(put_cells):
    root = put_cells("Dataset 2")
    table = root / "Class Labels of Dataset 1.csv"
    table.write_text("\n".join(["image ID,class label", *(f"{k},2" for k in range(1, 7))]))
    assert classes(scan(root / "Dataset 2")) == [None] * 6
    table.rename(root / "Class Labels.csv")
    assert classes(scan(root / "Dataset 2")) == ["lymphocyte"] * 6


def test_the_numbers_of_a_table_of_ones_own_stay_numbers(put_cells):
    root = put_cells("x")
    (root / "x" / "t.csv").write_text("\n".join(["file,grade", "1,2"]).replace("grade", "label"))
    assert classes(scan(root / "x"))[0] == "2"
