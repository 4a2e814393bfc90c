"""Saved labels of a stack lie over the fields that they were made for, whatever their order."""

import shutil

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.training.learning import summarize_learning

NAMES = ("ALL_1", "ALL_2", "MM_1", "MM_2")


def drop(viewer, *paths):
    for path in paths:
        viewer.open(str(path), plugin="napari-marrow")


def seen(viewer):
    """By the name of each field how many nuclei it has, and the strokes on it."""
    [photograph] = Photograph.all_of(viewer.layers)
    return {
        photograph.files[row].name: (
            0 if photograph.labels(row) is None else int(photograph.labels(row).max()),
            dict(photograph.annotated(row).counts),
        )
        for row in range(len(photograph))
    }


@pytest.fixture
def saved(make_napari_viewer, make_snam, tmp_path):
    """A viewer, a folder, its saved nuclei and annotations, and what was seen of them."""
    viewer = make_napari_viewer()
    folder = make_snam(tmp_path / "data", 2, masks=False)
    drop(viewer, folder)
    [photograph] = Photograph.all_of(viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    cells = annotation_layer_to_paint(viewer, photograph, ("ALL", "MM"))
    for row in range(4):
        nuclei = viewer.layers[f"{folder.name} nuclei"].data.read(row)
        cells.data[row][nuclei == 1] = 1 + (row > 1)
    files = [tmp_path / f"{layer.name}.tif" for layer in viewer.layers[1:]]
    for layer, file in zip(viewer.layers[1:], files, strict=True):
        layer.save(str(file), plugin="napari-marrow")
    before = seen(viewer)
    assert list(before) == [*NAMES]
    assert before["ALL_1"] == (12, {"ALL": 1})
    assert before["MM_1"] == (1, {"MM": 1})
    viewer.layers.clear()
    return viewer, folder, files, before


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("a corrected class", "photographs"),
        ("a corrected class", "labels"),
        ("a moved folder", "labels"),
        ("another field", "photographs"),
    ],
)
def test_labels_of_a_stack_follow_their_fields(saved, first, change, draw, tmp_path):
    viewer, folder, files, before = saved
    if change == "a corrected class":  # the second of four fields becomes the last but one
        shutil.move(folder / "ALL" / "ALL_2.bmp", folder / "MM" / "ALL_2.bmp")
        shutil.move(folder / "MM" / "MM_1.bmp", folder / "ALL" / "MM_1.bmp")
    elif change == "a moved folder":
        shutil.move(folder, tmp_path / "moved")
        folder = tmp_path / "moved"
    else:  # of another size
        Image.fromarray(draw("MM", 9, (60, 80))[0]).save(folder / "ALL" / "ALL_0.bmp")
        before["ALL_0"] = (0, {})
    drop(viewer, *([folder, *files] if first == "photographs" else [*files, folder]))
    assert seen(viewer) == before
    nuclei, fields = viewer.layers[files[0].stem], Photograph.all_of(viewer.layers)[0].files
    for row, table in kept_tables(LayerInfo.of(nuclei), nuclei.features).items():
        assert {*table["field"]} <= {fields[row].name}
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell", True).sentence()
    assert "Learns from 2 ALL and 2 MM cells of 4 fields" in said


def test_labels_of_which_a_field_is_gone_are_refused_by_name(saved):
    viewer, folder, files, _ = saved
    (folder / "ALL" / "ALL_2.bmp").unlink()
    drop(viewer, folder, *files)
    assert seen(viewer) == dict.fromkeys(("ALL_1", "MM_1", "MM_2"), (0, {}))
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    for file in files:
        assert f"{file.stem} over {folder.name} is not used: it belongs to ALL_2" in said


def test_labels_follow_pictures_whose_class_folders_swapped_names(saved, tmp_path):
    viewer, folder, files, before = saved
    drop(viewer, *files)
    nuclei, cells = viewer.layers
    cells.selected_label, cells.brush_size, cells.contour, cells.mode = 2, 13, 3, "paint"
    for name in ("ALL", "MM"):
        for k in (1, 2):  # the names of the files are the same, too
            (folder / name / f"{name}_{k}.bmp").rename(folder / name / f"{k}.bmp")
    (folder / "ALL").rename(tmp_path / "mm")
    (folder / "MM").rename(folder / "ALL")
    (tmp_path / "mm").rename(folder / "MM")
    drop(viewer, folder)
    [photograph] = Photograph.all_of(viewer.layers)
    now = [int(photograph.labels(row).max()) for row in range(4)]
    assert now == [before[name][0] for name in ("MM_1", "MM_2", "ALL_1", "ALL_2")]
    assert [x for x in viewer.layers if x is not photograph.layer] == [nuclei, cells]
    assert (cells.selected_label, cells.brush_size, cells.contour) == (2, 13, 3)
    assert cells.mode == "paint"
    other = viewer.add_labels(np.array(nuclei.data), metadata=nuclei.metadata)
    for layer, file in zip((nuclei, cells), files, strict=True):
        with pytest.raises(MarrowError, match=file.name):
            other.save(str(file), plugin="napari-marrow")
        layer.save(str(file), plugin="napari-marrow")


@pytest.mark.parametrize("steps", ["undo", "redo"])
@pytest.mark.parametrize("which", [0, 1], ids=["nuclei", "annotations"])
def test_what_was_painted_before_is_not_undone_in_another_field(saved, steps, which):
    viewer, folder, files, _ = saved
    drop(viewer, *files)
    painted = viewer.layers[files[which].stem]
    painted.data_setitem((np.array([3, 3]), np.array([5, 6]), np.array([7, 7])), 9)
    if steps == "redo":
        painted.undo()
    shutil.move(folder / "ALL" / "ALL_2.bmp", folder / "MM" / "ALL_2.bmp")
    shutil.move(folder / "MM" / "MM_1.bmp", folder / "ALL" / "MM_1.bmp")
    drop(viewer, folder)
    now = viewer.layers[files[which].stem]
    there = np.asarray(now.data).copy()
    fields = [f.name for f in Photograph.all_of(viewer.layers)[0].files]
    assert (there[fields.index("MM_2"), 5, 7] == 9) == (steps == "undo")
    getattr(now, steps)()
    np.testing.assert_array_equal(np.asarray(now.data), there)
