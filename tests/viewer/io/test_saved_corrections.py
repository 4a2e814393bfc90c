"""Which nuclei of a field count that is open alone and in its folder, also after saving."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.io.writers import write_labels
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning


def add(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


def segmented(viewer, path):
    """Open a photograph or folder, and segment it."""
    add(viewer, path)
    photograph = Photograph.all_of(viewer.layers)[-1]
    found = segment_photograph(photograph, SegmentSettings(), False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    return viewer.layers[-1]


def correct(layer, *place):
    layer.data_setitem(tuple(np.array([k, k]) for k in place), 77)


def save(layer, file):
    write_labels(str(file), *layer.as_layer_data_tuple()[:2])


def counting(viewer):
    """The photograph whose nuclei count for ALL_1, and what is said."""
    photographs = Photograph.open_in(viewer.layers)
    [name] = [x.name for x in photographs for row in x.chosen if x.files[row].name == "ALL_1"]
    return name, summarize_learning(photographs, "cell", count_all=False).sentence()


@pytest.mark.parametrize("corrected", ["the field alone", "both"])
def test_corrected_nuclei_count_before_segmented_ones_after_saving(make_snam, tmp_path, corrected):
    folder = make_snam(tmp_path / "data", 2, masks=False)
    field, files = folder / "ALL" / "ALL_1.bmp", [tmp_path / "one.tif", tmp_path / "all.tif"]
    alone = segmented(ViewerModel(), field)
    correct(alone, 5, 5)
    save(alone, files[0])
    stack = segmented(ViewerModel(), folder)
    row = 1 if corrected == "the field alone" else 0
    correct(stack, row, 5, 5)
    save(stack, files[1])
    for order in ((folder, files[1], field, files[0]), (field, files[0], folder, files[1])):
        viewer = ViewerModel()
        for path in order:
            add(viewer, path)
        name, said = counting(viewer)
        if corrected == "the field alone":
            assert name == "ALL_1"
            assert "is not used" not in said
        else:  # the one that was opened first
            assert name == order[0].stem
            other = {folder.name: "ALL_1", "ALL_1": folder.name}[name]
            assert f"{other} nuclei is not used" in said


def test_a_saved_stack_that_is_corrected_and_saved_again_counts(make_snam, tmp_path):
    folder = make_snam(tmp_path / "data", 2, masks=False)
    file = tmp_path / "all.tif"
    save(segmented(ViewerModel(), folder), file)
    viewer = ViewerModel()
    add(viewer, folder)
    add(viewer, file)
    correct(viewer.layers[-1], 0, 5, 5)
    save(viewer.layers[-1], file)
    viewer = ViewerModel()
    segmented(viewer, folder / "ALL" / "ALL_1.bmp")
    add(viewer, folder)
    add(viewer, file)
    assert viewer.layers[-1].data[0, 5, 5] == 77
    found = Photograph.open_in(viewer.layers)[-1].nuclei
    assert [found.corrected(row) for row in range(4)] == [True, False, False, False]
    assert not found.from_files
