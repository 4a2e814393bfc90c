import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.data.layouts import scan
from napari_marrow.imaging import nuclei, segmentation
from napari_marrow.imaging.label_cache import cached_field_labels
from napari_marrow.imaging.nuclei import field_labels, separate
from napari_marrow.imaging.segmentation import found_nuclei, segment_nuclei


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def field(make_snam, tmp_path):
    return scan(make_snam(tmp_path / "made", 1)).fields[0]


@pytest.fixture
def separated(monkeypatch):
    """The masks that are taken apart, one after the other."""
    masks = []

    def counting(mask):
        masks.append(mask)
        return separate(mask)

    monkeypatch.setattr(nuclei, "separate", counting)
    return masks


def test_a_mask_is_taken_apart_once(field, separated):
    first, again = field_labels(field), field_labels(field)
    assert len(separated) == 1
    np.testing.assert_array_equal(first, separate(field.mask("nucleus")), strict=True)
    np.testing.assert_array_equal(again, first, strict=True)
    again[:] = 0  # labels are the caller's own
    np.testing.assert_array_equal(field_labels(field), first)


def test_another_mask_in_the_file_is_taken_apart(field, separated, write_mask):
    """Also one of the same size in bytes, with the time of change set back."""
    path = field.masks["nucleus"]
    before, status = field_labels(field), path.stat()
    other = np.zeros(field.size(), bool)
    other[5:20, 5:20] = True
    write_mask(path, other)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    found = field_labels(field)
    np.testing.assert_array_equal(found > 0, other)
    assert (before > 0).sum() != (found > 0).sum()


def test_labels_that_somebody_drew_and_changes_are_read_again(field, tmp_path):
    drawn = np.zeros(field.size(), np.uint8)
    drawn[3:9, 3:9] = 7
    for number in (7, 9):
        drawn[drawn > 0] = number
        Image.fromarray(drawn).save(tmp_path / "labels.png")
        found = field_labels(replace(field, labels=tmp_path / "labels.png"))
        np.testing.assert_array_equal(found, drawn)
    assert field_labels(field).max() == 12


def test_masks_of_other_kinds_codes_and_fields_have_labels_of_their_own(field):
    others = [
        field,
        replace(field, mask_code="levels"),
        replace(field, masks={"nucleus": field.masks["background"]}),
        replace(field, masks={"cytoplasm": field.masks["nucleus"]}),
    ]
    made = []
    for number, (one, kind) in enumerate([*((x, "nuclei") for x in others), (field, "cells")]):
        labels = np.full(field.size(), number, np.uint16)
        made.append(cached_field_labels(one, kind, lambda labels=labels: labels).max())
    assert made == [*range(5)]


def test_a_field_without_nuclei_has_none(field):
    assert field_labels(replace(field, masks={})) is None


def test_nuclei_of_the_same_pixels_are_found_once(draw, monkeypatch):
    calls = []

    def counting(image):
        calls.append(image.shape)
        return segment_nuclei(image)

    monkeypatch.setattr(segmentation, "segment_nuclei", counting)
    image = draw("ALL", 1, (96, 128))[0]
    for _ in range(2):
        np.testing.assert_array_equal(found_nuclei(image.copy()), segment_nuclei(image))
    assert len(calls) == 1
    image[40:60, 40:60] = 255
    np.testing.assert_array_equal(found_nuclei(image), segment_nuclei(image))
    assert len(calls) == 2
