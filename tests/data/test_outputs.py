"""What an output may replace: an older one of its own, and nothing else."""

import os

import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import (
    FolderKind,
    check_outputs,
    png_kind,
    save_png,
    table_kind,
)

TABLE = table_kind("a table of answers", ("image", "class"), ("source",), "uncertain")
OVERLAY = png_kind("an overlay")
RESULT = FolderKind("a result", lambda path: frozenset({"a.json"}), frozenset({"figures"}))


@pytest.mark.parametrize(
    ("header", "plain", "forced"),
    [
        ("image,class,p,uncertain", True, True),
        ("image;class;p;uncertain;remark", False, True),
        ("class,image,uncertain", False, True),
        ("image,class", False, False),
        ("image,class,source,uncertain", False, False),
        ("", False, False),
        ("\x00\xff", False, False),
    ],
)
def test_tables_are_known_by_their_columns(tmp_path, header, plain, forced):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n1,2,3\n")
    for force, allowed in ((False, plain), (True, forced)):
        if allowed:
            check_outputs({path: TABLE}, (), force)
        else:
            with pytest.raises(MarrowError, match=r"t\.csv is there already"):
                check_outputs({path: TABLE}, (), force)


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
    (tmp_path / "figures").mkdir()
    check_outputs({tmp_path: RESULT})
    (tmp_path / "a.json").write_text("{}")
    check_outputs({tmp_path: RESULT})
    with pytest.raises(MarrowError, match=r"would replace .*a\.json"):
        check_outputs({tmp_path: RESULT}, [tmp_path / "a.json"], True)
    (tmp_path / "figures" / "b.png").touch()
    with pytest.raises(MarrowError, match=r"figures/b\.png"):
        check_outputs({tmp_path: RESULT})
    check_outputs({tmp_path: RESULT}, (), True)
    (tmp_path / "c.txt").touch()
    with pytest.raises(MarrowError, match=r"c\.txt"):
        check_outputs({tmp_path: RESULT}, (), True)
