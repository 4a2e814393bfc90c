"""The augmentation job: a folder that scan reads back, all or nothing."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_marrow import cli
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.layouts import SAVED, scan
from napari_marrow.imaging.settings import OPERATIONS, AugmentSettings
from napari_marrow.jobs.augment import AugmentJob, describe_plan, run_augmentation, unique_names

pytestmark = pytest.mark.usefixtures("no_leftovers")
EVERY = AugmentSettings(tuple(OPERATIONS), copies=2, blur=4.0)


@pytest.fixture
def run(collection, tmp_path):
    """A function that augments a made-up folder; gives the result and what scan finds."""

    def run(settings, **callbacks):
        job = AugmentJob(collection, settings, tmp_path / "out")
        return run_augmentation(job, **callbacks).to_dict(), scan(job.out)

    return run


def test_folder_of_every_operation(run, collection):
    events = []
    result, found = run(EVERY, emit=events.append)
    total = 6 * (1 + 8 + 2 * 7)
    assert (result["fields"], result["images"], result["masks"]) == (6, total, 2 * total)
    assert len(found.fields) == total
    assert not [w for w in found.warnings if "sizes" not in w]
    assert {f.source for f in found.fields} == {f.source for f in collection.fields}
    assert found.counts() == {"ALL": total // 2, "MM": total // 2}
    assert events[0].text.startswith(f"6 fields give {total} images: 6 originals, and ")
    fractions = [e.fraction for e in events if e.kind == "progress"]
    assert fractions == pytest.approx(np.arange(1, total + 1) / total, abs=1e-9)


def test_names_alone_tell_the_sources_too(run, tmp_path, collection):
    run(EVERY)
    (tmp_path / "out" / SAVED).unlink()
    found = scan(tmp_path / "out")
    assert {f.source for f in found.fields} == {f.source for f in collection.fields}
    for f in found.fields:
        assert f.name.startswith(f.source.split("/")[1])
        assert f.mask_kinds == {"nucleus", "background"}


def test_pixels_and_masks_that_are_written(run, collection, tmp_path):
    run(AugmentSettings(("rotate90", "edges")))
    original = next(f for f in collection.fields if f.name == "MM_2")
    folder = tmp_path / "out" / "MM"
    for stem, function in (("MM_2", np.array), ("MM_2_rotate90", np.rot90)):
        np.testing.assert_array_equal(
            Image.open(folder / f"{stem}.bmp"), function(original.image())
        )
        mask = np.array(Image.open(folder / f"{stem}_nucleus_mask.bmp"))
        expected = 255 * function(original.mask("nucleus")).astype(int)
        np.testing.assert_array_equal(mask, np.stack([expected] * 3, axis=-1))
    mask = np.array(Image.open(folder / "MM_2_edges_background_mask.bmp"))
    np.testing.assert_array_equal(mask[..., 1] > 0, original.mask("background"))


def test_without_originals(run):
    _, found = run(AugmentSettings(("mirror",), originals=False))
    assert [f.name for f in found.fields if f.class_name == "MM"] == [
        f"MM_{k}_mirror" for k in (1, 2, 3)
    ]


def test_sources_of_a_table_are_kept(tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 2, wrapped=False)
    rows = [f"{c}/{c}_{k}.bmp,{c},patient {k}" for c in ("ALL", "MM") for k in (1, 2)]
    (root / SAVED).write_text("\n".join(["image,class,source", *rows]))
    run_augmentation(AugmentJob(scan(root), AugmentSettings(("flip",)), tmp_path / "out"))
    assert {f.source for f in scan(tmp_path / "out").fields} == {"patient 1", "patient 2"}


def test_fields_that_share_a_name_do_not_meet(tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 1, wrapped=False)
    shutil.copytree(root / "ALL", root / "ALL" / "more")
    picture = Image.open(root / "ALL" / "ALL_1.bmp")
    picture.transpose(Image.Transpose.ROTATE_90).save(root / "ALL" / "more" / "ALL_1.bmp")
    for mask in (root / "ALL" / "more").glob("*mask*"):
        mask.unlink()
    # this one has the name that a copy of the first would get
    picture.transpose(Image.Transpose.ROTATE_180).save(root / "ALL" / "ALL_1_rotate90.bmp")
    collection = scan(root)
    assert sorted(unique_names(collection, AugmentSettings())) == [
        "ALL/ALL_1",
        "ALL/ALL_1_copy2",
        "ALL/ALL_1_rotate90_copy2",
        "MM/MM_1",
    ]
    job = AugmentJob(collection, AugmentSettings(), tmp_path / "out")
    result = run_augmentation(job).to_dict()
    found = scan(job.out)
    assert result["images"] == len(found.fields) == 4 * 3


def test_what_snam_cannot_hold_is_said(collection, tmp_path):
    """Of whole cells with a nucleus, cytoplasm is written; alone they are left out, in words."""
    first, second, third, *rest = collection.fields
    whole = first.masks["background"]
    fields = (
        dataclasses.replace(first, masks={"cell": whole}),
        dataclasses.replace(second, masks={"nucleus": second.masks["nucleus"], "cell": whole}),
        dataclasses.replace(third, cell_classes={1: "blast"}),
    )
    job = AugmentJob(
        dataclasses.replace(collection, fields=(*fields, *rest)), EVERY, tmp_path / "o"
    )
    warnings = run_augmentation(job).warnings
    assert "Masks of whole cells, which SN-AM has no name for, left out: ALL_1." in warnings
    assert "Cells marked one by one are written as masks without numbers: ALL_3." in warnings
    assert not list((tmp_path / "o").rglob("ALL_1_*mask.bmp"))
    mask = np.array(Image.open(tmp_path / "o" / "ALL" / "ALL_2_cyto_mask.bmp"))[..., 0] > 0
    expected = fields[1].mask("cell") & ~fields[1].mask("nucleus")
    np.testing.assert_array_equal(mask, expected)


@pytest.fixture
def damaged(tmp_path, make_snam):
    """A folder of which one photograph is cut off in its pixels."""
    root = make_snam(tmp_path / "in", 2, wrapped=False)
    with Image.open(root / "ALL" / "ALL_1.bmp") as picture:
        picture.save(root / "ALL" / "ALL_1.png")
    (root / "ALL" / "ALL_1.bmp").unlink()
    path = root / "ALL" / "ALL_1.png"
    path.write_bytes(path.read_bytes()[:2000])
    return root


def test_a_damaged_photograph_does_not_stop_the_others(damaged, tmp_path):
    events = []
    job = AugmentJob(scan(damaged), AugmentSettings(("flip",)), tmp_path / "out")
    result = run_augmentation(job, events.append).to_dict()
    assert (result["fields"], result["images"], len(scan(job.out).fields)) == (3, 6, 6)
    (failure,) = result["failed"]
    assert failure["image"] == "ALL/ALL_1.png"
    assert "ALL_1.png can't be read" in failure["reason"]
    assert [e.fraction for e in events if e.kind == "progress"][-1] == 1


def test_where_no_photograph_can_be_read_nothing_is_made(damaged, tmp_path):
    collection = scan(damaged)
    fields = tuple(f for f in collection.fields if f.path.suffix == ".png")
    job = AugmentJob(
        dataclasses.replace(collection, fields=fields), AugmentSettings(), tmp_path / "out"
    )
    with pytest.raises(MarrowError, match=r"ALL_1\.png can't be read"):
        run_augmentation(job)
    assert not job.out.exists()


def test_command_says_what_is_left_out_and_strict_refuses_it(capsys, damaged, tmp_path):
    status, told, said = call(capsys, "augment", damaged, tmp_path / "out", "--ops", "flip")
    assert status == 0
    assert "6 images" in told
    assert f"ALL/ALL_1.png: {damaged / 'ALL' / 'ALL_1.png'} can't be read" in told
    status, told, said = call(capsys, "augment", damaged, tmp_path / "strict", "--strict")
    assert (status, told) == (1, "")
    assert f"napari-marrow: {damaged / 'ALL' / 'ALL_1.png'} can't be read" in said
    assert not (tmp_path / "strict").exists()


def test_a_name_that_no_table_can_hold_is_said(tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 1, wrapped=False)
    (root / "MM" / "MM_1.bmp").rename(root / "MM" / "MM\n1.bmp")
    job = AugmentJob(scan(root), AugmentSettings(("flip",)), tmp_path / "out")
    with pytest.raises(MarrowError, match=r"1\.bmp has a name that no table can hold; rename"):
        run_augmentation(job)
    assert not job.out.exists()


def test_stopping_leaves_nothing(run, tmp_path):
    calls = iter([False] * 4 + [True] * 100)
    with pytest.raises(Stopped):
        run(AugmentSettings(), should_stop=lambda: next(calls))
    assert list(tmp_path.iterdir()) == []


def test_out_that_is_not_empty_is_refused(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(MarrowError, match=r"out is there already and holds .*thesis\.txt"):
        run(AugmentSettings())
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_out_in_the_folder_is_refused(collection):
    for out in (collection.root, collection.root / "ALL" / "new"):
        with pytest.raises(MarrowError, match="whose photographs are read; choose a folder"):
            run_augmentation(AugmentJob(collection, AugmentSettings(), out))


def test_the_count_is_said_in_words():
    assert describe_plan(1, AugmentSettings(("noise",), copies=3)) == (
        "1 field gives 4 images: 1 original, and 3 made by noise."
    )
    assert describe_plan(2, AugmentSettings(("flip",), originals=False)) == (
        "2 fields give 2 images: 2 made by flip."
    )


def call(capsys, *tokens):
    status = cli.run([str(token) for token in tokens])
    out, err = capsys.readouterr()
    return status, out, err


def test_command_there_and_back(capsys, snam, tmp_path):
    out = tmp_path / "out"
    options = ("--ops", "rotate90,noise", "--copies", 2, "--seed", 3, "--noise", 9)
    status, told, err = call(capsys, "augment", snam, out, *options, "--json")
    assert status == 0, err
    assert "6 fields give 24 images: 6 originals, and 18 made by rotate90, noise." in err
    assert told.count("\n") == 1
    assert json.loads(told) == {
        "out": str(out),
        "fields": 6,
        "images": 24,
        "masks": 48,
        "operations": ["rotate90", "noise"],
        "failed": [],
        "warnings": [],
    }
    assert (out / "ALL" / "ALL_1_noise2_nucleus_mask.bmp").is_file()
    _, told, _ = call(capsys, "scan", out)
    assert "24 fields of 6 sources; masks: 24 background, 24 nucleus." in told
    first = (out / "ALL" / "ALL_1_noise2.bmp").read_bytes()
    call(capsys, "augment", "--no-originals", snam, tmp_path / "again", *options)
    assert (tmp_path / "again" / "ALL" / "ALL_1_noise2.bmp").read_bytes() == first
    assert not (tmp_path / "again" / "ALL" / "ALL_1.bmp").exists()


@pytest.mark.parametrize(
    ("status", "tokens", "says"),
    [
        (2, ("in", "out", "--ops", "spin"), "Operations has 'spin'"),
        (2, ("in", "out", "--copies", "0"), "Copies is 0"),
        (2, ("in",), "OUT"),
        (1, ("missing", "out"), "missing is not there"),
        (1, ("in", "in/ALL/out"), "is inside"),
        (1, ("in", "in"), "is inside"),
    ],
)
def test_command_refuses_in_one_line(capsys, tmp_path, make_snam, status, tokens, says):
    make_snam(tmp_path / "in", 1)  # scan's root is a folder in this one
    paths = [tmp_path / t if k < 2 else t for k, t in enumerate(tokens)]
    found, out, err = call(capsys, "augment", *paths)
    assert (found, out, err.count("\n")) == (status, "", 1)
    assert says in err
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
