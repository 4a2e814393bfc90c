"""What an output may replace: an older one of its own, and nothing else."""

import codecs
import os

import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.csv_table import read_rows
from napari_marrow.data.errors import EditedResultError, MarrowError
from napari_marrow.data.outputs import (
    NEW_FOLDER,
    FolderKind,
    check_outputs,
    png_kind,
    save_png,
    table_kind,
    write_csv,
)

TABLE = table_kind("a table of answers", ("image", "class"), "p_.+", ("uncertain",), ("source",))
OVERLAY = png_kind("an overlay")
RESULT = FolderKind("a result", lambda path: {"a.json": (path / "a.json").read_text() == "{}"})


@pytest.mark.parametrize(
    ("text", "plain", "forced"),
    [
        ("image,class,p_a,p_b,uncertain\na,b,1,,False", True, True),
        ("image,class,uncertain\na,b,False", False, True),  # without any answer: made by hand
        ("image,class,uncertain", False, True),
        ("image,class,p_a,uncertain\na,b,good,False", False, True),  # the column is a remark
        ("image,class,p_a,uncertain\na,b,1,False,mine", False, True),
        ("image,class,reviewer,uncertain", False, True),
        ("image,class,p_a,reviewer,uncertain", False, True),
        ("image,class,p_a,uncertain,remark", False, True),
        ("image;class;p_a;uncertain;remark", False, True),
        ("class,image,uncertain", False, True),
        ("image,class", False, False),
        ("image,class,source,uncertain", False, False),
        ("", False, False),
        ("\x00\xff", False, False),
    ],
)
def test_tables_are_known_by_their_columns(tmp_path, text, plain, forced):
    path = tmp_path / "t.csv"
    path.write_text(f"{text}\n")
    for force, allowed in ((False, plain), (True, forced)):
        if allowed:
            check_outputs({path: TABLE}, (), force)
        else:
            with pytest.raises(MarrowError, match=r"t\.csv is there already"):
                check_outputs({path: TABLE}, (), force)


@pytest.mark.parametrize(
    ("image", "mark"), [("caf\u00e9", True), ("\u767d\u8840\u75c5", True), ("cafe", False)]
)
def test_tables_of_more_than_ascii_begin_with_a_mark_for_spreadsheets(tmp_path, image, mark):
    path = tmp_path / "t.csv"
    table = pd.DataFrame({"image": [image], "class": ["a"], "p_a": [0.5], "uncertain": [False]})
    write_csv(table, path)
    assert path.read_bytes().startswith(codecs.BOM_UTF8) == mark
    pd.testing.assert_frame_equal(pd.read_csv(path), table)
    assert read_rows(path)[0]["image"] == image
    check_outputs({path: TABLE})


def test_pictures_are_known_by_their_mark(tmp_path):
    ours, others = tmp_path / "ours.png", tmp_path / "others.png"
    save_png(Image.new("RGB", (4, 3), "red"), ours, OVERLAY)
    Image.new("RGB", (4, 3), "red").save(others)
    (tmp_path / "text.png").write_text("no picture")
    check_outputs({ours: OVERLAY})
    for path, kind in ((others, OVERLAY), (tmp_path / "text.png", OVERLAY), (ours, TABLE)):
        with pytest.raises(MarrowError, match=path.name):
            check_outputs({path: kind}, (), True)


@pytest.mark.parametrize("link", ["none", "symlink", "hard link", "folder"])
def test_an_input_is_never_replaced(tmp_path, link):
    read = tmp_path / "in" / "a.png"
    read.parent.mkdir()
    save_png(Image.new("RGB", (4, 3), "red"), read, OVERLAY)
    out = {"none": read, "folder": tmp_path / "f" / "a.png"}.get(link, tmp_path / "b.png")
    if link == "symlink":
        out.symlink_to(read)
    elif link == "hard link":
        os.link(read, out)
    elif link == "folder":
        out.parent.symlink_to(read.parent)
    check_outputs({out: OVERLAY})
    for inputs in ([read], [read.parent], [tmp_path / "gone", read]):
        with pytest.raises(MarrowError, match=rf"{out.name} would replace .*in/a\.png, which is r"):
            check_outputs({out: OVERLAY}, inputs, True)


def test_a_link_to_nothing_stays(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(MarrowError, match="link is there already"):
        check_outputs({tmp_path / "link": TABLE}, (), True)


def test_folders_are_known_by_what_is_in_them(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    check_outputs({tmp_path: RESULT})
    with pytest.raises(MarrowError, match=r"would replace .*a\.json"):
        check_outputs({tmp_path: RESULT}, [tmp_path / "a.json"], True)
    (tmp_path / "a.json").write_text("edited")
    with pytest.raises(EditedResultError, match=r"a\.json"):
        check_outputs({tmp_path: RESULT})
    check_outputs({tmp_path: RESULT}, (), True)
    (tmp_path / "figures").mkdir()
    for name in ("figures", "figures/b.png"):
        (tmp_path / name).touch()
        for force in (False, True):
            with pytest.raises(MarrowError, match="such as figures"):
                check_outputs({tmp_path: RESULT}, (), force)


@pytest.mark.parametrize("theirs", ["mine", "figures/mine", "figures/deep/er", ".hidden"])
@pytest.mark.parametrize("force", [False, True])
def test_folders_of_others_in_a_folder_stay(tmp_path, theirs, force):
    kind = FolderKind("a result", lambda path: {"a.json": True, "figures/b.png": True})
    (tmp_path / "figures").mkdir()
    (tmp_path / "a.json").touch()
    (tmp_path / "figures" / "b.png").touch()
    check_outputs({tmp_path: kind}, (), force)
    (tmp_path / theirs).mkdir(parents=True)
    with pytest.raises(MarrowError, match=theirs.split("/er")[0]):
        check_outputs({tmp_path: kind}, (), force)


@pytest.mark.parametrize("name", ["a.json", "photographs"])
@pytest.mark.parametrize("force", [False, True])
def test_links_in_a_folder_are_not_ours(tmp_path, name, force):
    out, target = tmp_path / "out", tmp_path / name
    out.mkdir()
    (out / "a.json").write_text("{}")
    target.write_text("{}") if target.suffix else target.mkdir()
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(target)
    with pytest.raises(MarrowError, match=name):
        check_outputs({out: RESULT}, (), force)


def test_only_the_command_line_offers_force(tmp_path):
    (tmp_path / "t.csv").write_text("image;class;uncertain\n")
    with pytest.raises(EditedResultError, match=r"t\.csv .* remove it") as caught:
        check_outputs({tmp_path / "t.csv": TABLE})
    assert "--" not in str(caught.value)


@pytest.mark.parametrize("inner", ["b", "figures/b"])
def test_a_folder_is_not_written_into_one_of_its_kind(tmp_path, inner):
    kind = FolderKind("a result", lambda path: {}, ("a.json", "c.json"))
    outer = tmp_path / "outer"
    outer.mkdir()
    (outer / "a.json").touch()
    check_outputs({outer / inner: kind})  # anybody's
    (outer / "c.json").touch()
    with pytest.raises(MarrowError, match=r"would be inside .*outer"):
        check_outputs({outer / inner: kind})
    check_outputs({outer / inner: NEW_FOLDER, tmp_path / "beside": kind})
