"""What fields are called in tables and in folders of files."""

from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.jobs.output_names import field_names, file_stems


def fields(*paths):
    return [Field(Path(path), Path(path).stem, path) for path in paths]


def test_stems_are_told_apart_by_folder_and_then_by_number():
    stems = file_stems([*map(Path, ("a/x.png", "b/x.png", "b/x.bmp", "b/y.png"))])
    assert stems == ["a_x", "b_x", "b_x_2", "y"]


def test_stems_that_differ_in_capitals_alone_are_one_on_some_systems():
    stems = file_stems([*map(Path, ("A/ALL_1.png", "B/all_1.png", "b/All_1.png"))])
    assert stems == ["A_ALL_1", "B_all_1", "b_All_1_2"]
    assert len({stem.lower() for stem in stems}) == 3


def test_a_name_that_is_anothers_gives_way_to_the_path():
    first, second = (Collection(Path(k), tuple(fields(f"{k}/x.png"))) for k in "ab")
    assert [name for name, _ in field_names([first])] == ["x.png"]
    assert [name for name, _ in field_names([first, second])] == ["a/x.png", "b/x.png"]
