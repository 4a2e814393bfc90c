"""The Augment widget, opened by the name in the manifest."""

from threading import Event

import numpy as np
import pytest
from PIL import Image as Picture

from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.imaging import augment as augmentation
from napari_marrow.imaging.augment import augment
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make import augmented as products
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.make.stains import recoloured, recoloured_layer
from napari_marrow.viewer.photograph.annotations import set_chosen
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.session import write_session

PLUGIN = "napari-marrow"


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def widget(viewer):
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Augment")
    return widget


@pytest.fixture
def field(viewer, widget, snam):
    """A single field of a SN-AM folder is open: its photograph."""
    viewer.open(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp", plugin=PLUGIN)
    return viewer.layers["ALL_1"]


def previews(viewer):
    return [x for x in viewer.layers if LayerInfo.of(x).kind is Kind.PREVIEW]


def shown(viewer):
    return previews(viewer)[0].data if previews(viewer) else np.zeros(0)


def fields_of(layer, viewer):
    photograph = Photograph.of(layer, viewer.layers)
    return [photograph.field(row) for row in range(len(photograph))]


def make(widget, qtbot):
    widget.make_layers()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)


def test_says_how_many_there_will_be(widget, viewer, snam):
    assert "No photograph is open" in widget.counted.text()
    assert not widget.layers_button.isEnabled()
    viewer.open(snam, plugin=PLUGIN)
    said = "6 fields give 18 images: 6 originals, and 12 made by rotate90, edges."
    assert widget.counted.text() == said
    widget.operations.check("mirror", "stain")
    widget.form.fields["copies"].value = 3
    widget.form.fields["originals"].value = False
    assert widget.counted.text() == "6 fields give 24 images: 24 made by mirror, stain."
    widget.operations.check()
    assert widget.counted.text() == "Operations is empty; choose at least one."
    assert not widget.folder_button.isEnabled()


@pytest.mark.parametrize("in_memory", [2**30, 0])
def test_layers_are_what_augment_makes(widget, viewer, field, qtbot, monkeypatch, in_memory):
    monkeypatch.setattr(products, "MAX_BYTES_IN_MEMORY", in_memory)
    for layer in viewer.layers:
        layer.scale = (0.5, 0.5)
    labels = viewer.layers["ALL_1 nuclei"].data
    labels[labels == labels.max()] = 200  # edited by hand
    widget.operations.check("rotate90", "distort", "noise")
    widget.form.fields["copies"].value = 2
    widget.form.fields["seed"].value = 5
    make(widget, qtbot)
    made, nuclei = viewer.layers["ALL_1 augmented"], viewer.layers["ALL_1 augmented nuclei"]
    settings = AugmentSettings(("rotate90", "distort", "noise"), copies=2, seed=5)
    wanted = augment(field.data, settings, {"nuclei": labels}, "ALL/ALL_1")
    assert len(made.data) == len(nuclei.data) == 6
    np.testing.assert_array_equal(made.data[0][:48, :64], field.data)
    for k, one in enumerate(wanted, 1):
        height, width = one.image.shape[:2]
        np.testing.assert_array_equal(made.data[k][:height, :width], one.image)
        np.testing.assert_array_equal(nuclei.data[k][:height, :width], one.masks["nuclei"])
        assert set(np.unique(nuclei.data[k])) == set(np.unique(labels))
    assert made.data.shape[1:3] == (64, 64)
    assert {a.source for a in fields_of(made, viewer)} == {"ALL_1"}
    slices = LayerInfo.of(made).products
    names = ["ALL_1", *(f"ALL_1_{x}" for x in ("rotate90", "distort1", "distort2"))]
    assert [x.name for x in slices][:4] == names
    assert {x.source for x in slices} == {"ALL_1"}
    assert list(made.scale) == [1, 0.5, 0.5]
    qtbot.waitUntil(lambda: "ALL_1   class ALL" in viewer.canvas.overlays.text.text)
    viewer.dims.set_current_step(0, 1)
    assert viewer.canvas.overlays.text.text == "ALL_1_rotate90   class ALL"


