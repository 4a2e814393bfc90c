import os

import numpy as np
import pytest

from napari_marrow.data import cache
from napari_marrow.data.cache import cached, checksum, file_states, trim_cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    return cache.cache_folder()


class Maker:
    """Makes numbers and counts how often."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"names": np.array(["a", "bc"]), "values": np.arange(999) // 5}

    def cached(self, *parts):
        return cached(parts, self, dict, dict)


@pytest.fixture
def make():
    return Maker()


def check_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_the_folder_is_the_user_s_or_another(tmp_path, monkeypatch):
    assert tmp_path in cache.cache_folder().parents
    monkeypatch.delenv(cache.FOLDER_VARIABLE)
    assert "napari-marrow" in cache.cache_folder().parts


def test_what_is_made_of_the_same_is_made_once_and_comes_back_as_it_was(make):
    for _ in range(2):
        check_same(make.cached("x", "1"), Maker()())
    assert make.calls == 1


@pytest.mark.parametrize("other", [("x", "2"), ("x1",), ("x",), ("1", "x")])
def test_other_parts_are_others(make, other):
    make.cached("x", "1")
    make.cached(*other)
    assert make.calls == 2


def test_another_version_of_the_program_makes_all_anew(make, monkeypatch):
    make.cached("x")
    monkeypatch.setattr(cache, "_program", lambda: "another")
    make.cached("x")
    assert make.calls == 2


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b[:99], lambda b: b[:-40] + b"x" * 40, lambda b: b"x" * 9]
)
def test_a_damaged_file_is_made_again(make, folder, damage):
    make.cached("x")
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        check_same(make.cached("x"), Maker()())
    assert make.calls == 2


def test_random_damage_never_raises(make, folder):
    make.cached("x")
    (file,) = folder.iterdir()
    good, random = file.read_bytes(), np.random.default_rng(1)
    for _ in range(400):
        damaged = np.frombuffer(good, np.uint8).copy()
        start, length = random.integers(len(good)), random.choice([1, 2, 8, 64, 300])
        part = damaged[start : start + length]
        part ^= random.integers(1, 256, len(part), np.uint8)
        file.write_bytes(damaged.tobytes())
        check_same(make.cached("x"), Maker()())


def test_what_can_not_be_decoded_is_made_again(make):
    make.cached("x")
    found = cached(["x"], make, dict, lambda arrays: arrays["values"])
    assert make.calls == 1
    np.testing.assert_array_equal(found, make()["values"])
    with pytest.raises(KeyError):  # neither from the cache nor made
        cached(["x"], make, dict, lambda arrays: arrays["missing"])


def test_an_error_is_raised_and_not_cached(make):
    with pytest.raises(ZeroDivisionError):
        cached(["x"], lambda: 1 / 0, dict, dict)
    make.cached("x")
    assert make.calls == 1


def test_what_cannot_be_written_is_kept_in_memory_up_to_a_limit(make, folder, monkeypatch):
    folder.write_text("a file in the way")
    monkeypatch.setattr(cache, "MAX_MEMORY_BYTES", 25_000)  # of two
    for _ in range(2):
        found = make.cached("x")
        check_same(found, Maker()())
        found["values"][:] = 0  # what one caller does to it is not seen by others
    assert make.calls == 1
    make.cached("y"), make.cached("z"), make.cached("z")
    assert make.calls == 3
    make.cached("x")
    assert make.calls == 4


def test_the_files_used_longest_ago_are_removed(make, folder):
    for age, name in enumerate("abc"):
        before = set(folder.glob("*"))
        make.cached(name)
        (new,) = set(folder.iterdir()) - before
        os.utime(new, (1e9 - age, 1e9 - age))
    make.cached("c")  # the oldest is used once more
    trim_cache(2 * new.stat().st_size)
    calls = make.calls
    make.cached("a"), make.cached("c")
    assert make.calls == calls
    make.cached("b")
    assert make.calls == calls + 1


def test_the_cache_is_trimmed_as_it_grows(make, folder, monkeypatch):
    monkeypatch.setattr(cache, "N_WRITES_BETWEEN_TRIMS", 1)
    monkeypatch.setattr(cache.trim_cache, "__defaults__", (30_000,))
    for k in range(9):
        make.cached(f"{k}")
    assert 1 <= len(list(folder.iterdir())) <= 3


@pytest.mark.parametrize("name", ["study.npz", f"{'a' * 63}.npz", f"{'A' * 64}.npz", "labels.txt"])
@pytest.mark.parametrize("inside", [False, True])
def test_files_of_others_are_not_removed(make, tmp_path, folder, monkeypatch, inside, name):
    theirs = (folder if inside else tmp_path) / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(bytes(90_000))
    os.utime(theirs, (1e9, 1e9))
    monkeypatch.setattr(cache, "N_WRITES_BETWEEN_TRIMS", 1)
    monkeypatch.setattr(cache.trim_cache, "__defaults__", (30_000,))
    make.cached("x"), make.cached("x")
    assert make.calls == 1
    trim_cache(0)
    assert theirs.read_bytes() == bytes(90_000)
    assert sorted(tmp_path.rglob("*.*")) == [theirs]


def test_trimming_a_folder_that_is_not_there(folder):
    assert not folder.exists()
    trim_cache()


@pytest.mark.parametrize(
    "other",
    [
        np.array([[1, 2], [3, 5]], np.uint16),
        np.array([[1, 2, 3, 4]], np.uint16),
        np.array([[1, 2], [3, 4]], np.int16),
    ],
)
def test_checksums_tell_values_shapes_and_types_apart(other):
    array = np.array([[1, 2], [3, 4]], np.uint16)
    assert checksum(array) == checksum(np.asfortranarray(array)) == checksum(array, None)
    assert len({checksum(array), checksum(other), checksum(array, other)}) == 3


def test_a_file_of_the_same_size_and_time_is_another(tmp_path):
    file = tmp_path / "a.bmp"
    file.write_bytes(b"abc")
    os.utime(file, (1e9, 1e9))
    before = file_states([file, tmp_path / "missing"])
    (tmp_path / "b.bmp").write_bytes(b"abd")
    os.utime(tmp_path / "b.bmp", (1e9, 1e9))
    os.replace(tmp_path / "b.bmp", file)
    assert file_states([file]) != before
    assert file_states([file]) == file_states([file, tmp_path / "missing"])
