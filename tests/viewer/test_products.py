"""What augmentation writes of a photograph's layer."""

import numpy as np
import pytest
from napari.layers import Image
from PIL import Image as Picture

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.augment import AugmentSettings
from napari_marrow.jobs.augment import AugmentJob, run_augmentation
from napari_marrow.viewer.gathering import gathered
from napari_marrow.viewer.products import written_fields

NAMES = {"..": "unnamed", "   ": "unnamed", "n" * 300: "n" * 120, "é" * 99: "é" * 60}


@pytest.mark.parametrize(("name", "stem"), NAMES.items(), ids=["dots", "spaces", "long", "wide"])
@pytest.mark.parametrize("many", [1, 2])
def test_layers_of_any_name_are_written(draw, tmp_path, name, stem, many):
    photograph, _ = draw()
    data = photograph if many == 1 else np.stack([photograph, photograph[::-1]])
    image = Image(data, rgb=True, name=name)
    (tmp_path / "given").mkdir()
    fields = written_fields(gathered(image, [image]), tmp_path / "given")
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
        written_fields(gathered(image, [image]), tmp_path)
