"""The phantom: its truth must be the truth, and its batches must not give the class away."""

import csv
import dataclasses

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.data.masks import mask_kind
from napari_marrow.data.samples import sample_folder
from napari_marrow.simulation.phantom import CLASSES, PhantomSettings, draw_field, write_phantom

SMALL = PhantomSettings(fields=5, width=256, height=192, seed=7)


@pytest.fixture(scope="module")
def fields():
    """Ten fields of each class."""
    settings = dataclasses.replace(SMALL, width=384, height=288)
    return {c: [draw_field(c, k, settings) for k in range(1, 11)] for c in CLASSES}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "new"
    seen = []
    folder = write_phantom(out, SMALL, lambda share, name: seen.append((share, name)))
    return folder, seen


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("image", "nuclei"))


def test_field_depends_on_its_own_number_only():
    late = draw_field("MM", 3, SMALL)
    for index in (1, 2):
        draw_field("ALL", index, SMALL)
    more = dataclasses.replace(SMALL, fields=90)
    assert same(late, draw_field("MM", 3, SMALL))
    assert same(late, draw_field("MM", 3, more))
    assert not same(late, draw_field("MM", 4, SMALL))
    assert not same(late, draw_field("MM", 3, dataclasses.replace(SMALL, seed=8)))


def test_other_size_shows_the_same_scene():
    small = draw_field("MM", 2, SMALL)
    large = draw_field("MM", 2, dataclasses.replace(SMALL, width=512, height=384))
    halved = large.image.reshape(192, 2, 256, 2, 3).mean(axis=(1, 3))
    rows = [
        np.corrcoef(halved[..., c].ravel(), small.image[..., c].ravel())[0, 1] for c in range(3)
    ]
    assert min(rows) > 0.97
    assert small.nuclei.max() == large.nuclei.max()
    assert (small.nuclei > 0).mean() == pytest.approx((large.nuclei > 0).mean(), abs=0.002)


def test_types_and_names(fields):
    drawn = fields["ALL"][2]
    assert (drawn.name, drawn.class_name, drawn.acquisition) == ("ALL_3", "ALL", 2)
    assert drawn.image.shape == (288, 384, 3)
    assert drawn.image.dtype == np.uint8
    assert drawn.nuclei.dtype == drawn.cytoplasm.dtype == np.uint16


def test_labels_are_consistent(fields):
    for drawn in fields["ALL"] + fields["MM"]:
        count = int(drawn.nuclei.max())
        assert count >= 3
        everyone = list(range(count + 1))
        assert np.unique(drawn.nuclei).tolist() == everyone
        assert np.unique(drawn.cytoplasm).tolist() == everyone
        assert not ((drawn.nuclei > 0) & (drawn.cytoplasm > 0)).any()
        for label, box in enumerate(ndimage.find_objects(drawn.nuclei), 1):
            nucleus = drawn.nuclei[box] == label
            parts, _ = ndimage.label(nucleus, np.ones((3, 3)))
            assert parts.max() == 1
            # 1/9 of the height across is 0.7 % of a 4:3 field; cut at the border it is less
            assert 0.0008 < nucleus.sum() / drawn.nuclei.size < 0.03


def test_masks_lie_on_the_dark_nuclei(fields):
    for drawn in fields["ALL"] + fields["MM"]:
        green = drawn.image[..., 1].astype(float)
        inside = np.median(green[drawn.nuclei > 0])
        outside = np.median(green[(drawn.nuclei == 0) & (drawn.cytoplasm == 0)])
        assert inside < 0.6 * outside


def test_some_nuclei_touch(fields):
    touching = 0
    for drawn in fields["ALL"]:
        for a, b in (
            (drawn.nuclei[1:], drawn.nuclei[:-1]),
            (drawn.nuclei[:, 1:], drawn.nuclei[:, :-1]),
        ):
            touching += int(((a != b) & (a > 0) & (b > 0)).sum())
    assert touching > 0


def shares_of_nucleus(drawn):
    """Nucleus over whole cell, by area, of each cell that the border does not cut."""
    whole = drawn.nuclei + drawn.cytoplasm
    cut = {*whole[0], *whole[-1], *whole[:, 0], *whole[:, -1]}
    kept = [k for k in range(1, int(whole.max()) + 1) if k not in cut]
    return [(drawn.nuclei == k).sum() / (whole == k).sum() for k in kept]


