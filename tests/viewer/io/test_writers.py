"""What is saved comes back exactly, is what the command line writes, and is never half there."""

import os
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManager
from scipy import ndimage
from skimage.measure import regionprops

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.report.colours import FIXED, UNCERTAIN, rgb
from napari_marrow.viewer.io.readers import get_reader, read
from napari_marrow.viewer.io.saved_labels import is_saved_labels, load_labels, save_labels
from napari_marrow.viewer.io.writers import write_labels, write_predictions
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.annotations import label_classes, new_cells_layer
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.slice_tables import nucleus_features
from napari_marrow.viewer.stack import LazyStack

pytestmark = pytest.mark.usefixtures("no_leftovers")

CELLS = np.array([[0, 1, 1, 0], [2, 2, 0, 300], [0, 0, 65535, 300]], np.int32)


def saved(layer, path):
    """A layer, written by its writer and opened by our reader."""
    data, options, kind = layer.as_layer_data_tuple()
    assert kind == "labels"
    [path, table] = write_labels(str(path), data, options)
    assert table == os.path.splitext(path)[0] + ".csv"
    [(data, options, kind)] = get_reader(path)(path)
    assert kind == "labels"
    return Labels(data, **options)


def test_nuclei_that_were_painted_on_are_saved_with_a_table_of_what_is_there(tmp_path):
    labels = np.zeros((20, 30), np.uint16)
    labels[2:6, 2:8], labels[10:14, 4:9], labels[12:18, 20:28] = 1, 2, 3
    around = np.where(ndimage.binary_dilation(labels == 2, iterations=2), 2, 0) * (labels == 0)
    around[10:12, 20:28] = 3
    table = nucleus_features(labels, around).assign(note=["one", "two", "three"])
    layer = Labels(labels, features=table, metadata=LayerInfo(kind=Kind.NUCLEI).metadata())
    untouched = saved(layer, tmp_path / "before.tif")
    pd.testing.assert_frame_equal(untouched.features, table)
    layer.data[labels == 1] = 0  # erased
    layer.data[2:4, 20:25] = 50  # a new one
    layer.data[13, 4:9] = 0  # made smaller
    after = saved(layer, tmp_path / "after.tif")
    there = {r.label: r for r in regionprops(after.data)}
    found = after.features.set_index("index")
    assert found.index.tolist() == sorted(there) == [2, 3, 50]
    for number, region in there.items():
        assert found.loc[number, "area"] == region.area
        assert found.loc[number, ["y", "x"]].tolist() == pytest.approx(region.centroid, abs=1e-6)
    assert found["note"].tolist()[:2] == ["two", "three"]
    assert pd.isna(found.loc[50, ["note", "cytoplasm_area", "nucleus_to_cell"]]).all()
    assert found.loc[3, "nucleus_to_cell"] == table.loc[2, "nucleus_to_cell"] == 48 / 64
    assert found.loc[2, "nucleus_to_cell"] == 15 / (15 + np.count_nonzero(around == 2))


def hard_table():
    return pd.DataFrame(
        {
            "index": [1, 2, 300, 65535],
            "class": ["ALL", 'Mönch, "groß"', None, ""],
            "note": ["NA", "nan", "None", "1,5\n\r\nend"],
            "digits": ["007", "1.0", "1e5", " x "],
            "probability": [0.1, 1 / 3, np.nan, -np.inf],
            "small": np.array([0.1, 1e-38, np.nan, 3], np.float32),
            "large": np.array([0, 2**63 + 1, 2**64 - 1, 5], np.uint64),
            "count": pd.array([1, None, 2**62 + 1, -4], dtype="Int64"),
            "uncertain": [True, False, False, True],
            "checked": pd.Series([True, None, False, None], dtype=object),
            "grade": pd.Categorical(["low", "high", None, "low"], ["low", "high"], ordered=True),
            "batch": pd.Categorical([3, 1, 1, 3]),
            "day": pd.to_datetime(["2020-01-31", None, "1999-12-31", "2000-02-29"]),
        }
    )


