"""The fingerprint of a file tells its content, not its name, and is taken once."""

import shutil
from pathlib import Path

import numpy as np

from napari_marrow.data.cache import file_states
from napari_marrow.data.fingerprint import BLOCK_BYTES, N_BLOCKS, fingerprint


def test_a_fingerprint_is_of_the_content_and_taken_once(tmp_path, monkeypatch):
    path, size = tmp_path / "a.bmp", N_BLOCKS * BLOCK_BYTES * 10
    pixels = bytearray(np.random.default_rng(0).bytes(size))
    path.write_bytes(pixels)
    first = fingerprint(path)
    copy = shutil.copy(path, tmp_path / "b.bmp")
    assert fingerprint(Path(copy)) == first
    for place in (0, size - 1):
        path.write_bytes(pixels[:place] + bytes([pixels[place] ^ 1]) + pixels[place + 1 :])
        assert fingerprint(path) != first
    path.write_bytes(pixels + b"1")
    assert fingerprint(path) != first
    assert fingerprint(tmp_path / "none.bmp") == ""
    fingerprint(path)
    monkeypatch.setattr("builtins.open", None)
    assert fingerprint(path)


def test_of_a_file_that_was_changed_since_its_state_there_is_no_fingerprint(tmp_path):
    path = tmp_path / "a.bmp"
    path.write_bytes(b"one")
    state = file_states([path])
    path.write_bytes(b"other")
    assert fingerprint(path, state) == ""
    assert fingerprint(path)


def test_products_of_one_file_are_told_apart_by_their_names(tmp_path):
    path = tmp_path / "a.bmp"
    path.write_bytes(b"one")
    first, second = fingerprint(path / "rotated"), fingerprint(path / "flipped")
    assert first != second
    path.write_bytes(b"two")
    assert fingerprint(path / "rotated") not in ("", first)
