"""The widget "Segment nuclei", in a real viewer."""

import numpy as np
import pytest
from PIL import Image
from skimage.measure import regionprops

from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.segment import PREVIEW_NAME


@pytest.fixture
def opened(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    dock, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Segment nuclei")
    return viewer, widget, dock


def finished(widget):
    return widget.run_button.isEnabled() and not widget.run.cancel_button.isEnabled()


def test_nothing_open_is_a_sentence(opened):
    _, widget, _ = opened
    widget.segment()
    assert widget.run.status.text() == (
        "No photograph is open; open an RGB image of 8 bits a channel, or a folder, first."
    )


def test_a_photograph_gets_its_nuclei_with_features(opened, draw, qtbot):
    viewer, widget, _ = opened
    image, _ = draw("ALL", 3, (240, 320))
    photograph = viewer.add_image(image, name="a", scale=(2, 2), translate=(5, 7))
    widget.cytoplasm.setChecked(True)
    widget.segment()
    qtbot.waitUntil(lambda: "a nuclei" in viewer.layers and finished(widget), timeout=20000)
    nuclei, cytoplasm = viewer.layers["a nuclei"], viewer.layers["a cytoplasm"]
    labels = segment_nuclei(image)
    np.testing.assert_array_equal(nuclei.data, labels)
    np.testing.assert_array_equal(cytoplasm.data, segment_cytoplasm(image, labels))
    assert tuple(nuclei.scale) == (2, 2)
    assert tuple(nuclei.translate) == (5, 7)
    assert nuclei.features["area"].tolist() == [r.area for r in regionprops(labels.astype(int))]
    assert "nucleus_to_cell" in nuclei.features
    assert LayerInfo.of(nuclei).photograph == layer_id(photograph)
    assert LayerInfo.of(nuclei).kind is Kind.NUCLEI
    assert widget.run.status.text() == "a: 12 nuclei in 1 field."


def test_another_run_takes_the_place_of_the_first(opened, draw, qtbot):
    viewer, widget, _ = opened
    viewer.add_image(draw("ALL", 3, (240, 320))[0], name="a")
    widget.segment()
    qtbot.waitUntil(lambda: "a nuclei" in viewer.layers and finished(widget), timeout=20000)
    first = viewer.layers["a nuclei"]
    first.data[:2] = 77  # painted: not to be lost
    widget.form.fields["smallest"].value = 10**6
    widget.segment()
    qtbot.waitUntil(lambda: first.name != "a nuclei" and finished(widget), timeout=20000)
    second = viewer.layers["a nuclei"]
    assert not second.data.any()
    assert first.name == "a nuclei (earlier)"
    assert "a nuclei (earlier) and no longer" in widget.run.status.text()
    assert (first.data[:2] == 77).all()
    assert [x for x in viewer.layers if LayerInfo.of(x).kind is Kind.NUCLEI] == [second]
    np.testing.assert_array_equal(
        Photograph.of(viewer.layers["a"], viewer.layers).labels(0), second.data
    )


def test_the_selected_photograph_is_taken(opened, draw, qtbot):
    viewer, widget, _ = opened
    for k in (1, 2):
        viewer.add_image(draw("ALL", k, (240, 320))[0], name=f"photograph {k}")
    for name in ("photograph 1", "photograph 2"):
        viewer.layers.selection.active = viewer.layers[name]
        assert widget.chosen().name == name


def test_a_folder_gets_a_stack_beside_its_own_nuclei(opened, snam, qtbot):
    viewer, widget, _ = opened
    viewer.open(str(snam), plugin="napari-marrow")
    photograph = viewer.layers["PKG - SN-AM"]
    viewer.layers.selection.active = photograph
    widget.segment()
    name = "PKG - SN-AM segmented nuclei"  # its masks stay its nuclei
    qtbot.waitUntil(lambda: name in viewer.layers and finished(widget), timeout=60000)
    made = viewer.layers[name]
    for row in (0, 4):
        expected = segment_nuclei(np.asarray(photograph.data[row]))
        np.testing.assert_array_equal(np.asarray(made.data[row]), expected)
    assert LayerInfo.of(made).kind is not Kind.NUCLEI
    assert made.editable
    assert not viewer.layers["PKG - SN-AM nuclei"].editable  # its files would stay as they are


def test_what_is_painted_on_a_stack_of_nuclei_is_what_counts(
    make_napari_viewer, make_snam, tmp_path, qtbot
):
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Segment nuclei")
    _, measuring = viewer.window.add_plugin_dock_widget("napari-marrow", "Chi-square features")
    root = make_snam(tmp_path / "s", 3, size=(240, 320), masks=False)
    viewer.open(str(root), plugin="napari-marrow")
    photograph = viewer.layers[root.name]
    widget.cytoplasm.setChecked(True)
    widget.segment()
    qtbot.waitUntil(lambda: f"{root.name} nuclei" in viewer.layers, timeout=60000)
    nuclei = viewer.layers[f"{root.name} nuclei"]
    measuring.form.fields["unit"].value = "cell"
    sentence = measuring.source.learning.sentence
    qtbot.waitUntil(lambda: "36 ALL and 3 MM cells" in sentence.text(), timeout=20000)
    before = [Photograph.of(photograph, viewer.layers).labels(row).copy() for row in range(6)]
    viewer.layers.selection.active = nuclei
    viewer.dims.set_current_step(0, 4)
    nuclei.mode = "paint"
    assert nuclei.mode == "paint"
    first = int(before[4].max()) + 1
    nuclei.brush_size = 15
    nuclei.paint((4, 8, 8), first)  # a nucleus more
    viewer.dims.set_current_step(0, 0)
    y, x = np.argwhere(before[0] == 5)[0]
    nuclei.fill((0, y, x), 0)  # one less
    nuclei.fill((0, *np.argwhere(before[0] == 6)[0]), 0)
    nuclei.undo()
    for row in (1, 2, 3, 5):  # others are read meanwhile
        viewer.dims.set_current_step(0, row)
    expected = [x.copy() for x in before]
    expected[0][before[0] == 5] = 0
    expected[4] = np.asarray(nuclei.data[4])
    assert (expected[4] == first).sum() > 100
    now = Photograph.of(photograph, viewer.layers)
    for row in range(6):
        np.testing.assert_array_equal(now.cells(row), expected[row])
    qtbot.waitUntil(lambda: "35 ALL and 4 MM cells" in sentence.text(), timeout=20000)
    nuclei.save(str(tmp_path / "nuclei.tif"), plugin="napari-marrow")
    import tifffile

    np.testing.assert_array_equal(tifffile.imread(tmp_path / "nuclei.tif"), expected)
    assert viewer.layers[f"{root.name} cytoplasm"].editable
    widget.segment()
    qtbot.waitUntil(lambda: nuclei.name.endswith("(earlier)") and finished(widget), timeout=60000)
    said = widget.run.status.text()
    assert f"{root.name} cytoplasm (earlier) and {nuclei.name} and no longer" in said
    qtbot.waitUntil(lambda: "36 ALL and 3 MM cells" in sentence.text(), timeout=20000)
    assert (np.asarray(nuclei.data[4]) == first).sum() > 100


def test_limits_of_size_are_those_of_the_form(opened, draw, qtbot):
    viewer, widget, _ = opened
    image, _ = draw("ALL", 3, (240, 320))
    viewer.add_image(image, name="a")
    widget.form.fields["smallest"].value = 10**6
    widget.segment()
    qtbot.waitUntil(lambda: "a nuclei" in viewer.layers, timeout=20000)
    assert not viewer.layers["a nuclei"].data.any()
    widget.form.fields["largest"].value = 5
    widget.segment()
    assert widget.run.status.text() == "Largest is 5; it must be at least 1000000."


def test_the_preview_follows_the_settings_and_goes(make_napari_viewer_proxy, draw, qtbot):
    viewer = make_napari_viewer_proxy(show=True)
    dock, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Segment nuclei")
    image, _ = draw("ALL", 3, (240, 320))
    photograph = viewer.add_image(image, name="a")
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: PREVIEW_NAME in viewer.layers, timeout=20000)
    np.testing.assert_array_equal(viewer.layers[PREVIEW_NAME].data, segment_nuclei(image))
    assert viewer.layers.selection.active == photograph
    widget.form.fields["smallest"].value = 10**6
    qtbot.waitUntil(lambda: not viewer.layers[PREVIEW_NAME].data.any(), timeout=20000)
    dock.hide()
    assert PREVIEW_NAME not in viewer.layers


