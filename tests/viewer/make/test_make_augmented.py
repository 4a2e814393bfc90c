"""What augmentation writes of a photograph's layer."""

import numpy as np
import pytest
from napari.layers import Image, Labels
from PIL import Image as Picture

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.jobs.augment import AugmentJob, run_augmentation
from napari_marrow.viewer.make import augmented as products
from napari_marrow.viewer.make.augmented import (
    augment_photograph,
    left_out,
    written_fields,
)
from napari_marrow.viewer.photograph.photograph import Photograph

NAMES = {"..": "unnamed", "   ": "unnamed", "n" * 300: "n" * 120, "é" * 99: "é" * 60}


@pytest.mark.parametrize(("name", "stem"), NAMES.items(), ids=["dots", "spaces", "long", "wide"])
@pytest.mark.parametrize("many", [1, 2])
def test_layers_of_any_name_are_written(draw, tmp_path, name, stem, many):
    photograph, _ = draw()
    data = photograph if many == 1 else np.stack([photograph, photograph[::-1]])
    image = Image(data, rgb=True, name=name)
    (tmp_path / "given").mkdir()
    fields = written_fields(Photograph.of(image, [image]), tmp_path / "given", Failures())
    run_augmentation(AugmentJob(fields, AugmentSettings(("mirror",)), tmp_path / "out"))
    found = scan(tmp_path / "out").fields
    stems = [stem] if many == 1 else [f"{stem} 0", f"{stem} 1"]
    assert {f.name for f in found} == {*stems, *(f"{x}_mirror" for x in stems)}
    assert {f.source for f in found} == set(stems)


def test_a_full_disk_is_a_sentence(draw, tmp_path, monkeypatch):
    def full(*given, **options):
        raise OSError(28, "No space left on device", "a path of ours")

    monkeypatch.setattr(Picture.Image, "save", full)
    image = Image(draw()[0], rgb=True, name="a")
    with pytest.raises(MarrowError, match=r"^a can't be written .*No space left .*free some space"):
        written_fields(Photograph.of(image, [image]), tmp_path, Failures())


def test_products_are_of_the_labels_as_they_were(draw, monkeypatch):
    """Also where they are made when they are looked at, and somebody paints on in the meantime."""
    monkeypatch.setattr(products, "MAX_BYTES_IN_MEMORY", 0)
    photographs = np.stack([draw(seed=k)[0] for k in range(2)])
    image = Image(photographs, rgb=True, name="a")
    drawn = Labels(np.zeros(photographs.shape[:3], np.uint8), name="drawn")
    drawn.data[:, 3, 5] = 3
    made = augment_photograph(Photograph.of(image, [image, drawn]), AugmentSettings(("mirror",)))
    drawn.data[:] = 9
    [(_, name, labels)] = made.labels
    assert name == "drawn"
    assert np.unique(labels[0]).tolist() == np.unique(labels[3]).tolist() == [0, 3]


def test_labels_that_no_mask_is_made_of_are_said(draw):
    image = Image(draw()[0], rgb=True, name="a")
    shape = image.data.shape[:2]
    mask, other = (Labels(np.zeros(shape, np.uint8), name=name) for name in ("a nuclei", "Labels"))
    assert left_out(Photograph.of(image, [image, mask])) == []
    (told,) = left_out(Photograph.of(image, [image, mask, other]))
    assert "Labels" in told
    assert "a nuclei" in told


def test_a_folder_and_layers_hold_the_same_pictures(draw, tmp_path):
    """Of random operations with copies too, and with names that depend on the other fields."""
    photographs = np.stack([draw(seed=k)[0] for k in range(2)])
    image = Image(photographs, rgb=True, name="a")
    settings = AugmentSettings(("noise", "translate", "rotate90"), copies=2, originals=False)
    photograph = Photograph.of(image, [image])
    (tmp_path / "given").mkdir()
    fields = written_fields(photograph, tmp_path / "given", Failures())
    result = run_augmentation(AugmentJob(fields, settings, tmp_path / "out"))
    written = {f.name: f.image() for f in scan(tmp_path / "out").fields}
    made = augment_photograph(photograph, settings)
    assert result.images == len(made.products) == len(written) == 2 * (2 + 2 + 1)
    for product, picture in zip(made.products, made.photographs, strict=True):
        height, width = product.size
        assert np.array_equal(picture[:height, :width], written[product.name]), product.name
