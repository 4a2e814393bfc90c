import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from PIL import Image
from scipy import ndimage

from napari_marrow.audit.copies import pack_signatures
from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.learning.adaptation.photographs import PhotographModel
from napari_marrow.learning.adaptation.reference import Reference
from napari_marrow.learning.bundle_files import REFERENCE
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.predictor import OTHER_ACQUISITION
from napari_marrow.learning.units.samples import collect_units
from napari_marrow.report.colours import FIXED, rgb
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.io.writers import write_labels
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make.predictions import (
    predict_photographs,
    show_predictions,
    slice_input,
)
from napari_marrow.viewer.make.stains import recoloured, recoloured_layer
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.labelling import report


@pytest.fixture
def viewer(snam):
    viewer = ViewerModel()
    for data, options, kind in read(str(snam)):
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


def label(viewer, bundle):
    for labelled in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
        show_predictions(viewer, labelled, bundle.info.classes)


def test_fields_get_their_answer_in_the_metadata_and_on_the_canvas(viewer, toy):
    caption = attach_caption(viewer)
    label(viewer, toy)
    image = viewer.layers["PKG - SN-AM"]
    answers = LayerInfo.of(image).predictions
    assert len(answers) == 6
    expected = toy.predictor.predict(np.asarray(image.data[4]))
    assert answers[4].class_name == expected.class_name
    assert answers[4].probability == pytest.approx(expected.probability, abs=1e-6)
    viewer.dims.set_current_step(0, 4)
    assert caption.text().startswith(f"MM_2   class MM\npredicted {expected.class_name} (")
    assert viewer.canvas.overlays.text.text == caption.text()
    assert viewer.canvas.overlays.text.visible


def test_photographs_of_another_acquisition_are_reported(viewer, toy):
    """Those learnt from had a background of half the light."""
    rng = np.random.default_rng(0)
    usual = np.log([110, 105, 108, 8, 0.5, 0.5, 0.2, 0.5, 90])
    dark = (usual + rng.normal(0, 0.02, (30, 9))).astype(np.float32)
    model = PhotographModel.of_photographs(dark, np.arange(30).astype(str), np.full(30, "ALL"))
    units, limit = np.empty((0, 16), np.float32), np.zeros(1, np.float32)
    signatures = pack_signatures(np.zeros((1, 2, 28, 28), np.float32))[:0]
    reference = Reference(signatures, units, np.eye(16, dtype=np.float32), limit)
    (toy.path / REFERENCE).write_bytes(reference.with_photograph_models([model]).to_bytes())
    bundle = Bundle(toy.path, toy.info)
    (labelled,) = predict_photographs(bundle, Photograph.all_of(viewer.layers))
    assert labelled.shift.startswith("These 6 photographs are unlike those learnt from (background")
    assert all(OTHER_ACQUISITION in p.reason for p in labelled.predictions)
    assert labelled.shift in report([labelled], [])
    show_predictions(viewer, labelled, bundle.info.classes)
    answers = LayerInfo.of(viewer.layers["PKG - SN-AM"]).predictions
    assert all(answer.uncertain for answer in answers)


def test_a_field_that_can_not_be_read_is_left_out(tmp_path, make_snam, make_toy):
    viewer, folder = ViewerModel(), make_snam(tmp_path / "in", 2, wrapped=False)
    for data, options, kind in read(str(folder)):
        getattr(viewer, f"add_{kind}")(data, **options)
    path = folder / "MM" / "MM_1.bmp"
    path.write_bytes(path.read_bytes()[:500])
    bundle, failures = make_toy(tmp_path / "cells.marrow", unit="cell"), Failures()
    photographs = Photograph.all_of(viewer.layers)
    with pytest.raises(MarrowError, match=r"MM_1\.bmp"):
        predict_photographs(bundle, photographs)
    (labelled,) = predict_photographs(bundle, photographs, failures=failures)
    assert labelled.rows == (0, 1, 3)
    assert "MM_1.bmp" in failures.found[0].reason
    show_predictions(viewer, labelled, bundle.info.classes)
    answers = LayerInfo.of(photographs[0].layer).predictions
    assert [bool(answer.text) for answer in answers] == [True, True, False, True]
    cells = viewer.layers["in predicted cells"]
    assert set(cells.features["field"]) == {0, 1, 3}
    assert not np.asarray(cells.data[2]).any()


