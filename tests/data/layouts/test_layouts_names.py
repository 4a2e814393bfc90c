"""Which names of folders are classes."""

import pytest

from napari_marrow.data.layouts import scan
from napari_marrow.data.layouts.names import can_be_class


@pytest.mark.parametrize(
    "names", [("正常", "异常"), ("клетки", "лимф"), ("α", "β"), ("+", "-"), ("ß", "P正常1")]
)
def test_names_in_any_script_are_classes(put, tmp_path, names):
    put(*(f"{name}/{k}.png" for k, name in enumerate(names)))
    assert scan(tmp_path).classes == tuple(sorted(names))


@pytest.mark.parametrize(
    ("inner", "other"), [("患者1", "患者2"), ("画像", "画像"), ("пациент 1", "фото"), ("-", "+")]
)
def test_names_in_other_scripts_do_not_override_the_class_above(put, tmp_path, inner, other):
    put(f"leukemia/{inner}/1.png", f"leukemia/{inner}/2.png", f"normal/{other}/3.png")
    assert scan(tmp_path).counts() == {"leukemia": 2, "normal": 1}


def test_several_folders_without_a_class_are_said(put, tmp_path):
    put("fold_0/1.png", "fold_1/2.png", "fold_1/masks/2.png")
    told = "No field has a class: no name of a folder can be one (fold_0, fold_1)."
    assert told in scan(tmp_path).warnings
    put("AML/3.png")
    assert told not in scan(tmp_path).warnings


PUBLIC = {
    "a code beside words, below a word": "PBC_normal/{}/1.png: basophil ig neutrophil",
    "kinds of a word": "AML/{}/1.png: M1 M2 M5a",
    "a code beside words, in parts": "Train/leukemia/{}/1.png: blast LGL Lymphocyte",
    "numbered names": "RBCs_of_smears/{}/1.png: 01-Normal Cell|02-Macrocyte|03-Rounded RBC",
    "numbered codes": "set/{}/1.png: 01_PMO|02_ig",
}


@pytest.mark.parametrize("text", PUBLIC.values(), ids=PUBLIC)
def test_class_folders_as_public_sets_name_them(put, tmp_path, text):
    path, names = text.split(": ")
    names = names.split("|") if "|" in names else names.split()
    put(*(path.format(name) for name in names))
    assert {f.class_name: f.path.parent.name for f in scan(tmp_path).fields} == {
        n: n for n in names
    }


@pytest.mark.parametrize(
    "part", ["TestA TestB", "train1 train2", "ValidationA valB", "TrainSet Test"]
)
def test_parts_of_a_set_are_parts_with_a_letter_or_number_behind(put, tmp_path, part):
    first, second = part.split()
    put(*(f"{folder}/{c}/{k}.png" for folder in (first, second) for c in "ab" for k in range(4)))
    found = scan(tmp_path)
    assert found.counts() == {"a": 8, "b": 8}
    assert len({f.source for f in found.fields}) == 16
    assert found.warnings == ()
    assert not any(map(can_be_class, (first, second)))


def test_a_code_beside_words_makes_no_class_of_a_patient_elsewhere(put, tmp_path):
    names = ("AML/M1", "AML/M5a", "normal/Adams")
    put(*(f"{name}/{k}.png" for name in names for k in range(2)))
    assert scan(tmp_path).counts() == {"M1": 2, "M5a": 2, "normal": 2}


@pytest.mark.parametrize("name", ["set.csv", "2021.TXT", "fields.csv", "a.tsv"])
@pytest.mark.parametrize("at", [".", "{}"])
def test_a_folder_that_is_called_like_a_table_is_a_folder(put, tmp_path, name, at):
    put(*(f"{name}/{c}/{k}.png" for c in ("ALL", "MM") for k in range(2)))
    assert scan(tmp_path / at.format(name)).counts() == {"ALL": 2, "MM": 2}