def test_what_was_said_goes_with_the_last_photograph(widget, viewer, field, qtbot):
    make(widget, qtbot)
    assert widget.run.status.text() == "Made 3 pictures: layer ALL_1 augmented."
    viewer.layers.clear()
    assert "No photograph is open" in widget.counted.text()
    assert widget.run.status.text() == ""


def test_layers_of_a_folder(widget, viewer, snam, qtbot):
    viewer.open(snam, plugin=PLUGIN)
    source = viewer.layers[0]
    widget.operations.check("flip")
    widget.form.fields["originals"].value = False
    make(widget, qtbot)
    made, nuclei = viewer.layers[-2], viewer.layers[-1]
    assert nuclei.name.endswith("augmented nuclei")
    for k in range(6):
        np.testing.assert_array_equal(made.data[k], source.data[k][::-1])
    assert np.asarray(nuclei.data[0]).max() > 0


def test_training_keeps_products_on_the_side_of_their_photograph(
    widget, viewer, field, qtbot, tmp_path
):
    make(widget, qtbot)
    made = viewer.layers["ALL_1 augmented"]
    set_chosen(made, range(len(made.data)), True)  # products are left out until they are ticked
    fields = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0].fields
    assert len(fields) == 3  # the unchanged one among the products is the photograph itself
    assert len({f.source for f in fields}) == 1
    assert {f.class_name for f in fields} == {"ALL"}


def test_models_see_products_without_the_frame_around_smaller_ones(
    widget, viewer, field, qtbot, tmp_path
):
    widget.operations.check("rotate90", "crop-border")
    make(widget, qtbot)
    made = viewer.layers["ALL_1 augmented"]
    photograph = Photograph.of(made, viewer.layers)
    settings = AugmentSettings(("rotate90", "crop-border"))
    wanted = [field.data, *(x.image for x in augment(field.data, settings, {}, "ALL/ALL_1"))]
    assert len({x.shape for x in wanted}) == 3
    assert len(photograph) == len(wanted)
    for k, image in enumerate(wanted):
        np.testing.assert_array_equal(photograph.image(k), image)
        np.testing.assert_array_equal(Photograph.of(made, viewer.layers).image(k), image)


def test_nothing_is_added_for_a_photograph_that_was_removed(
    widget, viewer, field, qtbot, monkeypatch
):
    removed, make_one = Event(), augmentation.product
    slowly = lambda *given: removed.wait(10) and make_one(*given)  # noqa: E731
    monkeypatch.setattr(augmentation, "product", slowly)
    widget.preview.setChecked(True)
    said, say = [], widget.run.say
    monkeypatch.setattr(widget.run, "say", lambda text: said.append(text) or say(text))
    widget.make_layers()
    viewer.layers.remove(field)
    removed.set()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=20000)
    assert not any("augmented" in x.name for x in viewer.layers)
    assert not previews(viewer)
    # the preview says, before or after, that no photograph is open
    assert any(text.startswith("The photograph was removed meanwhile") for text in said)


def test_nothing_is_added_for_a_photograph_that_was_changed(
    widget, viewer, field, qtbot, monkeypatch
):
    changed, make_one = Event(), augmentation.product
    monkeypatch.setattr(
        augmentation, "product", lambda *given: changed.wait(10) and make_one(*given)
    )
    widget.make_layers()
    field.data = field.data[:20, :20].copy()
    changed.set()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=20000)
    assert not any("augmented" in x.name for x in viewer.layers)
    assert "changed meanwhile" in widget.run.status.text()


