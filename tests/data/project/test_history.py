"""Which entries of a project stand: what is left is what annotations are made of."""

import random

import pytest

from napari_marrow.data.project.annotations import (
    Annotations,
    Change,
    ClassColour,
    Entry,
    Given,
    Place,
)
from napari_marrow.data.project.history import changes_in_words, in_words, origin, standing
from napari_marrow.data.project.project import Project

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)  # of hundreds of entries
    made = Project.create(tmp_path / "p", CLASSES)
    yield made
    made.close()


def give(project, k, name, who="person"):
    place = Place("a.bmp", k, k)
    after = None if name is None else Given(name, who)
    project.record("annotate", [Change(place, project.annotations.cells.get(place), after)])


def test_undo_redo_and_restore_leave_what_stands(project):
    for k, name in ((1, "ALL"), (2, "MM"), (3, "MM")):
        give(project, k, name)
    project.undo()
    assert [x.number for x in standing(project.entries)] == [1, 2, 3]
    project.redo()
    assert [x.number for x in standing(project.entries)] == [1, 2, 3, 4]
    project.restore(2)
    assert [x.number for x in standing(project.entries)] == [1, 2]
    give(project, 9, "ALL")
    assert [x.number for x in standing(project.entries)] == [1, 2, 8]
    project.undo()
    project.undo()  # of the restore
    assert [x.number for x in standing(project.entries)] == [1, 2, 3, 4]
    project.restore(0)
    assert standing(project.entries) == []


def test_what_stands_makes_the_annotations_whatever_was_done(project):
    draw = random.Random(0)
    for _ in range(300):
        action = draw.choice(["give", "give", "give", "undo", "redo", "restore"])
        if action == "give":
            give(project, draw.randrange(12), draw.choice(["ALL", "MM", None]))
        elif action == "restore" and draw.random() < 0.3:
            project.restore(draw.randrange(1, len(project.entries) + 1))
        elif action != "restore":
            getattr(project, action)()
        made = Annotations().after(standing(project.entries))
        assert dict(made.cells) == dict(project.annotations.cells)
        assert made.classes == project.annotations.classes


def entry(*changes, **kind):
    return Entry(3, "2026-01-01", kind.pop("action", "annotate"), changes, **kind)


def test_entries_in_words():
    def change(name, who="person"):
        return Change(Place("a", 1, 1), None, name and Given(name, who))

    assert in_words(entry(change("MM"), change("ALL"), change("MM"))) == (
        "2 cells: MM, 1 cell: ALL"
    )
    assert changes_in_words([change(None)]) == "1 cell: no class"
    assert in_words(entry(action="restore", of=0)) == "brought back 0"
    assert in_words(entry(action="redo", of=12)) == "redo of 12"
    assert in_words(entry(action="classes", classes=CLASSES)) == "classes: ALL, MM"
    assert origin(entry(change("MM", "live"), change("ALL", "live"))) == "live"
    assert origin(entry(change(None))) == "person"
    assert origin(entry(change("MM", "live"), action="classes", classes=CLASSES)) == "person"
    assert origin(entry(change("MM", "live"), action="undo", of=2)) == "person"
