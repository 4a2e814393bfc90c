"""Which pictures are drawn and no photographs, and of what format a file is."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from napari_marrow.audit.audit import audit
from napari_marrow.audit.image_summary import is_mask, is_masked_copy, summarize
from napari_marrow.data.fields import Field
from napari_marrow.data.layouts import scan
from napari_marrow.simulation.phantom import PhantomSettings, draw_field

SETTINGS = PhantomSettings(fields=20, width=320, height=240)


@pytest.fixture(scope="module")
def phantoms():
    """Six phantom fields of both classes."""
    return [draw_field(name, index, SETTINGS) for name in ("ALL", "MM") for index in (1, 2, 3)]


def _summary(path, pixels):
    Image.fromarray(pixels).save(path)
    return summarize(Field(path, path.stem, path.stem))


def _jpeg(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _numbered(nuclei):
    return ndimage.label(nuclei)[0]


def _colours(nuclei):
    numbers = _numbered(nuclei)
    colours = np.random.default_rng(0).integers(30, 255, (numbers.max() + 1, 3), np.uint8)
    return np.where(nuclei[..., None], colours[numbers], 0).astype(np.uint8)


def _stretched(nuclei):
    numbers = _numbered(nuclei)
    return np.uint8(numbers * (255 / numbers.max()))


def _levels(nuclei):
    cells = ndimage.binary_dilation(nuclei, iterations=4)
    return np.where(nuclei, 255, 128 * cells).astype(np.uint8)


def _probability(nuclei, blur):
    return np.uint8(np.round(255 * ndimage.gaussian_filter(nuclei.astype(float), blur)))


def _by_distance(nuclei):
    inside, outside = (ndimage.distance_transform_edt(x) for x in (nuclei, ~nuclei))
    return np.uint8(255 / (1 + np.exp((outside - inside) / 1.5)))


def _pure(nuclei):
    return np.uint8([(0, 0, 0), (0, 0, 255), (0, 255, 0)])[_levels(nuclei) // 127]


MASKS = {
    "black and white": lambda n: np.uint8(255 * n),
    "with soft edges": lambda n: ndimage.gaussian_filter(np.uint8(255 * n), 1),
    "numbers": lambda n: np.uint8(_numbered(n)),
    "numbers stretched": _stretched,
    "colours": _colours,
    "levels": _levels,
    "levels through JPEG": lambda n: _jpeg(_levels(n), 85),
    "levels through hard JPEG": lambda n: _jpeg(_levels(n), 50),
    "other levels through JPEG": lambda n: _jpeg(np.uint8([0, 60, 240])[_levels(n) // 127], 75),
    "dark levels through JPEG": lambda n: _jpeg(np.uint8(10 + _levels(n) * 0.7), 90),
    "pure colours through JPEG": lambda n: _jpeg(_pure(n), 75),
    "probability map": lambda n: _probability(n, 2),
    "probability map of no certain pixel": lambda n: np.uint8(0.7 * _probability(n, 2)),
    "small probability map": lambda n: _probability(n[::4, ::4], 1),
    "probability map through JPEG": lambda n: _jpeg(_probability(n, 2), 75),
    "probability of the background": lambda n: 255 - _probability(n, 1.5),
    "probability by distance": _by_distance,
}


@pytest.mark.parametrize("make", MASKS.values(), ids=MASKS)
def test_masks_are_drawn(tmp_path, phantoms, make):
    summaries = [_summary(tmp_path / "m.png", make(phantom.nuclei > 0)) for phantom in phantoms]
    assert all(map(is_mask, summaries))


CHANGES = {
    "as it is": lambda i: i,
    "grey": lambda i: np.asarray(Image.fromarray(i).convert("L")),
    "saved as JPEG": lambda i: _jpeg(i, 20),
    "grey, saved as JPEG": lambda i: _jpeg(np.asarray(Image.fromarray(i).convert("L")), 40),
    "grey and overexposed": lambda i: np.uint8(np.minimum(i.mean(axis=2) * 1.4, 255)),
    "overexposed": lambda i: np.uint8(np.minimum(i * 1.8, 255)),
    "enlarged": lambda i: np.asarray(Image.fromarray(i).resize((1280, 960), 3)),
    "of 32 colours": lambda i: np.asarray(Image.fromarray(i).quantize(32, dither=0).convert("RGB")),
}


@pytest.mark.parametrize("cut", [False, True], ids=["", "cells on black"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_photographs_are_not_drawn(tmp_path, phantoms, change, cut):
    for phantom in phantoms:
        image = phantom.image * (phantom.nuclei + phantom.cytoplasm > 0)[..., None] ** cut
        assert not is_mask(_summary(tmp_path / "m.png", change(image.astype(np.uint8))))


@pytest.mark.real
@pytest.mark.parametrize(
    "pattern",
    ["all-idb2/*/*", "labs/*/*/*", "segpc/images/*", "cnmc/*/*/*.bmp", "wbc-dataset1/*.bmp"],
)
def test_real_photographs_are_far_from_flat(real_data, tmp_path, pattern):
    paths = sorted(real_data.glob(pattern))[:: 5 if "labs" in pattern else 1]
    summaries = [summarize(Field(p, p.stem, p.stem)) for p in paths]
    assert summaries
    assert max(summary.flatness for summary in summaries) < 0.4
    assert not any(map(is_mask, summaries))
    greys = (np.asarray(Image.open(p).convert("L")) for p in paths)
    assert not any(is_mask(_summary(tmp_path / "m.bmp", grey)) for grey in greys)


WEIGHTS = {
    "BT.601": (0.299, 0.587, 0.114),
    "BT.709": (0.2125, 0.7154, 0.0721),
    "mean": (1 / 3,) * 3,
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_grey_copy_with_white_is_of_its_photograph(tmp_path, phantoms, weights):
    first, second = phantoms[:2]
    grey = np.minimum(np.round(first.image @ np.array(weights)), 254)
    mask = np.where(first.nuclei > 0, 255, grey).astype(np.uint8)
    summaries = [_summary(tmp_path / "a.png", p) for p in (mask, first.image, second.image)]
    assert is_masked_copy(summaries[0], summaries[1])
    assert not is_masked_copy(summaries[0], summaries[2])
    assert not is_masked_copy(summaries[1], summaries[0])


def test_jpeg_files_named_bmp_are_of_another_format(tmp_path):
    for name, kind in (("ALL", "BMP"), ("MM", "JPEG")):
        (tmp_path / name).mkdir()
        for index in (1, 2, 3):
            image = draw_field(name, index, replace(SETTINGS, width=192, height=144)).image
            Image.fromarray(image).save(tmp_path / name / f"{index}.bmp", format=kind)
    assert "format-with-class" in {finding.kind for finding in audit(scan(tmp_path)).findings}
