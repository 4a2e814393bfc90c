import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from scipy import ndimage

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.io.readers import get_reader, read


def by_name(layers):
    return {options["name"]: (data, options, kind) for data, options, kind in layers}


def test_what_is_not_ours_is_left_to_others(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert get_reader(str(tmp_path / "notes.txt")) is None
    assert get_reader(str(empty)) is None
    assert get_reader([str(tmp_path / "a.bmp"), str(tmp_path / "notes.txt")]) is None


def test_one_field_opens_with_its_masks(snam, draw):
    path = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    layers = by_name(get_reader(str(path))(str(path)))
    assert set(layers) == {"ALL_1", "ALL_1 background", "ALL_1 nuclei"}
    image, options, kind = layers["ALL_1"]
    assert kind == "image"
    assert options["rgb"] is True
    np.testing.assert_array_equal(image, np.asarray(Image.open(path)))
    nuclei, options, kind = layers["ALL_1 nuclei"]
    expected, count = ndimage.label(draw("ALL", 1)[1])
    assert kind == "labels"
    np.testing.assert_array_equal(nuclei > 0, expected > 0)
    assert nuclei.max() == count == 12
    assert list(options["features"]["index"]) == list(range(1, 13))
    assert layers["ALL_1 background"][1]["visible"] is False


def test_a_folder_opens_as_lazy_stacks(snam, monkeypatch):
    import napari_marrow.data.fields as fields

    opened = []
    plain = fields.read_image
    monkeypatch.setattr(fields, "read_image", lambda path, bits: opened.append(path) or plain(path))
    layers = by_name(read(str(snam)))
    # A hidden stack of backgrounds would be one layer more to wait for.
    assert set(layers) == {"PKG - SN-AM", "PKG - SN-AM nuclei"}
    image, _, _ = layers["PKG - SN-AM"]
    assert image.shape == (6, 48, 64, 3)
    assert layers["PKG - SN-AM nuclei"][0].shape == (6, 48, 64)
    assert opened == []  # nothing is read before it is looked at
    path = snam / "PKG - SN-AM" / "MM" / "MM_2.bmp"
    np.testing.assert_array_equal(np.asarray(image[4]), np.asarray(Image.open(path)))
    assert opened == [path]
    # MM has one large nucleus.
    assert np.asarray(layers["PKG - SN-AM nuclei"][0][4]).max() == 1


def test_fields_of_other_sizes_lie_in_the_corner_of_the_largest(tmp_path):
    folder = tmp_path / "ALL"
    folder.mkdir()
    Image.fromarray(np.full((10, 20, 3), 7, np.uint8)).save(folder / "a.png")
    Image.fromarray(np.full((30, 12, 3), 9, np.uint8)).save(folder / "b.png")
    image = by_name(read(str(tmp_path)))[tmp_path.name][0]
    assert image.shape == (2, 30, 20, 3)
    first = np.asarray(image[0])
    assert (first[:10, :20] == 7).all()
    assert (first[10:] == 0).all()


def test_a_damaged_photograph_does_not_hide_the_others(make_snam, tmp_path, notified):
    root = make_snam(tmp_path / "s", 2)
    (root / "ALL" / "ALL_1.bmp").write_bytes((root / "ALL" / "ALL_1.bmp").read_bytes()[:500])
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(root / "MM" / "MM_1_nucleus_mask.bmp")
    layers = by_name(read(str(root)))
    assert "ALL_1.bmp is cut off" in notified[0]
    assert "MM_1_nucleus_mask.bmp is 5x5" in notified[0]
    assert layers[root.name][0].shape[0] == 3
    assert np.asarray(layers[f"{root.name} nuclei"][0][1]).max() == 0


def test_a_bad_mask_does_not_hide_its_photograph(make_snam, tmp_path, notified):
    folder = make_snam(tmp_path / "s", 1) / "ALL"
    Image.new("L", (64, 48), 255).save(folder / "ALL_1_cyto_mask.png")  # unclear
    mask = folder / "ALL_1_nucleus_mask.bmp"
    Image.new("L", (64, 48), 1).save(mask)
    layers = by_name(read(str(folder / "ALL_1.bmp")))
    assert layers.keys() == {"ALL_1", "ALL_1 background"}
    assert any("ALL_1_nucleus_mask.bmp" in text for text in notified)
    assert any("ALL_1_cyto_mask.png" in text for text in notified)


def test_a_lone_mask_becomes_labels(snam):
    path = snam / "PKG - SN-AM" / "ALL" / "ALL_2_nucleus_mask.bmp"
    [(data, options, kind)] = read(str(path))
    assert (kind, options["name"]) == ("labels", "ALL_2 nuclei")
    assert data.max() == 12


def test_several_photographs_become_one_stack(snam):
    folder = snam / "PKG - SN-AM" / "ALL"
    paths = [str(folder / "ALL_1.bmp"), str(folder / "ALL_3.bmp")]
    assert by_name(get_reader(paths)(paths))["ALL"][0].shape == (2, 48, 64, 3)


def test_nothing_readable_is_one_sentence(tmp_path):
    path = tmp_path / "a.bmp"
    path.write_bytes(b"BM")
    with pytest.raises(MarrowError, match=r"a\.bmp"):
        read(str(path))


def test_the_layers_go_into_a_viewer(snam):
    viewer = ViewerModel()
    for data, options, kind in read(str(snam)):
        getattr(viewer, f"add_{kind}")(data, **options)
    assert viewer.dims.nsteps[0] == 6
    assert viewer.layers[0].rgb


def test_a_folder_that_scan_reads_is_ours_however_deep(tmp_path):
    folder = tmp_path / "TCIA" / "train" / "x"
    folder.mkdir(parents=True)
    Image.fromarray(np.full((10, 20, 3), 7, np.uint8)).save(folder / "106.bmp")
    assert get_reader(str(tmp_path)) is not None


def test_layers_have_the_size_of_the_pixels_where_all_files_tell_one(tmp_path, make_snam):
    root = make_snam(tmp_path / "s", 2)
    for folder in (root / "ALL", root / "MM"):
        for path in folder.iterdir():
            image = Image.open(path)
            image.load()
            image.save(path, dpi=(127_000, 101_600))  # 0.2 and 0.25 um
    layers = by_name(read(str(root)))
    assert len(layers) == 2
    for data, options, _ in layers.values():
        np.testing.assert_allclose(options["scale"], (1, 0.25, 0.2), atol=1e-6)
        assert options["units"] == ("pixel", "um", "um")
        assert data.shape[:3] == (4, 48, 64)
    for data, options, _ in read(str(root / "ALL/ALL_1.bmp")):
        np.testing.assert_allclose(options["scale"], (0.25, 0.2), atol=1e-6)
        assert options["units"] == ("um", "um")
        assert data.shape[:2] == (48, 64)
    [(_, options, _)] = read(str(root / "ALL/ALL_1_nucleus_mask.bmp"))
    np.testing.assert_allclose(options["scale"], (0.25, 0.2), atol=1e-6)
    Image.open(root / "MM/MM_1.bmp").save(root / "MM/MM_1.bmp", dpi=(72, 72))
    assert all("scale" not in options for _, options, _ in read(str(root)))
