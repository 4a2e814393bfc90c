"""What the audit finds in the pixels of masks."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from napari_marrow.audit.audit import audit
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.learning.units.samples import collect_units

MASKS = {
    "1 and 2": (lambda m: m + 1, "mask-by-photograph"),
    "inverted": (lambda m: 255 * (1 - m), "mask-by-photograph"),
    "empty": (lambda m: 0 * m, "mask-empty"),
    "white": (lambda m: 0 * m + 255, "mask-unclear"),
    "1, 2 and 3": (lambda m: 1 + m + (m & np.indices(m.shape)[0] % 2), "mask-unclear"),
    "plain": (lambda m: 255 * m, None),
}


@pytest.fixture
def folder(tmp_path, draw):
    for k, (make, _) in enumerate(MASKS.values()):
        image, mask = draw("ALL", k, (96, 128))
        Image.fromarray(image).save(tmp_path / f"ALL_{k}.bmp")
        values = make(mask.astype(np.uint8)).astype(np.uint8)
        Image.fromarray(values).save(tmp_path / f"ALL_{k}_nucleus_mask.png")
    return tmp_path


def test_odd_masks_are_named_in_one_finding_a_kind(folder):
    found = {f.kind: f for f in audit(scan(folder)).findings if f.kind.startswith("mask")}
    expected: dict[str, list[str]] = {}
    for k, (_, kind) in enumerate(MASKS.values()):
        if kind is not None:
            expected.setdefault(kind, []).append(f"ALL_{k}_nucleus_mask.png")
    assert {kind: list(f.files) for kind, f in found.items()} == expected
    for kind, files in expected.items():
        assert all(name in found[kind].sentence for name in files)
    assert "covers 100 %" in found["mask-unclear"].sentence


def test_unclear_masks_are_not_learnt_from(folder):
    collection = scan(folder)
    for field, (_, kind) in zip(collection.fields, MASKS.values(), strict=True):
        alone = Collection(folder, (field,))
        if kind in ("mask-empty", "mask-unclear"):
            with pytest.raises(MarrowError, match=field.name):
                collect_units(alone, Preprocessing("cell", 16, 1, 1.5))
        else:
            assert len(collect_units(alone, Preprocessing("cell", 16, 1, 1.5)).table) == 12


@pytest.mark.parametrize(
    "change",
    [
        lambda p: np.full_like(p, 90),
        lambda p: np.full_like(p, 255),
        lambda p: np.random.default_rng(1).poisson(0.3, p.shape[:2]).astype(np.uint8),
    ],
    ids=["grey", "white", "shutter closed"],
)
def test_a_picture_of_nothing_is_no_mask(put, found, change):
    put("ALL/a.bmp")
    put("ALL/b.bmp", change=change)
    assert "mask-as-image" not in found()


LEVELS = {
    "0_1_2": (0, 1, 2),
    "0_128_255": (0, 128, 255),
    "0_255_100": (0, 255, 100),
    "colours": ((0, 0, 0), (255, 0, 0), (0, 255, 0)),
}


def _levels(nuclei, values):
    """Draw background, a ring of cytoplasm 4 px wide, and nuclei with three values."""
    numbers = ndimage.binary_dilation(nuclei, iterations=4) * 1 + nuclei
    return np.array(values, np.uint8)[numbers]


@pytest.mark.parametrize("kind", ["nucleus", "cyto"])
def test_masks_in_levels_are_named_with_their_values(tmp_path, draw, kind):
    for k, (name, values) in enumerate(LEVELS.items()):
        image, mask = draw("ALL", k, (96, 128))
        Image.fromarray(image).save(tmp_path / f"{name}.bmp")
        Image.fromarray(_levels(mask > 0, values)).save(tmp_path / f"{name}_{kind}_mask.png")
    (found,) = [f for f in audit(scan(tmp_path)).findings if f.kind.startswith("mask")]
    assert found.kind == "mask-in-levels"
    assert sorted(found.files) == sorted(f"{name}_{kind}_mask.png" for name in LEVELS)
    assert "0, 128, 255" in found.sentence
    assert "0, 1, 2" in found.sentence


def test_labels_that_touch_and_masks_of_one_level_are_not_in_levels(tmp_path, draw):
    labels = np.zeros((96, 128), np.uint8)
    rows, columns = np.indices(labels.shape)
    for value, column in ((1, 30), (2, 52), (3, 90)):  # the first two overlap
        labels[(rows - 48) ** 2 + (columns - column) ** 2 < 14**2] = value
    white = np.where(labels > 0, 255, 0).astype(np.uint8)
    soft = (ndimage.gaussian_filter(white.astype(float), 1.5)).astype(np.uint8)
    for k, values in enumerate((labels, white, soft)):
        Image.fromarray(draw("ALL", k, (96, 128))[0]).save(tmp_path / f"ALL_{k}.bmp")
        Image.fromarray(values).save(tmp_path / f"ALL_{k}_nucleus_mask.png")
    assert not [f for f in audit(scan(tmp_path)).findings if f.kind == "mask-in-levels"]


def test_masks_that_have_different_faults_are_not_said_to_have_the_same(put, found):
    """One that can't be decoded, one that is damaged so too, and one that is white all over."""
    for number in (1, 2, 3):
        put(f"ALL/x_{number}.bmp", index=number)
    first = put("ALL/x_1_nucleus_mask.png", change=lambda i: i * 0 + 255)
    data = first.read_bytes()
    for number in (2, 3):
        first.with_name(f"x_{number}_nucleus_mask.png").write_bytes(data[: len(data) // 2])
    findings = found()["mask-unclear"]
    assert sorted(f.files for f in findings) == [
        ("x_1_nucleus_mask.png",), ("x_2_nucleus_mask.png", "x_3_nucleus_mask.png")
    ]  # fmt: skip
    (white,) = [f.sentence for f in findings if "x_1_" in f.sentence]
    assert "can't be read as a mask" in white
