"""Folds are planned once, and each learner finds them in the rows of its own table."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.comparison.folds import FoldPlan
from napari_marrow.learning.settings import CompareSettings


@pytest.fixture
def units():
    """Twelve photographs of three cells, two of each patient, of two microscopes."""
    rows = [
        (f"{k}.png", cell, f"patient {k // 2}", "ALL" if k // 2 % 2 else "MM")
        for k in range(12)
        for cell in (1, 2, 3)
    ]
    return pd.DataFrame(rows, columns=["image", "index", "source", "class"])


def seen(fold, table, copies=False):
    """The units on both sides of a fold."""
    copy = table.groupby(["image", "index"]).cumcount() if copies else 0
    names = table["image"] + " " + table["index"].astype(str) + " " + np.array(copy).astype(str)
    return set(names.iloc[fold.train]), set(names.iloc[fold.test])


@pytest.mark.parametrize("protocol", ["honest", "paper"])
def test_tables_in_another_order_have_the_same_folds(units, protocol):
    """Of networks copies stand behind all units, of measured features behind each photograph."""
    plan = FoldPlan.of_units(units, CompareSettings(folds=3, seed=1), protocol, {})
    copies = 3 if protocol == "paper" else 1
    network = pd.concat([units] * copies, ignore_index=True)
    classical = pd.concat(
        [own for _, own in units.groupby("image") for _ in range(copies)], ignore_index=True
    )
    assert not network["image"].equals(classical["image"])
    for one, other in zip(plan.for_table(network), plan.for_table(classical), strict=True):
        assert seen(one, network, True) == seen(other, classical, True)
        assert not set.intersection(*seen(one, network, True))


def test_what_was_not_measured_is_on_no_side(units):
    plan = FoldPlan.of_units(units, CompareSettings(folds=3), "honest", {})
    rest = units[units["image"] != "4.png"].reset_index(drop=True)
    held = np.concatenate([fold.test for fold in plan.for_table(rest)])
    assert sorted(held) == list(range(len(rest)))
    whole = [seen(fold, units) for fold in plan.folds]
    for fold, (train, test) in zip(plan.for_table(rest), whole, strict=True):
        kept = seen(fold, rest)
        assert kept[0] == {x for x in train if not x.startswith("4.png")}
        assert kept[1] == {x for x in test if not x.startswith("4.png")}


@pytest.mark.parametrize("repeats", [1, 4])
def test_no_source_is_on_both_sides_and_each_unit_is_held_out_once_a_repeat(units, repeats):
    settings = CompareSettings(folds=3, repeats=repeats)
    plan = FoldPlan.of_units(units, settings, "honest", {})
    sources = units["source"].to_numpy()
    assert [fold.number for fold in plan.folds] == list(range(1, 3 * repeats + 1))
    for fold in plan.folds:
        assert not set(sources[fold.train]) & set(sources[fold.test])
    for repeat in range(1, repeats + 1):
        held = [fold.test for fold in plan.folds if fold.repeat == repeat]
        assert sorted(np.concatenate(held)) == list(range(len(units)))


def test_a_fold_is_an_acquisition_whatever_the_repeats(units):
    places = {f"{k}.png": "Leica" if k < 6 else "Zeiss" for k in range(12)}
    settings = CompareSettings(by="acquisition", repeats=5)
    plan = FoldPlan.of_units(units, settings, "honest", places)
    assert [fold.name for fold in plan.folds] == ["Leica", "Zeiss"]
    parts = [(x.name, x.class_name, x.sources, x.units) for x in plan.parts]
    assert parts == [
        ("Leica", "ALL", 1, 6),
        ("Leica", "MM", 2, 12),
        ("Zeiss", "ALL", 2, 12),
        ("Zeiss", "MM", 1, 6),
    ]