def test_labels_and_every_kind_of_column_come_back(tmp_path):
    layer = Labels(CELLS, name="ALL_1 nuclei", features=hard_table(), scale=(0.5, 0.25))
    layer.translate, layer.units, layer.axis_labels = (3, 4), ("um", "um"), ("y", "x")
    again = saved(layer, tmp_path / "a.b.tif")
    assert again.data.dtype == np.uint16
    np.testing.assert_array_equal(again.data, CELLS)
    pd.testing.assert_frame_equal(again.features, layer.features)
    assert again.name == "ALL_1 nuclei"
    np.testing.assert_array_equal(again.scale, layer.scale)
    np.testing.assert_array_equal(again.translate, layer.translate)
    assert again.units == layer.units
    assert again.axis_labels == ("y", "x")


def test_others_can_read_both_files(tmp_path):
    table = hard_table()[["index", "class", "probability"]].iloc[:2]
    write_labels(str(tmp_path / "a.tif"), CELLS, {"name": "a", "features": table})
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), CELLS)
    assert tifffile.imread(tmp_path / "a.tif").dtype == np.uint16
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), table)


names = st.text(string.ascii_letters + "äß ,;\"'\n", min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(names, st.sampled_from(["text", "float", "int"]), max_size=3),
    st.integers(0, 4),
    st.data(),
)
def test_any_table_comes_back(tmp_path_factory, columns, rows, data):
    kinds = {
        "text": (st.one_of(st.none(), texts), "str"),
        "float": (st.floats(), "float64"),
        "int": (st.integers(-(2**63), 2**63 - 1), "int64"),
    }
    table = pd.DataFrame(
        {
            name: pd.Series(
                data.draw(st.lists(kinds[kind][0], min_size=rows, max_size=rows)),
                dtype=kinds[kind][1],
            )
            for name, kind in columns.items()
        }
    )
    path = tmp_path_factory.mktemp("any") / "a.tif"
    save_labels(path, CELLS, table, {})
    pd.testing.assert_frame_equal(load_labels(path)[1], table, check_exact=True)


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame(), pd.DataFrame({"index": np.zeros(0, int), "class": np.zeros(0, str)})],
    ids=["no columns", "no rows"],
)
def test_an_empty_table_comes_back(tmp_path, table):
    layer = Labels(CELLS, features=table)
    again = saved(layer, tmp_path / "a.tiff")
    pd.testing.assert_frame_equal(again.features, layer.features)
    np.testing.assert_array_equal(again.data, CELLS)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 5, 7), (3, 3, 5), (2, 3, 5, 7), (1, 1)])
def test_stacks_come_back(tmp_path, shape):
    data = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    again = saved(Labels(data), tmp_path / "a.tif")
    assert again.data.shape == shape
    np.testing.assert_array_equal(again.data, data)


