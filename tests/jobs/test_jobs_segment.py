"""What the segmentation job writes."""

import csv

import numpy as np
import pytest
from PIL import Image
from skimage.measure import regionprops

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
    found = run_segmentation(job, events.append)
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
            [float(row["x"]) for row in told], [r.centroid[1] for r in regions]
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


def test_what_can_not_work_is_said(photographs, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    collection = scan(photographs)
    with pytest.raises(MarrowError, match="is a file; choose a folder"):
        run_segmentation(SegmentJob([collection], file))
    with pytest.raises(MarrowError, match="Largest is 1; it must be at least 2"):
        run_segmentation(SegmentJob([collection], tmp_path, SegmentSettings(2, 1)))