def test_the_caption_follows_the_slider_and_what_is_visible(viewer):
    attach_caption(viewer)
    text = viewer.canvas.overlays.text
    viewer.dims.set_current_step(0, 1)
    assert text.text == "ALL_2   class ALL"
    viewer.layers["PKG - SN-AM"].visible = False
    assert text.text == ""
    assert not text.visible


def test_cells_become_a_labels_layer_in_the_colours_of_their_classes(viewer, tmp_path, make_toy):
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    image = viewer.layers["PKG - SN-AM"]
    for opened in viewer.layers:
        opened.scale, opened.translate = (1, 0.5, 0.5), (0, 3, 4)
    label(viewer, bundle)
    layer = viewer.layers["PKG - SN-AM predicted cells"]
    table = layer.features
    # ALL fields have 12 nuclei and MM fields one: see conftest.
    assert list(table.groupby("field").size()) == [12, 12, 12, 1, 1, 1]
    assert table["index"].is_unique
    np.testing.assert_array_equal(layer.scale, image.scale)
    np.testing.assert_array_equal(layer.translate, image.translate)
    nuclei = np.asarray(viewer.layers["PKG - SN-AM nuclei"].data[4])
    shown = np.asarray(layer.data[4])
    np.testing.assert_array_equal(shown > 0, nuclei > 0)
    row = table[table["field"] == 4].iloc[0]
    assert set(np.unique(shown)) == {0, row["index"]}
    assert row["probability"] == max(row["probability_ALL"], row["probability_MM"])
    if not row["uncertain"]:
        colour = layer.colormap.map(np.array([row["index"]]))[0]
        np.testing.assert_allclose(colour[:3] * 255, rgb(FIXED[row["class"]]), atol=1)


def test_progress_counts_the_fields_of_all_photographs(viewer, toy, draw):
    viewer.add_image(draw("ALL", 1)[0], rgb=True, name="one more")
    photographs, events = Photograph.all_of(viewer.layers), []
    labelled = predict_photographs(toy, photographs, events.append)
    assert [x.photograph for x in labelled] == photographs
    assert sorted(len(x.predictions) for x in labelled) == [1, 6]
    assert [x.cells for x in labelled] == [[], []]
    assert [e.text for e in events] == [f"Labelled {k} of 7" for k in range(1, 8)]
    assert [e.fraction for e in events] == pytest.approx(
        [0.95 * k / 7 for k in range(1, 8)], abs=1e-9
    )


def test_labelling_is_stopped_before_the_next_field(viewer, toy):
    events = []
    with pytest.raises(Stopped):
        predict_photographs(
            toy, Photograph.all_of(viewer.layers), events.append, lambda: len(events) == 2
        )
    assert [e.text for e in events] == ["Labelled 1 of 6", "Labelled 2 of 6"]


def test_labelling_again_replaces_the_layer(viewer, tmp_path, make_toy):
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    label(viewer, bundle)
    before = [*viewer.layers]
    layer = viewer.layers["PKG - SN-AM predicted cells"]
    layer.opacity, layer.contour, layer.visible = 0.6, 1, False
    viewer.layers.move(viewer.layers.index(layer), 1)
    order = [*viewer.layers]
    pixels = np.asarray(layer.data)
    table = layer.features
    label(viewer, bundle)
    assert [*viewer.layers] == order  # the same layer: napari keeps some of each that is removed
    assert {*before} == {*order}
    assert (layer.opacity, layer.contour, layer.visible) == (0.6, 1, True)
    np.testing.assert_array_equal(np.asarray(layer.data), pixels)
    pd.testing.assert_frame_equal(layer.features, table, atol=1e-6)


