"""The tables of a folder's slices come back one by one, and a user's own columns with them."""

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.io.writers import write_labels
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.stack import LazyStack

pytestmark = pytest.mark.usefixtures("no_leftovers")

PIXELS = np.arange(3 * 4 * 5).reshape(3, 4, 5)
MEASURED = {"index": [1, 2], "field": ["a", "a"], "area": [3.5, np.nan]}


def known(tables):
    return LayerInfo(kind=Kind.NUCLEI, tables=tables, shown_row=0).metadata()


def saved(path, tables, data=PIXELS):
    layer = Labels(data, features=tables[0], metadata=known(tables))
    write_labels(str(path), *layer.as_layer_data_tuple()[:2])
    [(_, options, _)] = read(str(path))
    return options


@pytest.mark.parametrize("page", [["x", "y"], [1, 3], [1, np.nan]])
def test_a_column_of_that_name_is_a_column_like_others(tmp_path, page):
    table = pd.DataFrame({"index": [1, 2], "page": page})
    layer = Labels(PIXELS, features=table)
    write_labels(str(tmp_path / "a.tif"), *layer.as_layer_data_tuple()[:2])
    [(_, options, _)] = read(str(tmp_path / "a.tif"))
    pd.testing.assert_frame_equal(options["features"], table)
    assert "metadata" not in options


def test_in_a_folder_it_is_refused_and_not_overwritten(tmp_path):
    said = pd.DataFrame({"index": [1], "page": [7]})
    stack = LazyStack([lambda p=p: p for p in PIXELS], (4, 5), np.uint16)
    layer = Labels(stack, features=said, metadata=known({0: said}))
    with pytest.raises(MarrowError, match="the column page is to tell the fields"):
        write_labels(str(tmp_path / "a.tif"), *layer.as_layer_data_tuple()[:2])
    assert not list(tmp_path.iterdir())


def test_the_table_of_every_page_comes_back(tmp_path):
    """With the types and the columns that it had, whatever other pages have."""
    measured = pd.DataFrame(MEASURED)
    tables = {
        0: measured.assign(**{"class": [1, 2], "seen": [True, False], "n": [2**62 + 1, 0]}),
        1: measured.assign(**{"class": ["MM", None], "grade": pd.Categorical(["low", None])}),
        2: measured.assign(**{"class": [1.5, 0.1], "day": pd.to_datetime(["2020-01-31", None])}),
    }
    tables[1]["small"] = np.array([0.1, 1 / 3], np.float32)
    tables[2]["seen"] = pd.array([True, None], dtype="boolean")
    tables[2] = tables[2].iloc[:, ::-1]
    options = saved(tmp_path / "a.tif", tables)
    again = LayerInfo.from_metadata(options["metadata"]).tables
    assert list(again) == [0, 1, 2]
    for row, table in tables.items():
        pd.testing.assert_frame_equal(again[row], table, check_exact=True)
    pd.testing.assert_frame_equal(options["features"], tables[0])


def test_pages_without_rows_keep_their_columns(tmp_path):
    measured = pd.DataFrame(MEASURED)
    tables = {0: measured.iloc[:0], 2: measured.assign(**{"class": "ALL"})}
    options = saved(tmp_path / "a.tif", tables)
    again = LayerInfo.from_metadata(options["metadata"]).tables
    assert list(again) == [0, 2]
    for row, table in tables.items():
        pd.testing.assert_frame_equal(again[row], table)


def test_what_was_written_into_the_table_counts_on_its_page(tmp_path):
    measured = pd.DataFrame(MEASURED)
    path = tmp_path / "a.tif"
    saved(path, {0: measured, 1: measured.assign(**{"class": "ALL"})})
    table = pd.read_csv(tmp_path / "a.csv")
    table.loc[table["page"] == 1, "class"] = ["MM", "ALL"]
    table.loc[table["page"] == 2, "note"] = "blurred"
    table = pd.concat([table, pd.DataFrame({"index": [9], "page": [3]})])
    table.to_csv(tmp_path / "a.csv", index=False)
    [(_, options, _)] = read(str(path))
    again = LayerInfo.from_metadata(options["metadata"]).tables
    assert again[0]["class"].tolist() == ["MM", "ALL"]
    assert again[1]["note"].tolist() == ["blurred", "blurred"]
    assert "note" not in again[0]
    assert again[2].to_dict("list") == {"index": [9]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.assign(page=4), "the TIFF has no page '4'"),
        (lambda table: table.drop(columns="page"), "its column page is gone"),
    ],
)
def test_rows_of_no_page_are_one_sentence(tmp_path, change, words):
    saved(tmp_path / "a.tif", {0: pd.DataFrame(MEASURED)})
    change(pd.read_csv(tmp_path / "a.csv")).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(MarrowError, match=words):
        read(str(tmp_path / "a.tif"))
