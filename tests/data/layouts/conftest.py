"""Fixtures of the tests of layouts."""

import pytest
from PIL import Image


@pytest.fixture
def put(tmp_path):
    """Write photographs, each of another colour, by their names below the returned folder."""
    made = []

    def write(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            made.append(path)
            Image.new("RGB", (16, 12), (len(made) % 256, len(made) // 256, 7)).save(path)
        return tmp_path

    return write
