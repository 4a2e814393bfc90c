"""Layers over a photograph that are not used, or lie elsewhere, are named: none is passed over."""

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.make.augmented import augment_photograph, written_fields
from napari_marrow.viewer.make.predictions import predict_photographs
from napari_marrow.viewer.photograph.annotations import set_chosen
from napari_marrow.viewer.photograph.cell_counts import cell_counts
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.measuring import opened_fields
from napari_marrow.viewer.training.session import write_session

STACK = "PKG - SN-AM"


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


@pytest.fixture
def single(snam):
    return fill(ViewerModel(), snam / STACK / "ALL" / "ALL_1.bmp")


@pytest.fixture
def stack(snam):
    return fill(ViewerModel(), snam)


def sentence(viewer, unit="cell"):
    return summarize_learning(Photograph.chosen_of(viewer.layers), unit).sentence()


def nuclei(viewer, row=0):
    return Photograph.all_of(viewer.layers)[0].labels(row).max()


def test_a_new_labels_layer_of_napari_is_named_and_is_no_layer_of_nuclei(make_napari_viewer, snam):
    viewer = fill(make_napari_viewer(), snam)
    for name in (STACK, f"{STACK} nuclei"):
        viewer.layers.selection.active = viewer.layers[name]
        viewer._new_labels()  # the button
        layer = viewer.layers.selection.active
        layer.data[0, :9, :9] = 1
        assert f"{layer.name} over {STACK} gives no classes" in sentence(viewer)
        assert nuclei(viewer) == 12
    layer.visible = False
    assert layer.name not in sentence(viewer)
    layer.visible = True
    layer.features = pd.DataFrame({"index": [1], "class": ["MM"]})
    assert layer.name not in sentence(viewer)


def test_points_shapes_and_labels_of_other_programs_are_named(single, snam, tmp_path):
    shape = single.layers["ALL_1"].data.shape[:2]
    single.add_points([[5, 5]], name="my cells")
    single.add_shapes([[[1, 1], [1, 9], [9, 9], [9, 1]]], name="outlines")
    single.add_points(np.empty((0, 2)), name="no points")
    single.add_points([[500, 500]], name="elsewhere")
    masks = single.add_labels(np.eye(*shape, dtype=int), name="StarDist labels")
    said = sentence(single)
    for name in ("my cells", "outlines", "StarDist labels"):
        assert f"{name} over ALL_1" in said
    for name in ("no points", "elsewhere", "ALL_1 nuclei"):
        assert name not in said.replace("name it ALL_1 nuclei", "")
    masks.name = "ALL_1 nuclei of StarDist"
    assert "StarDist" not in sentence(single)
    assert nuclei(single) == 1
    masks.name = "masks"
    set_chosen(single.layers["ALL_1"], [0], False)  # also over one that is not ticked
    summary = summarize_learning(Photograph.all_of(single.layers), "cell")
    assert "masks over ALL_1" in summary.sentence()
    set_chosen(single.layers["ALL_1"], [0], True)
    Photograph.all_of(single.layers)[0].layer.metadata = {}  # no class, no files
    with pytest.raises(MarrowError, match=r"no classes|masks over ALL_1"):
        write_session(Photograph.all_of(single.layers), tmp_path, "field")


def test_layers_of_a_photograph_that_was_closed_are_used_by_name_or_named(single, snam):
    cells = annotation_layer_to_paint(single, Photograph.all_of(single.layers)[0], ("ALL", "MM"))
    cells.data[nuclei_of(single) == 2] = 2
    single.layers.remove("ALL_1")
    fill(single, snam / STACK / "MM" / "MM_1.bmp")
    said = sentence(single)
    assert "ALL_1 cells over MM_1 is not used" not in said  # it lies below
    single.layers.move(single.layers.index(cells), len(single.layers))
    assert "ALL_1 cells over MM_1 is not used" in sentence(single)
    fill(single, snam / STACK / "ALL" / "ALL_1.bmp")
    found = {x.name: x for x in Photograph.all_of(single.layers)}
    assert found["ALL_1"].annotated(0).classes == {2: "MM"}
    assert not found["MM_1"].annotations