def test_the_outlines_of_cells_are_found_once(viewer, tmp_path, make_toy, monkeypatch):
    """On a large photograph napari takes up to a second for them, on the viewer's thread."""
    found, erode = [], ndimage.grey_erosion

    def counted(labels, **options):
        found.append(labels.shape)
        return erode(labels, **options)

    monkeypatch.setattr(ndimage, "grey_erosion", counted)
    label(viewer, make_toy(tmp_path / "cells.marrow", unit="cell"))
    layer = viewer.layers["PKG - SN-AM predicted cells"]
    assert layer.visible
    assert layer.contour
    assert found == [layer.data.shape[1:]]


def test_a_multiscale_photograph_is_labelled_at_its_finest_level(draw):
    image, _ = draw("ALL", 1)
    viewer = ViewerModel()
    viewer.add_image([image, image[::2, ::2]], rgb=True, multiscale=True)
    [photograph] = Photograph.all_of(viewer.layers)
    np.testing.assert_array_equal(photograph.image(0), image)


def test_no_photograph_is_one_sentence():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((8, 8)))
    with pytest.raises(MarrowError, match="No photograph is open"):
        Photograph.all_of(viewer.layers)


def test_a_file_that_went_is_no_matter_until_its_slice_is_asked_for(tmp_path, draw):
    folder = tmp_path / "AML"
    folder.mkdir()
    for k, size in enumerate(((48, 64), (40, 50)), 1):
        Image.fromarray(draw("ALL", k, size)[0]).save(folder / f"a{k}.png")
    viewer = ViewerModel()
    data, options, _ = read(str(tmp_path))[0]
    viewer.add_image(data, **options)
    photograph = Photograph.all_of(viewer.layers)[0]
    made = recoloured(photograph, 0, StainSettings(), None)
    viewer.add_layer(recoloured_layer(photograph, made, "white-balance"))
    second = Photograph.all_of(viewer.layers)[1]
    assert [second.image(k).shape for k in range(2)] == [(48, 64, 3), (40, 50, 3)]
    (folder / "a2.png").unlink()
    again = Photograph.all_of(viewer.layers)[1]
    assert again.image(0).shape == (48, 64, 3)
    with pytest.raises(MarrowError, match=r"a2\.png"):
        again.image(1)


def test_what_training_measured_is_not_done_again_at_labelling(
    viewer, snam, tmp_path, make_toy, monkeypatch
):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    photographs = Photograph.all_of(viewer.layers)
    (expected,) = predict_photographs(bundle, photographs)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "another"))
    collect_units(scan(snam), bundle.info.preprocessing)
    for name in ("nuclei.separate", "nuclei._watershed", "stain.white_balance", "crops.cut_cells"):
        monkeypatch.delattr(f"napari_marrow.imaging.{name}")
    monkeypatch.delattr("napari_marrow.learning.units.samples.cut_cells")
    viewer.layers.clear()
    for data, options, kind in read(str(snam)):
        getattr(viewer, f"add_{kind}")(data, **options)
    (found,) = predict_photographs(bundle, Photograph.all_of(viewer.layers))
    for one, other in zip(found.predictions, expected.predictions, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table, rtol=0, atol=1e-06)
    for one, other in zip(found.cells, expected.cells, strict=True):
        np.testing.assert_array_equal(one.decode(), other.decode())


def test_what_is_sent_of_a_slice_names_files_where_they_hold_what_is_seen(viewer, tmp_path, draw):
    """Else its pixels; it is pickled, as another process may classify it."""
    stack = Photograph.all_of(viewer.layers)[0]
    viewer.add_layer(recoloured_layer(stack, recoloured(stack, 0, StainSettings(), None), "x"))
    image, mask = draw("ALL", 1)
    viewer.add_image(image, rgb=True, name="loose")
    viewer.add_labels(mask.astype(np.uint8) * 7, name="loose nuclei")
    of_files, made, loose = Photograph.all_of(viewer.layers)
    for photograph, row, needs_nuclei in (
        (of_files, 4, True),
        (made, 4, True),
        (loose, 0, True),
        (loose, 0, False),
    ):
        sent = pickle.dumps(slice_input(photograph, row, needs_nuclei))
        one = pickle.loads(sent)
        if photograph is of_files:
            assert one.photograph == of_files.files[4]
            assert one.nuclei is None
            assert len(sent) < 5_000
            continue
        np.testing.assert_array_equal(one.photograph, photograph.image(row))
        known = photograph.labels(row) if needs_nuclei else None
        assert (one.nuclei is None) == (known is None)
        if known is not None:
            np.testing.assert_array_equal(one.nuclei.decode(), known)