def test_the_preview_is_taken_for_nothing_else(opened, draw, qtbot):
    viewer, widget, _ = opened
    image, _ = draw("ALL", 3, (240, 320))
    first = viewer.add_image(image, name="preview of")  # its nuclei would be called as the preview
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: PREVIEW_NAME in viewer.layers, timeout=20000)
    shown = viewer.layers[PREVIEW_NAME]
    photograph = Photograph.of(first, viewer.layers)
    assert photograph.labels(0) is None
    assert photograph.overlays == photograph.own_labels == {}
    second = viewer.add_image(image, name="b")
    qtbot.waitUntil(lambda: LayerInfo.of(shown).photograph == layer_id(second), timeout=20000)
    assert Photograph.of(second, viewer.layers).own_labels == {}


def test_a_damaged_photograph_of_a_folder_does_not_stop_the_others(opened, draw, tmp_path, qtbot):
    viewer, widget, _ = opened
    for k in (1, 2):
        Image.fromarray(draw("ALL", k, (240, 320))[0]).save(tmp_path / f"a_{k}.png")
    path = tmp_path / "a_2.png"
    viewer.open(str(tmp_path), plugin="napari-marrow")
    path.write_bytes(path.read_bytes()[:2000])
    widget.segment()
    qtbot.waitUntil(lambda: finished(widget) and len(viewer.layers) == 2, timeout=60000)
    assert "in 1 field. " in widget.run.status.text()
    assert "a_2.png can't be read" in widget.run.status.text()
    made = viewer.layers[-1].data
    assert np.asarray(made[0]).any()
    assert not np.asarray(made[1]).any()


