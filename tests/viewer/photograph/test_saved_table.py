"""What a table that is saved changes in the layers that are open."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_marrow.data.layouts import scan
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.make.stains import recoloured_layer
from napari_marrow.viewer.photograph.annotations import set_chosen, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.saved_table import other_classes, take_saved


@pytest.fixture
def folder(make_snam, tmp_path):
    return make_snam(tmp_path / "s", 2, wrapped=False, masks=False)


@pytest.fixture
def viewer(folder):
    """A folder's stack, its stain, the augmented stack, and the augmented stain, all ticked."""
    viewer = ViewerModel()
    for data in read(str(folder)):
        viewer.add_layer(Layer.create(*data))
    stack = viewer.layers[0]
    stack.name = "stack"
    pixels = np.asarray(of(viewer, "stack").data) // 2
    add(viewer, recoloured_layer(of(viewer, "stack"), pixels, "reinhard"), "stain")
    for name, made_of in (("turned", "stack"), ("turned stain", "stain")):
        photograph = of(viewer, made_of)
        made = augment_photograph(photograph, AugmentSettings(("rotate90",), originals=False))
        add(viewer, augmented_layers(photograph, made)[0], name)
    return viewer


def add(viewer, layer, name):
    layer.name = name
    viewer.add_layer(layer)
    set_chosen(layer, range(4), True)


def of(viewer, name):
    return Photograph.of(viewer.layers[name], viewer.layers)


def state(viewer, what):
    return {x.name: getattr(of(viewer, x.name), what) for x in viewer.layers}


def saved(folder, left_out=(), **classes):
    """Return the folder's collection with other classes, by names, without some fields."""
    found = scan(folder)
    fields = [replace(f, class_name=classes.get(f.name, f.class_name)) for f in found.fields]
    used = tuple(f for f in fields if f.name not in left_out)
    return replace(found, fields=used, left_out=tuple(f for f in fields if f not in used))


ALL_NAMES = ["stack", "stain", "turned", "turned stain"]


def test_what_is_left_out_loses_its_tick_in_products_until_it_is_used_again(viewer, folder):
    before = state(viewer, "chosen")
    assert set(before.values()) == {(0, 1, 2, 3)}
    set_chosen(viewer.layers["stack"], [3], False)
    changed = take_saved(saved(folder, ["ALL_1", "MM_2"]), folder / "t.csv", viewer.layers)
    assert changed == ALL_NAMES
    assert set(state(viewer, "chosen").values()) == {(1, 2)}
    assert take_saved(saved(folder, ["ALL_1", "MM_2"]), folder / "t.csv", viewer.layers) == []
    viewer.layers["stain"].name = "my stain"
    changed = take_saved(saved(folder, ["MM_2"]), folder / "t.csv", viewer.layers)
    assert changed == ["stack", "my stain", "turned", "turned stain"]
    assert set(state(viewer, "chosen").values()) == {(0, 1, 2)}
    changed = take_saved(saved(folder), folder / "t.csv", viewer.layers)
    assert changed == ["my stain", "turned", "turned stain"]
    expected = {**dict.fromkeys(changed, (0, 1, 2, 3)), "stack": (0, 1, 2)}  # unticked by hand
    assert state(viewer, "chosen") == expected


def test_a_product_that_was_not_ticked_stays_so(viewer, folder):
    product = viewer.layers["turned"]
    set_chosen(product, range(4), False)
    assert "turned" not in take_saved(saved(folder, ["MM_1"]), folder / "t.csv", viewer.layers)
    take_saved(saved(folder), folder / "t.csv", viewer.layers)
    assert of(viewer, "turned").chosen == ()


@pytest.mark.parametrize("closed", [[], ["stack"], ["stack", "stain"]])
def test_products_take_classes_also_where_their_photograph_was_closed(viewer, folder, closed):
    for name in closed:
        viewer.layers.remove(name)
    left = [x.name for x in viewer.layers]
    own = viewer.layers["turned"]
    set_field_class(own, 2, "my own")
    changed = take_saved(saved(folder, ALL_1="lympho"), folder / "t.csv", viewer.layers)
    assert changed == left
    expected = dict.fromkeys(left, ("lympho", "ALL", "MM", "MM"))
    assert state(viewer, "classes") == {**expected, "turned": ("lympho", "ALL", "my own", "MM")}
    changed = take_saved(
        saved(folder, ALL_1="lympho", MM_1="MGUS"), folder / "t.csv", viewer.layers
    )
    assert changed == [x for x in left if x != "turned"]


@pytest.mark.parametrize("closed", [False, True])
def test_a_class_by_hand_stays_where_the_table_has_no_other(viewer, folder, closed):
    set_field_class(viewer.layers["stack"], 1, "by hand", viewer.layers)
    photograph = of(viewer, "stack")
    made = augment_photograph(photograph, AugmentSettings(("flip",), originals=False))
    add(viewer, augmented_layers(photograph, made)[0], "later")
    if closed:
        viewer.layers.remove("stack")
    assert take_saved(saved(folder), folder / "t.csv", viewer.layers) == []
    assert {x[1] for x in state(viewer, "classes").values()} == {"by hand"}


def test_a_table_of_a_linked_folder_is_of_the_same_files(viewer, folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    changed = take_saved(saved(link, ["MM_2"], ALL_1="CLL"), link / "t.csv", viewer.layers)
    assert changed == ALL_NAMES
    assert set(state(viewer, "classes").values()) == {("CLL", "ALL", "MM", "MM")}
    assert set(state(viewer, "chosen").values()) == {(0, 1, 2)}


def test_layers_of_other_files_are_not_named(viewer, folder, make_snam, tmp_path):
    other = make_snam(tmp_path / "other", 2, wrapped=False, masks=False)
    viewer.layers["turned"].metadata = {}
    assert take_saved(saved(other, ["MM_2"], ALL_1="CLL"), other / "t.csv", viewer.layers) == []
    changed = take_saved(saved(folder, ALL_1="CLL"), folder / "t.csv", viewer.layers)
    assert changed == ["stack", "stain", "turned stain"]


@pytest.mark.parametrize("given", ["CLL", None, "ALL"])
def test_a_class_of_the_viewer_that_a_saved_table_does_not_have_is_named(viewer, folder, given):
    set_field_class(viewer.layers["stack"], 0, given)
    table = saved(folder, MM_1="CLL")
    take_saved(table, folder / "fields.csv", viewer.layers)
    assert of(viewer, "stack").classes == (given, "ALL", "CLL", "MM")
    named = {"CLL": ["ALL_1 (CLL)"], None: ["ALL_1 (no class)"], "ALL": []}[given]
    assert other_classes(table, viewer.layers) == named
    take_saved(saved(folder, ALL_1="AML"), folder / "fields.csv", viewer.layers)
    assert other_classes(saved(folder, ALL_1="AML"), viewer.layers) == []
