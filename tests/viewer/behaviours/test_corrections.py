"""A class that is edited in the table of predicted cells is a correction, and is used."""

import numpy as np
import pytest
from napari_builtins._qt.features_table import FeaturesTable
from qtpy.QtCore import Qt

from napari_marrow.report.colours import FIXED, UNCERTAIN, rgb
from napari_marrow.viewer.behaviours.corrections import attach_corrections
from napari_marrow.viewer.behaviours.nucleus_keys import make_editable
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.cell_counts import cell_counts
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.session import write_session


@pytest.fixture
def labelled(make_napari_viewer, snam, tmp_path, make_toy):
    viewer, bundle = make_napari_viewer(), make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer.open(str(snam), plugin="napari-marrow")

    def label():
        for one in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
            note = show_predictions(viewer, one, bundle.info.classes)
        return viewer.layers["PKG - SN-AM predicted cells"], note

    return viewer, label


def other(name):
    return {"ALL": "MM", "MM": "ALL"}[name]


def colour(layer, number):
    return layer.colormap.map(np.array([number]))[0][:3] * 255


def edit(table, row, column, value):
    """Choose a value in napari's table of features."""
    model = table.table.model().sourceModel()
    position = [model.headerData(k, Qt.Orientation.Horizontal) for k in range(model.columnCount())]
    assert model.setData(model.index(row, position.index(column)), value)


def test_a_class_chosen_in_naparis_table_recolours_the_cell_at_once(labelled, qtbot):
    viewer, label = labelled
    layer, _ = label()
    viewer.layers.selection = {layer}
    table = FeaturesTable(viewer)
    qtbot.addWidget(table)
    table.toggle.setChecked(True)
    before = layer.features.copy()
    number, answer = int(before["index"][2]), before["class"][2]
    edit(table, 2, "class", other(answer))
    qtbot.waitUntil(lambda: bool(layer.features["corrected"][2]), timeout=1000)
    np.testing.assert_allclose(colour(layer, number), rgb(FIXED[other(answer)]), atol=1)
    assert layer.features["predicted_class"].tolist() == before["class"].tolist()
    assert layer.features["corrected"].sum() == 1
    assert list(layer.features["class"].cat.categories) == ["ALL", "MM"]  # napari offers these
    layer.features.loc[2, "corrected"] = False  # its tick is taken away
    qtbot.waitUntil(lambda: layer.features["class"][2] == answer, timeout=1000)
    assert not layer.features["corrected"].any()


def test_an_uncertain_answer_that_is_ticked_has_the_colour_of_its_class(labelled):
    viewer, label = labelled
    layer, _ = label()
    layer.features = layer.features.assign(uncertain=True)
    corrections = attach_corrections(viewer)
    number, answer = int(layer.features["index"][0]), layer.features["class"][0]
    ticked = layer.features["index"] == number
    layer.features = layer.features.assign(corrected=ticked)
    np.testing.assert_allclose(colour(layer, number), rgb(FIXED[answer]), atol=1)
    np.testing.assert_allclose(colour(layer, number + 1), rgb(UNCERTAIN), atol=1)
    classes = layer.features["class"].astype(object).where(~ticked, "")  # emptied
    layer.features = layer.features.assign(**{"class": classes})
    corrections.look()
    assert layer.features["class"][0] == answer
    assert not layer.features["corrected"].any()


def test_corrected_cells_are_learnt_from_and_counted(labelled, tmp_path):
    viewer, label = labelled
    layer, _ = label()
    (photograph,) = Photograph.all_of(viewer.layers)
    assert photograph.annotations == ()
    rows = layer.features.index[layer.features["field"] == 1][:2]
    classes = layer.features["class"].astype(object)
    classes[rows] = "blast"
    layer.features = layer.features.assign(**{"class": classes})
    (photograph,) = Photograph.all_of(viewer.layers)
    assert [dict(x) for x in cell_counts(photograph)] == [{}, {"blast": 2}, {}, {}, {}, {}]
    (tmp_path / "session").mkdir()
    fields = write_session([photograph], tmp_path / "session", "cell", True)[0].fields
    assert [sorted(f.cell_classes.values()) for f in fields] == [["blast", "blast"]]
    nuclei = viewer.layers["PKG - SN-AM nuclei"].data.read(1)
    shown = layer.data.read(1)
    expected = {int(nuclei[shown == k][0]) for k in layer.features["index"][rows]}
    assert set(fields[0].cell_classes) == expected


def test_corrections_outlive_another_labelling_and_saving(labelled, tmp_path):
    viewer, label = labelled
    layer, _ = label()
    number, answer = int(layer.features["index"][5]), layer.features["class"][5]
    classes = layer.features["class"].astype(object)
    classes[5] = other(answer)
    layer.features = layer.features.assign(**{"class": classes})
    attach_corrections(viewer).look()
    layer, note = label()
    assert note == "1 cell that you corrected keeps its class."
    assert [x.name for x in viewer.layers if "predicted" in x.name] == [layer.name]
    row = layer.features.set_index("index").loc[number]
    assert (row["class"], row["predicted_class"], row["corrected"]) == (other(answer), answer, True)
    np.testing.assert_allclose(colour(layer, number), rgb(FIXED[other(answer)]), atol=1)
    layer.save(str(tmp_path / "cells.tif"), plugin="napari-marrow")
    ((_, options, _),) = read(str(tmp_path / "cells.tif"))
    saved = options["features"]
    assert saved["class"].tolist() == layer.features["class"].tolist()
    assert saved["corrected"].tolist() == layer.features["corrected"].tolist()


def test_a_correction_whose_cell_is_gone_stays_in_the_earlier_layer(labelled):
    viewer, label = labelled
    layer, _ = label()
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    classes = layer.features["class"].astype(object)
    classes[0] = "artefact"
    layer.features = layer.features.assign(**{"class": classes})
    make_editable(nuclei)
    nuclei.data_setitem(np.nonzero(np.asarray(nuclei.data) == 1), 0)
    now, note = label()
    assert "(earlier) has" in note
    assert not now.features["corrected"].any()
    assert layer in viewer.layers
    assert layer.features["class"][0] == "artefact"
    assert not layer.visible
