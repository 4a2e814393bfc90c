"""What is seen is what is used: nuclei, annotations, strokes and classes, in a real viewer."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.units.samples import collect_units
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.annotating import (
    annotation_layer_to_paint,
    nuclei_of_strokes,
    show_nuclei_of_strokes,
)
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.make.layers import collection_layers
from napari_marrow.viewer.make.predictions import predict_photographs
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.make.stains import recoloured_layer
from napari_marrow.viewer.photograph.annotations import (
    new_cells_layer,
    set_chosen,
    set_field_class,
)
from napari_marrow.viewer.photograph.cell_counts import cell_counts, counts_text
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import LearningSummary, summarize_learning
from napari_marrow.viewer.training.session import write_session

STACK = "PKG - SN-AM"


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


def of(viewer, name):
    return Photograph.of(viewer.layers[name], viewer.layers)


def segment(viewer, name, **settings):
    photograph = of(viewer, name)
    found = segment_photograph(photograph, SegmentSettings(**settings), False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    return viewer.layers[-1], [one.count for one in found]


def squares(shape, *corners, side=8):
    """Labels 1, 2, ... as squares with these corners."""
    labels = np.zeros(shape, np.uint16)
    for number, (y, x) in enumerate(corners, 1):
        labels[y : y + side, x : x + side] = number
    return labels


def learnt(collection, unit):
    """Count the units by class as a training in the child does."""
    preprocessing = Preprocessing.of(TrainingSettings(unit=unit, input_size=32))
    return collect_units(collection, preprocessing).table["class"].value_counts().to_dict()


def test_the_nuclei_that_are_seen_in_a_stack_are_labelled_and_learnt_from(
    viewer, snam, tmp_path, make_toy
):
    fill(viewer, snam)
    files = viewer.layers[f"{STACK} nuclei"]
    made, counts = segment(viewer, STACK, smallest=300)
    counted = [segment_nuclei(of(viewer, STACK).image(k), SegmentSettings(smallest=300)).max()
               for k in range(6)]  # fmt: skip
    assert counts == counted
    assert counts != [12, 12, 12, 1, 1, 1]  # those of the files
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    [labelled] = predict_photographs(bundle, [of(viewer, STACK)])
    assert [len(p.table) for p in labelled.predictions] == counts
    (tmp_path / "session").mkdir()
    collection = write_session([of(viewer, STACK)], tmp_path / "session", "cell")[0]
    assert [f.instances().max(initial=0) for f in collection.fields] == [n for n in counts if n]
    made.name = "renamed"
    assert of(viewer, STACK).labels(0).max() == counts[0]
    made.visible = False  # the others are seen
    assert of(viewer, STACK).labels(0).max() == 12
    files.visible = False  # none is: the topmost counts
    assert of(viewer, STACK).labels(0).max() == counts[0]
    files.visible = made.visible = True
    viewer.layers.move(viewer.layers.index(files), len(viewer.layers))
    assert of(viewer, STACK).labels(0).max() == 12


def test_own_labels_named_as_nuclei_are_seen_over_one_photograph_and_over_products(
    viewer, draw, tmp_path
):
    image, mask = draw(size=(48, 64))
    viewer.add_image(image, rgb=True, name="a", scale=(2, 2))
    first = viewer.add_labels(mask.astype(np.uint8), name="a nuclei", scale=(2, 2))
    mine = squares(image.shape[:2], (2, 2), (20, 30))
    mine = viewer.add_labels(mine, name="My Nuclei", scale=(2, 2))
    assert of(viewer, "a").labels(0).max() == 2
    mine.visible = False
    assert of(viewer, "a").nuclei.layer.name == first.name
    mine.visible = True
    photograph = of(viewer, "a")
    stacks = augment_photograph(photograph, AugmentSettings(("rotate90",)))
    for layer in augmented_layers(photograph, stacks):
        viewer.add_layer(layer)
    np.testing.assert_array_equal(of(viewer, "a augmented").labels(1), np.rot90(mine.data))
    viewer.layers["a augmented nuclei"].data[1] = 0  # edited
    set_field_class(viewer.layers["a augmented"], 0, "ALL")
    set_field_class(viewer.layers["a augmented"], 1, "MM")
    set_chosen(viewer.layers["a augmented"], [0, 1], True)
    summary = summarize_learning([of(viewer, "a augmented")], "cell")
    assert summary.units == {"ALL": 2}
    assert [name for name, _ in summary.left_out] == ["a_rotate90"]


def test_masks_that_were_taken_apart_are_not_taken_apart_again(viewer, snam, monkeypatch):
    fill(viewer, snam)
    photograph = of(viewer, STACK)
    expected = [field_labels(f) for f in photograph.files]
    for row in range(6):
        viewer.layers[f"{STACK} nuclei"].data.prepare(row)
    calls = []
    for module in ("imaging.nuclei", "viewer.make.layers"):
        monkeypatch.setattr(f"napari_marrow.{module}.separate", calls.append)
    for row in range(6):
        np.testing.assert_array_equal(photograph.labels(row), expected[row])
    assert not calls


def test_a_photograph_has_one_layer_to_paint_in_and_no_visible_stroke_is_ignored(viewer, draw):
    image, _ = draw(size=(60, 80))
    nuclei = squares(image.shape[:2], (5, 5), (30, 30), (45, 60))
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(nuclei, name="a nuclei")
    first = annotation_layer_to_paint(viewer, of(viewer, "a"), ("ALL", "MM"))
    assert annotation_layer_to_paint(viewer, of(viewer, "a"), ("ALL", "MM", "other")) is not None
    assert [x.name for x in viewer.layers] == ["a", "a nuclei", "a cells"]
    assert list(first.features["class"]) == ["ALL", "MM", "other"]
    second = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("MM", "ALL")))  # other numbers
    second.data[32, 32] = 1
    assert of(viewer, "a").annotated(0).classes == {2: "MM"}  # the first is empty
    first.data[6, 6] = first.data[33, 33] = 1
    assert of(viewer, "a").annotated(0).classes == {1: "ALL", 2: "MM"}  # the upper one wins
    second.visible = False
    assert of(viewer, "a").annotated(0).classes == {1: "ALL", 2: "ALL"}
    first.visible = False
    assert of(viewer, "a").annotated(0).classes == {}  # what nobody sees does not count
    set_field_class(viewer.layers["a"], 0, "MM")
    hidden = summarize_learning([of(viewer, "a")], "cell").sentence()
    assert hidden.startswith("Learns from 3 MM cells of 1 field; a cells is hidden: its 2 strokes")
    assert f"{second.name} is hidden: its 1 stroke is not used" in hidden
    viewer.layers["a nuclei"].visible = False
    hidden = summarize_learning([of(viewer, "a")], "cell").sentence()
    assert hidden.startswith("Learns from 3 MM cells of 1 field; ")
    assert "a nuclei is hidden, but its nuclei count" in hidden
    viewer.layers["a nuclei"].visible = True
    set_field_class(viewer.layers["a"], 0, None)
    annotation_layer_to_paint(viewer, of(viewer, "a"), ("ALL", "MM"))
    assert second.visible
    assert viewer.layers.selection.active.name == second.name
    # Cells by number below the nuclei give their class to those; above, they are the cells.
    table = pd.DataFrame({"index": [7], "class": ["blast"]})
    own = viewer.add_labels(squares(image.shape[:2], (44, 59), side=12) * 7, features=table)
    annotated = of(viewer, "a").annotated(0)
    np.testing.assert_array_equal(annotated.cells, own.data)
    assert (annotated.classes, annotated.loose_classes) == ({7: "blast"}, ("MM",))
    own.visible = False
    hidden = summarize_learning([of(viewer, "a")], "cell").sentence()
    assert f"{own.name} is hidden: its 1 cell is not used" in hidden
    assert of(viewer, "a").annotated(0).classes == {2: "MM"}
    own.visible = True
    viewer.layers.move(viewer.layers.index(own), 1)
    assert of(viewer, "a").annotated(0).classes == {2: "MM", 3: "blast"}


def test_whole_cells_of_a_mask_are_not_painted_classes(viewer, draw, tmp_path):
    image, _ = draw(size=(60, 80))
    Image.fromarray(image).save(tmp_path / "a.bmp")
    cells = squares(image.shape[:2], (5, 5), (30, 30), side=14)
    Image.fromarray(np.uint8(cells > 0) * 255).convert("RGB").save(tmp_path / "a_cell_mask.bmp")
    field = Field(tmp_path / "a.bmp", "a", "a", masks={"cell": tmp_path / "a_cell_mask.bmp"})
    for data, options, kind in collection_layers(Collection(tmp_path, (field,))):
        getattr(viewer, f"add_{kind}")(data, **options)
    [layer] = [x for x in viewer.layers if LayerInfo.of(x).kind is Kind.WHOLE_CELLS]
    layer.features = pd.DataFrame({"index": [1, 2], "class": ["MM", "ALL"]})
    annotated = of(viewer, "a").annotated(0)
    assert annotated.classes == {1: "MM", 2: "ALL"}
    np.testing.assert_array_equal(annotated.cells, layer.data)


def test_the_sentence_agrees_with_what_is_written_and_learnt(viewer, snam, draw, tmp_path):
    fill(viewer, snam)
    image, _ = draw("ALL", 9, (240, 320))
    viewer.add_image(image, rgb=True, name="loose")  # no nuclei, no class
    stack, found = viewer.layers[STACK], segment_nuclei(image)
    cells = viewer.add_layer(new_cells_layer(stack, ("ALL", "MM")))
    loose = viewer.add_layer(new_cells_layer(viewer.layers["loose"], ("ALL", "MM")))
    nuclei = [field_labels(f) for f in of(viewer, STACK).files]
    for label, row, number in ((1, 0, 3), (2, 0, 5), (2, 4, 1)):
        cells.data[row][nuclei[row] == number] = label
    free = ndimage.binary_erosion(nuclei[2] == 0, iterations=3)
    y, x = np.argwhere(free)[0]
    cells.data[2, y, x] = cells.data[2, y, x + 1] = 2  # a stroke on no nucleus
    cells.data[2, -3, -3] = 9  # and one that has no class
    loose.data[found == 1] = 1
    photographs = Photograph.all_of(viewer.layers)
    for only, expected in ((True, {"ALL": 2, "MM": 2}), (False, {"ALL": 36, "MM": 4})):
        summary = summarize_learning(photographs, "cell", only)
        assert summary.units == expected
        folder = tmp_path / str(only)
        folder.mkdir()
        collection = write_session(photographs, folder, "cell", only)[0]
        assert learnt(collection, "cell") == expected
        assert len(collection.fields) == summary.n_fields == (3 if only else 7)
        assert str(folder) not in str(collection.root)
        assert (summary.loose_strokes, summary.n_unknown_strokes) == ({"MM": 1}, 1)
    assert (
        summarize_learning(photographs, "cell", True)
        .sentence()
        .startswith("Learns from 2 ALL and 2 MM cells of 3 fields; 1 stroke lies on no nucleus; ")
    )
    fields = summarize_learning(photographs, "field", False)
    assert fields.units == {"ALL": 4, "MM": 3}
    unused = "3 annotated cells are not used because the unit is field: choose the unit cell"
    assert unused in fields.sentence()  # that of the photograph without a class gives it one
    set_field_class(stack, 0, None)
    assert "1 annotated cell is not used" in summarize_learning(
        Photograph.all_of(viewer.layers), "field"
    ).sentence("Measured")
    set_field_class(stack, 0, "ALL")
    photographs = Photograph.all_of(viewer.layers)
    assert "not used" not in summarize_learning(photographs, "cell").sentence()
    texts = [counts_text(c) for c in cell_counts(of(viewer, STACK))]
    assert texts == ["1 ALL, 1 MM", "", "1 MM", "", "1 MM", ""]
    cells.data[4] = 0
    assert cell_counts(of(viewer, STACK))[4] == {}


def test_a_class_with_one_unit_is_named():
    summary = LearningSummary("cell", {"ALL": 6, "MM": 1}, 2, uncounted={"AML": 1})
    expected = "Learns from 6 ALL and 1 MM cells of 2 fields and the cells of 1 AML field"
    assert summary.sentence() == f"{expected}; MM has only one cell."


@pytest.mark.parametrize("kind", ["no nuclei", "own nuclei", "stack"])
def test_strokes_on_no_nucleus_become_nuclei(viewer, draw, snam, kind):
    name = STACK if kind == "stack" else "a"
    if kind == "stack":
        fill(viewer, snam)
    else:
        viewer.add_image(draw("ALL", 3, (240, 320))[0], rgb=True, name="a")
    row = 2 if kind == "stack" else 0
    image = of(viewer, name).image(row)
    found = segment_nuclei(image)
    if kind == "own nuclei":  # all but one of those that segmentation finds
        viewer.add_labels(np.where(found == 4, 0, found).astype(np.uint8), name="a nuclei")
    before = of(viewer, name).cells(row).copy()
    cells = viewer.add_layer(new_cells_layer(viewer.layers[name], ("ALL", "MM")))
    painted = cells.data[row] if kind == "stack" else cells.data
    y, x = np.argwhere(ndimage.binary_erosion((before == 0) & (found == 0), iterations=6))[0]
    painted[y : y + 3, x : x + 3] = 2
    if kind == "own nuclei":
        inside = np.argwhere(ndimage.binary_erosion(found == 4, iterations=3))
        painted[tuple(inside[0])] = painted[tuple(inside[-1])] = 1
    n_new = {"own nuclei": 2}.get(kind, 1)
    [made] = nuclei_of_strokes([of(viewer, name)])
    assert show_nuclei_of_strokes(viewer, made) == n_new
    photograph = of(viewer, name)
    assert photograph.nuclei.layer.editable
    after = photograph.labels(row)
    np.testing.assert_array_equal(after[before > 0], before[before > 0])
    assert after.max() == before.max() + n_new
    grown = (after > 0) & (before == 0)
    expected = painted == 2
    if kind == "own nuclei":
        expected |= found == 4
    np.testing.assert_array_equal(grown, expected)
    annotated = photograph.annotated(row)
    assert annotated.loose_classes == ()
    assert sorted(annotated.classes.values()) == (["ALL", "MM"] if n_new == 2 else ["MM"])
    if kind == "stack":
        assert photograph.labels(5).max() == 1
        assert not viewer.layers[f"{STACK} nuclei"].visible


def test_copies_and_products_of_a_photograph_are_one_source(viewer, draw, tmp_path):
    images = [draw("ALL", k, (48, 64))[0] for k in (1, 2)]
    for name, image in zip("ab", images, strict=True):
        viewer.add_image(image, rgb=True, name=name)
    photograph = of(viewer, "a")
    viewer.add_layer(recoloured_layer(photograph, 255 - images[0], "macenko"))
    stacks = augment_photograph(photograph, AugmentSettings(("rotate90",)))
    viewer.add_layer(augmented_layers(photograph, stacks)[0])
    viewer.add_image(images[0].copy(), rgb=True, name="copy")
    viewer.layers["a"].name = "renamed"
    for layer in viewer.layers:
        for row in range(len(of(viewer, layer.name))):
            set_field_class(layer, row, "ALL")
        set_chosen(layer, range(2), True)
    found = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0]
    sources = {f.name: f.source for f in found.fields}
    assert len(found.fields) == 4  # the copies count once, also where all are ticked
    other = sources.pop("b")
    assert len(set(sources.values())) == 1
    assert other not in sources.values()


def test_the_caption_shows_the_class_that_was_set(viewer, snam, draw):
    fill(viewer, snam)
    attach_caption(viewer)
    text = viewer.canvas.overlays.text
    stack = viewer.layers[STACK]
    set_field_class(stack, 0, "other")
    assert text.text == "ALL_1   class other"
    set_field_class(stack, 0, None)
    assert text.text == "ALL_1"
    photograph = of(viewer, STACK)
    made = augmented_layers(photograph, augment_photograph(photograph, AugmentSettings(("edges",))))
    viewer.add_layer(made[0])
    viewer.dims.set_current_step(0, 11)
    assert text.text == "MM_3_edges   class MM"
    set_field_class(made[0], 11, "blast")
    assert text.text == "MM_3_edges   class blast"
    viewer.add_image(draw()[0], rgb=True, name="plain")
    set_field_class(viewer.layers["plain"], 0, "MM")
    assert text.text == "plain   class MM"


def test_a_stack_is_annotated_and_labelled_beside_other_folders_and_photographs(
    viewer, snam, make_snam, draw, tmp_path, make_toy
):
    fill(viewer, snam)
    fill(viewer, make_snam(tmp_path / "other", 2, size=(120, 160)).parent)
    viewer.add_image(draw(size=(60, 80))[0], rgb=True, name="a")
    cells = annotation_layer_to_paint(viewer, of(viewer, STACK), ("ALL", "MM"))
    viewer.dims.set_current_step(0, 3)
    nucleus = np.argwhere(of(viewer, STACK).labels(3) == 1)[0]
    cells.paint((3, *nucleus), 2)
    assert cell_counts(of(viewer, STACK))[3] == {"MM": 1}
    for name in (STACK, STACK, "a", "a"):  # pressed again, the layer that is there is selected
        annotation_layer_to_paint(viewer, of(viewer, name), ("ALL", "MM"))
        assert viewer.layers.selection.active.name == f"{name} cells"
    assert sum(LayerInfo.of(x).kind is Kind.ANNOTATION for x in viewer.layers) == 2
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    labelled = predict_photographs(bundle, Photograph.chosen_of(viewer.layers))
    assert [len(x.predictions) for x in labelled] == [6, 4, 1]
    assert [len(p.table) for p in labelled[0].predictions] == [12, 12, 12, 1, 1, 1]
