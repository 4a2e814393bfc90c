"""Files that are dropped on napari: each opens once, masks with their photograph."""

from dataclasses import replace

import numpy as np
import pytest
from napari import layers
from PIL import Image

from napari_marrow.data.layouts import scan, write_table
from napari_marrow.data.outputs import png_kind, save_png
from napari_marrow.viewer.io.readers import get_reader
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.photograph import Photograph


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


def drop(viewer, *paths):
    """As napari does: without Shift, each file by itself."""
    viewer.open([str(p) for p in paths], plugin="napari-marrow")


def names(viewer):
    return sorted(layer.name for layer in viewer.layers)


ONCE = ["ALL_1", "ALL_1 background", "ALL_1 nuclei", "ALL_2", "ALL_2 background", "ALL_2 nuclei"]


@pytest.mark.parametrize("order", ["photographs first", "masks first", "mixed"])
def test_photographs_and_masks_dropped_together_open_once(viewer, snam, order):
    folder = snam / "PKG - SN-AM" / "ALL"
    files = sorted([*folder.glob("ALL_1*.bmp"), *folder.glob("ALL_2*.bmp")])
    files.sort(key=lambda p: {"photographs first": "mask" in p.name, "mixed": 0}.get(
        order, "mask" not in p.name))  # fmt: skip
    assert len(files) == 6
    drop(viewer, *files)
    assert names(viewer) == ONCE
    for photograph in Photograph.open_in(list(viewer.layers)):
        assert np.asarray(photograph.labels(0)).max() == 12
    below = [layer.name for layer in viewer.layers]
    assert below.index("ALL_1") < below.index("ALL_1 nuclei")


def test_dropped_as_a_stack_masks_are_no_fields(viewer, snam):
    files = sorted((snam / "PKG - SN-AM" / "ALL").glob("*.bmp"))
    viewer.open([str(p) for p in files], plugin="napari-marrow", stack=True)
    assert names(viewer) == ["ALL", "ALL nuclei"]
    assert viewer.layers[0].data.shape[0] == 3


def test_an_edited_lone_mask_is_kept(viewer, snam):
    folder = snam / "PKG - SN-AM" / "ALL"
    drop(viewer, folder / "ALL_1_nucleus_mask.bmp")
    viewer.layers[0].data[:3] = 99
    drop(viewer, folder / "ALL_1.bmp")
    kept = [layer for layer in viewer.layers if LayerInfo.of(layer).photograph is None]
    assert (kept[0].data[:3] == 99).all()


def test_the_same_photograph_twice_has_one_set_of_masks(viewer, snam):
    path = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    drop(viewer, path)
    drop(viewer, path)
    assert names(viewer) == ["ALL_1", "ALL_1 [1]", "ALL_1 background", "ALL_1 nuclei"]
    viewer.layers.remove("ALL_1 nuclei")
    drop(viewer, path.with_name("ALL_1_nucleus_mask.bmp"))  # wanted again
    assert "ALL_1 nuclei" in names(viewer)


@pytest.mark.parametrize("table", ["fields.csv", "my fields.csv", "../fields.csv"])
@pytest.mark.parametrize("n_hidden", [0, 1])
def test_the_table_of_the_data_set_widget_opens_its_fields(
    viewer, make_snam, tmp_path, table, n_hidden
):
    root = make_snam(tmp_path / "s", 2)
    collection, path = scan(root), (root / table).resolve()
    fields, hidden = collection.fields[n_hidden:], collection.fields[:n_hidden]
    write_table(replace(collection, fields=fields, left_out=hidden), path)
    drop(viewer, path)
    assert names(viewer) == [path.parent.name, f"{path.parent.name} nuclei"]
    assert viewer.layers[0].data.shape[0] == 4 - n_hidden
    assert LayerInfo.of(viewer.layers[0]).fields[-1].class_name == "MM"


def test_other_tables_are_left_to_napari(viewer, tmp_path):
    points = "index,axis-0,axis-1\n0,1.0,2.0\n1,3.0,4.0\n"
    predictions = "image,index,y,x,class,probability_ALL\na.png,1,2,3,ALL,0.9\n"
    for name, text in {
        "points.csv": points,
        "fields.csv": points,
        "p-fields.csv": predictions,
    }.items():
        (tmp_path / name).write_text(text)
        assert get_reader(str(tmp_path / name)) is None
    overlay = tmp_path / "overlay.png"
    save_png(Image.new("RGB", (8, 8)), overlay, png_kind("an overlay"))
    assert get_reader(str(overlay)) is None
    viewer.open(str(tmp_path / "points.csv"))  # no choice to be made
    assert len(viewer.layers[0].data) == 2


@pytest.mark.parametrize("which", ["pictures", "class folders", "all together", "root and table"])
def test_a_saved_table_counts_however_its_pictures_are_opened(
    viewer, make_snam, tmp_path, notified, which
):
    root = make_snam(tmp_path / "s", 3, wrapped=False)
    (root / "fields.csv").write_text(
        "image,class,source,use\nALL/ALL_1.bmp,CLL,p1,yes\nALL/ALL_2.bmp,ALL,p1,no\n"
        "ALL/ALL_3.bmp,ALL,p2,yes\nMM/MM_1.bmp,MM,p3,yes\nMM/MM_2.bmp,MM,p3,yes\n"
        "MM/MM_3.bmp,MM,p4,yes\n"
    )
    folders = [root / "ALL", root / "MM"]
    dropped = {
        "pictures": sorted((root / "ALL").glob("*.bmp")),
        "class folders": folders,
        "all together": [*folders, root / "fields.csv"],
        "root and table": [root, root / "fields.csv"],
    }[which]
    drop(viewer, *dropped)
    images = [x for x in viewer.layers if isinstance(x, layers.Image)]
    fields = [f for x in images for f in LayerInfo.of(x).fields]
    expected = [("ALL_1", "CLL", "p1"), ("ALL_3", "ALL", "p2")]
    if which != "pictures":
        expected += [("MM_1", "MM", "p3"), ("MM_2", "MM", "p3"), ("MM_3", "MM", "p4")]
    assert [(f.name, f.class_name, f.source) for f in fields] == expected
    assert all(LayerInfo.of(x).class_tables == (root / "fields.csv",) for x in images)
    assert any("fields.csv leaves out" in text and "ALL_2" in text for text in notified)
