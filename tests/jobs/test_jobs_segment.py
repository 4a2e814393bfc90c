"""What the segmentation job writes."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage.measure import regionprops

from napari_marrow import cli
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.segment import SegmentJob, run_segmentation


@pytest.fixture(scope="module")
def photographs(tmp_path_factory, draw):
    root = tmp_path_factory.mktemp("photographs")
    for class_name in ("ALL", "MM"):
        (root / class_name).mkdir()
        for k in (1, 2):
            image, _ = draw(class_name, k, (240, 320))
            Image.fromarray(image).save(root / class_name / f"field_{k}.png")
    return root


def test_labels_of_16_bits_and_a_table(photographs, tmp_path):
    events = []
    job = SegmentJob([scan(photographs)], tmp_path / "out", cytoplasm=True)
    result = run_segmentation(job, events.append).to_dict()
    found = result["fields"]
    assert result["nuclei"] == sum(one["nuclei"] for one in found)
    assert result["failed"] == []
    names = [
        f"{c}_field_{k}_{w}.png"
        for c in ("ALL", "MM")
        for k in (1, 2)
        for w in ("cytoplasm", "nuclei")
    ]
    assert sorted(p.name for p in job.out.iterdir()) == sorted([*names, "nuclei.csv"])
    assert events[-1].fraction == 1
    with open(job.out / "nuclei.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for one in found:
        image = np.asarray(Image.open(photographs / one["image"]))
        picture = Image.open(one["file"])
        assert picture.mode.startswith("I;16")
        labels = np.asarray(picture)
        np.testing.assert_array_equal(labels, segment_nuclei(image))
        around = np.asarray(Image.open(one["file"].replace("_nuclei", "_cytoplasm")))
        np.testing.assert_array_equal(around, segment_cytoplasm(image, labels))
        regions = regionprops(labels.astype(int))
        assert one["nuclei"] == len(regions) > 0
        told = [row for row in rows if row["image"] == one["image"]]
        assert [float(row["area"]) for row in told] == [r.area for r in regions]
        np.testing.assert_allclose(
            [float(row["x"]) for row in told], [r.centroid[1] for r in regions], atol=1e-6
        )


def test_labels_beside_photographs_are_their_masks(photographs, tmp_path, draw):
    image, _ = draw("ALL", 1, (240, 320))
    Image.fromarray(image).save(tmp_path / "a.png")
    run_segmentation(SegmentJob([scan(tmp_path)], tmp_path))
    (field,) = scan(tmp_path).fields
    np.testing.assert_array_equal(field.mask("nucleus"), segment_nuclei(image) > 0)


def test_what_is_there_is_not_lost(photographs, tmp_path):
    (tmp_path / "ALL_field_2_nuclei.png").write_text("by hand")
    with pytest.raises(MarrowError, match=r"ALL_field_2_nuclei\.png is there already"):
        run_segmentation(SegmentJob([scan(photographs)], tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["ALL_field_2_nuclei.png"]


def test_stopped_work_leaves_nothing(photographs, tmp_path):
    with pytest.raises(Stopped):
        run_segmentation(SegmentJob([scan(photographs)], tmp_path), should_stop=lambda: True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stopped_by", [Stopped, KeyboardInterrupt])
def test_stopped_work_takes_away_the_folders_that_it_made(photographs, tmp_path, stopped_by):
    def stop(event):
        raise stopped_by

    (tmp_path / "there").mkdir()
    for out in (tmp_path / "a" / "b", tmp_path / "there" / "c", tmp_path / "there"):
        with pytest.raises(stopped_by):
            run_segmentation(SegmentJob([scan(photographs)], out), stop)
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_what_can_not_work_is_said(photographs, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    collection = scan(photographs)
    with pytest.raises(MarrowError, match="is a file; choose a folder"):
        run_segmentation(SegmentJob([collection], file))
    with pytest.raises(MarrowError, match="Largest is 1; it must be at least 2"):
        run_segmentation(SegmentJob([collection], tmp_path, SegmentSettings(2, 1)))


@pytest.fixture
def damaged(photographs, tmp_path):
    """A folder whose second photograph is cut off, as an interrupted copy leaves it."""
    root = tmp_path / "in"
    shutil.copytree(photographs, root)
    path = root / "ALL" / "field_2.png"
    path.write_bytes(path.read_bytes()[:2000])
    return root


def test_a_damaged_photograph_does_not_stop_the_others(damaged, tmp_path):
    events = []
    job = SegmentJob([scan(damaged)], tmp_path / "out")
    result = run_segmentation(job, events.append).to_dict()
    (failure,) = result["failed"]
    assert failure["image"] == "ALL/field_2.png"
    assert "field_2.png can't be read" in failure["reason"]
    names = ["ALL_field_1_nuclei.png", "MM_field_1_nuclei.png", "MM_field_2_nuclei.png"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [*names, "nuclei.csv"]
    assert [e.fraction for e in events if e.kind == "progress"][-1] == 1


def test_where_no_photograph_can_be_read_nothing_is_made(damaged, tmp_path):
    collection = scan(damaged)
    fields = tuple(f for f in collection.fields if f.path.name == "field_2.png")[:1]
    job = SegmentJob([dataclasses.replace(collection, fields=fields)], tmp_path / "out")
    with pytest.raises(MarrowError, match=r"field_2\.png can't be read"):
        run_segmentation(job)
    assert not (tmp_path / "out").exists()


def test_command_says_what_is_left_out_and_strict_refuses_it(damaged, tmp_path, capsys):
    command = ["segment", str(damaged), "--out", str(tmp_path / "[red]out"), "--json"]
    assert cli.run(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert [failure["image"] for failure in told["failed"]] == ["ALL/field_2.png"]
    assert len(told["fields"]) == 3
    assert cli.run([*command, "--strict", "--force"]) == 1
    said = capsys.readouterr().err
    assert f"napari-marrow: {damaged / 'ALL' / 'field_2.png'} can't be read" in said


def test_a_file_that_appears_meanwhile_stays(photographs, tmp_path):
    """Somebody saves labels of their own while the job runs."""
    path = tmp_path / "MM_field_1_nuclei.png"

    def write(event):
        path.write_text("by hand")

    with pytest.raises(MarrowError, match=r"MM_field_1_nuclei\.png is there already"):
        run_segmentation(SegmentJob([scan(photographs)], tmp_path), write)
    assert path.read_text() == "by hand"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
