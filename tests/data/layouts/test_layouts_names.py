"""Which names of folders are classes."""

import pytest
from PIL import Image

from napari_marrow.data.layouts import scan


@pytest.fixture
def put(tmp_path):
    """Write photographs that differ, by their names below the folder."""

    def put(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 12), tuple(name.encode()[-6:-3])).save(path)

    return put


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
