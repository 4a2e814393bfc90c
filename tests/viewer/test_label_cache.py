import os
from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.viewer import label_cache
from napari_marrow.viewer.label_cache import cached_labels, trim_cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(label_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def field(make_snam, tmp_path):
    from napari_marrow.data.layouts import scan

    return scan(make_snam(tmp_path / "made", 1)).fields[0]


class Maker:
    """Makes labels and counts how often."""

    def __init__(self, shape):
        self.shape, self.calls = shape, 0

    def __call__(self):
        self.calls += 1
        labels = np.zeros(self.shape, np.uint16)
        labels[:3, :4] = np.arange(12).reshape(3, 4) // 5
        return labels


@pytest.fixture
def make(field):
    return Maker(field.size())


def test_the_real_folder_is_in_the_user_s_cache():
    assert "napari-marrow" in label_cache.platformdirs.user_cache_path("napari-marrow").parts


def test_labels_are_made_once_and_come_back_as_they_were(field, make):
    first, again = (cached_labels(field, "nuclei", make) for _ in range(2))
    np.testing.assert_array_equal(again, first)
    assert (again.dtype, make.calls) == (np.uint16, 1)


def test_another_kind_has_labels_of_its_own(field, make):
    cached_labels(field, "nuclei", make)
    cached_labels(field, "cytoplasm", make)
    assert make.calls == 2


@pytest.mark.parametrize("which", ["photograph", "mask", "code", "algorithm"])
def test_what_labels_are_made_of_makes_them_anew(field, make, which, monkeypatch):
    cached_labels(field, "nuclei", make)
    if which == "code":
        field = replace(field, mask_code="levels")
    elif which == "algorithm":
        monkeypatch.setattr(label_cache, "_algorithm", lambda: "another")
    else:
        path = field.path if which == "photograph" else field.masks["nucleus"]
        path.write_bytes(path.read_bytes() + b"x")
    cached_labels(field, "nuclei", make)
    assert make.calls == 2


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:99], lambda b: b[:-40] + b"x" * 40])
def test_a_damaged_file_is_made_again(field, make, folder, damage):
    first = cached_labels(field, "nuclei", make)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(cached_labels(field, "nuclei", make), first)
    cached_labels(field, "nuclei", make)
    assert make.calls == 2


def test_random_damage_never_raises(field, make, folder):
    first = cached_labels(field, "nuclei", make)
    (file,) = folder.iterdir()
    good, random = file.read_bytes(), np.random.default_rng(1)
    for _ in range(400):
        damaged = np.frombuffer(good, np.uint8).copy()
        start, length = random.integers(len(good)), random.choice([1, 2, 8, 64, 300])
        part = damaged[start : start + length]
        part ^= random.integers(1, 256, len(part), np.uint8)
        file.write_bytes(damaged.tobytes())
        np.testing.assert_array_equal(cached_labels(field, "nuclei", make), first)


def test_labels_of_another_size_are_made_again(field, make):
    cached_labels(field, "nuclei", lambda: np.ones((3, 4), np.uint16))
    assert cached_labels(field, "nuclei", make).shape == field.size()
    assert make.calls == 1


def test_a_folder_that_cannot_be_written_is_no_obstacle(field, make, folder):
    folder.write_text("a file in the way")
    for _ in range(2):
        assert cached_labels(field, "nuclei", make).max() == 2
    assert make.calls == 2


def test_what_cannot_be_written_is_kept_in_memory(field, make, folder):
    folder.write_text("a file in the way")
    unwritten = {}
    first, again = (cached_labels(field, "nuclei", make, unwritten) for _ in range(2))
    np.testing.assert_array_equal(again, first)
    assert make.calls == 1
    photograph = field.path
    photograph.write_bytes(photograph.read_bytes() + b"x")
    cached_labels(field, "nuclei", make, unwritten)
    assert make.calls == 2


def test_the_files_used_longest_ago_are_removed(field, make, folder):
    kinds = ["a", "b", "c"]
    for age, kind in enumerate(kinds):
        before = set(folder.glob("*"))
        cached_labels(field, kind, make)
        (new,) = set(folder.iterdir()) - before
        os.utime(new, (1e9 - age, 1e9 - age))
    cached_labels(field, "c", make)  # the oldest is used once more
    trim_cache(2 * new.stat().st_size)
    calls = make.calls
    cached_labels(field, "a", make), cached_labels(field, "c", make)
    assert make.calls == calls
    cached_labels(field, "b", make)
    assert make.calls == calls + 1


def test_trimming_a_folder_that_is_not_there():
    assert not label_cache.cache_folder().exists()
    trim_cache()
