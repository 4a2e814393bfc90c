"""Patients in the names of folders and files, beside classes and in one name with them."""

import pytest

from napari_marrow.data.layouts import scan


def photographs(*folders):
    return [f"{folder}/{k}.png" for folder in folders for k in range(3)]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Patienten/P{}", "Kontrollen/K{}"), ("AML cases/A{:02d}", "donors/D{:02d}"),
     ("Erkrankte/E {}", "Gesunde/G {}"), ("Cases/C{}", "Controls/K{}")],
)  # fmt: skip
def test_a_series_of_codes_is_of_the_group_above(put, first, second):
    folder = put(*photographs(*(text.format(k) for text in (first, second) for k in (1, 2))))
    found = scan(folder)
    assert found.counts() == {text.partition("/")[0]: 6 for text in (first, second)}
    assert len({f.source for f in found.fields}) == 4


def test_a_series_below_one_folder_alone_stays_classes(put):
    found = scan(put(*photographs("set/K1", "set/K2", "other/K1", "other/K2")))
    assert found.counts() == {"K1": 6, "K2": 6}


@pytest.mark.parametrize("kinds", [("ALL/L1", "ALL/L2"), ("AML/M1", "AML/M5a")])
def test_kinds_of_leukaemia_are_no_series(put, kinds):
    folder = put(*photographs(*kinds, "blood/B cell"))
    assert not any(f.class_name == "B" for f in scan(folder).fields)
    assert len(scan(folder).classes) == (2 if "ALL/L1" in kinds else 3)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("P0{k}_{c}", ("ALL", "MM")), ("patient{k} {c}", ("blast", "normal")),
     ("{c}-Fall {k}", ("gesund", "krank")), ("Slide_{k}-{c}", ("Normal cells", "AML")),
     ("Probandin {k}, {c}", ("Blasten", "gesund"))],
)  # fmt: skip
def test_a_name_of_a_patient_and_a_class_gives_both(put, name, classes):
    of = {k: classes[k > 2] for k in range(1, 5)}
    found = scan(put(*photographs(*(name.format(k=k, c=c) for k, c in of.items()))))
    assert found.counts() == dict.fromkeys(classes, 6)
    assert len({f.source for f in found.fields}) == 4


def test_a_patient_of_two_such_names_is_one_source(put):
    found = scan(put(*photographs("P01_blast", "P01_normal", "P02_blast", "P02_normal")))
    assert found.counts() == {"blast": 6, "normal": 6}
    assert {f.source for f in found.fields} == {"P01", "P02"}