def test_the_preview_follows_and_goes_with_the_widget(widget, viewer, field, qtbot):
    before = list(viewer.layers)
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: bool(previews(viewer)), timeout=5000)
    height, width = field.data.shape[:2]
    turned = np.rot90(field.data)  # centred over the photograph, in a frame
    side = max(height, width)
    assert shown(viewer).shape[:2] == (side, side)
    left = (side - height) // 2
    np.testing.assert_array_equal(shown(viewer)[:, left : left + height], turned)
    widget.operations.select("mirror")
    qtbot.waitUntil(lambda: np.array_equal(shown(viewer), field.data[:, ::-1]), timeout=5000)
    widget.operations.select("light")
    qtbot.waitUntil(lambda: shown(viewer).shape == field.data.shape, timeout=5000)
    qtbot.waitUntil(lambda: not np.array_equal(shown(viewer), field.data[:, ::-1]), timeout=5000)
    first = shown(viewer).copy()
    widget.form.fields["light"].value = 0.4
    qtbot.waitUntil(lambda: not np.array_equal(shown(viewer), first), timeout=5000)
    assert [widget.photograph.itemText(k) for k in range(widget.photograph.count())] == ["ALL_1"]
    viewer.window.remove_dock_widget(widget)
    assert not previews(viewer)
    assert list(viewer.layers) == before


def test_the_preview_lies_over_the_photograph_and_goes_when_taken_away(viewer, widget, qtbot):
    pixels = np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), np.uint8)
    layer = viewer.add_image(pixels, rgb=True, scale=(2, 2), translate=(10, 20))
    widget.operations.select("flip")
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: bool(previews(viewer)), timeout=5000)
    over = previews(viewer)[0]
    np.testing.assert_allclose(over.extent.world, layer.extent.world, atol=4)
    assert viewer.layers.selection.active is layer
    viewer.layers.remove(over)
    assert not widget.preview.isChecked()
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: bool(previews(viewer)), timeout=5000)
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not previews(viewer), timeout=5000)


def test_the_preview_goes_when_the_dock_is_hidden(make_napari_viewer, draw, qtbot):
    viewer = make_napari_viewer(show=True)
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Augment")
    viewer.add_image(draw()[0], rgb=True, name="a")
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: bool(previews(viewer)), timeout=5000)
    dock.hide()
    assert not previews(viewer)


def test_the_preview_is_of_the_field_that_is_shown(widget, viewer, snam, qtbot):
    viewer.open(snam, plugin=PLUGIN)
    data = viewer.layers[0].data
    widget.operations.select("flip")
    widget.preview.setChecked(True)
    for k in (0, 4):
        viewer.dims.set_current_step(0, k)
        qtbot.waitUntil(lambda k=k: np.array_equal(shown(viewer), data[k][::-1]), timeout=5000)


def test_a_folder_is_written_with_the_masks_as_they_are_now(widget, viewer, field, tmp_path, qtbot):
    labels = viewer.layers["ALL_1 nuclei"]
    labels.data = np.where(labels.data == 1, 0, labels.data)  # a nucleus taken away
    widget.write_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
    assert f"Wrote 3 pictures and 6 masks to {tmp_path / 'out'}." in widget.run.status.text()
    found = {f.name: f for f in scan(tmp_path / "out").fields}
    assert set(found) == {"ALL_1", "ALL_1_rotate90", "ALL_1_edges"}
    np.testing.assert_array_equal(found["ALL_1"].mask("nucleus"), labels.data > 0)
    turned = np.rot90(found["ALL_1"].mask("background"))
    np.testing.assert_array_equal(found["ALL_1_rotate90"].mask("background"), turned)
    assert found["ALL_1_edges"].class_name == "ALL"


def test_what_is_made_has_the_units_of_the_photograph(widget, viewer, draw, qtbot):
    image = viewer.add_image(draw()[0], rgb=True, name="a", scale=(0.2, 0.2), units=("um", "um"))
    gathered_units = products.Preview(image.data, 2, (0, 0)).options(image)["units"]
    assert gathered_units == image.units
    make(widget, qtbot)
    assert viewer.layers["a augmented"].units[1:] == image.units


def test_labels_of_ones_own_come_along(widget, viewer, draw, qtbot):
    image, mask = draw()
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(mask.astype(int) * 7, name="my lobes")
    viewer.add_labels(np.ones((3, 3), int), name="of something else")
    widget.operations.check("mirror")
    make(widget, qtbot)
    np.testing.assert_array_equal(viewer.layers["a augmented my lobes"].data[1], mask[:, ::-1] * 7)
    assert [x.name for x in viewer.layers if "augmented" in x.name] == [
        "a augmented",
        "a augmented my lobes",
    ]


