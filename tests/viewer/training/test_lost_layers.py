"""What a conversion, a lost table or a closed layer leaves is named, or measured again."""

import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.photograph.annotations import new_cells_layer, set_chosen
from napari_marrow.viewer.photograph.cell_counts import cell_counts
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning


@pytest.fixture
def viewer():
    return ViewerModel()


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        viewer.add_layer((Image if kind == "image" else Labels)(data, **options))
    return viewer.layers[0]


def sentence(viewer):
    return summarize_learning(Photograph.open_in(viewer.layers), "cell").sentence()


@pytest.mark.parametrize("how", ["stack", "single", "reopened"])
def test_annotations_without_their_classes_are_named(viewer, snam, how):
    image = fill(viewer, snam if how != "single" else snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    cells = new_cells_layer(image, ("ALL", "MM"))
    viewer.add_layer(cells)
    cells.data[..., 10:12, 10:12] = 1
    assert "classes" not in sentence(viewer)
    if how == "reopened":  # without the table beside the file
        cells.features = {}
    else:  # converted to an image and back, as napari does it
        options = {"name": cells.name, "metadata": cells.metadata}
        viewer.layers.remove(cells)
        cells = viewer.add_layer(Image(cells.data, **options))
        assert f"{cells.name} over {image.name} is an image now" in sentence(viewer)
        viewer.layers.remove(cells)
        cells = viewer.add_layer(Labels(cells.data, **options))
    text = sentence(viewer)
    assert f"{cells.name} over {image.name} has lost the classes" in text
    assert "Annotate cells" in text
    cells.visible = False
    assert "has lost" not in sentence(viewer)
    cells.visible = True
    annotation_layer_to_paint(viewer, Photograph.of(image, viewer.layers), ("ALL", "MM"))
    assert "has lost" not in sentence(viewer)
    assert cell_counts(Photograph.of(image, viewer.layers))[0] == {"ALL": 1}


@pytest.mark.parametrize("how", ["folder", "single"])
def test_masks_of_which_no_layer_is_open_are_named(viewer, snam, how):
    image = fill(viewer, snam if how == "folder" else snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    name = f"no layer shows the nuclei of {image.name}"
    assert name not in sentence(viewer)
    [nuclei] = [x for x in viewer.layers if x.name == f"{image.name} nuclei"]
    nuclei.visible = False
    assert name not in sentence(viewer)
    before = summarize_learning(Photograph.open_in(viewer.layers), "cell").units
    viewer.layers.remove(nuclei)
    summary = summarize_learning(Photograph.open_in(viewer.layers), "cell")
    assert name in summary.sentence()
    assert summary.units == before  # they are used
    set_chosen(image, range(6), False)
    assert name not in sentence(viewer)


def test_nuclei_that_are_an_image_now_are_named(viewer, snam):
    image = fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    [nuclei] = [x for x in viewer.layers if x.name == "ALL_1 nuclei"]
    viewer.layers.remove(nuclei)
    viewer.add_layer(Image(nuclei.data, name=nuclei.name, metadata=nuclei.metadata))
    assert f"ALL_1 nuclei over {image.name} is an image now" in sentence(viewer)


def test_nothing_is_said_of_photographs_without_masks(viewer, make_snam, tmp_path):
    fill(viewer, make_snam(tmp_path / "bare", 1, masks=False))
    assert "no layer" not in sentence(viewer)
