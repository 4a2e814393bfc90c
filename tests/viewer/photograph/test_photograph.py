"""Which layers a photograph in the viewer takes, and what it says of its slices."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.photograph.annotations import new_cells_layer
from napari_marrow.viewer.photograph.links import is_photograph, photograph_layer
from napari_marrow.viewer.photograph.photograph import Photograph


@pytest.fixture
def viewer():
    return ViewerModel()


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


def test_labels_of_another_photograph_stay_with_it(viewer, draw):
    image, mask = draw()
    first = viewer.add_image(image, rgb=True, name="a")
    other = viewer.add_image(image, rgb=True, name="b")
    for word in ("nuclei", "cytoplasm", "cells"):
        viewer.add_labels(mask.astype(int), name=f"b {word}")
    info = LayerInfo(kind=Kind.LABELS, photograph=layer_id(other))
    viewer.add_labels(mask.astype(int), name="linked", metadata=info.metadata())
    viewer.add_labels(mask.astype(int), name="mine")
    assert set(Photograph.of(first, viewer.layers).own_labels) == {"mine"}
    assert set(Photograph.of(other, viewer.layers).overlays) == {"nuclei", "cytoplasm"}
    assert set(Photograph.of(other, viewer.layers).own_labels) == {"b cells", "mine"}


def test_a_field_of_files_has_its_class_nuclei_and_path(viewer, snam):
    path = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    fill(viewer, path)
    [photograph] = Photograph.all_of(viewer.layers)
    assert (len(photograph), photograph.is_stack, photograph.classes) == (1, False, ("ALL",))
    assert photograph.field(0).path == path
    assert photograph.origin_key(0) == str(path.resolve())
    edited = np.zeros_like(viewer.layers["ALL_1 nuclei"].data)
    edited[:9, :9] = 4
    viewer.layers["ALL_1 nuclei"].data = edited
    [again] = Photograph.all_of(viewer.layers)
    np.testing.assert_array_equal(again.labels(0), edited)
    assert photograph.labels(0).max() == 12  # as it was when it was gathered: see conftest


def test_a_stack_of_products_knows_size_and_source_of_its_slices(viewer, draw):
    image, mask = draw(size=(48, 64))
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(mask.astype(int), name="a nuclei")
    [photograph] = Photograph.all_of(viewer.layers)
    stacks = augment_photograph(photograph, AugmentSettings(("rotate90",)))
    for layer in augmented_layers(photograph, stacks):
        viewer.add_layer(layer)
    made = Photograph.of(viewer.layers["a augmented"], viewer.layers)
    assert [made.size(row) for row in range(2)] == [(48, 64), (64, 48)]
    np.testing.assert_array_equal(made.image(1), np.rot90(image))
    np.testing.assert_array_equal(made.part(made.nuclei.data, 1), np.rot90(mask))
    assert [made.field(row).source for row in range(2)] == ["a", "a"]
    assert made.field(1).name == "a_rotate90"


def test_painted_classes_go_to_the_nuclei_below(viewer, draw):
    image, mask = draw()
    layer = viewer.add_image(image, rgb=True, name="a")
    nuclei = np.zeros(mask.shape, np.uint8)
    nuclei[5:15, 5:15], nuclei[20:30, 20:30] = 1, 2
    viewer.add_labels(nuclei, name="a nuclei")
    cells = viewer.add_layer(new_cells_layer(layer, ("ALL", "MM")))
    assert Photograph.of(layer, viewer.layers).annotated(0).cells is None
    cells.data[24, 24] = 2
    photograph = Photograph.of(layer, viewer.layers)
    annotated = photograph.annotated(0)
    np.testing.assert_array_equal(annotated.cells, nuclei)
    assert annotated.classes == {2: "MM"}
    assert [x.layer.name for x in photograph.cell_overlays] == ["a nuclei"]


def test_what_was_made_of_a_changed_photograph_is_out_of_date(viewer, draw):
    layer = viewer.add_image(draw()[0], rgb=True, name="a")
    photograph = Photograph.of(layer, viewer.layers)
    assert photograph.out_of_date(viewer.layers) == ""
    layer.data = draw(seed=2)[0]
    assert "changed" in photograph.out_of_date(viewer.layers)
    viewer.layers.clear()
    assert "removed" in photograph.out_of_date(viewer.layers)
    with pytest.raises(MarrowError, match="No photograph"):
        Photograph.all_of(viewer.layers)


def test_other_layers_are_no_photographs(viewer, draw):
    image, mask = draw()
    metadata = [LayerInfo(kind=kind).metadata() for kind in (Kind.PREVIEW, Kind.MEAN)]
    others = [viewer.add_image(image, rgb=True, metadata=x) for x in metadata]
    others += [viewer.add_image(image[..., 0]), viewer.add_points(), viewer.add_labels(mask * 1)]
    assert not any(is_photograph(x) for x in others)
    layer = viewer.add_image(image, rgb=True, name="a")
    assert is_photograph(layer)
    nuclei = viewer.add_labels(mask * 1, name="a nuclei")
    assert photograph_layer(nuclei, viewer.layers) is layer
    assert photograph_layer(others[-1], viewer.layers) is None
    assert Photograph.all_of(viewer.layers)[0].nuclei.layer is nuclei
