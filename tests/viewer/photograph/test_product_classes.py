"""Images that Stain and Augment made follow the class of their photograph, unless given another."""

import dataclasses

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.make.stains import recoloured_layer
from napari_marrow.viewer.photograph.annotations import set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph

SETTINGS = AugmentSettings(("rotate90",))


def classes(viewer):
    return {x.name: x.classes for x in Photograph.all_of(viewer.layers)}


def of(viewer, name):
    return Photograph.of(viewer.layers[name], viewer.layers)


def stain(viewer, name):
    photograph = of(viewer, name)
    return viewer.add_layer(recoloured_layer(photograph, photograph.data, "macenko")).name


def augment(viewer, name):
    photograph = of(viewer, name)
    made = augmented_layers(photograph, augment_photograph(photograph, SETTINGS))
    return viewer.add_layer(made[0]).name


@pytest.fixture(params=["files", "pixels"])
def opened(request, snam, draw):
    """A viewer, and the name of a photograph of the class ALL."""
    viewer = ViewerModel()
    if request.param == "files":
        for data, options, _ in read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"))[:1]:
            viewer.add_image(data, **options)
    else:
        viewer.add_image(draw()[0], rgb=True, name="a")
        set_field_class(viewer.layers["a"], 0, "ALL")
    return viewer, viewer.layers[0].name


def test_products_follow_the_class_of_their_photograph(opened):
    viewer, name = opened
    attach_caption(viewer)
    stained, turned = stain(viewer, name), augment(viewer, name)
    turned_stain = augment(viewer, stained)
    assert set(classes(viewer).values()) == {("ALL",), ("ALL", "ALL")}
    set_field_class(viewer.layers[name], 0, "AML")
    assert set(classes(viewer).values()) == {("AML",), ("AML", "AML")}
    assert "class AML" in viewer.canvas.overlays.text.text
    set_field_class(viewer.layers[stained], 0, "MM")  # its own: so has what was made of it
    set_field_class(viewer.layers[turned], 1, "ALL")
    set_field_class(viewer.layers[name], 0, None)
    expected = {name: (None,), stained: ("MM",), turned: (None, "ALL"), turned_stain: ("MM", "MM")}
    assert classes(viewer) == expected


@pytest.mark.parametrize("later", [False, True])
def test_products_keep_their_class_where_the_photograph_is_closed(opened, later):
    viewer, name = opened
    set_field_class(viewer.layers[name], 0, "AML")
    made = {stain(viewer, name): ("AML",), augment(viewer, name): ("AML", "AML")}
    if later:
        set_field_class(viewer.layers[name], 0, "MM", viewer.layers)
        made = {layer: ("MM",) * len(known) for layer, known in made.items()}
    viewer.layers.remove(name)
    assert classes(viewer) == made
    for layer in viewer.layers:  # as saved and opened again
        again = LayerInfo.from_metadata(layer.metadata)
        assert dataclasses.asdict(again) == dataclasses.asdict(LayerInfo.of(layer))


def test_a_stack_of_an_earlier_version_has_the_classes_it_was_made_with(draw):
    product = {
        "name": "a", "operation": "", "copy": 1, "source": "a", "photograph": "x 0",
        "class_name": "ALL", "size": (48, 64),
    }  # fmt: skip
    info = {"version": 2, "kind": "photograph", "id": "b", "products": [product]}
    pixels = np.stack([draw()[0]])
    layer = Image(pixels, rgb=True, metadata={"napari_marrow": info})
    assert Photograph.of(layer, [layer]).classes == ("ALL",)
