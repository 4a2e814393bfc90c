"""Cells within a rectangle or a lasso get a class by one key."""

import numpy as np
import pytest
from matplotlib.path import Path

from napari_marrow.viewer.annotating.selecting import CellSelection
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.photograph import Photograph


@pytest.fixture
def selection(live, viewer):
    made = CellSelection(live, viewer.layers["stack"])
    yield made
    made.close()


def shapes(viewer):
    return viewer.layers["stack selection"]


def press(layer, key):
    next(act for binding, act in layer.keymap.items() if str(binding) == key)(layer)


def drag(viewer, layer, points):
    """Draw with the mouse, as napari's canvas reports it."""
    from napari.utils._proxies import ReadOnlyWrapper
    from napari.utils.interactions import mouse_move_callbacks as move
    from napari.utils.interactions import mouse_press_callbacks as push
    from napari.utils.interactions import mouse_release_callbacks as release

    def event(kind, point, pressed):
        class Event:
            type, position, is_dragging, pos = kind, (1.0, *point), pressed, point
            button, buttons, modifiers, handled = 1, [1], [], False
            view_direction, up_direction, dims_displayed, dims_point = None, None, [1, 2], (1, 0, 0)

        return ReadOnlyWrapper(Event(), exceptions=("handled",))

    push(layer, event("mouse_press", points[0], False))
    for point in points[1:]:
        move(layer, event("mouse_move", point, True))
    release(layer, event("mouse_release", points[-1], False))


def test_a_rectangle_selects_cells_and_a_key_gives_all_of_them_a_class(selection, live, viewer):
    selection.draw("rectangle")
    layer = shapes(viewer)
    assert viewer.layers.selection.active is layer
    assert layer.mode == "add_rectangle"
    drag(viewer, layer, [(0, 0), (20, 60), (47, 140)])
    field, numbers = selection.cells
    assert field.row == 1
    assert numbers == [1, 2, 3]  # whose middles are at 24, 72 and 120
    press(layer, "2")
    assert live.session.annotations.counts == {"MM": 3}
    assert len(layer.data) == 0
    assert len(live.session.project.entries) == 2  # one step
    press(layer, "Ctrl+Z")
    assert live.session.annotations.cells == {}


def test_a_lasso_selects_the_cells_whose_middle_is_inside(selection, live, viewer):
    selection.draw("lasso")
    assert shapes(viewer).mode == "add_polygon_lasso"
    outline = np.array([(30, 10), (80, 120), (95, 5)])
    shapes(viewer).add_polygons(outline)
    field, numbers = selection.cells
    inside = Path(outline).contains_points(field.cells.places)
    assert numbers == (np.flatnonzero(inside) + 1).tolist()
    assert 0 < len(numbers) < 12


def test_keys_take_classes_away_accept_and_end(selection, live, viewer, qtbot):
    live.give([12, 13, 14], "ALL")
    live.give([18, 19, 20], "MM")
    qtbot.waitUntil(lambda: live.answers.model != "" and (live.answers.given >= 0).sum() == 6)
    selection.draw("rectangle")
    shapes(viewer).add_rectangles(np.array([(0, 150), (96, 288)]))
    _, numbers = selection.cells
    assert numbers == [4, 5, 6, 10, 11, 12]
    expected = [live.answers.classes[live.answers.answers[11 + k]] for k in numbers]
    press(shapes(viewer), "Space")
    accepted = [x for x in live.session.annotations.cells.values() if x.who == "live model"]
    assert sorted(x.class_name for x in accepted) == sorted(expected)
    shapes(viewer).add_rectangles(np.array([(0, 0), (96, 288)]))
    press(shapes(viewer), "0")
    assert live.session.annotations.cells == {}
    press(shapes(viewer), "9")  # there is no ninth class
    press(shapes(viewer), "Escape")
    assert "stack selection" not in viewer.layers
    assert viewer.layers.selection.active is viewer.layers["stack cells"]


def test_space_gives_only_cells_without_a_class_what_the_model_says(selection, live, viewer, qtbot):
    live.give([12, 13, 14], "ALL")
    live.give([18, 19, 20], "MM")
    live.give([15], "MM")  # this and the next as the model does not say
    live.give([21], "ALL")
    qtbot.waitUntil(lambda: live.answers.model != "" and (live.answers.given >= 0).sum() == 8)
    before = dict(live.session.annotations.cells)
    selection.draw("rectangle")
    shapes(viewer).add_rectangles(np.array([(0, 0), (96, 288)]))
    assert len(selection.cells[1]) == 12
    press(shapes(viewer), "Space")
    after = live.session.annotations.cells
    assert {place: after[place] for place in before} == before
    assert len(after) == 12
    assert "4 cells" in viewer.status


def test_shapes_of_another_field_do_not_count(selection, viewer):
    selection.draw("rectangle")
    shapes(viewer).add_rectangles(np.array([(0, 0), (96, 288)]))
    viewer.dims.set_point(0, 2)
    assert len(shapes(viewer).data) == 0
    selection.draw("lasso")
    assert [x.name for x in viewer.layers].count("stack selection") == 1


def test_the_layer_is_none_that_is_learnt_from(selection, viewer):
    selection.draw("rectangle")
    shapes(viewer).add_rectangles(np.array([(0, 0), (96, 288)]))
    photograph = Photograph.of(viewer.layers["stack"], list(viewer.layers))
    assert not any("selection" in note for note in photograph.notes)
    assert LayerInfo.of(shapes(viewer)).photograph is not None
