import hashlib

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.photograph.annotations import new_cells_layer, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.session import (
    fingerprints,
    write_session,
)


def fill(viewer, layers):
    for data, options, kind in layers:
        getattr(viewer, f"add_{kind}")(data, **options)


def test_fields_of_files_are_named_and_others_written(snam, draw, tmp_path):
    viewer = ViewerModel()
    path = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    fill(viewer, read(str(path)))
    image, _ = draw("MM", 5)
    viewer.add_image(image, rgb=True, name="loose")
    set_field_class(viewer.layers["loose"], 0, "MM")
    collection = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0]
    first, second = collection.fields
    assert (first.path, first.class_name, first.name) == (path, "ALL", "ALL_1")
    assert second.class_name == "MM"
    np.testing.assert_array_equal(np.asarray(Image.open(second.path)), image)
    for photograph, field in zip(Photograph.all_of(viewer.layers), collection.fields, strict=True):
        assert hashlib.sha256(field.path.read_bytes()).hexdigest() in fingerprints(photograph, 0)


def test_a_field_without_a_class_is_left_out(draw, tmp_path):
    viewer = ViewerModel()
    viewer.add_image(draw()[0], rgb=True, name="no class")
    with pytest.raises(MarrowError, match="Nothing open has a class"):
        write_session(Photograph.all_of(viewer.layers), tmp_path, "field")
    with pytest.raises(MarrowError, match="No photograph is open"):
        Photograph.all_of([])


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_a_field_that_can_not_be_read_is_left_out(make_snam, tmp_path, unit):
    root, viewer = make_snam(tmp_path / "in", 2, wrapped=False, masks=False), ViewerModel()
    fill(viewer, read(str(root)))
    path = root / "MM" / "MM_1.bmp"
    path.write_bytes(path.read_bytes()[:500])
    photographs = Photograph.all_of(viewer.layers)
    collection, summary = write_session(photographs, tmp_path, unit)
    assert [field.name for field in collection.fields] == ["ALL_1", "ALL_2", "MM_2"]
    [(name, reason)] = summary.left_out
    assert name == "MM_1"
    assert "MM_1.bmp is cut off" in reason


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_the_sentence_leaves_out_masks_and_broken_pictures(make_snam, draw, tmp_path, unit):
    root, viewer = make_snam(tmp_path / "in", 3, wrapped=False, masks=False), ViewerModel()
    fill(viewer, read(str(root)))
    path = root / "MM" / "MM_1.bmp"
    path.write_bytes(path.read_bytes()[:500])
    image, mask = draw("ALL", 9, (240, 320))
    black = np.repeat(np.uint8(mask > 0)[..., None] * 255, 3, axis=2)
    pictures = {"a": image, "a mask": black, "a copy": np.where(black > 0, black, image)}
    pictures["levels"] = np.where(black > 0, np.uint8(200), np.uint8(90))
    for name, pixels in pictures.items():
        viewer.add_image(pixels, rgb=True, name=name)
        set_field_class(viewer.layers[name], 0, "ALL")
    photographs = Photograph.all_of(viewer.layers)
    before = summarize_learning(photographs, unit, count_all=False)
    (tmp_path / "session").mkdir()
    collection, after = write_session(photographs, tmp_path / "session", unit)
    assert [name for name, _ in before.left_out] == ["MM_1", "a mask", "a copy", "levels"]
    assert before.left_out == after.left_out
    assert "2 fields left out: a mask by its pixels;" in before.sentence()
    assert len(collection.fields) == 6
    assert not [f for f in audit(collection).findings if f.kind == "mask-as-image"]
    if unit == "field":
        assert before.units == after.units == {"ALL": 4, "MM": 2}


def test_painted_cells_carry_their_class(snam, tmp_path):
    viewer = ViewerModel()
    fill(viewer, read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")))
    nuclei = viewer.layers["ALL_1 nuclei"].data
    cells = viewer.add_layer(new_cells_layer(viewer.layers["ALL_1"], ("ALL", "MM")))
    cells.data[nuclei == 3] = 2
    cells.data[nuclei == 5] = 1
    [field] = write_session(Photograph.all_of(viewer.layers), tmp_path, "cell")[0].fields
    assert dict(field.cell_classes) == {3: "MM", 5: "ALL"}
    np.testing.assert_array_equal(field.instances(), nuclei)


def test_edited_nuclei_are_what_is_learnt_from(snam, tmp_path):
    viewer = ViewerModel()
    fill(viewer, read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")))
    layer = viewer.layers["ALL_1 nuclei"]
    layer.data = np.where(layer.data == 1, 0, layer.data)
    [field] = write_session(Photograph.all_of(viewer.layers), tmp_path, "cell")[0].fields
    assert 1 not in np.unique(field.instances())


def test_numbered_cells_carry_the_class_of_their_row(draw, tmp_path):
    viewer = ViewerModel()
    image, mask = draw("MM", 2)
    viewer.add_image(image, rgb=True, name="x")
    table = pd.DataFrame({"index": [7], "class": ["MM"]})
    viewer.add_labels(mask * 7, name="my cells", features=table)
    [field] = write_session(Photograph.all_of(viewer.layers), tmp_path, "cell")[0].fields
    assert field.class_name is None
    assert dict(field.cell_classes) == {7: "MM"}
    np.testing.assert_array_equal(field.instances(), mask * 7)


def test_each_field_of_a_stack_has_its_own_class_and_source(snam, tmp_path):
    viewer = ViewerModel()
    fill(viewer, read(str(snam)))
    set_field_class(viewer.layers["PKG - SN-AM"], 0, "other")
    collection = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0]
    assert [f.class_name for f in collection.fields] == ["other", *["ALL"] * 2, *["MM"] * 3]
    assert len({f.source for f in collection.fields}) == 6


def test_the_same_photograph_open_twice_counts_once(snam, tmp_path):
    viewer = ViewerModel()
    for _ in range(2):
        fill(viewer, read(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")))
    collection = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0]
    assert len(collection.fields) == 1
