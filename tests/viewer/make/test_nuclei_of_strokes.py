"""Nuclei are made of the strokes that the sentence counts: of ticked fields, each once."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.make.annotating import nuclei_of_strokes, show_nuclei_of_strokes
from napari_marrow.viewer.make.stains import recoloured_layer
from napari_marrow.viewer.photograph.annotations import new_cells_layer, set_chosen
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import EditableStack
from napari_marrow.viewer.training.learning import summarize_learning

SHAPE = (120, 160)
FREE = slice(4, 8), slice(140, 144)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def folder(make_snam, tmp_path):
    """Four photographs without masks."""
    return make_snam(tmp_path / "data", 2, size=SHAPE, masks=False)


def opened(viewer, path):
    data, options, _ = read(str(path))[0]
    return viewer.add_layer(Image(data, **options))


def add_nuclei(viewer, image, lazy=True):
    """Two nuclei in each field."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[50:70, 20:40], labels[50:70, 60:80] = 1, 2
    info = LayerInfo(kind=Kind.NUCLEI, photograph=layer_id(image), segmented=True).metadata()
    data = labels if image.data.ndim == 3 else np.stack([labels] * len(image.data))
    if image.data.ndim == 4 and lazy:
        data = EditableStack([labels.copy] * len(image.data), SHAPE, np.uint16)
    return viewer.add_layer(Labels(data, name=f"{image.name} nuclei", metadata=info))


def stroke(viewer, image, rows):
    """A stroke on a nucleus and one on none in each of these rows."""
    cells = viewer.add_layer(new_cells_layer(image, ("ALL", "MM")))
    for row in rows:
        field = cells.data if row is None else cells.data[row]
        field[FREE] = field[55:58, 25:28] = 1
    return cells


def make(viewer):
    made = nuclei_of_strokes(Photograph.open_in(viewer.layers))
    return made, sum(show_nuclei_of_strokes(viewer, x) for x in made)


def summary(viewer, unit="cell"):
    return summarize_learning(Photograph.open_in(viewer.layers), unit)


@pytest.mark.parametrize("kind", ["segmented", "in memory", "masks", "single photographs"])
def test_only_ticked_fields_get_nuclei_and_one_undo_takes_them_back(viewer, folder, snam, kind):
    if kind == "single photographs":
        images = [opened(viewer, path) for path in sorted(folder.glob("*/*.bmp"))]
        for image in images:
            stroke(viewer, image, [None])
            add_nuclei(viewer, image)
        set_chosen(images[3], [0], False)
    elif kind == "masks":
        for data, options, made_of in read(str(snam)):
            viewer.add_layer((Image if made_of == "image" else Labels)(data, **options))
        image = viewer.layers[0]
        cells = viewer.add_layer(new_cells_layer(image, ("ALL", "MM")))
        cells.data[:, :2, :2] = 1
        set_chosen(image, [3, 4, 5], False)
    else:
        image = opened(viewer, folder)
        stroke(viewer, image, range(4))
        nuclei = add_nuclei(viewer, image, kind == "segmented")
        set_chosen(image, [3], False)
    found = Photograph.open_in(viewer.layers)
    before = [x.cells(row).copy() for x in found for row in range(len(x))]
    assert summary(viewer).n_loose_strokes == 3
    assert make(viewer)[1] == 3
    found = Photograph.open_in(viewer.layers)
    after = [x.cells(row) for x in found for row in range(len(x))]
    n_new = [len(np.unique(b)) - len(np.unique(a)) for a, b in zip(before, after, strict=True)]
    assert n_new == [1] * 3 + [0] * (len(before) - 3)
    if kind in ("segmented", "in memory"):
        nuclei.undo()
        np.testing.assert_array_equal(np.asarray(nuclei.data), before)
        nuclei.redo()
        np.testing.assert_array_equal(np.asarray(nuclei.data), after)


@pytest.mark.parametrize("how", ["changed", "removed", "cut off"])
def test_a_file_that_is_no_longer_as_opened_leaves_out_one_field(viewer, folder, how):
    image = opened(viewer, folder)
    nuclei = add_nuclei(viewer, image)
    stroke(viewer, image, range(4))
    path = folder / "MM" / "MM_1.bmp"
    whole = path.read_bytes()
    path.unlink()
    if how != "removed":
        path.write_bytes(whole[:-1] + b"7" if how == "changed" else whole[:999])
    made, count = make(viewer)
    assert count == 3
    [(name, reason)] = [x for one in made for x in one.left_out]
    assert name == "MM_1"
    assert "MM_1.bmp" in reason
    assert [len(np.unique(nuclei.data.read(row))) - 3 for row in range(4)] == [1, 1, 0, 1]


@pytest.mark.parametrize("kind", ["single", "stack", "without nuclei"])
def test_labels_over_a_photograph_and_its_product_count_once(viewer, folder, kind):
    path = folder / "ALL" / "ALL_1.bmp" if kind == "single" else folder
    image = opened(viewer, path)
    rows = [None] if kind == "single" else [0, 2]
    cells = stroke(viewer, image, rows)
    for row in rows:  # outvoted, and without a class
        field = cells.data if row is None else cells.data[row]
        field[65, 65], field[52:54, 62:70], field[100, 100] = 2, 1, 7
    pixels = np.asarray(image.data) ^ 1
    photograph = Photograph.of(image, viewer.layers)
    product = viewer.add_layer(recoloured_layer(photograph, pixels, "macenko"))
    if kind != "without nuclei":
        add_nuclei(viewer, image)
    before = summary(viewer), summary(viewer, "field")
    set_chosen(product, range(len(rows) * 2), True)
    for one, unit in zip(before, ("cell", "field"), strict=True):
        both = summary(viewer, unit)
        assert sum(both.units.values()) == 2 * sum(one.units.values())
        for name in ("loose", "outvoted", "unknown"):
            count = getattr(one, f"n_{name}_strokes")
            assert getattr(both, f"n_{name}_strokes") == count
        assert both.n_unused_cells == one.n_unused_cells
    n_loose = before[0].n_loose_strokes
    assert n_loose == len(rows) or kind == "without nuclei"
    assert make(viewer)[1] == n_loose
    assert summary(viewer).n_loose_strokes == 0
    cells.visible = False
    assert summary(viewer).sentence().count("is hidden: its") == 1
