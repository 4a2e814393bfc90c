"""What Train DCNN and Chi-square say is learnt from is what they learn from, in a real viewer."""

import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from scipy import ndimage

from napari_marrow.data.layouts import scan
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.learning.adaptation.reference import PictureSummary, Reference
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.annotations import set_chosen, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph

PLUGIN, STACK = "napari-marrow", "PKG - SN-AM"
LEFT_OUT = "4 fields left out: no cell is annotated."


@pytest.fixture
def viewer(make_napari_viewer, monkeypatch):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    return make_napari_viewer()


@pytest.fixture
def folder(make_snam, tmp_path):
    """Six photographs without masks."""
    return make_snam(tmp_path / "data", 3, size=(240, 320), masks=False).parent


def open_widget(viewer, name):
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]
    widget.form.fields["unit"].value = "cell"
    return widget, widget.source.learning


def paint(layer, row, labels, cell, value):
    """A stroke inside a cell."""
    place = np.argwhere(ndimage.binary_erosion(labels == cell, iterations=3))[0]
    layer.paint((row, *place), value)


def paint_cells(viewer, source, qtbot):
    """Two ALL and two MM cells in each of two fields, and a stroke on no nucleus in each."""
    qtbot.waitUntil(source.annotate.isEnabled)
    source.table.setCurrentCell(0, 0)
    source.annotate.click()
    layer = viewer.layers[f"{STACK} cells"]
    layer.brush_size = 3
    photograph = Photograph.of(viewer.layers[STACK], viewer.layers)
    for row in (0, 1):
        labels = segment_nuclei(photograph.image(row))
        assert labels.max() == 12
        for cell in (1, 2, 3, 4):
            paint(layer, row, labels, cell, 1 + cell % 2)
        free = ndimage.binary_erosion(labels == 0, iterations=8)
        layer.paint((row, *np.argwhere(free)[0]), 1 + row)
    return layer


def test_the_sentence_counts_what_is_trained_on_and_labelled(viewer, folder, qtbot):
    widget, panel = open_widget(viewer, "Train DCNN")
    viewer.open(str(folder), plugin=PLUGIN)

    def says(text):
        qtbot.waitUntil(lambda: panel.sentence.text() == text, timeout=20_000)

    says("Learns from the cells of 3 ALL and 3 MM fields.")
    assert not panel.switch.isChecked()
    cells = paint_cells(viewer, widget.source, qtbot)
    loose = "2 strokes lie on no nucleus"
    says(f"Learns from 4 ALL and 4 MM cells of 2 fields; {loose}; {LEFT_OUT}")
    assert panel.switch.isChecked()
    assert not panel.make_nuclei.isHidden()
    image = viewer.layers[STACK]
    photograph = Photograph.of(image, viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    viewer.layers.move(viewer.layers.index(cells), len(viewer.layers))
    panel.switch.click()  # off: all the other cells have the class of their field
    says(f"Learns from 32 ALL and 7 MM cells of 6 fields; {loose}.")
    paint(cells, 3, photograph.cells(3), 1, 1)  # stays off
    says(f"Learns from 33 ALL and 6 MM cells of 6 fields; {loose}.")
    cells.undo()
    says(f"Learns from 32 ALL and 7 MM cells of 6 fields; {loose}.")
    cells.redo()
    says(f"Learns from 33 ALL and 6 MM cells of 6 fields; {loose}.")
    cells.undo()
    widget.form.fields["unit"].value = "field"
    unused = (
        "8 annotated cells are not used because the unit is field: "
        "choose the unit cell to learn from them"
    )
    says(f"Learns from 3 ALL and 3 MM fields; {unused}; {loose}.")
    assert panel.switch.isHidden()
    widget.form.fields["unit"].value = "cell"
    set_chosen(image, [5], False)
    says(f"Learns from 32 ALL and 6 MM cells of 5 fields; {loose}.")
    set_chosen(image, [5], True)
    panel.switch.click()
    panel.make_nuclei.click()
    says(f"Learns from 5 ALL and 5 MM cells of 2 fields; {LEFT_OUT}")
    assert panel.make_nuclei.isHidden()
    assert viewer.status == "2 nuclei made of strokes."

    widget.form.fields["model"].value = "svm"
    sent, run = [], widget.client.run

    def spy(name, job, emit, should_stop):
        sent.append(job)
        return run(name, job, emit, should_stop)

    widget.client.run = spy
    widget.train()
    qtbot.waitUntil(lambda: widget.model.bundle is not None, timeout=120_000)
    fields = sent[0]["collection"]["fields"]
    assert Counter(x for f in fields for x in f["cell_classes"].values()) == {"ALL": 5, "MM": 5}
    assert {f["class"] for f in fields} == {None}
    bundle = widget.model.bundle
    assert len(bundle.info.fingerprints) == 2
    learnt = "Learnt from 5 ALL and 5 MM cells of 2 fields"
    assert learnt in widget.run.status.text()

    widget.model.label_button.click()
    qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=60_000)
    nuclei = Photograph.of(image, viewer.layers).nuclei
    n_cells = sum(len(set(np.unique(x)) - {0}) for x in nuclei.data)
    assert n_cells == len(viewer.layers[f"{STACK} predicted cells"].features) == 41
    said = widget.run.status.text()
    assert said.startswith(
        f"41 cells of 6 fields labelled; the nuclei are of {nuclei.layer.name}. "
        "The model learnt from 1 of them, 1 held out. "
    )


