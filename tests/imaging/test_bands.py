"""Bands of rows: all of them, each once, and the picture is the same as in one piece."""

import numpy as np
import pytest

from napari_marrow.imaging import bands
from napari_marrow.imaging.geometry import mirrored
from napari_marrow.imaging.intensity import blurred


@pytest.mark.parametrize("rows", [0, 1, 255, 511, 512, 1023, 1920])
@pytest.mark.parametrize("processors", [1, 2, 3, 64, None])
def test_bands_cover_every_row_once(monkeypatch, rows, processors):
    monkeypatch.setattr(bands.os, "cpu_count", lambda: processors)
    seen = np.zeros(rows, int)
    done = []

    def work(top, bottom):
        seen[top:bottom] += 1
        done.append(bottom - top)

    bands.in_bands(work, rows)
    assert (seen == 1).all()
    assert len(done) <= min(processors or 1, bands.MOST)
    assert len(done) == 1 or min(done) >= bands.LEAST


def test_what_a_band_raises_is_raised():
    def work(top, bottom):
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        bands.in_bands(work, 2000)


@pytest.mark.parametrize("work", [mirrored, lambda image: blurred(image, 3.3)])
def test_a_picture_in_bands_is_that_in_one_piece(monkeypatch, work):
    image = np.random.default_rng(0).integers(0, 256, (1030, 40, 3), np.uint8)
    monkeypatch.setattr(bands.os, "cpu_count", lambda: 1)
    whole = work(image)
    monkeypatch.setattr(bands.os, "cpu_count", lambda: 4)
    np.testing.assert_array_equal(work(image), whole)