def test_labels_may_have_any_name(widget, viewer, draw, qtbot):
    image, mask = draw()
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(mask.astype(np.int32), name="photographs")
    widget.operations.check("mirror")
    make(widget, qtbot)
    made = viewer.layers["a augmented"].data
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, [image, image[:, ::-1]])
    own = viewer.layers["a augmented photographs"].data
    np.testing.assert_array_equal(own, [mask, mask[:, ::-1]])


def test_labels_of_ones_own_replace_no_mask_and_are_not_written(
    widget, viewer, field, draw, tmp_path, qtbot
):
    """One whose name says nuclei is used while it is seen; hidden, it replaces none either."""
    masks = viewer.layers["ALL_1 nuclei"].data.copy()
    other = np.zeros_like(masks)
    other[:5, :5] = 3
    for name in ("marks", "cells", "my nuclei"):
        viewer.add_labels(other, name=name)
    widget.operations.check("mirror")
    for visible, nuclei in ((True, other), (False, masks)):
        viewer.layers["my nuclei"].visible = visible
        make(widget, qtbot)
        over = [x for x in viewer.layers if "augmented" in x.name]
        made = {LayerInfo.of(x).kind: x.data for x in over}
        np.testing.assert_array_equal(made[Kind.NUCLEI], [nuclei, nuclei[:, ::-1]])
        np.testing.assert_array_equal(made[Kind.LABELS], [other, other[:, ::-1]])
    widget.write_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
    written = {f.name: f for f in scan(tmp_path / "out").fields}["ALL_1"]
    np.testing.assert_array_equal(written.mask("nucleus"), masks > 0)
    assert written.mask_kinds == {"nucleus", "background"}


def test_recoloured_photographs_keep_their_source_and_masks(widget, viewer, field, tmp_path, qtbot):
    photograph = Photograph.all_of(viewer.layers)[0]
    settings = StainSettings(method="white-balance")
    data = recoloured(photograph, 0, settings, None)
    made = viewer.add_layer(recoloured_layer(photograph, data, "white-balance"))
    source = Photograph.of(made, viewer.layers)
    assert [(f.source, f.class_name) for f in fields_of(made, viewer)] == [("ALL_1", "ALL")]
    np.testing.assert_array_equal(
        source.part(source.nuclei.data, 0), viewer.layers["ALL_1 nuclei"].data
    )
    known = Photograph.of(field, viewer.layers).files
    assert [f.path for f in source.origin] == [known[0].path]
    (written,) = products.written_fields(source, tmp_path, Failures()).fields
    np.testing.assert_array_equal(written.mask("background"), known[0].mask("background"))
    np.testing.assert_array_equal(written.image(), data)


