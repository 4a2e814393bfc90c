"""The same photograph open twice counts once, and a file that was changed is not used as it was."""

import os
import shutil
from functools import partial

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers._layer_actions import _duplicate_layer
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.make.augmented import (
    augment_photograph,
    augmented_layers,
    written_fields,
)
from napari_marrow.viewer.make.predictions import predict_photographs
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.annotations import set_chosen, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.measuring import opened_fields
from napari_marrow.viewer.training.session import write_session

STACK = "PKG - SN-AM"


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


def duplicate(viewer, name):
    viewer.layers.selection = {viewer.layers[name]}
    _duplicate_layer(viewer.layers)
    return viewer.layers[f"{name} copy"]


def chosen(viewer):
    return {x.name: x.chosen for x in Photograph.all_of(viewer.layers)}


def sentence(viewer, unit="field"):
    return summarize_learning(Photograph.chosen_of(viewer.layers), unit).sentence()


def test_a_duplicated_stack_and_its_photographs_by_themselves_are_not_chosen(snam, draw, tmp_path):
    viewer = fill(ViewerModel(), snam)
    duplicate(viewer, STACK)
    fill(viewer, snam / STACK / "ALL" / "ALL_2.bmp")
    viewer.add_image(draw("ALL", 1)[0], rgb=True, name="other pixels")
    first = {STACK: (0, 1, 2, 3, 4, 5), f"{STACK} copy": (), "ALL_2": (), "other pixels": (0,)}
    assert chosen(viewer) == first
    found = {x.name: x for x in Photograph.all_of(viewer.layers)}
    assert found["ALL_2"].copies == {0: STACK}
    assert found[f"{STACK} copy"].copies == dict.fromkeys(range(6), STACK)
    assert not found[STACK].copies
    assert len(write_session([*found.values()], tmp_path, "field")[0].fields) == 6
    set_chosen(viewer.layers[STACK], [1], False)  # nothing else is ticked by that
    assert chosen(viewer)["ALL_2"] == ()
    viewer.layers[STACK].visible = False  # the copy is what is seen
    assert chosen(viewer)[f"{STACK} copy"] == tuple(range(6))


@pytest.mark.parametrize("how", ["file twice", "duplicate", "pixels"])
def test_one_photograph_in_two_layers_counts_once(snam, how, tmp_path, draw):
    path = snam / STACK / "ALL" / "ALL_1.bmp"
    viewer = fill(ViewerModel(), path)
    if how == "file twice":
        fill(viewer, path)
    elif how == "duplicate":
        duplicate(viewer, "ALL_1")
    else:
        viewer.add_image(np.asarray(Image.open(path)), rgb=True, name="again")
    first, second = Photograph.all_of(viewer.layers)
    assert (first.chosen, second.chosen) == ((0,), ())
    set_field_class(second.layer, 0, "ALL")
    set_chosen(second.layer, [0], True)
    assert chosen(viewer)[second.name] == (0,)
    assert "Learns from 1 ALL field; " in sentence(viewer)
    assert "1 field left out: the same photograph is ticked twice" in sentence(viewer)
    set_field_class(second.layer, 0, "MM")
    assert "ALL_1 is ticked twice, as ALL and as MM" in sentence(viewer).replace("again", "ALL_1")
    set_chosen(first.layer, [0], False)
    assert sentence(viewer).startswith("Learns from 1 MM field")
    assert len(write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0].fields) == 1


def test_the_copy_that_is_annotated_is_the_one_that_counts(snam):
    viewer = fill(ViewerModel(), snam)
    fill(viewer, snam / STACK / "ALL" / "ALL_1.bmp")
    single = Photograph.all_of(viewer.layers)[1]
    annotation_layer_to_paint(viewer, single, ("ALL", "MM"))
    assert chosen(viewer) == {STACK: (1, 2, 3, 4, 5), "ALL_1": (0,)}


def paint(viewer, name, row, label):
    """Paint a class on the first nucleus of a photograph, or of a slice of a stack."""
    found = {x.name: x for x in Photograph.all_of(viewer.layers)}
    cells = annotation_layer_to_paint(viewer, found[name], ("ALL", "MM"))
    nuclei = found[name].labels(row)
    (cells.data[row] if cells.data.ndim == 3 else cells.data)[nuclei == 1] = label


