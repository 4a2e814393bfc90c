"""Which photograph the dock widgets work on."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.compat import isalive

from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.widgets.components.image_combo import ImageCombo

PLUGIN = "napari-marrow"


@pytest.fixture
def viewer(draw):
    """A viewer with the photographs "a" and "a b"."""
    viewer = ViewerModel()
    for name in ("a", "a b"):
        viewer.add_image(draw()[0], rgb=True, name=name)
    return viewer


@pytest.fixture
def box(viewer, qtbot):
    box = ImageCombo(viewer)
    qtbot.addWidget(box)
    return box


def over(viewer, name, photograph=None, kind=Kind.NUCLEI):
    """Add Labels, which become the active layer."""
    info = None if photograph is None else LayerInfo(kind=kind, photograph=layer_id(photograph))
    metadata = {} if info is None else info.metadata()
    return viewer.add_labels(np.zeros((48, 64), int), name=name, metadata=metadata)


def test_the_active_photograph_is_chosen(viewer, box, draw):
    told = []
    box.changed.connect(lambda: told.append(box.layer and box.layer.name))
    assert box.layer is viewer.layers["a b"]  # added last
    viewer.layers.selection.active = viewer.layers["a"]
    new = viewer.add_image(draw()[0], rgb=True, name="new")
    assert box.layer is new
    new.name = "newer"
    assert box.currentText() == "newer"
    viewer.layers.selection.active = viewer.layers["a"]
    viewer.layers.remove(new)
    viewer.layers.clear()
    assert box.layer is None
    assert told[:3] == ["a", "new", "a"]
    assert told[-1] is None


def test_layers_over_a_photograph_choose_it(viewer, box):
    first, second = viewer.layers
    over(viewer, "b", first)
    assert box.layer is first
    over(viewer, "a b segmented nuclei (earlier)")  # no link: by its name, the longer one
    assert box.layer is second
    over(viewer, "a cells")
    assert box.layer is first
    over(viewer, "of nobody")
    assert box.layer is first
    gone = LayerInfo(kind=Kind.NUCLEI, photograph="gone")
    over(viewer, "of what is gone").metadata = gone.metadata()
    over(viewer, "x", second, Kind.PREVIEW)  # comes and goes with a widget
    assert box.layer is first


def test_a_preview_that_comes_and_goes_changes_nothing(viewer, box):
    first, second = viewer.layers
    with box.pinned():
        made = over(viewer, "made", first)
    over(viewer, "x", second, Kind.PREVIEW)
    viewer.layers.selection.active = made
    assert box.layer is second
    viewer.layers.selection.active = first
    assert box.layer is first


def test_what_the_user_chose_stays_until_it_is_closed(viewer, box, draw):
    first, second = viewer.layers
    box.setCurrentIndex(0)
    box.activated.emit(0)
    viewer.layers.selection.active = second
    viewer.add_image(draw()[0], rgb=True, name="new")
    assert box.layer is first
    viewer.layers.remove(first)
    assert box.layer is viewer.layers["new"]
    viewer.layers.selection.active = second
    assert box.layer is second


def test_a_box_that_is_gone_hears_of_nothing(viewer, qtbot):
    box = ImageCombo(viewer)
    box.deleteLater()
    qtbot.waitUntil(lambda: not isalive(box), timeout=5000)
    viewer.layers.selection.active = viewer.layers["a"]
    viewer.layers.clear()


def test_nuclei_are_segmented_in_the_photograph_that_was_opened_last(
    make_napari_viewer_proxy, snam, qtbot
):
    """Its nuclei are the active layer then, and so are those that are found."""
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment nuclei")
    for name in ("ALL_1", "ALL_2"):
        viewer.open(str(snam / "PKG - SN-AM" / "ALL" / f"{name}.bmp"), plugin=PLUGIN)
    assert viewer.layers.selection.active.name == "ALL_2 nuclei"
    expected = segment_nuclei(np.asarray(viewer.layers["ALL_2"].data))
    for run in (1, 2):
        widget.segment()
        qtbot.waitUntil(widget.run_button.isEnabled, timeout=20000)
        assert widget.run.status.text().startswith("ALL_2: ")
        made = [x for x in viewer.layers if "segmented" in x.name]
        assert len(made) == run
        np.testing.assert_array_equal(made[-1].data, expected)
    widget.preview.setChecked(True)
    qtbot.waitUntil(lambda: "shown field" in widget.run.status.text(), timeout=20000)
    assert widget.run.status.text().startswith("ALL_2: ")


def test_what_is_made_does_not_become_the_photograph_to_work_on(make_napari_viewer, draw, qtbot):
    viewer = make_napari_viewer()
    photograph = viewer.add_image(draw("ALL", 3, (240, 320))[0], rgb=True, name="a")
    _, augment = viewer.window.add_plugin_dock_widget(PLUGIN, "Augment")
    augment.make_layers()
    qtbot.waitUntil(lambda: not augment.task.busy, timeout=20000)
    assert viewer.layers.selection.active.name == "a augmented"
    assert augment.photograph.layer is photograph
    viewer.layers.selection.active = photograph
    _, stain = viewer.window.add_plugin_dock_widget(PLUGIN, "Stain")
    stain.normalise()
    qtbot.waitUntil(lambda: "new layer" in stain.normalising.status.text(), timeout=20000)
    assert viewer.layers.selection.active.name == "a white-balance"
    assert stain.photograph.layer is photograph
    assert augment.photograph.layer is viewer.layers["a white-balance"]
    viewer.layers.selection.active = viewer.layers["a augmented"]
    assert stain.photograph.layer is viewer.layers["a augmented"]
