"""Projects: what was recorded is never lost, also where the program is killed; undo, restore."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Change, ClassColour, Given, Place
from napari_marrow.data.project.journal import read_journal
from napari_marrow.data.project.project import HEADER, JOURNAL, Project

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))
ODD = "a \u2028 b\nç.bmp"


def change(k, before=None, after=None, image="a.bmp"):
    given = [None if name is None else Given(name) for name in (before, after)]
    return Change(Place(image, k, 2 * k), *given)


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "p", CLASSES)
    yield made
    made.close()


def reopened(project):
    project.close()
    return Project(project.folder)


def test_what_was_recorded_is_there_when_it_is_opened_again(project):
    project.record("annotate", [change(1, None, "ALL"), change(2, None, "MM", image=ODD)])
    given = Given("ALL", "model dcnn", "margin")
    project.record("annotate", [Change(Place("a.bmp", 9, 9), None, given)])
    again = reopened(project)
    assert again.annotations == project.annotations
    assert again.annotations.cells == {
        Place("a.bmp", 1, 2): Given("ALL"),
        Place(ODD, 2, 4): Given("MM"),
        Place("a.bmp", 9, 9): given,
    }
    assert again.annotations.counts == Counter(ALL=2, MM=1)
    assert again.annotations.classes == CLASSES
    assert [x.number for x in again.entries] == [1, 2, 3]
    again.close()


def test_undo_and_redo_go_on_after_it_was_opened_again(project):
    for k, name in ((1, "ALL"), (2, "MM"), (3, "MM")):
        project.record("annotate", [change(k, None, name)])
    assert len(project.undo().cells) == 2
    again = reopened(project)
    assert [p.y for p in again.undo().cells] == [1]
    assert [p.y for p in again.redo().cells] == [1, 2]
    again.record("annotate", [change(1, "ALL", "MM")])
    assert again.redoable is None  # something else was done since
    assert again.redo() == again.annotations
    assert again.undo().cells[Place("a.bmp", 1, 2)] == Given("ALL")
    for _ in range(5):
        last = again.undo()
    assert last.cells == {}
    assert (again.undoable, last.classes) == (None, CLASSES)
    again.close()


def test_undo_takes_back_a_list_of_classes(project):
    more = (*CLASSES, ClassColour("other", "#56B4E9"))
    assert project.record("classes", classes=more).classes == more
    assert project.undo().classes == CLASSES
    assert project.redo().classes == more


def test_any_earlier_moment_can_be_brought_back(project):
    moments = [project.annotations]
    for k in range(1, 5):
        moments.append(project.record("annotate", [change(k, None, "ALL")]))
    project.record("annotate", [change(2, "ALL", None), change(1, "ALL", "MM")])
    now = project.annotations
    for moment in moments:
        assert project.restore(moment.number).cells == moment.cells
    assert project.undo().cells == moments[3].cells  # what was restored before
    assert project.restore(now.number).cells == now.cells
    assert len(project.entries) == 13  # nothing of the history is gone
    for number in (-1, 14):
        with pytest.raises(MarrowError, match="choose one from 0 to 13"):
            project.restore(number)


def test_two_programs_do_not_mix(project):
    with pytest.raises(MarrowError, match="is open in another window or program"):
        Project(project.folder)
    code = "import sys; from napari_marrow.data.project.project import Project\n"
    code += "try:\n    Project(sys.argv[1])\nexcept Exception as e:\n    print(e)"
    command = [sys.executable, "-c", code, str(project.folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "is open in another window or program; close it there first." in said
    reopened(project).close()


def test_nothing_is_recorded_once_it_is_closed(project):
    project.close()
    with pytest.raises(MarrowError, match="was closed; open it again"):
        project.record("annotate", [change(1, None, "ALL")])
    assert len(read_journal(project.folder / JOURNAL)) == 1


WRITER = """
import sys
from napari_marrow.data.project.annotations import Change, Given, Place
from napari_marrow.data.project.project import Project
project = Project(sys.argv[1])
for k in range(10**6):
    project.record("annotate", [Change(Place("a.bmp", k, k), None, Given("ALL"))])
    print(k, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_what_was_shown_is_kept_where_the_program_is_killed(project):
    project.close()
    shown = -1
    for wait in (0.0, 0.013, 0.031):
        command = [sys.executable, "-c", WRITER, str(project.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            first = child.stdout.readline()
            time.sleep(wait)
            child.kill()
            lines = [first, *child.stdout.readlines()]
        shown = max(int(line) for line in lines if line.endswith(b"\n"))
        again = Project(project.folder)
        assert {p.y for p in again.annotations.cells} >= set(range(shown + 1))
        again.close()
    assert shown >= 0


@pytest.mark.parametrize("kept", [1, 40, -2])
def test_the_beginning_of_a_last_line_is_dropped(project, kept):
    journal = project.folder / JOURNAL
    project.record("annotate", [change(1, None, "ALL")])
    before = journal.read_bytes()
    project.record("annotate", [change(2, None, "MM")])
    last = journal.read_bytes()[len(before) :]
    journal.write_bytes(before + last[:kept])
    again = reopened(project)
    assert [p.y for p in again.annotations.cells] == [1]
    again.record("annotate", [change(3, None, "MM")])
    assert [p.y for p in reopened(again).annotations.cells] == [1, 3]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 2 is damaged"),
        (b'{"number":2,"when":"x","action":"annotate","changes":[3]}', "line 2 is damaged"),
        (b'{"number":2,"when":"x","action":"exec"}', "line 2 is damaged"),
        (b'{"number":"2","when":"x","action":"annotate"}', "line 2 is damaged"),
        (b"[" * 100_000, "line 2 is damaged"),
        (b"\xff\xfe", "line 2 is damaged"),
        (b'{"number":7,"when":"x","action":"annotate"}', "line 2 is entry 7"),
        (b'{"number":2,"when":"x","action":"undo"}', "takes back more than was done"),
    ],
)  # fmt: skip
def test_a_damaged_journal_is_refused_and_stays_as_it_is(project, line, said):
    project.close()
    journal = project.folder / JOURNAL
    journal.write_bytes(journal.read_bytes() + line + b"\n")
    before = journal.read_bytes()
    with pytest.raises(MarrowError, match=said) as refused:
        Project(project.folder)
    assert str(journal) in str(refused.value)
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('{"schema": 2}', "newer version"),
        ("{}", "is damaged"),
        ('{"schema": "x"}', "is damaged"),
        ("[1]", "is damaged"),
    ],
)
def test_a_header_that_tells_no_version_is_refused(project, header, said):
    project.close()
    (project.folder / HEADER).write_text(header)
    with pytest.raises(MarrowError, match=said):
        Project(project.folder)


def test_other_folders_are_none(tmp_path):
    with pytest.raises(MarrowError, match=f"is no project; choose a folder that holds {HEADER}"):
        Project(tmp_path)
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(MarrowError):
        Project.create(tmp_path, CLASSES)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_leaves_no_half_line(project, monkeypatch):
    """Half of the line is written before the disk is full."""
    whole, journal = os.write, project.folder / JOURNAL

    def write(handle, content):
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return whole(handle, content[: len(content) // 2])

    before = journal.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(MarrowError, match="No space left on device; free some space"):
            project.record("annotate", [change(1, None, "ALL")])
    assert journal.read_bytes() == before
    assert project.annotations.cells == {}
    project.record("annotate", [change(1, None, "ALL")])
    assert len(reopened(project).annotations.cells) == 1


def test_a_line_is_json_that_other_programs_read(project):
    project.record("annotate", [change(1, None, "ALL")])
    lines = (project.folder / JOURNAL).read_text(encoding="utf-8").split("\n")
    found = json.loads(lines[1])
    assert found["changes"] == [
        {"place": {"image": "a.bmp", "y": 1, "x": 2}, "after": {"class_name": "ALL"}}
    ]
