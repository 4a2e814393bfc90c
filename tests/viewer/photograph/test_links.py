"""Which layers belong together, and whether a layer still shows its file."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.io.writers import write_labels
from napari_marrow.viewer.layer_info import Kind, LayerInfo, linked_info
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.photograph.annotations import (
    new_cells_layer,
    set_field_class,
)
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.session import write_session


def add(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


@pytest.fixture
def twins(snam, tmp_path):
    """A viewer with two different photographs of the same name, each with its nuclei."""
    viewer = ViewerModel()
    for number in (1, 2):
        folder = tmp_path / str(number) / "ALL"
        folder.mkdir(parents=True)
        for ending in (".bmp", "_nucleus_mask.bmp"):
            source = snam / "PKG - SN-AM" / "ALL" / f"ALL_{number}{ending}"
            shutil.copy(source, folder / f"same{ending}")
        add(viewer, folder / "same.bmp")
    return viewer


def test_annotations_stay_with_the_photograph_they_were_made_for(twins):
    first, second = twins.layers["same"], twins.layers["same [1]"]
    made = twins.add_layer(new_cells_layer(second, ("ALL", "MM")))
    made.data[0, 0] = 1
    assert not Photograph.of(first, twins.layers).annotations
    second.name = "renamed"
    assert Photograph.of(second, twins.layers).annotations[-1].layer is made


def test_edited_nuclei_stay_with_their_photograph(twins):
    nuclei = twins.layers["same nuclei [1]"]
    nuclei.data = np.zeros_like(nuclei.data)
    first, second = Photograph.all_of(twins.layers)
    assert first.labels(0).max() == 12
    assert second.labels(0).max() == 0


def saved_files(viewer, names, folder):
    """Save layers and return their files."""
    for name in names:
        layer = viewer.layers[name]
        write_labels(str(folder / f"{name}.tif"), *layer.as_layer_data_tuple()[:2])
    return [folder / f"{name}.tif" for name in names]


def unused(viewer):
    return summarize_learning(Photograph.open_in(viewer.layers), "cell").sentence()


@pytest.mark.parametrize("which", ["files", "pixels", "one name in two folders"])
def test_saved_labels_belong_to_their_photograph_and_to_no_other(snam, tmp_path, draw, which):
    def show(number):
        if which == "pixels":
            viewer.add_image(draw("ALL", number)[0], rgb=True, name=f"array {number}")
        else:
            add(viewer, paths[number])

    paths = [snam / "PKG - SN-AM" / "ALL" / f"ALL_{k}.bmp" for k in (1, 2)]
    if which == "one name in two folders":
        for number in (0, 1):
            (tmp_path / str(number)).mkdir()
            paths[number] = shutil.copy(paths[number], tmp_path / str(number) / "same.bmp")
    viewer = ViewerModel()
    show(0)
    [photograph] = Photograph.all_of(viewer.layers)
    nuclei = Labels(draw("ALL", 1)[1].astype(np.uint8), name=f"{photograph.name} segmented nuclei")
    nuclei.metadata = linked_info(photograph.layer, Kind.SEGMENTED_NUCLEI).metadata()
    viewer.add_layer(nuclei)
    cells = viewer.add_layer(new_cells_layer(photograph.layer, ("ALL", "MM")))
    cells.data[nuclei.data > 0] = 2
    files = saved_files(viewer, [nuclei.name, cells.name], tmp_path)
    viewer.layers.clear()
    show(1)
    for file in files:
        add(viewer, file)
    [other] = Photograph.all_of(viewer.layers)
    assert not other.annotations
    assert other.nuclei is None or other.nuclei.layer.name != nuclei.name
    for file in files:
        assert f"{file.stem} over {other.name} is not used: it belongs to" in unused(viewer)
    assert "which is not open" in unused(viewer)
    show(0)
    viewer.layers.move(viewer.layers.index(nuclei.name), len(viewer.layers))
    found = Photograph.all_of(viewer.layers)[-1]
    assert found.nuclei.layer.name == nuclei.name
    assert found.annotated(0).classes == {1: "MM"}
    assert not Photograph.all_of(viewer.layers)[0].annotations
    assert "is not used" not in unused(viewer)
    viewer.layers.remove(found.layer)  # as before it was opened
    assert not Photograph.all_of(viewer.layers)[0].annotations


@pytest.mark.parametrize("how", ["moved", "copied", "another of this name"])
def test_saved_labels_know_a_file_that_was_moved(snam, tmp_path, draw, how):
    source = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    first, second = tmp_path / "a" / "1.bmp", tmp_path / "b" / "1.bmp"
    for path in (first, second):
        path.parent.mkdir()
    shutil.copy(source, first)
    viewer = ViewerModel()
    add(viewer, first)
    cells = viewer.add_layer(new_cells_layer(viewer.layers["1"], ("ALL", "MM")))
    cells.data[:] = 1
    files = saved_files(viewer, [cells.name], tmp_path)
    viewer.layers.clear()
    if how == "another of this name":
        Image.fromarray(draw("MM", 1)[0]).save(second)
    else:
        (shutil.move if how == "moved" else shutil.copy)(first, second)
    add(viewer, second)
    add(viewer, files[0])
    [photograph] = Photograph.all_of(viewer.layers)
    assert len(photograph.annotations) == (how != "another of this name")


@pytest.mark.parametrize("again", ["the same", "other operations"])
def test_saved_labels_of_augmented_pictures_belong_to_the_same_pictures(snam, tmp_path, again):
    def augment(*operations):
        [photograph] = Photograph.all_of(viewer.layers)
        stacks = augment_photograph(photograph, AugmentSettings(operations))
        return viewer.add_layer(augmented_layers(photograph, stacks)[0])

    viewer = ViewerModel()
    add(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    cells = viewer.add_layer(new_cells_layer(augment("flip"), ("ALL", "MM")))
    cells.data[1, :9] = 2
    files = saved_files(viewer, [cells.name], tmp_path)
    viewer.layers.clear()
    add(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    augment("flip" if again == "the same" else "noise")
    add(viewer, files[0])
    products = Photograph.all_of(viewer.layers)[1]
    assert len(products.annotations) == (again == "the same")


def labelled(viewer, photograph, n_nuclei):
    """Add nuclei to a photograph: as many squares in each of its fields."""
    labels = np.zeros(photograph.data.shape[:-1], np.uint16)
    for k in range(n_nuclei):
        labels[..., 10:30, 5 + 20 * k : 20 + 20 * k] = k + 1
    info = linked_info(photograph, Kind.NUCLEI)
    return viewer.add_labels(labels, name=f"{photograph.name} nuclei", metadata=info.metadata())


def n_nuclei(viewer):
    """By the file of each field, the highest label on it; 0 where it has none."""
    return {
        field.path: 0 if photograph.nuclei is None else int(photograph.labels(row).max())
        for photograph in Photograph.open_in(viewer.layers)
        for row, field in enumerate(photograph.files)
    }


@pytest.fixture
def patients(draw, tmp_path):
    """A study of two patients, who have photographs of the same names."""
    for patient, name in (("P1", "ALL"), ("P2", "MM")):
        (tmp_path / "study" / patient).mkdir(parents=True)
        for number in (1, 2):
            picture = Image.fromarray(draw(name, number)[0])
            picture.save(tmp_path / "study" / patient / f"img_{number}.bmp")
    return tmp_path / "study"


@pytest.mark.parametrize(
    "change", ["renamed", "renamed, of an earlier version", "patients renamed"]
)
@pytest.mark.parametrize("what", ["img_1.bmp", ""])
def test_labels_of_patients_whose_files_have_the_same_names_stay_apart(
    patients, tmp_path, change, what
):
    files = []
    for number, patient in enumerate(("P1", "P2"), 1):
        viewer = ViewerModel()
        add(viewer, patients / patient / what)
        made = labelled(viewer, viewer.layers[0], number)
        made.name = f"{patient} nuclei"
        if "earlier" in change:
            replace(LayerInfo.of(made), contents=()).set_on(made)
        files += saved_files(viewer, [made.name], tmp_path)
    study = shutil.move(patients, tmp_path / "study 2026")
    places = {1: study / "P1" / what, 2: study / "P2" / what}
    if change == "patients renamed":
        places = {
            k: path.rename(study / f"{k}") / what
            for k, path in {1: study / "P1", 2: study / "P2"}.items()
        }
    viewer = ViewerModel()
    for path in (*places.values(), *files):
        add(viewer, path)
    found = n_nuclei(viewer)
    assert len(found) == (2 if what else 4)
    for path, n in found.items():
        assert path.is_relative_to(places[n])
    viewer.layers.pop(0)
    assert {*n_nuclei(viewer).values()} == {2}
    assert "P1 nuclei over" in unused(viewer)
    viewer = ViewerModel()
    add(viewer, places[2])
    add(viewer, files[0])
    assert {*n_nuclei(viewer).values()} == {0}
    assert "P1 nuclei over" in unused(viewer)


def test_labels_of_a_photograph_that_is_gone_are_not_of_another_of_its_name(draw, tmp_path):
    paths = [tmp_path / "set" / place for place in ("ALL/1.bmp", "ALL/2.bmp", "MM/3.bmp")]
    for number, path in enumerate(paths, 1):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw("ALL", number)[0]).save(path)
    viewer = ViewerModel()
    add(viewer, tmp_path / "set")
    made = labelled(viewer, viewer.layers[0], 1)
    files = saved_files(viewer, [made.name], tmp_path)
    moved = shutil.move(paths[1], tmp_path / "set" / "MM" / "2.bmp")
    viewer.layers.clear()
    add(viewer, tmp_path / "set")
    add(viewer, files[0])
    assert {*n_nuclei(viewer).values()} == {1}
    Image.fromarray(draw("MM", 4)[0]).save(moved)  # another photograph of this name
    for first in (tmp_path / "set", files[0]):
        viewer.layers.clear()
        for path in (first, *({tmp_path / "set", files[0]} - {first})):
            add(viewer, path)
        viewer.layers.move(viewer.layers.index(made.name), len(viewer.layers))
        assert {*n_nuclei(viewer).values()} == {0}
        assert "is not used: it belongs to ALL/2, which is not open" in unused(viewer)


@pytest.mark.parametrize("saved", [False, True])
def test_labels_of_augmented_pictures_stay_with_those_of_their_photograph(
    patients, tmp_path, saved
):
    viewer, files = ViewerModel(), []
    for number, patient in enumerate(("P1", "P2"), 1):
        add(viewer, patients / patient / "img_1.bmp")
        photograph = Photograph.of(viewer.layers[-1], viewer.layers)
        stacks = augment_photograph(photograph, AugmentSettings(("rotate90",)))
        made = viewer.add_layer(augmented_layers(photograph, stacks)[0])
        labelled(viewer, made, number).name = f"{patient} made"
        if saved:
            files += saved_files(viewer, [f"{patient} made"], tmp_path)
    augmented = [x for x in viewer.layers if "augmented" in x.name and x.rgb]
    if saved:
        for file in files:
            viewer.layers.remove(file.stem)
            add(viewer, file)
    viewer.layers.remove(augmented[0])
    names = {x.name: [y.name for y in own] for x, own in labels_of(viewer.layers).items()}
    assert names[augmented[1].name] == ["P2 made"]


def test_own_nuclei_that_were_saved_belong_to_their_photograph(
    make_napari_viewer_proxy, snam, tmp_path, draw
):
    viewer, folder = make_napari_viewer_proxy(), snam / "PKG - SN-AM" / "ALL"
    add(viewer, folder / "ALL_1.bmp")
    viewer.add_labels(draw("ALL", 1)[1].astype(np.uint8), name="ALL_1 nuclei of StarDist")
    viewer.add_labels(draw("ALL", 1)[1].astype(np.uint8), name="parts")
    assert Photograph.all_of(viewer.layers)[0].own_labels.keys() == {"parts"}
    parts, file = saved_files(viewer, ["parts", "ALL_1 nuclei of StarDist"], tmp_path)
    viewer.layers.clear()
    add(viewer, folder / "ALL_2.bmp")
    add(viewer, file)
    add(viewer, parts)
    assert not Photograph.all_of(viewer.layers)[0].own_labels
    assert Photograph.all_of(viewer.layers)[0].nuclei.layer.name == "ALL_2 nuclei"
    assert "StarDist over ALL_2 is not used: it belongs to ALL_1" in unused(viewer)
    viewer.layers.clear()
    add(viewer, file)
    add(viewer, folder / "ALL_1.bmp")
    viewer.layers.move(0, len(viewer.layers))
    assert Photograph.all_of(viewer.layers)[0].nuclei.layer.name == "ALL_1 nuclei of StarDist"


def test_pixels_that_were_replaced_are_what_is_used(snam, tmp_path):
    viewer = ViewerModel()
    add(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    caption = attach_caption(viewer)
    assert caption.text() == "ALL_1   class ALL"
    other = np.asarray(Image.open(snam / "PKG - SN-AM" / "MM" / "MM_1.bmp"))
    viewer.layers["ALL_1"].data = other
    [photograph] = Photograph.all_of(viewer.layers)
    np.testing.assert_array_equal(photograph.image(0), other)
    assert caption.text() == ""
    # It was made from ALL_1, as far as anybody knows: never on both sides of a split.
    set_field_class(viewer.layers["ALL_1"], 0, "MM")
    [field] = write_session(Photograph.all_of(viewer.layers), tmp_path, "field")[0].fields
    assert field.source == "ALL_1"  # of its file
    np.testing.assert_array_equal(field.image(), other)


def test_a_projection_of_a_stack_is_not_its_first_field(snam):
    viewer = ViewerModel()
    add(viewer, snam)
    stack = viewer.layers["PKG - SN-AM"]
    projected = np.asarray(stack.data).max(axis=0)
    viewer.layers.remove("PKG - SN-AM")
    viewer.add_image(projected, rgb=True, metadata=dict(stack.metadata))
    [photograph] = Photograph.all_of(viewer.layers)
    np.testing.assert_array_equal(photograph.image(0), projected)
    assert attach_caption(viewer).text() == ""


def test_the_caption_names_the_field_of_a_moved_stack(snam):
    viewer = ViewerModel()
    add(viewer, snam)
    caption = attach_caption(viewer)
    viewer.layers["PKG - SN-AM"].translate = (3, 0, 0)
    viewer.dims.set_point(0, 4)
    assert caption.text() == "ALL_2   class ALL"


def test_a_text_of_the_users_own_is_left_alone(snam):
    viewer = ViewerModel()
    overlay = viewer.canvas.overlays.text
    overlay.text, overlay.visible = "my own", True
    attach_caption(viewer)
    add(viewer, snam)
    viewer.layers.clear()
    assert (overlay.text, overlay.visible) == ("my own", True)


@pytest.mark.parametrize("nuclei", ["none", "elsewhere", "empty layer"])
def test_strokes_beside_all_nuclei_are_one_sentence(tmp_path, nuclei):
    viewer = ViewerModel()
    viewer.add_image(np.full((60, 80, 3), 200, np.uint8), rgb=True, name="empty")
    if nuclei != "none":
        labels = np.zeros((60, 80), np.uint8)
        labels[40:50, 40:50] = nuclei == "elsewhere"
        viewer.add_labels(labels, name="empty nuclei")
    cells = viewer.add_layer(new_cells_layer(viewer.layers["empty"], ("ALL", "MM")))
    cells.data[5:9, 5:9] = 1
    for only_annotated in (True, False):
        with pytest.raises(MarrowError, match="stroke") as caught:
            write_session(Photograph.all_of(viewer.layers), tmp_path, "cell", only_annotated)
        assert str(tmp_path) not in str(caught.value)


def test_a_field_that_cannot_be_decoded_is_shown_empty(tmp_path, notified):
    folder = tmp_path / "ALL"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(noise).save(folder / name)
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes()[:2000])
    viewer = ViewerModel()
    add(viewer, tmp_path)
    viewer.dims.set_current_step(0, 1)
    layer = viewer.layers[0]
    assert np.asarray(layer.data[0]).any()
    assert not np.asarray(layer.data[1]).any()
    assert "b.jpg can't be read" in " ".join(notified)
    viewer.layers.clear()