def test_a_lazy_stack_is_read_field_by_field(tmp_path):
    calls = []

    def reader(row):
        def read_row():
            calls.append(row)
            return np.full((4, 6), row + 1, np.uint16)

        return read_row

    stack = LazyStack([reader(row) for row in range(3)], (5, 6), np.uint16)
    write_labels(str(tmp_path / "a.tif"), stack, {})
    assert calls == [0, 1, 2]
    [(data, _, _)] = read(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(data, np.asarray(stack))


def colour(layer, label):
    return (layer.colormap.map(np.array([label]))[0][:3] * 255).round().astype(int).tolist()


def test_classes_come_back_in_their_colours(tmp_path):
    table = pd.DataFrame(
        {"index": [1, 2, 300], "class": ["MM", "ALL", None], "uncertain": [False, True, False]}
    )
    again = saved(Labels(CELLS, features=table), tmp_path / "a.tif")
    assert colour(again, 1) == list(rgb(FIXED["MM"]))
    assert colour(again, 2) == list(rgb(UNCERTAIN))
    assert again.colormap.map(np.array([300]))[0][3] == 0

    table["class"] = table["class"].astype("category")
    again = saved(Labels(CELLS, features=table), tmp_path / "a.tif")
    assert colour(again, 1) == list(rgb(FIXED["MM"]))


def test_cells_without_numbers_have_no_colours_of_their_own(tmp_path):
    table = pd.DataFrame({"index": ["a", "b"], "class": ["MM", "ALL"]})
    write_labels(str(tmp_path / "a.tif"), CELLS, {"features": table})
    assert "colormap" not in read(str(tmp_path / "a.tif"))[0][1]


def test_annotations_stay_annotations(tmp_path):
    photograph = Image(np.zeros((6, 8, 3), np.uint8), rgb=True, name="ALL_1")
    layer = new_cells_layer(photograph, ("blast", "ALL", "other"))
    again = saved(layer, tmp_path / "mine.tif")
    assert LayerInfo.of(again).kind is Kind.ANNOTATION
    assert label_classes(again) == label_classes(layer)
    for label in (1, 2, 3):
        assert colour(again, label) == colour(layer, label)


@pytest.fixture(params=["cell"])
def labelled(request, snam, tmp_path, make_toy):
    """A viewer with a stack that was labelled, its bundle, and what ``predict`` writes of it."""
    bundle = make_toy(tmp_path / f"{request.param}.marrow", unit=request.param)
    viewer = ViewerModel()
    for data, options, kind in read(str(snam)):
        getattr(viewer, f"add_{kind}")(data, **options)
    [found] = predict_photographs(bundle, Photograph.all_of(viewer.layers))
    show_predictions(viewer, found, bundle.info.classes)
    run_prediction(PredictJob(bundle, [scan(snam)], tmp_path / "expected.csv"))
    return viewer, tmp_path / "expected.csv"


@pytest.mark.parametrize("labelled", ["field", "cell"], indirect=True)
def test_predictions_are_those_of_the_command_line(labelled, tmp_path):
    viewer, expected = labelled
    data, options, _ = viewer.layers["PKG - SN-AM"].as_layer_data_tuple()
    assert write_predictions(str(tmp_path / "p.csv"), data, options) == [str(tmp_path / "p.csv")]
    written = pd.read_csv(tmp_path / "p.csv")
    pd.testing.assert_frame_equal(written, pd.read_csv(expected), rtol=0, atol=1e-6)
    assert "ALL/ALL_1.bmp" in set(written["image"])


def test_predicted_cells_come_back(labelled, tmp_path):
    viewer, _ = labelled
    layer = viewer.layers["PKG - SN-AM predicted cells"]
    again = saved(layer, tmp_path / "cells.tif")
    np.testing.assert_array_equal(again.data, np.asarray(layer.data))
    pd.testing.assert_frame_equal(again.features, layer.features)
    for label in layer.features["index"]:
        assert colour(again, label) == colour(layer, label)
    assert again.name == layer.name  # so that it is not taken for a person's annotation


def test_predictions_of_a_layer_of_another_reader(tmp_path, toy, draw):
    viewer = ViewerModel()
    layer = viewer.add_image(np.stack([draw("ALL", 1)[0], draw("MM", 1)[0]]), rgb=True, name="mine")
    [found] = predict_photographs(toy, Photograph.all_of(viewer.layers))
    show_predictions(viewer, found, toy.info.classes)
    data, options, _ = layer.as_layer_data_tuple()
    [path] = write_predictions(str(tmp_path / "p"), data, options)
    assert path == str(tmp_path / "p.csv")
    assert pd.read_csv(path)["image"].tolist() == ["mine 0", "mine 1"]


def test_napari_offers_and_calls_them(make_napari_viewer_proxy, snam, toy, tmp_path):
    viewer = make_napari_viewer_proxy()
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin="napari-marrow")
    manager = PluginManager.instance()
    offered = {
        kind: [w.display_name for w in manager.iter_compatible_writers([kind])]
        for kind in ("labels", "image")
    }
    assert "Marrow labels (TIFF + CSV)" in offered["labels"]
    assert "Marrow predictions (CSV)" in offered["image"]
    assert "Marrow labels (TIFF + CSV)" not in offered["image"]

    [found] = predict_photographs(toy, Photograph.all_of(viewer.layers))
    show_predictions(viewer, found, toy.info.classes)
    viewer.layers.selection = {viewer.layers["ALL_1"]}
    done = viewer.layers.save(str(tmp_path / "p.csv"), selected=True, plugin="napari-marrow")
    assert done == [str(tmp_path / "p.csv")]
    assert pd.read_csv(done[0])["image"].tolist() == ["ALL_1.bmp"]

    nuclei = viewer.layers["ALL_1 nuclei"]
    viewer.layers.selection = {nuclei}
    # without an ending, as a person types it
    done = viewer.layers.save(str(tmp_path / "n"), selected=True, plugin="napari-marrow")
    assert done == [str(tmp_path / "n.tif"), str(tmp_path / "n.csv")]
    [again] = viewer.open(done[0], plugin="napari-marrow")
    np.testing.assert_array_equal(again.data, nuclei.data)
    pd.testing.assert_frame_equal(again.features, nuclei.features)