@pytest.mark.parametrize("before", ["nothing", "an empty layer", "strokes on another field"])
def test_of_a_photograph_open_twice_what_was_annotated_counts(snam, make_toy, tmp_path, before):
    viewer = fill(ViewerModel(), snam)
    fill(viewer, snam / STACK / "MM" / "MM_1.bmp")
    learnt = "1 MM cell of 1 field"
    if before == "an empty layer":
        annotation_layer_to_paint(viewer, Photograph.all_of(viewer.layers)[0], ("ALL", "MM"))
    elif before == "strokes on another field":
        paint(viewer, STACK, 0, 1)
        learnt = "1 ALL and 1 MM cells of 2 fields"
    assert chosen(viewer) == {STACK: (0, 1, 2, 3, 4, 5), "MM_1": ()}
    paint(viewer, "MM_1", 0, 2)
    assert chosen(viewer) == {STACK: (0, 1, 2, 4, 5), "MM_1": (0,)}
    summary = summarize_learning(Photograph.all_of(viewer.layers), "cell", True)
    assert summary.sentence().startswith(f"Learns from {learnt}")
    assert "is not used" not in summary.sentence()
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    labelled = predict_photographs(bundle, Photograph.chosen_of(viewer.layers))
    assert [(x.photograph.name, x.rows) for x in labelled] == [
        (STACK, (0, 1, 2, 4, 5)),
        ("MM_1", (0,)),
    ]


@pytest.mark.parametrize("how", ["erased", "painted", "segmented", "own labels"])
def test_of_a_photograph_open_twice_what_was_edited_counts(snam, how):
    viewer = fill(ViewerModel(), snam)
    fill(viewer, snam / STACK / "ALL" / "ALL_1.bmp")
    single, nuclei = Photograph.all_of(viewer.layers)[1], viewer.layers["ALL_1 nuclei"]
    assert chosen(viewer)["ALL_1"] == ()
    if how == "erased":
        nuclei.data[nuclei.data > 4] = 0
    elif how == "painted":
        nuclei.data[0, 0] = 99
    elif how == "segmented":
        found = segment_photograph(single, SegmentSettings(), False)
        for layer in segmented_layers(single, found, viewer.layers):
            viewer.add_layer(layer)
    else:
        labels = np.zeros_like(nuclei.data)
        labels[:9, :9] = 1
        viewer.add_labels(labels, name="ALL_1 nuclei of mine")
    assert chosen(viewer) == {STACK: (1, 2, 3, 4, 5), "ALL_1": (0,)}
    expected = {"erased": 4, "painted": 13, "segmented": 12, "own labels": 1}[how]
    units = summarize_learning(Photograph.all_of(viewer.layers), "cell").units
    assert units["ALL"] == 24 + expected
    paint(viewer, STACK, 0, 1)  # strokes count more, and then the nuclei below them
    assert chosen(viewer)["ALL_1"] == ()
    summary = summarize_learning(Photograph.all_of(viewer.layers), "cell")
    assert f"is not used: the nuclei of {STACK} count" in summary.sentence()
    paint(viewer, "ALL_1", 0, 2)
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    assert "1 MM stroke in ALL_1 is not used" not in said
    assert f"1 ALL stroke in {STACK} is not used: ALL_1 has its own" in said


def test_nuclei_corrected_in_a_field_by_itself_count_before_those_of_its_segmented_folder(
    make_snam, tmp_path
):
    viewer = fill(ViewerModel(), make_snam(tmp_path, 2, masks=False))
    fill(viewer, tmp_path / STACK / "MM" / "MM_1.bmp")
    for photograph in Photograph.all_of(viewer.layers):
        found = segment_photograph(photograph, SegmentSettings(), False)
        for layer in segmented_layers(photograph, found, viewer.layers):
            viewer.add_layer(layer)
    nuclei = {name: viewer.layers[f"{name} nuclei"] for name in (STACK, "MM_1")}
    nuclei["MM_1"].data[:] = 0
    nuclei["MM_1"].data[5:9, 5:9] = 1
    assert chosen(viewer) == {STACK: (0, 1, 3), "MM_1": (0,)}
    place = np.array([5]), np.array([5])
    nuclei[STACK].data_setitem((np.array([0]), *place), 99)  # another field
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    assert "not used" not in said
    nuclei[STACK].data_setitem((np.array([2]), *place), 99)
    paint(viewer, "MM_1", 0, 2)
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    assert f"{STACK} nuclei is not used for MM_1: the nuclei of MM_1 count" in said


