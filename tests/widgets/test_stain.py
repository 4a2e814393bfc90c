"""The Stain widget, opened by the name in the manifest."""

from threading import Event

import numpy as np
import pytest
from PIL import Image
from qtpy.compat import isalive

from napari_marrow.imaging.normalise import METHODS, StainSettings, normaliser
from napari_marrow.imaging.stain import (
    combine_stains,
    separate_stains,
    stain_vectors,
    white_balance,
)
from napari_marrow.viewer.layer_info import LayerInfo, layer_fields
from napari_marrow.viewer.make.stains import split
from napari_marrow.viewer.photograph.annotations import set_chosen
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import LazyStack

PLUGIN = "napari-marrow"
VECTORS = np.array([[0.75, 0.6, 0.28], [0.35, 0.75, 0.56]])


def picture(seed, size=(120, 160), nuclei=True):
    """Red cells and nuclei, an amount of a stain each, on a light of its own."""
    rng = np.random.default_rng(seed)
    amounts = np.zeros((*size, 2), np.float32)
    amounts[20:100, 90:150, 1] = rng.uniform(0.3, 0.6, (80, 60))
    if nuclei:
        amounts[20:100, 10:80, 0] = rng.uniform(0.5, 1.2, (80, 70))
    light = np.array([235, 225, 215]) - 8 * seed
    return combine_stains(amounts, VECTORS / np.linalg.norm(VECTORS, axis=1)[:, None], light)


@pytest.fixture
def folder(tmp_path):
    """Three fields in two classes; MM_1 is smaller, and the last one holds red cells only."""
    images = {"ALL/ALL_1": picture(1), "MM/MM_1": picture(2, (110, 150))}
    images["MM/MM_2"] = picture(3, nuclei=False)
    for name, image in images.items():
        path = tmp_path / "set" / f"{name}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return tmp_path / "set"


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