# --- what can't work -----------------------------------------------------------------------------


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.array([[[1, 2]], [[3, 65536]]]), "label 65536 does not fit"),
        (np.array([[1, -1]]), "label -1 does not fit"),
        (np.zeros((0, 4), int), "no pixels"),
    ],
)
def test_labels_that_do_not_fit_leave_older_files(tmp_path, data, words):
    path = tmp_path / "a.tif"
    write_labels(str(path), CELLS, {"features": hard_table()})
    before = contents(tmp_path)
    with pytest.raises(MarrowError, match=words) as caught:
        write_labels(str(path), data, {"name": "other"})
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before
    write_labels(str(path), CELLS + 0, {"features": pd.DataFrame({"index": [1]})})
    assert contents(tmp_path)["a.csv"] == b"index\r\n1\r\n"


def test_a_table_of_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "a.csv").write_text("image,source\n")
    with pytest.raises(MarrowError, match=r"a\.csv is there already"):
        write_labels(str(tmp_path / "a.tif"), CELLS, {})
    assert contents(tmp_path) == {"a.csv": b"image,source\n"}


@pytest.mark.parametrize("table", [hard_table(), pd.DataFrame()], ids=["columns", "no columns"])
@pytest.mark.parametrize("notes", ["my notes\n", "name,class\nAda,first\n"])
def test_notes_in_the_place_of_the_table_are_not_overwritten(tmp_path, table, notes):
    """The labels are the program's own; what has taken the name of their table is not."""
    save_labels(tmp_path / "a.tif", CELLS, table, {})
    save_labels(tmp_path / "a.tif", CELLS, table, {})
    (tmp_path / "a.csv").write_text(notes)
    with pytest.raises(MarrowError, match=r"a\.csv was changed"):
        save_labels(tmp_path / "a.tif", CELLS, table, {})
    assert (tmp_path / "a.csv").read_text() == notes


@pytest.mark.parametrize("stacked", [False, True])
def test_columns_that_the_user_added_to_the_table_stay(tmp_path, stacked):
    """Also when the labels are saved again; unless the new table has them, too."""
    path, data = tmp_path / "b.tif", np.stack([CELLS] * 2) if stacked else CELLS
    table = pd.DataFrame({"index": [1, 2], "area": [3.0, 4.0]})

    def save(table):
        save_labels(path, data, {1: table} if stacked else table, {})

    save(table)
    added = pd.read_csv(tmp_path / "b.csv").assign(diagnosis="ALL", comment="mine")
    added.to_csv(tmp_path / "b.csv", index=False)
    for fewer in (table, table.assign(comment="other")):
        with pytest.raises(MarrowError, match=r"b\.csv was changed"):
            save(fewer)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "b.csv"), added)
    load_labels(path)
    save(table.assign(diagnosis="MM", comment="opened, changed and saved"))
    assert pd.read_csv(tmp_path / "b.csv")["diagnosis"].tolist() == ["MM", "MM"]
    save(table)  # all columns are as they were saved
    assert "diagnosis" not in pd.read_csv(tmp_path / "b.csv")


