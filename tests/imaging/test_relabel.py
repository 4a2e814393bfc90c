"""Labels may have any whole numbers: nothing is changed by them, and no memory asked for."""

import tracemalloc

import numpy as np
import pytest
from skimage.draw import disk

from napari_marrow.imaging.nuclei import join_cytoplasm, nucleus_table
from napari_marrow.imaging.relabel import in_few_bits, small_numbers
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei

GIVEN = {
    "as they are": [0, 1, 2, 3],
    "with gaps": [0, 7, 300, 65535],
    "above 16 bits": [0, 65536, 65537, 70001],
    "huge": [0, 5, 70001, 2**31 - 1],
}


@pytest.fixture(autouse=True)
def little_memory():
    """No test asks for more than 100 MB at once."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@pytest.fixture(params=GIVEN.values(), ids=GIVEN.keys())
def numbers(request):
    return np.array(request.param)


@pytest.fixture
def cells():
    """Three nuclei numbered 1 to 3, and their cytoplasm with a piece that has no nucleus."""
    nuclei, cytoplasm = np.zeros((120, 300), np.int64), np.zeros((120, 300), bool)
    for number, x in enumerate((40, 90, 160), 1):
        nuclei[disk((50, x), 15)] = number
        cytoplasm[disk((50, x), 28)] = True
    cytoplasm[disk((90, 260), 10)] = True
    return nuclei, cytoplasm & (nuclei == 0)


def test_small_numbers_stand_for_the_others(numbers):
    labels = numbers[[[3, 3, 1], [2, 1, 3]]]  # without a 0
    small, known = small_numbers(labels)
    np.testing.assert_array_equal(known[small], labels)
    assert small.max() <= 65535
    assert known[0] == 0
    assert in_few_bits(labels).tolist() == labels.tolist()


def test_cytoplasm_has_the_numbers_of_the_nuclei(cells, numbers):
    nuclei, cytoplasm = cells
    expected = join_cytoplasm(nuclei, cytoplasm)
    assert set(np.unique(expected)) == {0, 1, 2, 3, 4}
    found = join_cytoplasm(numbers[nuclei], cytoplasm)
    np.testing.assert_array_equal(found, np.append(numbers, numbers[-1] + 1)[expected])
    assert found.dtype == (np.uint16 if numbers[-1] < 65535 else np.uint32)


def test_the_table_is_the_same_but_for_the_numbers(cells, numbers):
    nuclei, cytoplasm = cells
    around = join_cytoplasm(nuclei, cytoplasm) * (nuclei != 2)
    around[around == 2] = 0  # a nucleus without cytoplasm
    expected = nucleus_table(nuclei, around)
    found = nucleus_table(numbers[nuclei], np.append(numbers, numbers[-1] + 1)[around])
    assert found.pop("index").tolist() == numbers[expected.pop("index")].tolist()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column)


def test_cytoplasm_is_found_whatever_the_numbers(draw, numbers):
    image, _ = draw("ALL", 3, (240, 320))
    nuclei = segment_nuclei(image)
    nuclei[nuclei > 3] = 0
    expected = segment_cytoplasm(image, nuclei)
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    found = segment_cytoplasm(image, numbers[nuclei])
    np.testing.assert_array_equal(found, numbers[expected])
    assert found.dtype == (np.uint16 if numbers[-1] <= 65535 else np.uint32)