@pytest.fixture
def widget(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Stain")[1]


def ask(widget, **values):
    for name, value in values.items():
        widget.form.fields[name].value = value


def made(status, qtbot):
    """Wait for an answer, and give its sentence."""
    qtbot.waitUntil(lambda: status.text() not in ("", "Working..."), timeout=20000)
    return status.text()


def test_a_field_is_normalised_in_its_place(viewer, widget, qtbot):
    layer = viewer.add_image(
        picture(0), rgb=True, name="a", scale=(0.5, 0.5), translate=(3, 4), units=("um", "um")
    )
    labels = viewer.add_labels(np.ones((120, 160), int), name="mask")
    widget.refresh()
    widget.normalise()
    assert made(widget.normalising.status, qtbot).startswith("a white-balance is a new layer.")
    assert [x.name for x in viewer.layers] == ["a", "a white-balance", "mask"]
    new = viewer.layers["a white-balance"]
    np.testing.assert_array_equal(new.data, white_balance(picture(0)))
    assert new.rgb
    assert (new.visible, layer.visible, labels.visible) == (True, False, True)
    np.testing.assert_array_equal(new.extent.world, layer.extent.world)
    assert new.units == layer.units
    assert LayerInfo.of(new).photograph == LayerInfo.of(layer).id


@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_a_stack_takes_the_colours_of_the_field_that_was_shown(
    viewer, widget, folder, method, qtbot, notified
):
    viewer.open(str(folder), plugin=PLUGIN)
    widget.refresh()
    ask(widget, method=method)
    widget.normalise()
    assert made(widget.normalising.status, qtbot).startswith(f"{method} needs a reference")
    viewer.dims.set_current_step(0, 1)
    widget.take_shown()
    assert widget.form.settings().reference == "MM_1"
    viewer.dims.set_current_step(0, 0)
    widget.normalise()
    made(widget.normalising.status, qtbot)
    stack = viewer.layers[f"set {method}"]
    assert isinstance(stack.data, LazyStack)
    reference = METHODS[method].fit(picture(2, (110, 150)))
    np.testing.assert_array_equal(stack.data[0], reference.normalise(picture(1)))
    # A smaller field lies in the corner; what surrounds it is not made a part of it.
    small = reference.normalise(picture(2, (110, 150)))
    np.testing.assert_array_equal(stack.data[1][:110, :150], small)
    assert not stack.data[1][110:].any()
    if method == "macenko":  # one stain only
        assert not stack.data[2].any()
        assert any(text.startswith("MM_2: ") and "shown empty" in text for text in notified)


def test_a_file_can_be_the_reference(viewer, widget, folder, qtbot):
    viewer.add_image(picture(0), rgb=True, name="a")
    widget.refresh()
    ask(widget, method="macenko")
    widget.take_shown()
    widget.set_reference(folder / "ALL" / "ALL_1.bmp")
    widget.normalise()
    made(widget.normalising.status, qtbot)
    settings = StainSettings("macenko", str(folder / "ALL" / "ALL_1.bmp"))
    expected = normaliser(settings)(picture(0))
    np.testing.assert_array_equal(viewer.layers["a macenko"].data, expected)


def test_a_message_goes_when_the_form_changes(viewer, widget):
    viewer.add_image(picture(0), rgb=True, name="a")
    widget.refresh()
    ask(widget, method="macenko")
    widget.normalise()
    assert "needs a reference" in widget.normalising.status.text()
    ask(widget, method="white-balance")
    assert widget.normalising.status.text() == ""


def test_the_two_stains_are_layers_of_what_imaging_finds(viewer, widget, qtbot):
    layer = viewer.add_image(picture(0), rgb=True, name="a", scale=(2, 2))
    widget.refresh()
    for _ in range(2):  # the second time they replace the first
        widget.separate()
        made(widget.separating.status, qtbot)
        widget.separating.status.setText("")
        assert [x.name for x in viewer.layers] == ["a", "a nuclear stain", "a counterstain"]
    vectors = stain_vectors(picture(0))
    expected = separate_stains(picture(0), vectors)
    for number, name in enumerate(("a nuclear stain", "a counterstain")):
        stain = viewer.layers[name]
        np.testing.assert_array_equal(stain.data, expected[..., number])
        assert stain.data.dtype == np.float32
        low, high = stain.contrast_limits
        assert low == 0
        assert high == pytest.approx(np.quantile(expected[..., number], 0.995), abs=0.02)
        # No stain is white, and the most of it what Beer-Lambert's law leaves of white light.
        ends = stain.colormap.map(np.array([0.0, 1.0]))[:, :3]
        np.testing.assert_allclose(ends, [[1] * 3, 10 ** -(high * vectors[number])], atol=1e-3)
        np.testing.assert_array_equal(stain.scale, layer.scale)
    assert not layer.visible


def test_a_stack_is_split_by_the_vectors_of_the_field_that_was_shown(viewer, widget, folder, qtbot):
    viewer.open(str(folder), plugin=PLUGIN)
    widget.refresh()
    widget.separate()
    made(widget.separating.status, qtbot)
    vectors = stain_vectors(picture(1))
    for number, name in enumerate(("set nuclear stain", "set counterstain")):
        data = viewer.layers[name].data
        assert (data.shape, data.dtype) == ((3, 120, 160), np.float32)
        for row, image in enumerate((picture(1), picture(2, (110, 150)), picture(3, nuclei=False))):
            amounts = separate_stains(image, vectors)[..., number]
            np.testing.assert_array_equal(
                data[row][: image.shape[0], : image.shape[1]], amounts, err_msg=f"{name} {row}"
            )


def test_what_is_hidden_and_not_ticked_any_more_is_named(viewer, widget, qtbot):
    layer = viewer.add_image(picture(0), rgb=True, name="a")
    widget.refresh()
    widget.normalise()
    text = made(widget.normalising.status, qtbot)
    assert "a is hidden and not ticked" in text
    assert "a white-balance" in text.partition("not ticked")[2]
    assert not any(x.chosen for x in Photograph.all_of(viewer.layers))
    viewer.layers.remove("a white-balance")
    layer.visible = True
    widget.separate()
    assert "a is hidden and not ticked" in made(widget.separating.status, qtbot)
    set_chosen(layer, [0], True)  # by hand: hiding does not change that
    widget.normalise()
    qtbot.waitUntil(lambda: "a white-balance" in viewer.layers, timeout=20000)
    assert "ticked" not in made(widget.normalising.status, qtbot)
    assert Photograph.of(layer, viewer.layers).chosen == (0,)


def test_what_is_made_keeps_its_source_but_is_not_the_file(viewer, widget, folder, qtbot):
    viewer.open(str(folder), plugin=PLUGIN)
    widget.refresh()
    widget.normalise()
    made(widget.normalising.status, qtbot)
    photograph, new = viewer.layers
    assert layer_fields(new) == []  # its pixels are no longer the file's
    first, second = Photograph.all_of(viewer.layers)
    assert first.classes == second.classes == ("ALL", "MM", "MM")
    assert LayerInfo.of(new).fields == LayerInfo.of(photograph).fields
    np.testing.assert_array_equal(second.image(0), white_balance(picture(1)))


def test_what_is_made_has_the_nuclei_and_the_caption_of_its_photograph(viewer, widget, snam, qtbot):
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    widget.refresh()
    widget.normalise()
    made(widget.normalising.status, qtbot)
    photograph, new = Photograph.all_of(viewer.layers)
    np.testing.assert_array_equal(new.labels(0), photograph.labels(0))
    assert new.layer.visible
    assert not photograph.layer.visible
    qtbot.waitUntil(lambda: viewer.canvas.overlays.text.text == "ALL_1   class ALL", timeout=5000)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.full((120, 160, 3), 230, np.uint8), "hardly anything stained"),
        (picture(3, nuclei=False), "no nuclei, only red cells"),
    ],
    ids=["empty", "red cells only"],
)
def test_a_field_without_two_stains_gives_a_sentence(viewer, widget, image, said, qtbot):
    viewer.add_image(image, rgb=True)
    widget.refresh()
    widget.separate()
    assert said in made(widget.separating.status, qtbot)
    ask(widget, method="macenko")
    widget.take_shown()
    widget.normalise()
    assert said in made(widget.normalising.status, qtbot)
    assert len(viewer.layers) == 1


