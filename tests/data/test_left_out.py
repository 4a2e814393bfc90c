"""Photographs that a saved table says not to use."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan, write_table


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


@pytest.mark.parametrize("no", ["no", "No", "0", "FALSE"])
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