def test_of_a_photograph_annotated_twice_the_other_strokes_are_named(snam):
    viewer = fill(ViewerModel(), snam)
    fill(viewer, snam / STACK / "MM" / "MM_1.bmp")
    paint(viewer, "MM_1", 0, 2)
    duplicate(viewer, "MM_1")  # has the same annotations: nothing to name
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    assert "not used" not in said
    paint(viewer, STACK, 3, 1)
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell", True).sentence()
    assert f"1 MM stroke in MM_1 is not used: {STACK} has its own" in said
    assert said.startswith("Learns from 1 ALL cell of 1 field")
    set_chosen(viewer.layers["MM_1"], [0], True)
    said = summarize_learning(Photograph.all_of(viewer.layers), "cell", True).sentence()
    assert "the same photograph is ticked twice" in said


@pytest.mark.parametrize("of", ["a folder", "a field", "pixels", "a folder opened again"])
def test_an_augmented_original_that_is_ticked_is_the_same_photograph(snam, draw, of):
    viewer = ViewerModel()
    if of == "pixels":
        viewer.add_image(draw("ALL", 1)[0], rgb=True, name="one")
        set_field_class(viewer.layers["one"], 0, "ALL")
    else:
        fill(viewer, snam / STACK / "ALL" / "ALL_1.bmp" if of == "a field" else snam)
    [photograph] = Photograph.all_of(viewer.layers)
    number = len(photograph)
    stacks = augment_photograph(photograph, AugmentSettings(("rotate90",)))
    for layer in augmented_layers(photograph, stacks):
        viewer.add_layer(layer)
    products = viewer.layers[f"{photograph.name} augmented"]
    if of == "a folder opened again":
        viewer.layers.remove(photograph.layer)
        fill(viewer, snam)
    set_chosen(products, range(2 * number), True)
    summary = summarize_learning(Photograph.all_of(viewer.layers), "field")
    assert sum(summary.units.values()) == 2 * number  # and as many turned ones
    assert len(summary.left_out) == number
    assert {why for _, why in summary.left_out} == {"the same photograph is ticked twice"}


def test_an_augmented_picture_that_was_turned_or_recoloured_before_is_another(snam):
    viewer = fill(ViewerModel(), snam / STACK / "ALL" / "ALL_1.bmp")
    [photograph] = Photograph.all_of(viewer.layers)
    turned = augment_photograph(photograph, AugmentSettings(("rotate90",), originals=False))
    for layer in augmented_layers(photograph, turned):
        viewer.add_layer(layer)
    made = {x.name: x for x in Photograph.all_of(viewer.layers)}["ALL_1 augmented"]
    again = augment_photograph(made, AugmentSettings(("noise",)))
    for layer in augmented_layers(made, again):
        viewer.add_layer(layer)
    original = [x.operation for x in again.products].index("rotate90")
    set_chosen(viewer.layers["ALL_1 augmented augmented"], [original], True)
    summary = summarize_learning(Photograph.all_of(viewer.layers), "field")
    assert (summary.units, summary.left_out) == ({"ALL": 2}, ())


def test_the_copy_that_has_a_class_is_the_one_that_counts(snam):
    path = snam / STACK / "ALL" / "ALL_1.bmp"
    viewer = ViewerModel()
    viewer.add_image(np.asarray(Image.open(path)), rgb=True, name="pixels")
    assert chosen(viewer) == {"pixels": (0,)}
    fill(viewer, path)
    assert chosen(viewer) == {"pixels": (), "ALL_1": (0,)}
    set_field_class(viewer.layers["pixels"], 0, "ALL")
    assert chosen(viewer) == {"pixels": (0,), "ALL_1": ()}
    set_field_class(viewer.layers["ALL_1"], 0, None)
    assert chosen(viewer)["pixels"] == (0,)