def test_class_is_in_the_cells(fields):
    blasts = [s for drawn in fields["ALL"] for s in shares_of_nucleus(drawn)]
    myeloma = [s for drawn in fields["MM"] for s in shares_of_nucleus(drawn)]
    assert np.quantile(blasts, 0.1) > 0.6
    assert np.median(myeloma) < 0.5
    # a field's median tells the class: the bystander lymphocytes are fewer than the plasma cells
    by_field = {c: [np.median(shares_of_nucleus(d)) for d in fields[c]] for c in CLASSES}
    assert np.median(by_field["ALL"]) - np.median(by_field["MM"]) > 0.25


def told_by_colour(count, **changes):
    """Fields whose class the mean colour alone tells, by cross-validation, and their number."""
    settings = dataclasses.replace(SMALL, width=128, height=96, seed=1, **changes)
    drawn = [draw_field(c, k, settings) for c in CLASSES for k in range(1, count + 1)]
    colours = np.array([d.image.mean(axis=(0, 1)) for d in drawn])
    classes = np.array([d.class_name for d in drawn])
    # A batch that lacks a field of one class in training leans to the other, which is then the
    # wrong one for the field left out: folds that do not balance batches score below chance.
    strata = [f"{d.class_name} {d.acquisition}" for d in drawn]
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(colours, strata)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    right = cross_val_predict(model, colours, classes, cv=list(folds)) == classes
    return int(right.sum()), len(right)


@pytest.mark.parametrize("touching", [False, True])
def test_crossed_colour_does_not_tell_the_class(touching):
    interval = binomtest(*told_by_colour(45, touching=touching)).proportion_ci()
    assert interval.low < 0.5 < interval.high


def test_confounded_colour_tells_the_class():
    assert binomtest(*told_by_colour(15, confounded=True)).proportion_ci().low > 0.8


def test_acquisitions_are_crossed_or_confounded():
    def batches(class_name, confounded):
        settings = dataclasses.replace(SMALL, confounded=confounded, width=96, height=96)
        return {draw_field(class_name, k, settings).acquisition for k in range(1, 7)}

    assert batches("ALL", False) == batches("MM", False) == {0, 1, 2}
    assert not batches("ALL", True) & batches("MM", True)


def test_files_and_names(written):
    folder, seen = written
    assert folder.name == "PKG - SN-AM"
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    wanted = {"phantom.csv"}
    for stem in ("ALL/ALL_1", "ALL/ALL_2", "ALL/ALL_3", "MM/MM_1", "MM/MM_2"):
        wanted |= {f"{stem}{end}.bmp" for end in ("", "_nucleus_mask", "_background_mask")}
    assert names == wanted | {"MM/MM_1_cyto_mask.bmp", "MM/MM_2_cyto_mask.bmp"}
    assert [p.name for p in folder.parent.iterdir()] == ["PKG - SN-AM"]
    assert [name for _, name in seen] == ["ALL_1", "ALL_2", "ALL_3", "MM_1", "MM_2"]
    assert seen[-1][0] == 1.0


def decoded(path):
    with Image.open(path) as picture:
        assert picture.mode == "RGB"
        return (np.asarray(picture) == 255).all(axis=2)


@pytest.mark.parametrize(("class_name", "index"), [("ALL", 1), ("ALL", 2), ("MM", 1), ("MM", 2)])
def test_written_masks_decode_to_the_labels(written, class_name, index):
    folder, _ = written
    drawn = draw_field(class_name, index, SMALL)
    stem = folder / class_name / drawn.name
    with Image.open(f"{stem}.bmp") as picture:
        assert np.array_equal(np.asarray(picture), drawn.image)
    nucleus, cyto = drawn.nuclei > 0, drawn.cytoplasm > 0
    assert np.array_equal(decoded(f"{stem}_nucleus_mask.bmp"), nucleus)
    assert np.array_equal(decoded(f"{stem}_background_mask.bmp"), ~nucleus & ~cyto)
    if class_name == "MM":
        assert np.array_equal(decoded(f"{stem}_cyto_mask.bmp"), cyto)
    rest = np.asarray(Image.open(f"{stem}_nucleus_mask.bmp"))[~nucleus]
    if index % 2:
        assert not rest.any()
    else:
        assert np.array_equal(rest, drawn.image[~nucleus])


