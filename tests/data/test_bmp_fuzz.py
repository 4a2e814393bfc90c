"""Damaged BMP files: pixels or a sentence. benchmarks/fuzz_bmp.py tries many more."""

import tracemalloc

import numpy as np
import pytest
from bmp_files import KINDS_OF_DAMAGE, damage, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, open_image, read_image

SEEDS = seeds()
STEP = st.tuples(st.sampled_from(KINDS_OF_DAMAGE), st.integers(0, 2**16), st.integers(0, 2**16))


@pytest.mark.parametrize("k", range(len(SEEDS)))
def test_the_seeds_are_whole_files(tmp_path, k):
    """Else the fuzzing would damage what nobody reads anyway."""
    path = tmp_path / "a.bmp"
    path.write_bytes(SEEDS[k])
    try:
        assert read_image(path).shape == (6, 7, 3)
    except MarrowError as error:
        pytest.fail(str(error))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.lists(STEP, min_size=1, max_size=4), st.sampled_from(SEEDS))
def test_damage_gives_pixels_or_a_sentence(tmp_path_factory, content, steps, other):
    path = tmp_path_factory.getbasetemp() / "fuzzed.bmp"
    path.write_bytes(damage(content, steps, other))
    tracemalloc.start()
    try:
        results = [_pixels_or_sentence(read, path) for read in (image_size, open_image, read_image)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 * 2**20
    size, opened, found = results
    for result in results:
        if isinstance(result, str):
            assert str(path) in result
            assert "\n" not in result
    if isinstance(found, str):  # the header alone may still be whole
        assert found == opened
        return
    assert found.shape == (*size, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(opened, found)  # touches every pixel


def _pixels_or_sentence(read, path):
    try:
        return read(path)
    except MarrowError as error:
        return str(error)
