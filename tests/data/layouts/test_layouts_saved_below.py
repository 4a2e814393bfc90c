"""The nearest saved table counts for its photographs, also where a folder above is opened."""

from dataclasses import replace

import pytest

from napari_marrow.data.errors import LeftOutError
from napari_marrow.data.layouts import SAVED, scan, write_table

NAMES = [f"{day}/{c}/{k}.png" for day in ("d1", "d2") for c in ("ALL", "MM") for k in (1, 2)]
OUTER = {
    "none": None,
    "of the user": "image,class,source\n" + "".join(f"{n},x,outer {n[:2]}\n" for n in NAMES),
    "saved": "saved",
    "of some": "image,class,source\nd2/MM/1.png,x,outer d2\n",
}


def save(folder, source, hidden="2"):
    """Save the table of a folder as the widget does, with one source, without some."""
    found = scan(folder)
    fields = [replace(f, class_name="mine", source=source) for f in found.all_fields]
    used = tuple(f for f in fields if f.path.stem != hidden)
    left_out = tuple(f for f in fields if f.path.stem == hidden)
    write_table(replace(found, fields=used, left_out=left_out), folder / SAVED)


def by_name(folder, fields):
    return {f.path.relative_to(folder).as_posix(): (f.class_name, f.source) for f in fields}


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", [("d1/ALL",), ("d1",), ("d1/ALL", "d1/MM"), ("d2", "d1/MM")])
def test_the_nearest_saved_table_counts_in_the_folder_above(put, outer, inner):
    folder = put(*NAMES)
    if OUTER[outer] == "saved":
        save(folder, "outer", hidden="")
    elif OUTER[outer]:
        (folder / SAVED).write_text(OUTER[outer])
    before = by_name(folder, scan(folder).fields)
    for name in inner:
        save(folder / name, f"patient {name}")
    found = scan(folder)
    alone = {name: scan(folder / name) for name in inner}
    assert by_name(folder, found.fields) == {
        n: row for n, row in before.items() if not n.startswith(tuple(f"{i}/" for i in inner))
    } | {n: row for part in alone.values() for n, row in by_name(folder, part.fields).items()}
    assert all(f.source.startswith("patient d") for part in alone.values() for f in part.fields)
    assert {f.path for f in found.left_out} >= {
        f.path for part in alone.values() for f in part.left_out
    }
    assert {*found.tables} >= {folder / i / SAVED for i in inner}
    assert not any(f"{SAVED} is passed over" in w for w in found.warnings)
    assert all(any(f"{i}/{SAVED} leaves out" in w for w in found.warnings) for i in inner)


@pytest.mark.parametrize("outer", ["none", "of the user"])
def test_of_two_saved_tables_below_the_nearer_counts(put, outer):
    folder = put(*NAMES)
    (folder / SAVED).write_text(OUTER[outer]) if OUTER[outer] else None
    save(folder / "d1", "day")
    save(folder / "d1" / "ALL", "class", hidden="1")
    sources = {n: s for n, (_, s) in by_name(folder, scan(folder).fields).items() if "d1" in n}
    assert sources == {"d1/ALL/2.png": "class", "d1/MM/1.png": "day"}


def test_names_of_photographs_as_sources_are_told_apart_by_folder(put):
    """Each class folder was saved by itself, with the sources that it has alone."""
    folder = put("ALL/1.png", "ALL/2.png", "ALL/2_rotate90.png", "MM/1.png", "MM/2.png")
    before = by_name(folder, scan(folder).fields)
    for name in ("ALL", "MM"):
        found = scan(folder / name)
        fields = tuple(replace(f, class_name=name) for f in found.fields)
        write_table(replace(found, fields=fields), folder / name / SAVED)
    assert by_name(folder, scan(folder).fields) == before


def test_a_table_below_that_leaves_out_everything_or_has_a_fault(put):
    folder = put(*NAMES)
    (folder / "d1" / "ALL" / SAVED).write_text("image,class,use\n1.png,ALL,no\n2.png,ALL,no\n")
    (folder / "d2" / "MM" / SAVED).write_text("image,class\nabsent.png,MM\n")
    found = scan(folder)
    assert len(found.fields) == 6
    assert {f.path.parent for f in found.left_out} == {folder / "d1" / "ALL"}
    for name in ("d1/ALL", "d2/MM"):
        assert any(str(folder / name / SAVED) in w for w in found.warnings)
    for name in ("d1/MM", "d2/ALL", "d2/MM"):
        (folder / name / SAVED).write_text("image,class,use\n1.png,x,no\n2.png,x,no\n")
    with pytest.raises(LeftOutError, match=SAVED):
        scan(folder)


@pytest.mark.parametrize("place", ["d1/predictions", "d1/ALL_masks"])
def test_tables_of_results_and_masks_below_do_not_count(put, place):
    folder = put(*NAMES, f"{place}/1.png")
    (folder / place / SAVED).write_text("image,class\n1.png,x\n")
    assert folder / place / SAVED not in scan(folder).tables


def test_what_is_saved_above_counts_in_the_nearer_tables_too(put):
    """Otherwise an edit of the whole folder would have no effect where a folder has its own."""
    folder = put(*NAMES)
    save(folder / "d1" / "ALL", "class", hidden="")
    (folder / "d2" / SAVED).write_text("image,class,source\nALL/1.png,ALL,by hand\n")
    by_hand = (folder / "d2" / SAVED).read_text()
    save(folder, "whole")
    said = " ".join(write_table(scan(folder), folder / SAVED))
    assert f"d1/ALL/{SAVED}" in said
    assert f"d2/{SAVED}" in said
    for opened in (folder, folder / "d1" / "ALL"):
        assert {f.source for f in scan(opened).fields if "d1" in f.path.parts} == {"whole"}
        assert all(f.path.stem == "1" for f in scan(opened).fields)
    assert (folder / "d2" / SAVED).read_text() == by_hand
    nearer = (folder / "d1" / "ALL" / SAVED).read_text()
    found = scan(folder)
    fields = tuple(replace(f, source="trial") for f in found.fields)
    write_table(replace(found, fields=fields), folder / "trial.csv")  # counts where it is named
    assert (folder / "d1" / "ALL" / SAVED).read_text() == nearer


@pytest.mark.parametrize("tables", [("t.csv", "ALL/t.csv"), ("fields.csv", "ALL/labels.csv")])
def test_tables_that_are_passed_over_are_named_with_their_folder(put, tables):
    folder = put("ALL/1.png", "ALL/2.png", "1.png")
    (folder / tables[0]).write_text("image,class\nALL/1.png,a\n1.png,b\n")
    (folder / tables[1]).write_text("image,class\n1.png,a\n2.png,b\n")
    [said] = [w for w in scan(folder).warnings if "passed over" in w]
    assert said.startswith(f"{tables[1]} is passed over, as {tables[0]} gives")


def test_a_fault_of_one_of_several_tables_names_its_folder(put):
    folder = put("train/1.png", "train/2.png", "valid/1.png", "valid/2.png")
    (folder / "train" / "t.csv").write_text("image,class\n1.png,a\n2.png,b\n7.png,b\n")
    (folder / "valid" / "t.csv").write_text("image,class\n1.png,a\n2.png,unknown\n")
    said = " ".join(scan(folder).warnings)
    assert "train/t.csv names 1 image" in said
    assert "valid/t.csv gives no class to 1" in said