def test_truth_is_on_record(written):
    folder, _ = written
    with open(folder / "phantom.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "class", "source", "acquisition"]
    assert rows[1] == {
        "image": "ALL/ALL_2.bmp",
        "class": "ALL",
        "source": "ALL_2",
        "acquisition": "1",
    }
    assert all((folder / row["image"]).is_file() for row in rows)


def test_refuses_a_folder_that_is_there(tmp_path):
    old = tmp_path / "PKG - SN-AM"
    old.mkdir()
    (old / "mine.txt").write_text("keep")
    with pytest.raises(MarrowError, match="PKG - SN-AM is already there"):
        write_phantom(tmp_path, SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["PKG - SN-AM"]
    assert (old / "mine.txt").read_text() == "keep"


def test_leaves_nothing_when_it_fails(tmp_path):
    def fail(share, name):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_phantom(tmp_path, SMALL, fail)
    assert list(tmp_path.iterdir()) == []


def test_says_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MarrowError, match="can't be written"):
        write_phantom(tmp_path / "file", SMALL)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fields": 1}, "Fields is 1"),
        ({"width": 10}, "Width is 10"),
        ({"acquisitions": 99}, "Acquisitions is 99"),
        ({"acquisitions": 1, "confounded": True}, "there must be 2"),
        ({"width": 8192, "height": 96}, "too narrow"),
    ],
)
def test_problems_are_said_in_words(change, words):
    assert SMALL.problems() == []
    settings = dataclasses.replace(SMALL, **change)
    assert any(words in problem for problem in settings.problems())
    with pytest.raises(MarrowError, match=words):
        draw_field("ALL", 1, settings)


TOUCHING = dataclasses.replace(SMALL, touching=True, fields=4)


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def touching(tmp_path_factory):
    return write_phantom(tmp_path_factory.mktemp("touching"), TOUCHING)


def test_a_seed_is_the_same_to_the_byte(touching, tmp_path):
    again = files(write_phantom(tmp_path, TOUCHING))
    assert again == files(touching)
    other = dataclasses.replace(TOUCHING, seed=8)
    assert files(write_phantom(tmp_path / "other", other)) != again


def test_fields_without_touching_are_those_of_the_sample_data():
    """The samples were drawn before nuclei could be made to touch."""
    settings = PhantomSettings(fields=16, width=640, height=480, acquisitions=3, seed=2019)
    for class_name in CLASSES:
        drawn = draw_field(class_name, 2, settings)
        for kind, labels in (("nucleus", drawn.nuclei), ("cyto", drawn.cytoplasm)):
            path = sample_folder() / class_name / f"{drawn.name}_{kind}_mask.png"
            mask = np.asarray(Image.open(path)) > 0
            # another machine may round an edge otherwise
            assert (mask.reshape(480, 640, -1)[..., 0] != (labels > 0)).mean() < 1e-3
        assert not np.array_equal(
            drawn.nuclei,
            draw_field(class_name, 2, dataclasses.replace(settings, touching=True)).nuclei,
        )


def test_touching_nuclei_come_in_clumps(fields):
    """Cells a piece of the nucleus mask: hardly more than one by default, two and more here."""

    def crowding(drawn):
        pieces = sum(ndimage.label(d.nuclei > 0, np.ones((3, 3)))[1] for d in drawn)
        return sum(int(d.nuclei.max()) for d in drawn) / pieces

    settings = dataclasses.replace(TOUCHING, width=384, height=288)
    for class_name in CLASSES:
        clumped = [draw_field(class_name, k, settings) for k in range(1, 7)]
        assert crowding(fields[class_name]) < 1.4
        assert crowding(clumped) > 2
        test_labels_are_consistent({"ALL": clumped, "MM": []})
        test_masks_lie_on_the_dark_nuclei({"ALL": clumped, "MM": []})


def test_touching_fields_come_with_their_instances(touching):
    for class_name in CLASSES:
        drawn = draw_field(class_name, 2, TOUCHING)
        for word in ("nuclei", "cytoplasm"):
            path = touching / "truth" / class_name / f"{drawn.name}_{word}.png"
            with Image.open(path) as picture:
                assert picture.mode == "I;16"
                np.testing.assert_array_equal(np.asarray(picture), getattr(drawn, word))
        mask = touching / class_name / f"{drawn.name}_nucleus_mask.bmp"
        np.testing.assert_array_equal(decoded(mask), drawn.nuclei > 0)


def test_instances_are_not_taken_for_a_class(touching, written):
    found = scan(touching.parent)
    assert found.counts() == {"ALL": 2, "MM": 2}
    assert [f.path.parent.name for f in found.fields] == ["ALL", "ALL", "MM", "MM"]
    for warnings, n_images in ((scan(written[0]).warnings, 0), (found.warnings, 8)):
        assert not any("phantom.csv" in w for w in warnings)
        passed = [w for w in warnings if w.startswith("Passed over")]
        assert [w for w in passed if f"{n_images} images" in w] == passed
        assert len(passed) == (n_images > 0)
    (written[0] / "copy.csv").write_text((written[0] / "phantom.csv").read_text())
    assert any("copy.csv" in w for w in scan(written[0]).warnings)  # a user's own is named
    (written[0] / "copy.csv").unlink()
    # nor would they be if a scan looked deeper
    assert all(mask_kind(p) for p in (touching / "truth").rglob("*.png"))