def test_the_sentence_follows_edits_of_nuclei_and_hidden_layers(viewer, make_snam, qtbot, tmp_path):
    widget, panel = open_widget(viewer, "Train DCNN")
    root = make_snam(tmp_path, 1)
    for name in ("ALL/ALL_1.bmp", "MM/MM_1.bmp"):
        viewer.open(str(root / name), plugin=PLUGIN)

    def says(text):
        qtbot.waitUntil(lambda: panel.sentence.text().startswith(text), timeout=20_000)

    nuclei = viewer.layers["ALL_1 nuclei"]
    n_all, n_mm = len(nuclei.features), len(viewer.layers["MM_1 nuclei"].features)
    one = "MM has only one cell"
    whole, less = (f"Learns from {n} ALL and {n_mm} MM cells" for n in (n_all, n_all - 1))
    says(whole)
    nuclei.fill(tuple(np.argwhere(nuclei.data == 2)[0]), 0)
    says(less)
    nuclei.undo()
    says(whole)
    nuclei.redo()
    says(less)
    nuclei.undo()
    says(whole)
    image, table = viewer.layers["ALL_1"], widget.source.table
    image.visible = False
    says(f"Learns from {n_mm} MM cell")
    assert (table.text(0, 0), table.is_checked(0)) == ("ALL_1 (hidden)", False)
    table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    says(f"{whole} of 2 fields; {one}; ALL_1 is hidden")
    assert (table.text(0, 0), table.is_checked(0)) == ("ALL_1 (hidden)", True)
    image.visible = True
    says(f"{whole} of 2 fields; {one}.")
    assert table.text(0, 0) == "ALL_1"

    def annotate():
        widget.source.annotate.click()
        cells = viewer.layers["ALL_1 cells"]
        cells.paint(tuple(np.argwhere(viewer.layers["ALL_1 nuclei"].data == 2)[0]), 1)
        return cells

    cells = annotate()
    says("Learns from 1 ALL cell")
    panel.switch.click()
    says(whole)
    cells.visible = False  # what was chosen by hand stays so
    says(f"{whole} of 2 fields; {one}; ALL_1 cells is hidden: its 1 stroke is not used")
    cells.visible = True
    says(f"{whole} of 2 fields; {one}.")
    viewer.layers.clear()
    viewer.open(str(root / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    qtbot.waitUntil(lambda: table.rowCount() == 1)
    annotate()
    says("Learns from 1 ALL cell")
    assert panel.switch.isChecked()


def test_layers_that_do_not_count_are_named_in_the_table_and_the_sentence(viewer, folder, qtbot):
    widget, panel = open_widget(viewer, "Train DCNN")
    widget.form.fields["unit"].value = "field"
    viewer.open(str(folder), plugin=PLUGIN)
    viewer.open(str(folder / STACK / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    table = widget.source.table

    def says(text):
        qtbot.waitUntil(lambda: text in panel.sentence.text(), timeout=20_000)

    qtbot.waitUntil(lambda: table.rowCount() == 7)
    says("Learns from 3 ALL and 3 MM fields.")
    assert table.text(6, 0) == f"ALL_1 (also in {STACK})"
    assert [table.is_checked(row) for row in range(7)] == [True] * 6 + [False]
    table.item(6, 0).setCheckState(Qt.CheckState.Checked)
    says("1 field left out: the same photograph is ticked twice")
    image = viewer.layers["ALL_1"]
    set_field_class(image, 0, "MM")
    says("ALL_1 is ticked twice, as ALL and as MM")
    viewer.layers.selection.active = image
    viewer._new_labels()  # napari's button
    says("ALL_1 - Labels over ALL_1 gives no classes: press Annotate cells")
    viewer.layers.remove("ALL_1 - Labels")
    nuclei = viewer.add_labels(np.ones(image.data.shape[:2], int), name="ALL_1 nuclei")
    says("Learns from 3 ALL and 3 MM fields; 1 field left out: ALL_1 is ticked twice")
    set_chosen(viewer.layers[STACK], [0], False)
    says("Learns from 2 ALL and 4 MM fields.")
    nuclei.translate = (3, 0)
    says("1 field left out: ALL_1 nuclei does not lie pixel for pixel over ALL_1")
    nuclei.translate = (0, 0)
    says("Learns from 2 ALL and 4 MM fields.")


def test_chi_square_measures_the_cells_that_it_counts(viewer, folder, qtbot, tmp_path):
    widget, panel = open_widget(viewer, "Chi-square features")
    viewer.open(str(folder), plugin=PLUGIN)
    paint_cells(viewer, widget.source, qtbot)
    counted = "4 ALL and 4 MM cells of 2 fields; 2 strokes lie on no nucleus"
    qtbot.waitUntil(lambda: panel.sentence.text().startswith(f"Measures {counted}"), timeout=20_000)
    widget.families.check("morphology")
    widget.measure_button.click()
    qtbot.waitUntil(lambda: widget.found is not None, timeout=60_000)
    assert f"Measured {counted}" in widget.run.status.text()
    widget.save(tmp_path / "cells.csv")
    qtbot.waitUntil(lambda: "Saved" in widget.run.status.text(), timeout=20_000)
    table = pd.read_csv(tmp_path / "cells.csv")
    assert table["class"].value_counts().to_dict() == {"ALL": 4, "MM": 4}


def test_pictures_that_were_learnt_from_are_counted_by_what_they_show(
    viewer, make_snam, make_toy, draw, qtbot, tmp_path
):
    """Six in a stack of PNGs of other names, one turned and painted on; one is new."""
    collection = scan(make_snam(tmp_path / "data", 3, size=(240, 320), masks=False))
    preprocessing = Preprocessing("field", 32, 1, 2.0)
    summaries = [PictureSummary.of_field(f, preprocessing) for f in collection.fields]
    names = {collection.label(f): "0" * 64 for f in collection.fields}  # of files that are gone
    reference = Reference.of_summaries(summaries, list(names), [True] * 6, *[[""] * 6] * 2)
    bundle = make_toy(tmp_path / "toy.marrow", fingerprints=names, reference=reference)
    images = [f.image() for f in collection.fields]
    shutil.rmtree(tmp_path / "data")
    for k, image in enumerate(images):
        folder = tmp_path / "moved" / "ab"[k // 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"P{k}.png")
    widget, _ = open_widget(viewer, "Train DCNN")
    viewer.open(str(tmp_path / "moved"), plugin=PLUGIN)
    edited = np.rot90(images[1]).copy()
    edited[20:30, 20:30] = 0
    viewer.add_image(edited, rgb=True, name="edited")
    viewer.add_image(draw("MM", 50, (240, 320))[0], rgb=True, name="new")
    widget.model.load(bundle.path)
    widget.model.label_layers()
    qtbot.waitUntil(lambda: "labelled" in widget.run.status.text(), timeout=30_000)
    said = widget.run.status.text()
    assert said.startswith("8 fields labelled. The model learnt from 7 of them.")