def test_columns_beside_a_table_without_any_stay(tmp_path):
    save_labels(tmp_path / "b.tif", CELLS, pd.DataFrame(), {})
    (tmp_path / "b.csv").write_text("diagnosis,comment\nALL,mine\n")
    with pytest.raises(MarrowError, match=r"b\.csv was changed"):
        save_labels(tmp_path / "b.tif", CELLS, pd.DataFrame({"index": [1]}), {})
    assert (tmp_path / "b.csv").read_text() == "diagnosis,comment\nALL,mine\n"


def test_a_photograph_or_a_table_of_the_user_is_not_overwritten(labelled, tmp_path):
    viewer, _ = labelled
    tmp_path = tmp_path / "out"
    tmp_path.mkdir()
    tifffile.imwrite(tmp_path / "photo.tif", np.zeros((4, 5, 3), np.uint8), photometric="rgb")
    (tmp_path / "labels.csv").write_text("image,class\nALL_1,ALL\n")
    before = contents(tmp_path)
    with pytest.raises(MarrowError, match=r"photo\.tif is there already"):
        write_labels(str(tmp_path / "photo.tif"), CELLS, {})
    data, options, _ = viewer.layers[0].as_layer_data_tuple()
    with pytest.raises(MarrowError, match=r"labels\.csv is there already"):
        write_predictions(str(tmp_path / "labels.csv"), data, options)
    assert contents(tmp_path) == before
    for _ in range(2):
        write_predictions(str(tmp_path / "p.csv"), data, options)


def test_a_failing_table_leaves_both_files(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    write_labels(str(path), CELLS, {"features": hard_table()})
    before = contents(tmp_path)

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(MarrowError, match="free some space"):
        write_labels(str(path), CELLS * 0, {"features": hard_table()})
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["a.tif", "p.csv"])
def test_no_permission_is_one_sentence(tmp_path, labelled, monkeypatch, name):
    data, options, _ = labelled[0].layers["PKG - SN-AM"].as_layer_data_tuple()

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # for root no folder is forbidden
    write, pixels = (write_labels, CELLS) if name == "a.tif" else (write_predictions, data)
    with pytest.raises(MarrowError, match=rf"{name} can't be written: .* no permission"):
        write(str(tmp_path / name), pixels, options)


@pytest.mark.parametrize("known", [{}, {"napari_marrow": {"fields": [], "predictions": None}}])
def test_a_layer_without_predictions_is_one_sentence(tmp_path, known):
    old = tmp_path / "p.csv"
    old.write_text("keep")
    with pytest.raises(MarrowError, match="ALL_1 has no predictions yet"):
        write_predictions(str(old), np.zeros((2, 2, 3)), {"name": "ALL_1", "metadata": known})
    assert contents(tmp_path) == {"p.csv": b"keep"}


def test_a_folder_of_that_name_is_one_sentence(tmp_path):
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(MarrowError, match=r"a\.tif is a folder"):
        write_labels(str(tmp_path / "a.tif"), CELLS, {})
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_photographs_are_not_taken_for_saved_labels(tmp_path):
    tifffile.imwrite(tmp_path / "photo.tif", np.zeros((4, 5, 3), np.uint8), photometric="rgb")
    (tmp_path / "photo.csv").write_text("index,class\n1,ALL\n")
    (tmp_path / "text.tif").write_text("not a TIFF")
    assert not is_saved_labels(tmp_path / "photo.tif")
    assert not is_saved_labels(tmp_path / "text.tif")
    assert not is_saved_labels(tmp_path / "missing.tif")
    assert read(str(tmp_path / "photo.tif"))[0][2] == "image"