def test_edited_nuclei_are_labelled_as_they_are_seen(snam, tmp_path, make_toy):
    """Also after the nuclei of the files were cached, and again when they were edited once more."""
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer = ViewerModel()
    for data, options, kind in read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")):
        getattr(viewer, f"add_{kind}")(data, **options)
    nuclei = viewer.layers["ALL_1 nuclei"]
    counts = []
    for number in (0, 5, 6):  # the first is no nucleus: all are there
        nuclei.data[nuclei.data == number] = 0
        (labelled,) = predict_photographs(bundle, Photograph.all_of(viewer.layers))
        np.testing.assert_array_equal(labelled.cells[0].decode(), nuclei.data)
        counts.append(labelled.predictions[0].table["index"].tolist())
    everything = list(range(1, 13))
    assert counts == [everything, sorted({*everything} - {5}), sorted({*everything} - {5, 6})]


@pytest.mark.parametrize("change", ["paint", "rename", "table", "saved and opened again"])
def test_a_predicted_layer_that_was_changed_is_kept(snam, tmp_path, make_toy, change):
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer = ViewerModel()
    for data, options, kind in read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")):
        getattr(viewer, f"add_{kind}")(data, **options)
    label(viewer, bundle)
    label(viewer, bundle)
    before = [*viewer.layers]
    layer = viewer.layers["ALL_1 predicted cells"]
    if change == "paint":
        layer.data_setitem((np.array([1]), np.array([2])), 3)
    elif change == "rename":
        layer.name = "corrected"
    elif change == "saved and opened again":
        write_labels(str(tmp_path / "cells.tif"), *layer.as_layer_data_tuple()[:2])
        viewer.layers.remove(layer)
        [(data, options, _)] = read(str(tmp_path / "cells.tif"))
        layer = viewer.add_labels(data, **options)
        before.append(layer)
    else:
        layer.features = layer.features.assign(mine=1)
    label(viewer, bundle)
    label(viewer, bundle)
    (made,) = [x for x in viewer.layers if x not in before]
    assert made.name == "ALL_1 predicted cells"
    assert layer in viewer.layers
    assert layer.name.endswith("(earlier)")
    assert not layer.visible
    assert Photograph.all_of(viewer.layers)[0].annotations == ()


def test_answers_of_fields_that_are_not_labelled_again_are_kept(viewer, tmp_path, make_toy):
    bundle = make_toy(tmp_path / "cells.marrow", unit="cell")
    label(viewer, bundle)
    image, layer = viewer.layers["PKG - SN-AM"], viewer.layers["PKG - SN-AM predicted cells"]
    before, table = LayerInfo.of(image).predictions, layer.features
    pixels = [np.asarray(layer.data[row]) for row in range(6)]
    replace(LayerInfo.of(image), chosen=dict.fromkeys((0, 2, 3, 5), False)).set_on(image)
    again = predict_photographs(bundle, Photograph.chosen_of(viewer.layers))
    notes = [show_predictions(viewer, one, bundle.info.classes) for one in again]
    assert "4 other fields are kept" in notes[0]
    now = LayerInfo.of(image).predictions
    assert [x.text for x in now] == [x.text for x in before]
    shown = viewer.layers["PKG - SN-AM predicted cells"]
    pd.testing.assert_frame_equal(shown.features, table, atol=1e-6)
    for row, expected in enumerate(pixels):
        np.testing.assert_array_equal(shown.data[row], expected)
    fields = make_toy(tmp_path / "fields.marrow")
    again = predict_photographs(fields, Photograph.chosen_of(viewer.layers))
    assert "dropped" in show_predictions(viewer, again[0], fields.info.classes)
    assert [bool(x.text) for x in LayerInfo.of(image).predictions] == [
        row in (1, 4) for row in range(6)
    ]