def test_nuclei_and_classes_lie_over_both_layers_of_one_file(snam):
    viewer = ViewerModel()
    for _ in range(2):
        fill(viewer, snam / STACK / "ALL" / "ALL_1.bmp")
    if "ALL_1 nuclei [1]" in viewer.layers:  # a viewer without a window does not know the first
        viewer.layers.remove("ALL_1 nuclei [1]")
    viewer.layers["ALL_1 nuclei"].data[:20] = 0
    cells = annotation_layer_to_paint(viewer, Photograph.all_of(viewer.layers)[1], ("ALL", "MM"))
    cells.data[:] = 2
    for photograph in Photograph.all_of(viewer.layers):
        assert not photograph.labels(0)[:20].any()
        assert set(photograph.annotated(0).classes.values()) == {"MM"}


def test_a_file_that_another_reader_opened_is_a_copy_of_its_slice(make_napari_viewer, snam):
    viewer = fill(make_napari_viewer(), snam)
    viewer.open(str(snam / STACK / "MM" / "MM_1.bmp"), plugin="napari")
    assert Photograph.all_of(viewer.layers)[1].copies == {0: STACK}


@pytest.fixture
def folder(make_snam, tmp_path):
    return make_snam(tmp_path / "data", 2)


def overwrite(path, value=90):
    """Write a picture of the same size, in place."""
    pixels = np.asarray(Image.open(path)).copy()
    pixels[:20] = value
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("which", ["ALL_2.bmp", "ALL_2_nucleus_mask.bmp", "renamed"])
def test_a_changed_file_of_a_folder_is_left_out_by_name(folder, which, make_toy, tmp_path):
    viewer, path = fill(ViewerModel(), folder), folder / "ALL" / which
    if which == "renamed":  # as most programs save
        path = folder / "ALL" / "ALL_2.bmp"
        shutil.copy(folder / "MM" / "MM_1.bmp", tmp_path / "new.bmp")
        os.replace(tmp_path / "new.bmp", path)
    else:
        overwrite(path, 255 if "mask" in which else 90)
    photographs = Photograph.chosen_of(viewer.layers)
    for unit in ("field", "cell"):
        summary = summarize_learning(photographs, unit, count_all=False)
        assert f"{path} was changed" in summary.sentence()
        for k, make in enumerate((write_session, partial(opened_fields, nuclei=True))):
            (empty := tmp_path / f"{unit}{k}").mkdir()
            assert len(make(photographs, empty, unit)[0].fields) == 3
        bundle, failures = make_toy(tmp_path / f"{unit}.marrow", unit=unit), Failures()
        [labelled] = predict_photographs(bundle, photographs, failures=failures)
        assert labelled.rows == (0, 2, 3)
        assert str(path) in failures.found[0].reason
    settings = AugmentSettings(("rotate90",))
    assert str(path) in augment_photograph(photographs[0], settings).failed[0].reason
    failures = Failures()
    assert len(written_fields(photographs[0], tmp_path, failures).fields) == 3
    assert str(path) in failures.found[0].reason
    if "mask" not in which:
        problems = [x.problem for x in segment_photograph(photographs[0], SegmentSettings(), False)]
        assert [bool(x) for x in problems] == [False, True, False, False]
    fill(viewer, folder / "ALL" / "ALL_2.bmp")  # as it is told to
    set_chosen(viewer.layers["ALL_2"], [0], True)
    assert len(write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0].fields) == 4


def test_a_photograph_shows_what_it_showed_when_its_file_is_written_over(folder):
    path = folder / "ALL" / "ALL_1.bmp"
    before = np.asarray(Image.open(path)).copy()
    viewer = fill(ViewerModel(), path)
    overwrite(path)
    np.testing.assert_array_equal(viewer.layers["ALL_1"].data, before)
    assert "ALL_1.bmp was changed" in sentence(viewer)
    with pytest.raises(MarrowError, match=r"ALL_1\.bmp was changed"):
        Photograph.all_of(viewer.layers)[0].image(0)
