"""Saved labels that are open in the viewer are replaced by their own layer only."""

import io

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.io.saved_labels import save_labels
from napari_marrow.viewer.io.writers import write_labels

CELLS = np.array([[0, 1, 1, 0], [2, 2, 0, 3]], np.uint16)
PLUGIN = "napari-marrow"


def save(viewer, layer, path):
    """Save one layer as File > Save Selected Layers does."""
    viewer.layers.selection = {layer}
    return viewer.layers.save(str(path), selected=True, plugin=PLUGIN)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_another_layer_does_not_replace_saved_labels_that_are_open(
    make_napari_viewer_proxy, tmp_path
):
    viewer = make_napari_viewer_proxy()
    table = pd.DataFrame({"index": [1, 2, 3], "class": ["ALL", "MM", "ALL"]})
    for name in ("cells.tif", "stack.tiff", "plain.tif"):
        data = np.stack([CELLS, CELLS]) if name == "stack.tiff" else CELLS
        save_labels(tmp_path / name, data, table, {"name": name})
    (tmp_path / "link.tif").symlink_to(tmp_path / "cells.tif")
    before = contents(tmp_path)
    opened = [
        viewer.open(str(tmp_path / name), plugin=PLUGIN)[0] for name in ("cells.tif", "stack.tiff")
    ]
    viewer.open(str(tmp_path / "plain.tif"), plugin="napari")  # by another reader
    other = viewer.add_labels(CELLS + 1, name="other", features=table)
    for name in ("cells.tif", "stack.tiff", "plain.tif", "link.tif", "stack.tif"):
        with pytest.raises(MarrowError, match=rf"{name[:4]}.* is read"):
            write_labels(str(tmp_path / name), *other.as_layer_data_tuple()[:2])
    with pytest.raises(MarrowError, match=r"stack\.tiff .* is read"):
        write_labels(str(tmp_path / "stack.tiff"), *opened[0].as_layer_data_tuple()[:2])
    assert contents(tmp_path) == before

    # the layers themselves are edited and saved again, more than once
    for layer, name in zip(opened, ("cells.tif", "stack.tiff"), strict=True):
        for value in (7, 8):
            layer.data[..., 0, 0] = value
            layer.features = layer.features.assign(note="seen")
            assert len(save(viewer, layer, tmp_path / name)) == 2
            np.testing.assert_array_equal(tifffile.imread(tmp_path / name), layer.data)
        assert "seen" in (tmp_path / name).with_suffix(".csv").read_text()
    viewer.layers.remove(opened[0])
    assert save(viewer, other, tmp_path / "cells.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "cells.tif"), other.data)


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("ALL", "MM"),
        lambda text: text.replace("class", "class,mine", 1).replace("ALL", "ALL,x"),
        lambda text: "".join(text.splitlines(keepends=True)[:-1]),
    ],
    ids=["a value", "a column", "a row"],
)
def test_what_was_typed_into_the_table_since_is_not_overwritten(
    make_napari_viewer_proxy, tmp_path, edit, stacked, opened
):
    viewer = make_napari_viewer_proxy()
    path, table = tmp_path / "cells.tif", tmp_path / "cells.csv"
    features = pd.DataFrame({"index": [1, 2, 3], "class": ["ALL"] * 3})
    data = np.stack([CELLS, CELLS]) if stacked else CELLS
    save_labels(path, data, {0: features, 1: features} if stacked else features, {"name": "cells"})
    if opened:
        [layer] = viewer.open(str(path), plugin=PLUGIN)
    else:  # saved by this layer for the first time
        layer = viewer.add_labels(data, features=features)
    save(viewer, layer, path)
    table.write_text(edit(table.read_text()))
    before = contents(tmp_path)
    with pytest.raises(MarrowError, match=r"cells\.csv was changed"):
        write_labels(str(path), *layer.as_layer_data_tuple()[:2])
    assert contents(tmp_path) == before
    save(viewer, layer, tmp_path / "other.tif")
    viewer.layers.clear()
    [layer] = viewer.open(str(path), plugin=PLUGIN)
    save(viewer, layer, path)
    pd.testing.assert_frame_equal(
        pd.read_csv(table), pd.read_csv(io.BytesIO(before["cells.csv"])), check_dtype=False
    )
