"""Paths in a table whose folders are not here: another folder's photographs are not meant."""

import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import with_groups
from napari_marrow.data.layouts import scan

HEADERS = ["image,class", "filename,label"]


def write(folder, header, rows):
    (folder / "labels.csv").write_text("\n".join([header, *(",".join(row) for row in rows)]))


def rows_of(*folders, mark="/"):
    """Return rows of the photographs 1 to 3 of folders, each of which has a class of its own."""
    return [(f"{f}{mark}{k}.png", "ABCD"[n]) for n, f in enumerate(folders) for k in (1, 2, 3)]


def classes(folder):
    found = scan(folder)
    return {found.label(f): f.class_name for f in found.fields}


def photographs(*folders):
    return [f"{f}/{k}.png" for f in folders for k in (1, 2, 3)]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("here", "written"),
    [
        (["P05"], ["P01"]),
        (["new images"], ["old"]),
        (["data/P05/images"], ["P01/images"]),
        (["P05", "P06"], ["P01", "P02"]),
        (["P05"], ["P01", "P02"]),
        (["test"], ["train"]),
    ],
)
def test_the_classes_of_other_folders_are_not_those_of_these(put, header, here, written):
    folder = put(*photographs(*here))
    write(folder, header, rows_of(*written))
    assert set(classes(folder).values()) == {None}
    found = scan(folder)
    [said] = [w for w in found.warnings if "not there" in w]
    assert f"{written[0]}/1.png" in said
    assert "more than once" not in said


@pytest.mark.parametrize(
    ("above", "mark"),
    [("", "/"), ("set/", "/"), ("D:/set/", "\\"), ("/home/me/set/", "/"), ("../set/", "/")],
)
@pytest.mark.parametrize(
    ("here", "written"),
    [("P01", ["P01", "P02", "P03"]), ("train", ["test", "train"]), ("P2", ["P01", "P02"])],
)
def test_of_a_table_of_several_folders_the_rows_of_those_here_count(
    put, above, mark, here, written
):
    folder = put(*photographs(here))
    rows = rows_of(*(f"{above}{name}".replace("/", mark) for name in written), mark=mark)
    write(folder, "image,class", rows)
    own = "ABCD"[[name.replace("0", "") for name in written].index(here.replace("0", ""))]
    assert classes(folder) == dict.fromkeys(photographs(here), own)
    found = scan(folder)
    [said] = [w for w in found.warnings if "not there" in w]
    assert f"{3 * (len(written) - 1)} images" in said
    write(folder, "image,source", rows)
    (folder / "labels.csv").rename(folder / "groups.dat")
    grouped = with_groups(found, folder / "groups.dat")
    assert {f.source for f in grouped.fields} == {own}


@pytest.mark.parametrize("written", [["train", "test"], ["D:\\a", "D:\\b"], ["x/y", "z/y"]])
@pytest.mark.parametrize("here", ["", "photographs/"])
def test_one_photograph_is_not_that_of_two_folders(put, written, here):
    folder = put(*(f"{here}{k}.png" for k in (1, 2, 3)))
    write(folder, "image,class", rows_of(*written))
    with pytest.raises(MarrowError, match=r"labels\.csv.*not there"):
        scan(folder / "labels.csv")


@pytest.mark.parametrize(
    "written", ["D:\\data\\x", "/home/me/x", "file:///home/me/x", "\\\\server\\share", "C:/x/P01"]
)
@pytest.mark.parametrize("here", ["", "images", "deep/down"])
def test_a_table_of_another_machine_is_read(put, written, here):
    folder = put(*(f"{here}/{k}.png".strip("/") for k in (1, 2, 3)))
    mark = "\\" if "\\" in written else "/"
    write(folder, "image,class", [(f"{written}{mark}{k}.png", "AB"[k % 2]) for k in (1, 2, 3)])
    assert list(classes(folder).values()) == ["B", "A", "B"]
    said = [w for w in scan(folder).warnings if "other folders" in w]
    assert len(said) == bool(here)


def test_the_folder_of_a_path_may_be_the_one_that_is_opened_or_above(put):
    folder = put(*photographs("set/P01"))
    for place, row in (("set/P01", "P01/{}.png"), ("set", "set/P01/{}.png"), (".", "P01/{}.png")):
        write(folder / place, "filename,label", [(row.format(k), "A") for k in (1, 2, 3)])
        assert set(classes(folder / place).values()) == {"A"}
        (folder / place / "labels.csv").unlink()
