"""Every command says what reading the folder found, such as photographs that are not used."""

import json
from dataclasses import replace

import pytest

from napari_marrow.data.layouts import SAVED, scan, write_table


def leave_out(root):
    found = scan(root)
    write_table(replace(found, fields=found.fields[1:], left_out=found.fields[:1]), root / SAVED)
    return "ALL_1"


def name_another(root):
    write_table(scan(root), root / SAVED)
    (root / SAVED).write_text((root / SAVED).read_text() + "MM/MM_77.bmp,MM,MM_77\n")
    return "MM_77"


def come_later(root):
    write_table(scan(root), root / SAVED)
    (root / "MM" / "MM_9.bmp").write_bytes((root / "MM" / "MM_1.bmp").read_bytes())
    return SAVED


@pytest.mark.parametrize("change", [leave_out, name_another, come_later])
@pytest.mark.parametrize("command", ["predict", "segment", "features", "train", "augment"])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_table_leaves_out_is_said(call, toy, make_snam, tmp_path, change, command, as_json):
    root = make_snam(tmp_path / "in", 4, wrapped=False)
    name = change(root)
    [sentence] = [text for text in scan(root).warnings if name in text]
    words = {
        "predict": (toy.path, root, "--out", tmp_path / "p.csv"),
        "segment": (root, "--out", tmp_path / "labels"),
        "features": (root, "--out", tmp_path / "f.csv", "--families", "colour"),
        "train": (root, "--out", tmp_path / "m.marrow", "--model", "naive-bayes"),
        "augment": (root, tmp_path / "augmented", "--ops", "mirror"),
    }[command]
    status, out, err = call(command, *words, *(("--json",) if as_json else ()))
    assert status == 0, err
    said = str([*json.loads(out).values()]) if as_json else out + err
    assert sentence in said
