import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.photograph.annotations import (
    field_class,
    label_classes,
    new_cells_layer,
    painted_classes,
    set_field_class,
)
from napari_marrow.viewer.photograph.photograph import Photograph


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True, name="a", scale=(2, 2))
    return viewer


def test_a_class_is_given_and_taken_back(viewer):
    image, heard = viewer.layers["a"], []
    image.events.metadata.connect(lambda event: heard.append(1))
    assert field_class(image, 0) is None
    set_field_class(image, 0, "MM")
    assert field_class(image, 0) == "MM"
    set_field_class(image, 0, "")
    assert field_class(image, 0) is None
    assert len(heard) == 2


def test_painted_strokes_annotate_the_nuclei_under_most_of_them():
    nuclei = np.array([[1, 1, 1, 0, 2, 2], [1, 1, 1, 0, 3, 3]])
    painted = np.array([[2, 2, 1, 1, 0, 0], [0, 0, 0, 0, 1, 7]])
    # Nucleus 1: two pixels of 2 and one of 1. Nucleus 2: none. Nucleus 3: one of 1, one of 7,
    # which is no class; idxmax takes the first.
    assert painted_classes(nuclei, painted, {1: "ALL", 2: "MM"}) == {1: "MM", 3: "ALL"}


def test_the_layer_to_paint_in_lies_on_its_photograph(viewer):
    layer = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("ALL", "MM")))
    assert layer.data.shape == (20, 30)
    np.testing.assert_array_equal(layer.scale, (2, 2))
    assert LayerInfo.of(layer).kind is Kind.ANNOTATION
    assert label_classes(layer) == {1: "ALL", 2: "MM"}
    assert Photograph.of(viewer.layers["a"], viewer.layers).annotations[-1].layer is layer


def test_any_labels_with_classes_annotate_the_photograph_below(viewer):
    table = pd.DataFrame({"index": [4, 9], "class": ["ALL", None]})
    place = {"scale": (2, 2)}
    labels = viewer.add_labels(np.zeros((20, 30), int), name="mine", features=table, **place)
    viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True, name="above", **place)
    assert Photograph.of(viewer.layers["a"], viewer.layers).annotations[-1].layer is labels
    assert not Photograph.of(viewer.layers["above"], viewer.layers).annotations
    assert label_classes(labels) == {4: "ALL"}
    assert LayerInfo.of(labels).kind is None


def test_labels_without_classes_or_of_another_shape_annotate_nothing(viewer):
    viewer.add_labels(np.zeros((20, 30), int), name="plain")
    table = pd.DataFrame({"index": [1], "class": ["ALL"]})
    viewer.add_labels(np.zeros((9, 9), int), name="small", features=table)
    assert not Photograph.of(viewer.layers["a"], viewer.layers).annotations
