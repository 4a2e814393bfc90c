"""The table that the program saves: what it says is read back, and no more is used."""

import codecs
import csv
import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import SAVED, scan, scan_all, write_table


@pytest.fixture
def folder(tmp_path):
    for k, name in enumerate(("ALL/a.png", "ALL/b.png", "MM/c.png", "MM/d.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 40 * k + 9, np.uint8)).save(tmp_path / name)
    return tmp_path


def hide(collection, *names):
    used = tuple(f for f in collection.fields if f.name not in names)
    hidden = tuple(f for f in collection.fields if f.name in names)
    return dataclasses.replace(collection, fields=used, left_out=hidden)


def test_a_table_keeps_the_fields_that_are_not_used(folder):
    write_table(hide(scan(folder), "b", "d"), folder / "fields.csv")
    for found in (scan(folder), scan(folder / "fields.csv")):
        assert [(f.name, f.class_name) for f in found.fields] == [("a", "ALL"), ("c", "MM")]
        assert [(f.name, f.class_name) for f in found.left_out] == [("b", "ALL"), ("d", "MM")]
        assert not any("Passed over" in w or "not named" in w for w in found.warnings)
        assert any("leaves out 2 photographs: b.png, d.png" in w for w in found.warnings)
        assert Collection.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    write_table(scan(folder), folder / "fields.csv")  # its own, also with the further column
    assert len(scan(folder).left_out) == 2


@pytest.mark.parametrize("no", ["no", "No", "0", "FALSE", "nein", "Falsch", "non", "off"])
def test_what_is_not_used_may_be_written_by_hand(folder, no):
    rows = [f"ALL/a.png,ALL,a,{no}", "ALL/b.png,ALL,b,yes", "MM/c.png,MM,c,"]
    (folder / "fields.csv").write_text("\n".join(["image,class,source,use", *rows]))
    found = scan(folder)
    assert [f.name for f in found.fields] == ["b", "c"]
    assert [f.name for f in found.left_out] == ["a", "d"]  # d is in no row


def test_a_table_of_version_0_1_opens(folder):
    (folder / "fields.csv").write_text("image,class,source\nALL/a.png,ALL,a\nMM/c.png,MM,c\n")
    found = scan(folder)
    assert [f.name for f in found.fields] == ["a", "c"]
    assert [f.name for f in found.left_out] == ["b", "d"]


def test_a_table_that_uses_nothing_is_refused(folder):
    (folder / "fields.csv").write_text("image,class,source,use\nALL/a.png,ALL,a,no\n")
    with pytest.raises(MarrowError, match=r"fields\.csv .*leaves out"):
        scan(folder)


def test_without_hidden_fields_the_table_is_as_before(folder):
    write_table(scan(folder), folder / "fields.csv")
    assert (folder / "fields.csv").read_text().splitlines()[:2] == [
        '"image","class","source"',
        "ALL/a.png,ALL,ALL/a",
    ]


def test_the_saved_table_counts_before_the_first_one(put, tmp_path):
    put("1.png", "2.png")
    (tmp_path / "labels.csv").write_text("image,class\n1.png,a\n2.png,b\n")
    (tmp_path / "fields.csv").write_text("image,class\n1.png,b\n2.png,b\n")
    found = scan(tmp_path)
    assert [f.class_name for f in found.fields] == ["b", "b"]
    assert not any("Passed over" in w for w in found.warnings)
    assert ["fields.csv gives" in w for w in found.warnings if "labels.csv" in w] == [True]
    (tmp_path / "fields.csv").rename(tmp_path / "other.csv")
    found = scan(tmp_path)
    assert [f.class_name for f in found.fields] == [None, "b"]
    assert any(all(n in w for n in ("labels.csv", "other.csv", "1.png")) for w in found.warnings)


def test_the_saved_table_of_class_folders_is_read_back(put, tmp_path):
    put("cells/Im001_1.png", "cells/Im002_1.png", "cells-masks/Im001_1.png")
    found = scan(tmp_path)
    edited = dataclasses.replace(found.fields[0], class_name="odd", source="s")
    write_table(dataclasses.replace(found, fields=(edited,)), tmp_path / "fields.csv")
    for again in (scan(tmp_path), scan(tmp_path / "fields.csv")):
        assert again.fields == (edited,)  # with its mask
        assert again.tables == (tmp_path / "fields.csv",)
    assert any("1 photograph here is not named in fields.csv" in w for w in again.warnings)


def test_a_table_of_linked_folders_is_written_and_read(put, tmp_path):
    put("far/AML/1.png")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "AML").symlink_to(tmp_path / "far" / "AML", target_is_directory=True)
    found = scan(tmp_path / "near")
    write_table(found, tmp_path / "near" / "fields.csv")
    assert scan(tmp_path / "near").fields == found.fields


def test_names_that_no_table_can_hold_are_said(put, tmp_path):
    put("AML/1.png", "AML/2\\3.png")
    write_table(scan(tmp_path), tmp_path / "t.csv")
    assert len(scan(tmp_path / "t.csv").fields) == 2
    (tmp_path / "t.csv").unlink()
    (tmp_path / "AML" / "1.png").rename(tmp_path / "AML" / "1\n.png")
    with pytest.raises(MarrowError, match=r"a name that no table can hold; rename"):
        write_table(scan(tmp_path), tmp_path / "t.csv")


def test_spaces_about_a_path_are_said_before_anything_is_written(put, tmp_path):
    """Tables are read without the space around their texts: the file would not be found again."""
    put("ALL/1.png", " MM/1.png")
    with pytest.raises(MarrowError, match=r"a name that no table can hold; rename"):
        write_table(scan(tmp_path), tmp_path / "fields.csv")
    assert not (tmp_path / "fields.csv").exists()


def test_what_is_written_as_a_table_is_read_back(make_snam, tmp_path):
    found = scan(make_snam(tmp_path))
    table = found.root / "fields, \u00fc.csv"
    write_table(found, table)
    with open(table, newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["image", "class", "source"]
    back = scan(table)
    assert back.fields == found.fields
    with pytest.raises(MarrowError, match="must lie above all its photographs"):
        write_table(found, found.root / "ALL" / "t.csv")


def test_a_saved_table_of_other_letters_opens_in_spreadsheets_and_is_replaced(put):
    folder = put("A/\u00e9.png", "B/y.png")
    for _ in range(2):
        write_table(scan(folder), folder / SAVED)
        assert (folder / SAVED).read_bytes().startswith(codecs.BOM_UTF8)
        assert [f.class_name for f in scan(folder).fields] == ["A", "B"]


FAULTS = {
    "pictures that are not there": "image,class\nMM/7.png,x\n",
    "a photograph twice": "image,class\nMM/c.png,x\nMM/c.png,y\n",
    "a row without an image": "image,class\nMM/c.png,x\n,y\n",
    "predictions": "image,class,probability_MM\nMM/c.png,MM,0.9\n",
}


@pytest.mark.parametrize("text", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("opened", ["MM", "MM/c.png", "MM/deep", "both"])
def test_a_faulty_table_above_is_named_and_does_not_stop_what_lies_below(folder, text, opened):
    (folder / "MM/deep").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "MM/deep/e.png")
    (folder / "fields.csv").write_text(text)
    paths = [folder / name for name in (("ALL", "MM") if opened == "both" else (opened,))]
    found = scan_all(paths)
    assert {path.parent.name for c in found for path in [f.path for f in c.fields]} == {
        folder.joinpath(p).parent.name if p.suffix else p.name for p in paths
    } | ({"deep"} if opened in ("MM", "both") else set())
    told = [w for c in found for w in c.warnings if str(folder / "fields.csv") in w]
    assert len(told) == (text != FAULTS["predictions"])
    if told:
        with pytest.raises(MarrowError, match=r"fields\.csv"):
            scan(folder)  # it is the table of the folder that is opened


def test_a_faulty_table_near_does_not_hide_the_one_above_it(folder):
    (folder / "fields.csv").write_text("image,class\nALL/a.png,x\nMM/c.png,y\nMM/d.png,z\n")
    (folder / "MM" / "fields.csv").write_text("image,class\nno.png,x\n")
    found = scan(folder / "MM" / "c.png")
    assert [f.class_name for f in found.fields] == ["y"]
    (warning,) = found.warnings
    assert str(folder / "MM" / "fields.csv") in warning


def test_a_table_above_that_leaves_out_everything_is_no_fault(folder):
    (folder / "fields.csv").write_text("image,class,use\nMM/c.png,MM,no\nMM/d.png,MM,no\n")
    with pytest.raises(LeftOutError, match=r"fields\.csv"):
        scan(folder / "MM")


@pytest.mark.parametrize("header", ["name,type", "Name;Type", "file,label"])
def test_a_table_of_something_else_is_not_the_saved_one(folder, header):
    """Other programs describe the columns of their data in a file of this name."""
    (folder / "fields.csv").write_text(header + "\narea,float\n".replace(",", header[4]))
    found = scan(folder)
    assert [f.class_name for f in found.fields] == ["ALL", "ALL", "MM", "MM"]
    assert not found.left_out


def rows_of(table):
    with open(table, newline="", encoding="utf-8-sig") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def with_sources(collection, source):
    fields = tuple(dataclasses.replace(f, source=source) for f in collection.fields)
    return dataclasses.replace(collection, fields=fields)


def shut_away(folder, what):
    if what.endswith(".png"):
        (folder / what).unlink()
    else:
        (folder / what).rename(folder.parent / f"{folder.name} {what}")
    return folder


@pytest.mark.parametrize("hidden", [(), ("d",), ("b", "d")])
@pytest.mark.parametrize(
    ("shown", "n_kept"),
    [
        (lambda folder: scan(folder / "ALL"), 2),
        (lambda folder: scan(folder / "MM" / "c.png"), 3),
        (lambda folder: scan(shut_away(folder, "MM/c.png")), 1),
        (lambda folder: scan(shut_away(folder, "MM")), 2),
    ],
    ids=["a class folder", "one photograph", "an absent photograph", "an absent folder"],
)
def test_saving_keeps_the_rows_of_photographs_that_are_not_shown(folder, shown, n_kept, hidden):
    table = folder / SAVED
    write_table(hide(with_sources(scan(folder), "before"), *hidden), table)
    before = rows_of(table)
    found = shown(folder)
    said = write_table(with_sources(found, "after"), table)
    after = rows_of(table)
    assert list(after) == sorted(before)
    changed = {f.path.relative_to(folder).as_posix() for f in found.fields}
    assert {name for name, row in after.items() if row["source"] == "after"} == changed
    assert {n: row for n, row in after.items() if n not in changed} == {
        n: row for n, row in before.items() if n not in changed
    }
    if not hidden:
        assert any(f"{n_kept} " in s and SAVED in s for s in said)


@pytest.mark.parametrize("away", ["ALL", "MM"])
def test_a_row_of_a_folder_that_is_away_is_not_taken_for_a_photograph_of_that_name(put, away):
    folder = put(*(f"{c}/{k}.png" for c in ("ALL", "MM") for k in (1, 2)))
    write_table(scan(folder), folder / SAVED)
    before = rows_of(folder / SAVED)
    found = scan(shut_away(folder, away))
    assert {f.class_name for f in found.fields} == {"ALL", "MM"} - {away}
    write_table(found, folder / SAVED)
    assert rows_of(folder / SAVED) == before


def test_class_folders_saved_one_by_one_keep_their_photographs_apart(put):
    folder = put(*(f"{c}/{k}.png" for c in ("ALL", "MM") for k in (1, 2)))
    for name in ("ALL", "MM"):
        write_table(scan(folder / name), folder / SAVED)
    assert len({f.source for f in scan(folder).fields}) == 4


@pytest.mark.parametrize("name", ["patients.csv", "sub.v2.csv", SAVED])
def test_a_table_of_any_name_that_was_saved_is_saved_again(folder, name):
    table = folder / name
    write_table(scan(folder), table)
    write_table(with_sources(scan(table), "s"), table)
    assert {row["source"] for row in rows_of(table).values()} == {"s"}
    for text in ("image,class,source\nALL/a.png,ALL,a\n", "name,mark\nAda,1\n"):
        table.write_text(text)
        with pytest.raises(MarrowError, match=name):
            write_table(scan(folder / "ALL"), table)
        assert table.read_text() == text
