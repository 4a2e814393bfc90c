"""Files that a scan passes over are named once, with what to do."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan


@pytest.mark.parametrize("name", ["1.heic", "b.WEBP", "slide 3.czi", "4.svs", "x/5.nd2", "6.jp2"])
def test_images_of_other_formats_are_named_with_a_remedy(put, tmp_path, name):
    put("1.png")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    (tmp_path / "notes.pdf").write_bytes(b"x")
    warnings = scan(tmp_path).warnings
    (warning,) = [w for w in warnings if name in w]
    assert "TIFF or PNG" in warning
    assert any("1 file that is not an image: notes.pdf" in w for w in warnings)
    (tmp_path / "1.png").unlink()
    with pytest.raises(MarrowError, match="TIFF or PNG") as error:
        scan(tmp_path)
    assert name in str(error.value)
    with pytest.raises(MarrowError, match="TIFF or PNG"):
        scan(path)


@pytest.mark.parametrize("suffix", ["jfif", "JFIF", "jpe"])
def test_jpegs_of_other_names_are_photographs(tmp_path, suffix):
    Image.new("RGB", (20, 30), (200, 150, 180)).save(tmp_path / f"1.{suffix}", "JPEG")
    (field,) = scan(tmp_path).fields
    assert field.image().shape == (30, 20, 3)


@pytest.mark.parametrize("mask", ["1_mask.png", "1-Mask.bmp", "mask_1.tif"])
def test_masks_without_a_kind_are_named_once_and_can_be_moved(put, tmp_path, mask):
    put("ALL/1.png", "MM/2.png", f"ALL/{mask}")
    (warning,) = [w for w in scan(tmp_path).warnings if mask in w]
    assert "nucleus_mask" in warning
    if not mask.startswith("mask"):
        (tmp_path / "ALL/masks").mkdir()
        (tmp_path / "ALL" / mask).rename(tmp_path / "ALL/masks" / mask)
        assert [f.mask_kinds for f in scan(tmp_path).fields] == [{"nucleus"}, set()]


@pytest.mark.parametrize("name", ["{}_seg.png", "{}_label.tif", "{}_cells.bmp"])
@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_label_files_of_few_nuclei_are_masks(tmp_path, name, n_labels):
    for k in range(3):
        pixels = np.random.default_rng(k).integers(60, 250, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
        labels = np.zeros((60, 80), np.uint16 if name.endswith("tif") else np.uint8)
        for label in range(1, n_labels + 1):
            labels[10:25, 20 * label : 20 * label + 12] = label
        Image.fromarray(labels).save(tmp_path / name.format(k))
    found = {f.kind: f.files for f in audit(scan(tmp_path)).findings}
    assert set(found["mask-as-image"]) == {name.format(k) for k in range(3)}
    assert "blank" not in found


def test_dark_pictures_are_no_label_files(tmp_path):
    for k in range(3):
        dark = np.random.default_rng(k).integers(0, 3, (60, 80, 3), np.uint8)
        Image.fromarray(dark).save(tmp_path / f"{k}.{('png', 'bmp', 'jpg')[k]}")
    few = np.zeros((60, 80, 3), np.uint8)
    few[::9, ::7] = 1
    Image.fromarray(few).save(tmp_path / "few.png")
    found = {f.kind: f.files for f in audit(scan(tmp_path)).findings}
    assert len(found["blank"]) == 4