def nuclei_of(viewer):
    return viewer.layers["ALL_1 nuclei"].data


MOVES = {
    "translate": (0, 3),
    "scale": (1.1, 1.1),
    "rotate": 7,
    "shear": [0.2],
    "affine": [[1, 0, 4], [0, 1, 0], [0, 0, 1]],
}


@pytest.mark.parametrize("name", ["ALL_1 nuclei", "ALL_1 cells", "ALL_1"])
@pytest.mark.parametrize("how", MOVES)
def test_nuclei_and_annotations_that_were_moved_are_refused_by_name(
    single, make_toy, tmp_path, name, how
):
    photograph = Photograph.all_of(single.layers)[0]
    cells = annotation_layer_to_paint(single, photograph, ("ALL", "MM"))
    cells.data[nuclei_of(single) == 2] = 2
    moved = single.layers[name]
    before = getattr(moved, how)
    setattr(moved, how, MOVES[how])
    said = name if name != "ALL_1" else "ALL_1 (nuclei|cells)"
    check_refused(single, said, make_toy, tmp_path)
    setattr(moved, how, before)
    assert Photograph.all_of(single.layers)[0].annotated(0).classes == {2: "MM"}


def check_refused(viewer, name, make_toy, tmp_path):
    """Nothing is learnt from, measured, labelled or augmented, and the layer is named."""
    photographs = Photograph.chosen_of(viewer.layers)
    match = f"{name} does not lie"
    cell_counts(photographs[0])
    for unit in ("field", "cell"):
        summary = summarize_learning(photographs, unit)
        assert not summary.units
        for k, make in enumerate((write_session, lambda *a: opened_fields(*a, nuclei=True))):
            (folder := tmp_path / f"{unit}{k}").mkdir(parents=True)
            with pytest.raises(MarrowError, match=match):
                make(photographs, folder, unit)
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    with pytest.raises(MarrowError, match=match):
        predict_photographs(bundle, photographs)
    failures = Failures()
    with pytest.raises(MarrowError, match=match):
        predict_photographs(bundle, photographs, failures=failures)
    with pytest.raises(MarrowError, match=match):
        augment_photograph(photographs[0], AugmentSettings(("rotate90",)))
    with pytest.raises(MarrowError, match=match):
        written_fields(photographs[0], tmp_path, Failures())


@pytest.mark.parametrize("wrong", ["moved along the fields", "moved stack", "flat", "small"])
def test_nuclei_elsewhere_over_a_stack_are_refused_by_name(stack, make_toy, tmp_path, wrong):
    labels = np.asarray(stack.layers[f"{STACK} nuclei"].data)
    if wrong == "moved along the fields":
        stack.layers[f"{STACK} nuclei"].translate = (1, 0, 0)
    elif wrong == "moved stack":
        stack.layers[STACK].translate = (0, 2, 0)
    elif wrong == "flat":
        stack.add_labels(labels[0], name="flat nuclei")
    else:
        stack.add_labels(labels[:, ::2, ::2], name="small nuclei", scale=(1, 2, 2))
    name = {"flat": "flat nuclei", "small": "small nuclei"}.get(wrong, f"{STACK} nuclei")
    check_refused(stack, name, make_toy, tmp_path)
    stack.layers[name].visible = False  # then nobody takes it for what is used
    assert Photograph.all_of(stack.layers)[0].cells(0).max()


def test_layers_of_other_units_or_a_hair_off_are_seen_in_the_same_place(single):
    for layer in single.layers:
        layer.units, layer.scale = ("um", "um"), (0.25, 0.25)
    single.layers["ALL_1 nuclei"].translate = (0.1, 0)  # less than half a pixel
    assert nuclei(single) == 12
    single.layers["ALL_1 nuclei"].units = ("nm", "nm")
    with pytest.raises(MarrowError, match="ALL_1 nuclei"):
        nuclei(single)
    single.layers["ALL_1 nuclei"].scale = (250, 250)
    assert nuclei(single) == 12