def test_without_its_table_the_labels_still_open(tmp_path, notified):
    write_labels(str(tmp_path / "a.tif"), CELLS, {"name": "n", "features": hard_table()})
    (tmp_path / "a.csv").unlink()
    [(data, options, _)] = read(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(data, CELLS)
    assert options == {"name": "n"}
    assert "a.csv is not there" in notified[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("True", "perhaps"), r"a\.csv"),
        (lambda text: text + "1,2\n", r"a\.csv .* length"),
    ],
)
def test_a_spoilt_table_is_one_sentence(tmp_path, change, words):
    table = pd.DataFrame({"index": [1], "uncertain": [True], "name": ["x"]})
    write_labels(str(tmp_path / "a.tif"), CELLS, {"features": table})
    (tmp_path / "a.csv").write_text(change((tmp_path / "a.csv").read_text()))
    with pytest.raises(MarrowError, match=words):
        read(str(tmp_path / "a.tif"))


def test_a_table_that_was_added_to_is_read(tmp_path):
    write_labels(str(tmp_path / "a.tif"), CELLS, {"features": pd.DataFrame({"index": [1, 2]})})
    (tmp_path / "a.csv").write_text("\ufeffindex,class,area\r\n1,ALL,2.5\r\n2,,3\r\n", "utf-8")
    [(_, options, _)] = read(str(tmp_path / "a.tif"))
    expected = pd.DataFrame({"index": [1, 2], "class": ["ALL", None], "area": [2.5, 3]})
    pd.testing.assert_frame_equal(options["features"], expected)


def test_damaged_pixels_are_one_sentence(tmp_path):
    path = tmp_path / "a.tif"
    rng = np.random.default_rng(0)
    write_labels(str(path), rng.integers(0, 9, (60, 80)), {})
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 500)
    assert is_saved_labels(path)
    with pytest.raises(MarrowError, match=r"a\.tif is damaged"):
        read(str(path))


def test_saved_labels_beside_photographs_are_no_photographs(make_snam, tmp_path):
    """Else the next training on the folder would learn from them."""
    root = make_snam(tmp_path / "s", 2)
    layer = Labels(np.ones((48, 64), np.uint16), name="cells")
    write_labels(str(root / "MM" / "MM_1 cells.tif"), *layer.as_layer_data_tuple()[:2])
    assert [f.name for f in scan(root).fields] == ["ALL_1", "ALL_2", "MM_1", "MM_2"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame([[1, "a"]], columns=["x", "x"]), r"l\.tif .* column x"),
        (pd.DataFrame({"q": pd.cut([1, 2, 3], 2)}), "column q"),
        (pd.DataFrame({"q": pd.interval_range(0, 3)}), "column q"),
        (
            pd.DataFrame({"q": [1, "a", None]}),
            "column q",
        ),
        (pd.DataFrame({0: [1, 2]}), "column 0"),
        (pd.DataFrame({"q": pd.Series([1, 2, None], dtype=object)}), "column q"),
        (
            pd.DataFrame({"q": pd.Categorical(pd.date_range("2020", periods=2))}),
            "column q",
        ),
    ],
)
def test_columns_that_can_not_be_made_again_are_refused(tmp_path, table, says):
    with pytest.raises(MarrowError, match=says):
        write_labels(str(tmp_path / "l.tif"), np.ones((3, 4), int), {"features": table})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("unit", "in_um"), [("um", 1), ("nm", 0.001), ("mm", 1000)])
@pytest.mark.parametrize("ndim", [2, 3])
def test_the_size_of_the_pixels_is_saved_for_other_programs(tmp_path, unit, in_um, ndim):
    scale, units = (1, 0.25 / in_um, 0.2 / in_um)[-ndim:], ("pixel", unit, unit)[-ndim:]
    labels = CELLS if ndim == 2 else CELLS[np.newaxis].repeat(3, 0)
    layer = Labels(labels, scale=scale, units=units)
    again = saved(layer, tmp_path / "a.tif")
    np.testing.assert_allclose(again.scale, scale, atol=1e-9)
    assert again.units == layer.units
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        x, y = tif.pages.first.get_resolution("MICROMETER")
    np.testing.assert_allclose((1 / x, 1 / y), (0.2, 0.25), atol=1e-6)
    saved(Labels(CELLS), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages.first.get_resolution() == (1, 1)