def test_cancelled_work_adds_nothing(opened, snam, qtbot):
    viewer, widget, _ = opened
    viewer.open(str(snam), plugin="napari-marrow")
    before = len(viewer.layers)
    widget.segment()
    widget.task.cancel()
    qtbot.waitUntil(lambda: finished(widget), timeout=20000)
    assert len(viewer.layers) == before
    assert widget.run.status.text() == "Stopped."


def test_a_photograph_that_goes_meanwhile(opened, draw, qtbot):
    viewer, widget, _ = opened
    viewer.add_image(draw("ALL", 3, (240, 320))[0], name="a")
    widget.segment()
    viewer.layers.clear()
    qtbot.waitUntil(lambda: finished(widget), timeout=20000)
    assert not viewer.layers
    assert "removed meanwhile" in widget.run.status.text()


def test_a_photograph_that_is_changed_meanwhile(opened, draw, qtbot):
    viewer, widget, _ = opened
    photograph = viewer.add_image(draw("ALL", 3, (240, 320))[0], name="a")
    widget.segment()
    photograph.data = draw("ALL", 4, (120, 160))[0]
    qtbot.waitUntil(lambda: finished(widget), timeout=20000)
    assert [x.name for x in viewer.layers] == ["a"]
    assert "changed meanwhile" in widget.run.status.text()


def test_the_preview_lies_on_the_chosen_photograph_and_goes_with_the_last(opened, draw, qtbot):
    viewer, widget, _ = opened
    image, _ = draw("ALL", 3, (240, 320))
    viewer.add_image(image, name="a")
    viewer.add_image(image, name="b", scale=(2, 2), translate=(0, 400))
    viewer.layers.selection.active = viewer.layers["a"]
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: PREVIEW_NAME in viewer.layers, timeout=20000)
    viewer.layers.selection.active = viewer.layers["b"]
    qtbot.waitUntil(lambda: tuple(viewer.layers[PREVIEW_NAME].scale) == (2, 2), timeout=20000)
    assert tuple(viewer.layers[PREVIEW_NAME].translate) == (0, 400)
    viewer.layers.remove("a")
    viewer.layers.remove("b")
    qtbot.waitUntil(lambda: PREVIEW_NAME not in viewer.layers, timeout=20000)


def test_closing_the_dock_stops_the_work(make_napari_viewer_proxy, snam, qtbot, monkeypatch):
    viewer = make_napari_viewer_proxy()
    viewer.open(str(snam), plugin="napari-marrow")
    dock, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Segment nuclei")
    begun = []
    read = Photograph.image
    monkeypatch.setattr(Photograph, "image", lambda self, k: begun.append(k) or read(self, k))
    widget.segment()
    qtbot.waitUntil(lambda: len(begun) > 0, timeout=20000)
    before = len(viewer.layers)
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: widget.task._in_thread is None, timeout=60000)
    qtbot.wait(200)
    assert len(begun) < len(viewer.layers[0].data)
    assert len(viewer.layers) == before


def test_no_preview_of_a_field_that_is_not_shown(opened, draw, snam, qtbot):
    """A longer stack moves the slider to where the shorter one has no field."""
    viewer, widget, _ = opened
    short = viewer.add_image(np.stack([draw("ALL", k, (240, 320))[0] for k in range(2)]), name="s")
    viewer.add_labels(np.zeros((9, 240, 320), np.uint8), name="long")
    viewer.layers.selection.active = short
    viewer.dims.set_current_step(0, 1)
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: PREVIEW_NAME in viewer.layers, timeout=20000)
    viewer.dims.set_current_step(0, 7)
    qtbot.waitUntil(lambda: PREVIEW_NAME not in viewer.layers, timeout=20000)
    assert "shows no field of this stack" in widget.run.status.text()


def test_the_button_lets_the_nuclei_of_a_folder_be_corrected_by_keys(opened, snam):
    viewer, widget, _ = opened
    widget.correct()
    assert widget.run.status.text().startswith("No photograph is open")
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    nuclei.visible = False
    widget.correct_button.click()
    assert viewer.layers.selection.active == nuclei
    assert nuclei.visible
    assert nuclei.editable
    image = viewer.layers["PKG - SN-AM"]
    assert not Photograph.of(image, viewer.layers).nuclei.edited  # nothing was changed yet