def test_a_damaged_field_that_is_shown_does_not_stop_the_others(viewer, widget, folder, qtbot):
    viewer.open(str(folder), plugin=PLUGIN)
    viewer.dims.set_current_step(0, 0)
    path = folder / "ALL" / "ALL_1.bmp"
    path.write_bytes(path.read_bytes()[:2000])
    widget.normalise()
    status = made(widget.normalising.status, qtbot)
    assert status.startswith("set white-balance is a new layer.")
    assert "ALL_1.bmp" in status
    expected = white_balance(picture(2, (110, 150)))
    np.testing.assert_array_equal(viewer.layers["set white-balance"].data[1][:110, :150], expected)
    widget.separate()
    status = made(widget.separating.status, qtbot)
    assert "ALL_1.bmp" in status
    assert "the stains are those of mm_1" in status.lower()
    image = picture(2, (110, 150))
    np.testing.assert_allclose(
        viewer.layers["set nuclear stain"].data[1][:110, :150],
        separate_stains(image, stain_vectors(image))[..., 0],
        atol=1e-6,
    )
    for path in folder.rglob("*.bmp"):
        path.write_bytes(path.read_bytes()[:2000])
    widget.normalise()
    assert str(folder / "ALL" / "ALL_1.bmp") in made(widget.normalising.status, qtbot)
    assert "new layer" not in widget.normalising.status.text()


def test_without_a_photograph_there_is_nothing_to_press(viewer, widget):
    viewer.add_image(np.zeros((8, 8)), name="not a photograph")
    widget.refresh()
    assert not widget.separate_button.isEnabled()
    assert not widget.normalise_button.isEnabled()
    widget.separate()
    assert widget.separating.status.text().startswith("No photograph is open")


def test_results_of_what_is_gone_or_asked_again_are_dropped(viewer, widget, qtbot, monkeypatch):
    viewer.add_image(picture(0), rgb=True, name="a")
    widget.refresh()
    widget.separate()
    widget.separate()
    made(widget.separating.status, qtbot)
    qtbot.wait(300)
    assert len(viewer.layers) == 3
    removed = Event()  # starting lets the viewer handle events: the work could end before
    slow = lambda *given: removed.wait(20) and split(*given)  # noqa: E731
    monkeypatch.setattr("napari_marrow.viewer.make.stains.split", slow)
    widget.separate()
    viewer.layers.remove("a")
    removed.set()
    assert "removed meanwhile" in made(widget.separating.status, qtbot)
    assert len(viewer.layers) == 2


def test_the_widget_can_be_closed_meanwhile(viewer, widget, qtbot, monkeypatch):
    closed, worked = Event(), Event()

    def slow(target, number):
        closed.wait(20)
        worked.set()
        return split(target, number)

    monkeypatch.setattr("napari_marrow.viewer.make.stains.split", slow)
    viewer.add_image(picture(0), rgb=True, name="a")
    widget.refresh()
    widget.separate()
    viewer.window.remove_dock_widget(widget)
    widget.deleteLater()
    qtbot.waitUntil(lambda: not isalive(widget), timeout=5000)
    closed.set()
    qtbot.waitUntil(worked.is_set, timeout=5000)
    qtbot.wait(300)
    viewer.layers["a"].name = "b"
    viewer.add_image(picture(1), rgb=True)
    qtbot.wait(100)
    assert [x.name for x in viewer.layers] == ["b", "Image"]
