"""The images that are watched: of units, balanced, the same for a seed, and of the right side."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.units.samples import Units
from napari_marrow.learning.units.watched import MAX_WATCHED, Watched


def side(classes, tiles=3, features=False):
    """Units of these classes; an image is filled with the number of its unit."""
    n = len(classes)
    owner = np.repeat(np.arange(n), tiles)
    images = np.broadcast_to(owner[:, None, None, None], (n * tiles, 4, 4, 3)).astype(np.uint8)
    table = pd.DataFrame(
        {"image": [f"f{k}.bmp" for k in range(n)], "index": range(n), "class": classes}
    )
    values = np.arange(2 * n, dtype=np.float32).reshape(n, 2) if features else None
    return Units(images, owner, table, values)


def test_as_many_of_each_class_and_no_two_of_a_unit():
    units = side(["ALL"] * 20 + ["MM"] * 20)
    found = Watched.choose(units, None, ("ALL", "MM"), 0)
    assert found.given == ("ALL",) * 4 + ("MM",) * 4
    rows = found.images[:, 0, 0, 0].tolist()
    assert len(set(rows)) == MAX_WATCHED
    assert found.given == tuple(units.table["class"].iloc[rows])
    assert found.names == tuple(f"f{k}.bmp, nucleus {k}" if k else "f0.bmp" for k in rows)
    assert found.side == "training"


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["a"] * 2 + ["b"] * 30, {"a": 2, "b": 6}),
        (["a", "b", "b"], {"a": 1, "b": 2}),
        ([name for name in "abcdefghij" for _ in range(3)], dict.fromkeys("abcdefgh", 1)),
    ],
)
def test_rare_classes_are_all_there_and_the_rest_is_filled(classes, expected):
    found = Watched.choose(side(classes), None, tuple(sorted(set(classes))), 1)
    assert {name: found.given.count(name) for name in set(found.given)} == expected


def test_they_are_of_the_validation_side_with_the_features_of_their_unit():
    train, validation = side(["a", "b"]), side(["a", "b"] * 9, features=True)
    found = Watched.choose(train, validation, ("a", "b"), 3)
    assert found.side == "validation"
    rows = found.images[:, 0, 0, 0].astype(int)
    np.testing.assert_array_equal(found.features, validation.features[rows])


def test_a_seed_chooses_the_same_and_leaves_other_random_numbers_alone():
    units = side(["a", "b"] * 40)
    np.random.seed(5)  # noqa: NPY002 - what others may draw from
    first = Watched.choose(units, None, ("a", "b"), 7)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert np.random.random() == drawn  # noqa: NPY002
    again, other = (Watched.choose(units, None, ("a", "b"), seed) for seed in (7, 8))
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any()
