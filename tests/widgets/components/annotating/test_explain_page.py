"""The page Explain: similar cells to go to, features for and against, and where a network looks."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Labels

from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.learning.explaining.cell_maps import CellMaps, Shares
from napari_marrow.learning.explaining.evidence import Evidence, Reason
from napari_marrow.learning.explaining.explained import N_SIMILAR
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.transforms import place_of
from napari_marrow.widgets.components.annotating.explain_page import ExplainPage
from napari_marrow.widgets.components.annotating.network_maps import ModelEvidence
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.training.runs import runs_of

HEAT = np.zeros((8, 8))
HEAT[2, 5] = 1
MAPS = CellMaps(
    classes=("ALL", "MM"),
    probabilities=(0.9, 0.1),
    square=(10, 20, 16),
    least=0.3,
    occlusion=HEAT,
    grad_cam=HEAT,
    why_none="",
    area=Shares(0.1, 0.2),
    of_grad_cam=Shares(0.5, 0.6),
    of_occlusion=Shares(0.5, 0.6),
    agreement=0.9,
    spot_agreement=0.1,
    random_agreement=0.0,
)


@pytest.fixture
def page(viewer, qtbot):
    owner, run = DockWidget(viewer, 300), RunPanel()
    made = ExplainPage(owner, run, JobProcess(owner))
    for widget in (owner, run, made):
        qtbot.addWidget(widget)
    made.show()
    yield made
    made.show_session(None)
    owner.closed.emit()


def teach(live, qtbot):
    for first in (0, 12, 24):
        live.give(range(first, first + 4), "ALL")
        live.give(range(first + 6, first + 10), "MM")
    qtbot.waitUntil(lambda: live.answers.model == "live model")


def press(viewer, layer, y, x, row=1):
    """Point at a pixel, and press the key in a layer."""
    viewer.layers.selection.active = layer
    viewer.dims.set_point(0, row)
    viewer.cursor.position = (row, y, x)
    (action,) = [action for key, action in layer.keymap.items() if str(key) == "W"]
    action(layer)


def test_the_key_explains_the_cell_under_the_pointer(page, viewer, live, qtbot):
    page.show_session(live)
    teach(live, qtbot)
    layer = live.session.layer_of(viewer.layers["stack"])
    with qtbot.waitSignal(page.asked):
        press(viewer, layer, 72, 24 + 48 * 4)  # the fifth of the lower row, which has no class
    qtbot.waitUntil(lambda: len(page.strip.buttons) == N_SIMILAR)
    assert page.cell.number == 11
    assert page.about.text().startswith("Cell 11 of stack 1: the live model says MM")
    assert "6 MM" in page.neighbours.text()
    assert {x.text() for x in page.strip.buttons} == {"MM"}
    assert not page.bars.isHidden()
    assert "to the right for MM, to the left for ALL" in page.reasons.text()
    assert page.bars.reasons[0].log_odds > 0
    drawn = page.bars.grab().toImage()
    right = [drawn.pixelColor(drawn.width() * 3 // 4, y).name() for y in range(drawn.height())]
    assert "#009e73" in right  # the colour of MM
    assert "#e69f00" not in right


def test_a_click_on_a_similar_cell_goes_there(page, viewer, live, qtbot):
    page.show_session(live)
    teach(live, qtbot)
    page.explain_row(22)
    qtbot.waitUntil(lambda: len(page.strip.buttons) == N_SIMILAR)
    others = [k for k, row in enumerate(page._similar) if live.answers.cells.field[row] != 1]
    position, wanted = others[-1], page._similar[others[-1]]
    assert position > 0
    page.strip.buttons[position].click()
    assert viewer.dims.point[0] == live.answers.cells.field[wanted]
    np.testing.assert_allclose(viewer.camera.center[-2:], live.answers.cells.places[wanted])


def test_pictures_are_of_the_cells_as_they_are_now(page, viewer, live, qtbot, monkeypatch):
    """Two similar cells of one field change their numbers."""
    shown, show = [], page.strip.show_pictures

    def note(pictures, *texts):
        shown.append(pictures)
        show(pictures, *texts)

    monkeypatch.setattr(page.strip, "show_pictures", note)
    page.show_session(live)
    teach(live, qtbot)
    qtbot.waitUntil(lambda: not live.busy)
    page.explain_row(22)
    qtbot.waitUntil(lambda: len(page.strip.buttons) == N_SIMILAR)
    by_field = [[row for row in page._similar if row // 12 == k] for k in range(3)]
    field, (one, other, *_) = max(enumerate(by_field), key=lambda x: len(x[1]))
    nuclei, swapped = viewer.layers["stack nuclei"], np.arange(36)
    swapped[[one, other]] = other, one
    expected = live.answers.cells.places[swapped]
    viewer.dims.set_point(0, field)
    pixels = [np.nonzero(np.asarray(nuclei.data[field]) == x % 12 + 1) for x in (one, other)]
    with nuclei.block_history():
        for (y, x), number in zip(pixels, (other % 12 + 1, one % 12 + 1), strict=True):
            nuclei.data_setitem((np.full_like(y, field), y, x), number)
        nuclei.events.paint(value=[])
    qtbot.waitUntil(lambda: np.array_equal(live.answers.cells.places, expected))

    def are_now():
        rows = page._similar
        return {one, other} <= {*rows} and all(
            np.array_equal(picture, live.pixels(row)[0])
            for picture, row in zip(shown[-1], rows, strict=True)
        )

    qtbot.waitUntil(are_now)


def test_a_class_that_is_given_changes_what_is_shown(page, live, qtbot):
    page.show_session(live)
    page.explain_row(22)
    qtbot.waitUntil(lambda: "No other cell has a class" in page.neighbours.text())
    assert page.bars.isHidden()
    live.give([23], "MM")
    qtbot.waitUntil(lambda: len(page.strip.buttons) == 1)
    teach(live, qtbot)
    qtbot.waitUntil(lambda: not page.bars.isHidden())


def test_of_a_cell_that_is_asked_again_nothing_is_told(page, live, qtbot):
    page.show_session(live)
    teach(live, qtbot)
    cells = live.answers.cells
    live.session.hide((cells.fields[cells.field[6]], int(cells.index[6])))
    page.explain_row(6)
    assert "asked a second time" in page.about.text()
    assert "MM" not in page.about.text()
    assert page.bars.isHidden()
    live.session.hide(None)
    page.refresh()
    qtbot.waitUntil(lambda: "MM, given by a person" in page.about.text())


def test_where_no_cell_is_it_says_so(page, viewer, live, qtbot):
    press(viewer, live.session.layer_of(viewer.layers["stack"]), 0, 0)
    qtbot.waitUntil(lambda: "No cell is under the pointer" in str(viewer.status))
    assert page.cell is None


def test_a_predicted_cell_is_explained_without_a_project(page, viewer, qtbot, monkeypatch):
    """Its maps are those that the job writes, exactly over its square."""
    image = viewer.layers["stack"]
    info = linked_info(image, Kind.PREDICTED).metadata()
    predicted = Labels(
        np.asarray(viewer.layers["stack nuclei"].data), name="p", metadata=info, **place_of(image)
    )
    viewer.add_layer(predicted)
    press(viewer, predicted, 24, 24, row=2)
    qtbot.waitUntil(lambda: page.cell is not None)
    assert (page.cell.row, page.cell.number) == (2, 1)
    assert "not among those that are annotated" in page.about.text()
    assert not page.network.start_button.isEnabled()
    asked = explain_by(page, monkeypatch)
    page.network.start_button.click()
    assert not page.network.start_button.isEnabled()
    qtbot.waitUntil(lambda: "stack Grad-CAM" in viewer.layers)
    (job,) = asked
    assert (job["index"], Path(job["bundle"]).name) == (1, "cells.marrow")
    layer = viewer.layers["stack Grad-CAM"]
    np.testing.assert_allclose(layer.translate, (2, 10.5, 20.5))
    np.testing.assert_allclose(layer.scale, (1, 2, 2))
    assert "50% of it in the nucleus" in page.network.sentences.text()
    assert "Grad-CAM can be believed" in page.network.sentences.text()
    assert page.network.start_button.isEnabled()


def explain_by(page, monkeypatch):
    """Let a network explain, whose job only writes the maps above; its arguments."""
    asked = []

    def run(client, name, arguments, emit, should_stop):
        with np.load(arguments["picture"]) as picture:
            assert picture["image"].shape[:2] == picture["nuclei"].shape
        asked.append(arguments)
        MAPS.write(Path(arguments["out"]))
        return {"maps": arguments["out"]}

    monkeypatch.setattr("napari_marrow.jobs.client.Child.run", run)
    page.network.set_bundle(page.made_bundle)
    return asked


@pytest.fixture(autouse=True)
def cell_bundle(make_toy, tmp_path, page):
    page.made_bundle = make_toy(tmp_path / "cells.marrow", unit="cell").path


def test_what_is_asked_is_the_model_that_answers_then_that_of_train_dcnn(page, live, qtbot):
    network = page.network
    assert "No trained model is chosen" in network.about.text()
    runs_of(page._viewer).set_current(page.made_bundle)
    runs_of(page._viewer).edited.emit()
    assert network.bundle == page.made_bundle
    answering = live.session.project.models / "dcnn.marrow"
    answering.mkdir(parents=True)
    n = len(live.answers.cells)
    live.use(OtherAnswers.of(live.answers, "dcnn", np.full((n, 2), 0.5), np.full(n, "")))
    page.show_session(live)
    qtbot.waitUntil(lambda: network.bundle == answering)
    page.explain_row(5)
    qtbot.waitUntil(lambda: "what dcnn says: press Grad-CAM" in page.reasons.text())
    network.set_bundle(Path("other.marrow"))
    assert network.about.text() == "Trained model: other.marrow."


def test_a_model_of_whole_photographs_is_one_sentence(page, live, toy, qtbot):
    page.show_session(live)
    page.explain_row(0)
    page.network.set_bundle(toy.path)
    page.network.start_button.click()
    qtbot.waitUntil(lambda: "classifies whole photographs" in page.network._run.status.text())


def test_the_features_of_another_model_are_shown_as_bars(page):
    reasons = tuple(Reason(f"nucleus_{k}_px", k, 1 / (k + 1)) for k in range(9))
    evidence = Evidence(1, 0, 2.0, reasons, adds_up=False)
    page.network.found.emit(ModelEvidence(evidence, ("ALL", "MM"), "svm"))
    assert "What svm goes by: to the right for MM" in page.reasons.text()
    assert len(page.bars.reasons) == 6  # the others do not add up to anything
    added = Evidence(1, 0, 2.0, reasons, adds_up=True)
    page.network.found.emit(ModelEvidence(added, ("ALL", "MM"), "svm"))
    assert len(page.bars.reasons) == 7
    total = sum(x.log_odds for x in page.bars.reasons)
    assert total == pytest.approx(sum(x.log_odds for x in reasons))
