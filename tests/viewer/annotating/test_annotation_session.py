"""Annotations in the viewer are those of the project: keys, strokes, undo, and opened again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from napari.layers import Image, Labels
from qtpy.QtCore import QObject

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import ClassColour, Given
from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.keys import bind_class_keys
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.make.annotating import add_painted_classes
from napari_marrow.viewer.photograph.annotations import label_classes, new_cells_layer
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.transforms import place_of

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))
CELLS = {1: (10, 10), 2: (10, 40), 3: (40, 25)}
"""Upper left corners of cells of 8 pixels a side, in each of two fields."""


@pytest.fixture
def viewer(make_napari_viewer):
    made = make_napari_viewer()
    stack = np.full((2, 60, 64, 3), 220, np.uint8)
    image = made.add_layer(Image(stack, name="stack", rgb=True, scale=(1, 0.5, 0.5)))
    labels = np.zeros((2, 60, 64), np.uint16)
    for number, (y, x) in CELLS.items():
        labels[:, y : y + 8, x : x + 8] = number
    info = linked_info(image, Kind.NUCLEI)
    made.add_layer(Labels(labels, name="stack nuclei", metadata=info.metadata(), **place_of(image)))
    made.dims.set_point(0, 0)
    return made


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "project", CLASSES)
    yield made
    made.close()


@pytest.fixture
def begin(viewer, project, qtbot):
    """Begin to annotate the shown field; the session and the field."""
    owner = QObject()

    def start(session=None, opened=None):
        session = session or AnnotationSession(owner, viewer, opened or project, print)
        image = viewer.layers["stack"]
        session.open_field(Photograph.of(image, list(viewer.layers)))
        qtbot.waitUntil(lambda: session.shown(image) is not None)
        return session, session.shown(image)

    yield start
    owner.deleteLater()


def painted(field):
    """The class label at the middle of each cell of a field, and whether all of it has it."""
    frame = np.asarray(field.layer.data)[field.row]
    found = {}
    for number, (y, x) in CELLS.items():
        (value,) = set(frame[y : y + 8, x : x + 8].ravel().tolist())  # one for all pixels
        found[number] = value
    return found


def stroke(field, label):
    """Paint in the middle of cell 1, as the mouse does."""
    with field.layer.block_history():
        field.layer.paint((field.row, 13, 13), label)


def given(project, name="stack 0"):
    return {
        (x.y, x.x): y.class_name for x, y in project.annotations.cells.items() if x.image == name
    }


def test_a_class_is_shown_all_over_the_cell_and_kept(begin, project):
    session, field = begin()
    session.give(field, [1, 3], "MM")
    session.give(field, [2], "ALL", who="model svm", asked="margin")
    assert painted(field) == {1: 2, 2: 1, 3: 2}
    assert sorted(given(project).values()) == ["ALL", "MM", "MM"]
    (model,) = [x for x in project.annotations.cells.values() if x.class_name == "ALL"]
    assert model == Given("ALL", "model svm", "margin")
    session.give(field, [1], None)
    assert painted(field) == {1: 0, 2: 1, 3: 2}
    assert len(given(project)) == 2


def test_nothing_is_shown_that_was_not_written(begin, project):
    session, field = begin()
    project.close()
    with pytest.raises(Exception, match="was closed"):
        session.give(field, [1], "MM")
    assert painted(field) == {1: 0, 2: 0, 3: 0}


def test_a_stroke_that_can_not_be_kept_is_not_shown(begin, project, capsys):
    session, field = begin()
    session.give(field, [1], "MM")
    project.close()
    stroke(field, 1)
    assert "was closed" in capsys.readouterr().out
    assert painted(field)[1] == 2


def test_a_session_that_was_closed_hears_of_no_stroke(begin, project, capsys):
    session, field = begin()
    session.close()
    stroke(field, 1)
    assert capsys.readouterr().out == ""


def test_undo_and_redo_are_shown_in_one_step_each(begin):
    session, field = begin()
    session.give(field, [1, 2, 3], "ALL")
    session.give(field, [2], "MM")
    session.undo()
    assert painted(field) == {1: 1, 2: 1, 3: 1}
    session.undo()
    assert painted(field) == {1: 0, 2: 0, 3: 0}
    session.redo()
    session.redo()
    assert painted(field) == {1: 1, 2: 2, 3: 1}
    session.restore(2)
    assert painted(field) == {1: 1, 2: 1, 3: 1}


def test_a_stroke_counts_and_gets_the_whole_cell(begin, project):
    session, field = begin()
    field.layer.selected_label = 2
    field.layer.brush_size = 3
    stroke(field, 2)
    assert painted(field) == {1: 2, 2: 0, 3: 0}
    assert list(given(project).values()) == ["MM"]
    stroke(field, 1)  # another class over it
    assert painted(field)[1] == 1
    stroke(field, 0)  # erased
    assert painted(field)[1] == 0
    assert given(project) == {}
    session.undo()
    session.undo()
    assert painted(field)[1] == 2


def test_each_field_of_a_stack_has_its_own(begin, viewer, project):
    session, first = begin()
    session.give(first, [1], "MM")
    viewer.dims.set_point(0, 1)
    session, second = begin(session)
    session.give(second, [1], "ALL")
    assert (painted(first)[1], painted(second)[1]) == (2, 1)
    assert set(given(project).values()) == {"MM"}
    assert set(given(project, "stack 1").values()) == {"ALL"}
    session.undo()
    assert (painted(first)[1], painted(second)[1]) == (2, 0)


def test_the_tool_stays_from_field_to_field(begin, viewer):
    session, field = begin()
    field.layer.mode = "polygon"
    viewer.dims.set_point(0, 1)
    session, second = begin(session)
    assert second.layer is field.layer
    assert field.layer.mode == "polygon"


def test_of_joined_cells_with_two_classes_the_one_given_last_counts(begin, viewer):
    session, field = begin()
    for number, name in ((3, "ALL"), (1, "MM"), (3, "MM"), (3, "ALL")):
        session.give(field, [number], name)
    nuclei = viewer.layers["stack nuclei"]
    nuclei.data = np.where(np.asarray(nuclei.data) == 1, 3, nuclei.data)
    session, field = begin(session)
    assert painted(field) == {1: 1, 2: 0, 3: 1}
    session.undo()
    assert painted(field) == {1: 2, 2: 0, 3: 2}


def test_what_was_annotated_is_there_when_the_project_is_opened_again(begin, viewer, project):
    session, field = begin()
    session.give(field, [1], "MM")
    session.give(field, [3], "ALL")
    viewer.layers.remove(field.layer)
    project.close()
    again = Project(project.folder)
    session, field = begin(opened=again)
    assert painted(field) == {1: 2, 2: 0, 3: 1}
    assert len(again.entries) == 3  # nothing was added
    again.close()


def test_what_was_painted_before_counts_and_the_project_stays(begin, viewer, project):
    """A layer of annotations from before: on cell 2 painted, on cell 1 not as in the project."""
    session, field = begin()
    session.give(field, [1], "MM")
    data = np.array(field.layer.data)
    data[0, 10:18, 10:18], data[0, 12:15, 42:45] = 0, 1
    layer = field.layer
    layer.data = data
    session.close()
    again = Project(project.folder)
    session, field = begin(opened=again)
    assert painted(field) == {1: 2, 2: 1, 3: 0}
    assert sorted(given(again).values()) == ["ALL", "MM"]
    again.close()


def test_cells_that_are_numbered_anew_or_joined_keep_their_class(begin, viewer, project, qtbot):
    session, field = begin()
    session.give(field, [1], "MM")
    session.give(field, [3], "ALL")
    nuclei = viewer.layers["stack nuclei"]
    data = np.array(nuclei.data)
    data[data == 1] = 77
    data[data == 3] = 2  # cells 2 and 3 are one now
    nuclei.data = data
    session, field = begin(session)
    assert set(session.given(field)) == {77, 2}
    session.give(field, [2], "MM")
    frame = np.asarray(field.layer.data)[0]
    assert (frame[data[0] == 2] == 2).all()
    session.give(field, [2], None)
    assert sorted(given(project).values()) == ["MM"]


def test_edited_nuclei_are_read_again_by_the_next_stroke_or_key(begin, viewer, project, qtbot):
    session, field = begin()
    bind_class_keys(LiveCells(session.parent(), session), field.image, field.layer)
    nuclei = viewer.layers["stack nuclei"]
    for number, act in ((8, "stroke"), (9, "key")):
        with nuclei.block_history():
            nuclei.paint((0, 52, 6 * number), number)  # a new cell
        assert session.shown(field.image) is None
        if act == "stroke":
            stroke(field, 2)
        else:
            next(iter(field.layer.keymap.values()))(field.layer)
        qtbot.waitUntil(lambda: session.shown(field.image) is not None)
        assert number in session.shown(field.image).cells.numbers
        assert list(given(project).values()) == ["MM"]  # the stroke is kept
        assert painted(field)[1] == 2


def test_keys_give_the_cell_under_the_pointer_a_class(begin, viewer, project):
    session, field = begin()
    bind_class_keys(LiveCells(session.parent(), session), field.image, field.layer)

    def press(key, y, x):
        viewer.cursor.position = (0, 0.5 * y, 0.5 * x)  # half a micrometre a pixel
        found = [action for binding, action in field.layer.keymap.items() if str(binding) == key]
        found[0](field.layer)

    press("2", 13, 13)
    press("1", 43, 28)
    assert painted(field) == {1: 2, 2: 0, 3: 1}
    press("9", 13, 13)  # there is no ninth class
    press("1", 0, 0)  # on no cell
    assert viewer.status == "No cell is under the pointer."
    assert painted(field) == {1: 2, 2: 0, 3: 1}
    press("0", 13, 13)
    assert painted(field)[1] == 0
    press("Ctrl+Z", 0, 0)
    assert painted(field)[1] == 2
    press("Ctrl+Shift+Z", 0, 0)
    assert painted(field)[1] == 0


def test_a_new_class_can_be_given_at_once(begin):
    session, field = begin()
    session.set_classes([*CLASSES, ClassColour("other", "#56B4E9")])
    session.give(field, [2], "other")
    assert painted(field)[2] == 3
    assert session.annotations.counts == {"other": 1}


def test_what_is_annotated_is_what_is_learnt_from(begin, viewer):
    session, field = begin()
    session.give(field, [1], "MM")
    session.give(field, [2], "ALL")
    photograph = Photograph.of(field.image, list(viewer.layers))
    assert dict(photograph.annotated(0).classes) == {1: "MM", 2: "ALL"}


def test_classes_that_a_layer_has_are_classes_of_the_project(begin, viewer, project):
    """Train DCNN adds some; a person names others in the table of features."""
    session, field = begin()
    add_painted_classes(field.layer, ["ALL", "MM", "blast"])
    assert [x.name for x in project.annotations.classes] == ["ALL", "MM", "blast"]
    assert len({x.colour for x in project.annotations.classes}) == 3
    stroke(field, 3)
    assert [*given(project).values()] == ["blast"]
    table = field.layer.features
    field.layer.features = pd.concat([table, pd.DataFrame({"index": [4], "class": ["seen"]})])
    assert [x.name for x in project.annotations.classes][-1] == "seen"
    assert field.layer.features["class"].tolist() == ["ALL", "MM", "blast", "seen"]
    session.undo()
    session.undo()
    assert given(project) == {}


def test_a_layer_that_was_painted_before_brings_its_classes(begin, viewer, project):
    image = viewer.layers["stack"]
    layer = viewer.add_layer(new_cells_layer(image, ("blast", "normal")))
    layer.data[0, 13, 13] = 2
    begin()
    assert [x.name for x in project.annotations.classes] == ["ALL", "MM", "blast", "normal"]
    assert [*given(project).values()] == ["normal"]


def test_a_class_that_is_brought_back_has_its_label_again(begin, project, viewer):
    session, field = begin()
    session.set_classes([*CLASSES, ClassColour("blast", "#56B4E9")])
    session.give(field, [1], "blast")
    number = project.annotations.number
    session.close()
    again = Project(project.folder)
    again.restore(1)
    for layer in [x for x in viewer.layers if x is field.layer]:
        viewer.layers.remove(layer)
    session, field = begin(opened=again)
    session.restore(number)
    code = next(k for k, name in label_classes(field.layer).items() if name == "blast")
    assert np.asarray(field.layer.data)[0, 10:18, 10:18].tolist() == [[code] * 8] * 8
    session.close()


def test_undo_while_the_nuclei_are_read_again_is_not_done_again(begin, viewer, project, qtbot):
    session, field = begin()
    session.give(field, [1], "MM")
    nuclei = viewer.layers["stack nuclei"]
    with nuclei.block_history():
        nuclei.paint((0, 52, 6), 9)  # elsewhere
    assert session.shown(field.image) is None
    session.undo()
    session, field = begin(session)
    assert painted(field) == {1: 0, 2: 0, 3: 0}
    assert project.annotations.cells == {}
    assert project.redoable is not None
    session.redo()
    assert painted(field) == {1: 2, 2: 0, 3: 0}


def test_a_new_project_has_nothing_of_the_last_one(begin, viewer, project, tmp_path):
    session, field = begin()
    session.give(field, [1], "MM")
    session.give(field, [2], "ALL", who="live model")
    session.close()
    other = Project.create(tmp_path / "other", CLASSES)
    session, field = begin(opened=other)
    assert other.annotations.cells == {}
    assert painted(field) == {1: 0, 2: 0, 3: 0}
    session.close()
    again = Project(project.folder)
    session, field = begin(opened=again)
    assert painted(field) == {1: 2, 2: 1, 3: 0}
    assert len(again.entries) == 3
    assert {x.who for x in again.annotations.cells.values()} == {"person", "live model"}
    session.close()


def test_what_is_painted_while_no_project_is_open_counts_in_the_next(begin, viewer, tmp_path):
    session, field = begin()
    session.give(field, [1], "MM")
    session.close()
    stroke_at = (0, 43, 28)
    with field.layer.block_history():
        field.layer.paint(stroke_at, 1)
    other = Project.create(tmp_path / "other", CLASSES)
    session, field = begin(opened=other)
    assert [x.class_name for x in other.annotations.cells.values()] == ["ALL"]
    assert painted(field) == {1: 0, 2: 0, 3: 1}
    session.close()


def test_other_nuclei_are_other_cells(begin, viewer, qtbot):
    """Another layer of nuclei above, and that one removed again."""
    session, field = begin()
    session.give(field, [1], "MM")
    fewer = np.array(viewer.layers["stack nuclei"].data)
    fewer[fewer == 3] = 0
    info = linked_info(field.image, Kind.NUCLEI).metadata()
    viewer.add_layer(
        Labels(fewer, name="stack nuclei again", metadata=info, **place_of(field.image))
    )
    with qtbot.waitSignal(session.edited):
        pass
    session, field = begin(session)
    assert field.cells.numbers == [1, 2]
    with qtbot.waitSignal(session.edited):
        viewer.layers.remove("stack nuclei again")
    session, field = begin(session)
    assert field.cells.numbers == [1, 2, 3]
    assert painted(field)[1] == 2


def test_a_new_layer_shows_what_the_project_has_where_the_last_was_removed(begin, viewer):
    session, field = begin()
    session.give(field, [1], "MM")
    viewer.layers.remove(field.layer)
    session, field = begin(session)
    assert field.layer in viewer.layers
    assert painted(field) == {1: 2, 2: 0, 3: 0}
    session.give(field, [3], "ALL")
    assert painted(field)[3] == 1


def test_closed_photographs_are_let_go(begin, viewer):
    session, field = begin()
    session.give(field, [1], "MM")
    viewer.layers.remove("stack")
    assert session.fields == []
    assert session._layers == session._followed.__class__()
    assert session.annotations.counts == {"MM": 1}


def test_two_folders_with_fields_of_the_same_names_are_refused(begin, viewer, tmp_path):
    session, _ = begin()
    pixels = np.full((2, 60, 64, 3), 99, np.uint8)
    other = viewer.add_layer(Image(pixels, name="other", rgb=True))
    photograph = Photograph.of(other, list(viewer.layers))
    renamed = replace(photograph, name="stack")
    with pytest.raises(MarrowError, match="both have a field stack 0; close one of them"):
        session.open_field(renamed)


def test_strokes_are_in_one_slice_at_a_time(begin, viewer):
    _, field = begin()
    field.layer.n_edit_dimensions = 3
    assert field.layer.n_edit_dimensions == 2
    assert "one field at a time" in viewer.status


BLAST = ClassColour("blast", "#56B4E9")


def test_a_label_of_no_class_of_the_project_gives_no_class(begin, project, capsys):
    """A class was added, and that was taken back: its label is there no more."""
    session, field = begin()
    session.give(field, [2], "MM")
    session.set_classes([*CLASSES, BLAST])
    session.undo()
    assert label_classes(field.layer) == {1: "ALL", 2: "MM"}
    with field.layer.block_history():
        field.layer.paint((0, 13, 13), 3)
        field.layer.paint((0, 13, 43), 3)
    assert sorted(given(project).values()) == ["MM"]  # cell 2 has what it had
    assert painted(field) == {1: 0, 2: 2, 3: 0}
    assert "Label 3 is of no class" in capsys.readouterr().out
    session.redo()
    stroke(field, 3)
    assert sorted(given(project).values()) == ["MM", "blast"]


def test_no_class_gets_the_label_of_one_that_was_painted(begin, project, viewer):
    """What was painted in a field whose cells are not known now is not another class then."""
    session, field = begin()
    session.set_classes([*CLASSES, BLAST])
    stroke(field, 3)
    nuclei = viewer.layers["stack nuclei"]
    nuclei.data = np.array(nuclei.data)  # read anew when it is opened again
    session.undo()
    session.undo()
    session.set_classes([*CLASSES, ClassColour("other", "#D55E00")])
    session, field = begin(session)
    assert given(project) == {}
    session.give(field, [3], "other")
    assert label_classes(field.layer)[painted(field)[3]] == "other"
    assert painted(field)[3] != 3


@pytest.mark.parametrize("in_place", [False, True])
def test_a_class_renamed_in_the_table_is_renamed_in_the_project(begin, project, viewer, in_place):
    session, first = begin()
    session.give(first, [1], "ALL", who="model svm")
    viewer.dims.set_point(0, 1)
    session, second = begin(session)
    session.give(second, [1], "ALL", asked="margin")
    session.give(second, [2], "MM")
    number = project.annotations.number
    table = second.layer.features.copy()
    table.loc[table["index"] == 1, "class"] = "lymphoblast"
    if in_place:  # as napari's table does it: a stroke is the first that is heard then
        second.layer.features.iloc[0, second.layer.features.columns.get_loc("class")] = (
            "lymphoblast"
        )
        with second.layer.block_history():
            second.layer.paint((1, 43, 28), 2)
        assert project.annotations.number == number + 2
        session.undo()
        number += 2
    else:
        second.layer.features = table
    assert project.annotations.number == number + 1  # one step
    assert [x.name for x in project.annotations.classes] == ["lymphoblast", "MM"]
    found = set(project.annotations.cells.values())
    assert found == {
        Given("lymphoblast", "model svm"),
        Given("lymphoblast", asked="margin"),
        Given("MM"),
    }
    assert (painted(first)[1], painted(second)[1], painted(second)[2]) == (1, 1, 2)
    session.undo()
    assert project.annotations.counts == {"ALL": 2, "MM": 1}
    assert label_classes(second.layer) == {1: "ALL", 2: "MM"}
    assert (painted(first)[1], painted(second)[1], painted(second)[2]) == (1, 1, 2)


def test_undo_takes_back_a_rename_that_nothing_was_heard_of(begin, project):
    session, field = begin()
    session.give(field, [1], "ALL")
    field.layer.features.iloc[0, field.layer.features.columns.get_loc("class")] = "lymphoblast"
    session.undo()
    assert project.annotations.counts == {"ALL": 1}
    assert label_classes(field.layer) == {1: "ALL", 2: "MM"}
    session.redo()
    assert project.annotations.counts == {"lymphoblast": 1}
    assert label_classes(field.layer) == {1: "lymphoblast", 2: "MM"}


@pytest.mark.parametrize(
    ("index", "names", "said"),
    [
        ([1, 2], ["mm ", "MM"], "not in the list"),  # two would look the same
        ([2], ["MM"], "removes classes"),
        ([1, 2, 3], ["ALL", "MM", "ALL"], "removes classes"),
    ],
)
def test_what_a_table_can_not_say_is_set_back(begin, project, capsys, index, names, said):
    session, field = begin()
    session.give(field, [1], "ALL")
    number = project.annotations.number
    field.layer.features = pd.DataFrame({"index": index, "class": names})
    assert said in capsys.readouterr().out
    assert label_classes(field.layer) == {1: "ALL", 2: "MM"}
    assert project.annotations.number == number
    assert painted(field)[1] == 1


def test_painted_cells_have_the_colours_of_the_project(begin, viewer):
    session, field = begin()
    session.set_classes([ClassColour("ALL", "#123456"), CLASSES[1], BLAST])
    add_painted_classes(field.layer, ["ALL", "MM", "blast", "more"])  # as Train DCNN does
    colours = {k: to_hex(x) for k, x in field.layer.colormap.color_dict.items() if k}
    more = session.annotations.classes[3].colour
    assert colours == {1: "#123456", 2: "#009e73", 3: "#56b4e9", 4: more.lower()}
    assert len(set(colours.values())) == 4
    session.undo()
    session.undo()
    assert to_hex(field.layer.colormap.color_dict[1]) == "#e69f00"
