"""One broken file never stops the rest: every command names it and does the others."""

import io
import json

import numpy as np
import pytest
from PIL import Image


def cut_off_jpeg(path, image):
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    path.with_suffix(".jpg").write_bytes(content.getvalue()[:-900])


def cut_off_png(path, image):
    content = io.BytesIO()
    image.save(content, "PNG")
    path.with_suffix(".png").write_bytes(content.getvalue()[:-2000])


def empty_file(path, image):
    path.with_suffix(".png").touch()


def text_called_tif(path, image):
    path.with_suffix(".tif").write_text("no picture\n")


@pytest.fixture(params=[cut_off_jpeg, cut_off_png, empty_file, text_called_tif])
def broken(request, tmp_path, make_snam):
    """Eight fields, and one that can't be read as a whole; its name in tables."""
    root = make_snam(tmp_path / "in", 4, wrapped=False)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    before = set(root.rglob("*"))
    request.param(root / "MM" / "MM_9", Image.fromarray(noise))
    (added,) = set(root.rglob("*")) - before
    return root, f"MM/{added.name}"


def test_every_command_does_the_others(call, broken, tmp_path):
    root, name = broken
    bundle = tmp_path / "m.marrow"
    commands = [
        ("scan", root),
        ("train", root, "--out", bundle, "--model", "naive-bayes"),
        ("predict", bundle, root, "--out", tmp_path / "p.csv"),
        ("segment", root, "--out", tmp_path / "labels"),
        ("features", root, "--out", tmp_path / "f.csv"),
        ("compare", root, "--models", "naive-bayes", "--folds", "2", "--out", tmp_path / "c"),
        ("augment", root, tmp_path / "augmented", "--ops", "flip"),
    ]
    for command in commands:
        status, out, err = call(*command, "--json")
        assert status == 0, (command, err)
        assert [failure["image"] for failure in json.loads(out)["failed"]] == [name], command
        if command[0] == "augment":
            command = (*command[:2], tmp_path / "strict", *command[3:])
        status, out, err = call(*command, "--strict", *(["--force"] * ("--out" in command)))
        assert status == 1, command
        assert name.removeprefix("MM/") in err
    assert f"left out: {name}." in (bundle / "card.md").read_text()


def test_what_is_left_out_is_printed_once(call, broken, tmp_path):
    root, name = broken
    bundle = tmp_path / "m.marrow"
    for command in (
        ("train", root, "--out", bundle, "--model", "naive-bayes"),
        ("predict", bundle, root, "--out", tmp_path / "p.csv"),
        ("features", root, "--out", tmp_path / "f.csv"),
        ("compare", root, "--models", "naive-bayes", "--folds", "2", "--out", tmp_path / "c"),
    ):
        status, out, err = call(*command)
        assert status == 0, err
        assert (out + err).count("left out:") == 1, command
        assert (out + err).count("copy it again") == 1, command
        assert out.count(f"  {name}: ") == 1, command


@pytest.mark.parametrize("size", [None, (8, 6)], ids=["damaged", "of another size"])
def test_a_field_with_a_bad_mask_is_not_learnt_from(call, tmp_path, make_snam, size):
    root = make_snam(tmp_path / "in", 4, wrapped=False)
    mask = root / "MM" / "MM_2_nucleus_mask.bmp"
    mask.write_bytes(b"BM no mask")
    if size:
        Image.new("L", size).save(mask)
    commands = [
        ("scan", root),
        ("train", root, "--out", tmp_path / "m.marrow", "--model", "naive-bayes"),
        ("features", root, "--out", tmp_path / "f.csv"),
    ]
    for command in commands:
        status, out, err = call(*command, "--json")
        assert status == 0, (command, err)
        (failure,) = json.loads(out)["failed"]
        assert failure["image"] == "MM/MM_2.bmp"
        assert mask.name in failure["reason"]
        status, out, err = call(*command, "--strict", *(["--force"] * ("--out" in command)))
        assert status == 1, command
        assert mask.name in err