def test_segmented_nuclei_of_a_folder_are_written(widget, viewer, make_snam, tmp_path, qtbot):
    viewer.open(make_snam(tmp_path / "in", 2, masks=False), plugin=PLUGIN)
    (photograph,) = Photograph.all_of(viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    widget.operations.check("mirror")
    widget.write_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
    assert "Wrote 8 pictures and 8 masks" in widget.run.status.text()
    fields = {f.name: f for f in scan(tmp_path / "out").fields}
    nuclei = found[0].nuclei.decode() > 0
    np.testing.assert_array_equal(fields["ALL_1_mirror"].mask("nucleus"), nuclei[:, ::-1])


def test_a_nucleus_painted_on_the_background_is_written_once(
    widget, viewer, field, tmp_path, qtbot
):
    source = Photograph.of(field, viewer.layers)
    before = source.files[0].mask("background")
    y, x = np.argwhere(before)[0]
    labels = viewer.layers["ALL_1 nuclei"]
    labels.data = np.where(before & (np.arange(before.shape[1]) <= x), 99, labels.data)
    widget.write_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
    written = {f.name: f for f in scan(tmp_path / "out").fields}["ALL_1"]
    nucleus, background = written.mask("nucleus"), written.mask("background")
    assert nucleus[y, x]
    assert not (nucleus & background).any()
    np.testing.assert_array_equal(background, before & ~(labels.data == 99))


def test_a_folder_of_layers_that_come_from_no_file(widget, viewer, draw, tmp_path, qtbot):
    image, mask = draw()
    viewer.add_image(np.stack([image, image[::-1]]), rgb=True, name="a/b")
    viewer.add_labels(np.stack([mask, mask[::-1]]).astype(int), name="a/b nuclei")
    widget.operations.check("mirror")
    widget.write_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
    found = {f.name: f for f in scan(tmp_path / "out").fields}
    assert set(found) == {"a_b 0", "a_b 0_mirror", "a_b 1", "a_b 1_mirror"}
    np.testing.assert_array_equal(found["a_b 1_mirror"].mask("nucleus"), mask[::-1, ::-1])


def test_a_damaged_field_does_not_stop_the_others(widget, viewer, draw, tmp_path, qtbot):
    """In layers and in a folder, also of what Stain or Augment made of the stack."""
    for k in range(3):
        Picture.fromarray(draw("ALL", k)[0]).save(tmp_path / f"a_{k}.png")
    stack = viewer.open(str(tmp_path), plugin=PLUGIN)[0]
    photograph = Photograph.of(stack, viewer.layers)
    data = recoloured(photograph, 0, StainSettings(method="white-balance"), None)
    path = tmp_path / "a_1.png"
    path.write_bytes(path.read_bytes()[:2000])
    widget.operations.check("mirror")

    def check(number: int) -> None:
        make(widget, qtbot)
        status = widget.run.status.text()
        assert f"Made {number} pictures" in status
        assert "1 photograph can't be used" in status
        assert "a_1.png can't be read" in status
        assert all(np.asarray(picture).any() for picture in viewer.layers[-1].data)
        out = tmp_path.with_name(f"{tmp_path.name} out {len(viewer.layers)}")
        widget.write_folder(out)
        qtbot.waitUntil(lambda: not widget.task.busy, timeout=10000)
        status = widget.run.status.text()
        assert f"Wrote {number} pictures" in status
        assert "1 photograph can't be used" in status
        assert "a_1.png can't be read" in status
        names = {x.stem for x in out.rglob("*.bmp")}
        assert len(names) == number
        assert not [x for x in names if "a_1" in x]

    check(4)
    made = viewer.add_layer(recoloured_layer(photograph, data, "white-balance"))
    viewer.layers.selection.active = made
    check(4)
    path.write_bytes(b"")
    (tmp_path / "a_0.png").write_bytes(b"")
    (tmp_path / "a_2.png").write_bytes(b"")
    viewer.layers.selection.active = stack
    make(widget, qtbot)
    assert "a_0.png" in widget.run.status.text()


def test_what_goes_wrong_is_one_sentence(widget, viewer, field, snam, tmp_path, qtbot):
    widget.write_folder(snam / "PKG - SN-AM" / "ALL" / "out")
    assert "choose a folder outside it" in widget.run.status.text()
    (tmp_path / "mine").write_text("a file")
    widget.write_folder(tmp_path / "mine")
    qtbot.waitUntil(lambda: "mine" in widget.run.status.text(), timeout=5000)
    assert widget.layers_button.isEnabled()
    viewer.layers.clear()
    widget.make_layers()
    assert widget.run.status.text() == (
        "No photograph is open; open an RGB image of 8 bits a channel, or a folder, first."
    )


def test_cancelled_work_leaves_nothing(widget, viewer, field, tmp_path, qtbot):
    before = list(viewer.layers)
    widget.operations.check("rotate", "distort", "noise")
    widget.form.fields["copies"].value = 60
    widget.write_folder(tmp_path / "out")
    assert widget.run.cancel_button.isEnabled()
    widget.task.cancel()
    assert "Stopped" in widget.run.status.text()
    widget.make_layers()
    viewer.window.remove_dock_widget(widget)  # closed while it works
    qtbot.wait(500)
    assert list(viewer.layers) == before
    assert not list(tmp_path.iterdir())
