"""Names that people have: bytes of another encoding, square brackets, the same in two folders."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

QUICK = ("--families", "histogram", "--select", 5)
NAIVE_BAYES = ("--model", "naive-bayes", *QUICK)


@pytest.fixture
def folder(tmp_path, draw):
    """A function that writes four photographs in each of two folders of classes."""

    def write(first="ALL", second="MM", stem="{}"):
        for class_name, name in (("ALL", first), ("MM", second)):
            path = tmp_path / "in" / name
            path.mkdir(parents=True)
            for k in range(4):
                image, _ = draw(class_name, k)
                Image.fromarray(image).save(path / f"{stem.format(k)}.png")
        return tmp_path / "in"

    return write


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("ALL/1.png", b"ALL/caf\xe9.png", r"caf\xe9"),
        ("MM/1.png", b"MM/\xdcber\xfcll.png", r"\xdcber\xfcll"),
        ("MM", b"Pr\xe4parat", r"Pr\xe4parat"),
    ],
    ids=["photograph", "several bytes", "folder of a class"],
)
def test_every_command_works_with_names_in_latin_1(call, folder, tmp_path, old, new, shown):
    root = folder()
    os.rename(root / old, os.fsencode(root) + b"/" + new)
    bundle = tmp_path / "m.marrow"
    commands = [
        ("scan", root),
        ("train", root, "--out", bundle, *NAIVE_BAYES),
        ("predict", bundle, root, "--out", tmp_path / "p.csv", "--overlay", tmp_path / "o"),
        ("segment", root, "--out", tmp_path / "labels"),
        ("features", root, "--out", tmp_path / "f.csv", *QUICK),
        ("compare", root, "--models", "naive-bayes", "--folds", 2, *QUICK, "--out", tmp_path / "c"),
    ]
    for command in commands:
        for options in ((), ("--json",)):
            again = ("--force",) if options and command[0] == "segment" else ()
            status, out, err = call(*command, *options, *again)
            assert status == 0, (command, err)
            assert (out + err).encode()  # no half of a character
        json.loads(out)
    status, _, err = call("augment", root, tmp_path / "new", "--ops", "flip")
    assert status == 0 or shown in err  # no table could hold it
    for table in (tmp_path / "p.csv", tmp_path / "f.csv", tmp_path / "c" / "predictions.csv"):
        values = pd.read_csv(table).select_dtypes(exclude="number")
        assert any(shown in str(value) for value in values.to_numpy().ravel()), table
    assert shown in (bundle / "bundle.json").read_text().replace("\\\\", "\\")


@pytest.mark.parametrize(
    "names", [("blast [l2]", "blast [l3]"), ("[bold]ALL", "[red]ALL"), ("[link=x]a", "a :smile:")]
)
def test_names_of_classes_with_brackets_are_shown_as_they_are(call, folder, tmp_path, names):
    root = folder(*names)
    status, out, _ = call("scan", root)
    assert status == 0
    rows = [line.rpartition("4")[0].strip() for line in out.splitlines()[1:3]]
    assert sorted(rows) == sorted(names)
    bundle = tmp_path / "m.marrow"
    assert call("train", root, "--out", bundle, *NAIVE_BAYES)[0] == 0
    status, out, _ = call("predict", bundle, root, "--out", tmp_path / "p.csv")
    assert status == 0
    answers = set(pd.read_csv(tmp_path / "p.csv")["class"])
    assert answers <= set(names)
    assert all(name in out for name in answers)
    image = root / names[0] / "1.png"
    image.write_bytes(image.read_bytes()[:60])
    status, out, err = call("train", root, "--out", bundle, *NAIVE_BAYES)
    assert status == 0
    assert f"{names[0]}/1.png" in out + err


@pytest.mark.parametrize("folders", [("a", "b"), ("day 1/x", "day 2/x"), ("A", "B/1")])
def test_photographs_of_one_name_are_told_apart_in_all_results(call, toy, draw, tmp_path, folders):
    for k, name in enumerate(folders):
        path = tmp_path / "in" / name / "001.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(draw("ALL", k)[0]).save(path)
    expected = [f"{name}/001.png" for name in folders]
    out = ("--out", tmp_path / "p.csv", "--overlay", tmp_path / "o", "--json")
    status, said, _ = call("predict", toy.path, tmp_path / "in", *out)
    assert status == 0
    assert [field["image"] for field in json.loads(said)["fields"]] == expected
    assert pd.read_csv(tmp_path / "p.csv")["image"].tolist() == expected
    assert len(list((tmp_path / "o").glob("*.png"))) == 2
    status, said, _ = call("segment", tmp_path / "in", "--out", tmp_path / "labels", "--json")
    fields = json.loads(said)["fields"]
    assert [field["image"] for field in fields] == expected
    assert len({field["file"] for field in fields}) == 2


@pytest.mark.parametrize("command", ["scan --json", "segment", "segment --json"])
def test_a_reader_that_has_seen_enough_is_no_error(snam, tmp_path, command):
    """As with ``| head``: the other end of the pipe is closed before anything is written."""
    name, *options = command.split()
    if name == "segment":
        options += ["--out", tmp_path / "labels"]
    start = [sys.executable, "-c", "from napari_marrow.cli import main; main()"]
    read, write = os.pipe()
    os.close(read)
    tokens = [*start, name, snam, *options]
    done = subprocess.run(tokens, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert "unexpected" not in done.stderr
    assert "BrokenPipe" not in done.stderr
