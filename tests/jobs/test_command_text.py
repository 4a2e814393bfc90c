"""The command that repeats a job: it can be typed, and names what is there."""

import shlex
from pathlib import Path

from napari_marrow.jobs.command_text import repeat_command
from napari_marrow.learning.settings import EvaluateSettings


def test_it_has_the_options_that_are_no_defaults_and_can_be_typed(tmp_path):
    folder = tmp_path / "my set"
    folder.mkdir()
    settings = EvaluateSettings(adapt="none", controls=True)
    text = repeat_command("evaluate", [folder], tmp_path / "deep" / "a report", settings)
    expected = ["napari-marrow", "evaluate", str(folder), "--out", "a report"]
    assert shlex.split(text) == [*expected, "--adapt", "none", "--controls"]


def test_it_has_the_table_of_sources(tmp_path):
    text = repeat_command("compare", [tmp_path], tmp_path, EvaluateSettings(), tmp_path / "g h.csv")
    assert shlex.split(text)[-2:] == ["--groups", str(tmp_path / "g h.csv")]


def test_it_works_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    text = repeat_command("compare", [Path("in")], Path("out"), EvaluateSettings(), Path("g.csv"))
    words = shlex.split(text)
    assert (words[2], words[-1]) == (str(tmp_path / "in"), str(tmp_path / "g.csv"))


def test_there_is_none_of_layers(tmp_path):
    assert (
        repeat_command("compare", [tmp_path / "the open layers"], tmp_path, EvaluateSettings())
        == ""
    )
