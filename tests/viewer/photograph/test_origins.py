"""Which files labels were made for: content decides, then path."""

import os
import shutil
import unicodedata

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from PIL import Image

from napari_marrow.data.fingerprint import fingerprint
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.io.writers import write_labels
from napari_marrow.viewer.layer_info import Kind, LayerInfo, linked_info, slice_files
from napari_marrow.viewer.photograph.origins import Slices, match
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return write


def slices(*files):
    return Slices(files, tuple(map(fingerprint, files)))


def origin(*files):
    return LayerInfo(Kind.NUCLEI, origin=files, contents=tuple(map(fingerprint, files)))


def move(path, other):
    other.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(other)


def test_pictures_that_swapped_names_are_known_by_content(write, tmp_path):
    a, b = write("set/ALL/1.bmp", "a"), write("set/MM/1.bmp", "b")
    info = origin(a, b)
    move(move(a, tmp_path / "c"), move(b, a).parent.parent / "MM/1.bmp")
    assert match(info, slices(a, b)).rows == (1, 0)


def test_of_a_withdrawn_patient_another_one_has_the_number(write):
    a, b = write("P1/1.bmp", "a"), write("P2/1.bmp", "b")
    info = origin(a, b)
    move(b, a)
    found = match(info, slices(a))
    assert (found.rows, found.changed) == ((None, 0), ())


def test_a_picture_changed_in_its_place_is_used_and_named(write):
    a, b = write("P1/1.bmp", "a"), write("P1/2.bmp", "b")
    info = origin(a, b)
    a.write_text("another")
    found = match(info, slices(a, b))
    assert (found.rows, found.changed) == ((0, 1), (a,))


@pytest.mark.parametrize("name", ["P7_1.bmp", "deep/in/MM_1.bmp", "MM_1.bmp"])
def test_a_file_that_was_renamed_is_known(write, tmp_path, name):
    a, b = write("set/MM_1.bmp", "a"), write("set/MM_2.bmp", "b")
    info = origin(a)
    assert match(info, slices(b, move(a, tmp_path / "other" / name))).rows == (1,)


def test_copies_in_two_folders_stay_apart_as_their_folders_move(write, tmp_path):
    names = ("set/ALL/1.bmp", "set/ALL/2.bmp", "set/MM/3.bmp", "set/old/ALL/1.bmp")
    files = [write(name, name[-5]) for name in names]
    info = origin(*files)
    shutil.move(tmp_path / "set", tmp_path / "set 2")
    moved = [tmp_path / "set 2" / path.relative_to(tmp_path / "set") for path in files]
    assert match(info, slices(*moved[::-1])).rows == (3, 2, 1, 0)


def test_of_equal_copies_the_folder_that_the_others_moved_to_is_meant(write, tmp_path):
    names = ("a/1.bmp", "a/2.bmp", "b/1.bmp", "b/3.bmp")
    files = [write(name, name[-5]) for name in names]
    info = origin(*files)
    now = [
        move(path, tmp_path / {"a": "y", "b": "x"}[path.parent.name] / path.name) for path in files
    ]
    order = (2, 3, 0, 1)
    assert match(info, slices(*(now[k] for k in order))).rows == order


@pytest.mark.parametrize("known", [True, False], ids=["content known", "of an earlier version"])
def test_unicode_forms_of_a_name_are_one(write, known):
    composed = write(unicodedata.normalize("NFC", "Müller/Gröbe_1.bmp"), "a")
    info = LayerInfo(Kind.NUCLEI, origin=(composed,), contents=(fingerprint(composed),) * known)
    decomposed = write(unicodedata.normalize("NFD", "Müller/Gröbe_1.bmp"), "a" if known else "b")
    composed.unlink()
    assert match(info, slices(decomposed)).rows == (0,)


def test_labels_of_an_earlier_version_go_by_path_then_by_name_and_folder(write, tmp_path):
    a = write("set/P1/1.bmp", "a")
    info = LayerInfo(Kind.NUCLEI, origin=(a,))
    assert match(info, slices(a)).rows == (0,)
    assert match(info, slices(write("set/P2/1.bmp", "b"))).rows == (None,)
    b = move(a, tmp_path / "moved/P1/1.bmp")
    assert match(info, slices(b)).rows == (0,)
    assert match(info, slices(b, write("copy/P1/1.bmp", "c"))).rows == (None,)


def add(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


def sentence(viewer):
    return summarize_learning(Photograph.open_in(viewer.layers), "cell", count_all=False).sentence()


@pytest.fixture
def one(draw, tmp_path):
    """A photograph, and nuclei that were saved of it: as many as its number in the name."""
    paths = [tmp_path / f"P{k}" / "img_1.bmp" for k in (1, 2)]
    for k, path in enumerate(paths, 1):
        path.parent.mkdir()
        Image.fromarray(draw("ALL", k)[0]).save(path)
    viewer = ViewerModel()
    add(viewer, paths[0])
    nuclei = Labels(draw("ALL", 1)[1].astype(np.uint8), name="img_1 nuclei")
    nuclei.metadata = linked_info(viewer.layers[0], Kind.NUCLEI).metadata()
    write_labels(str(tmp_path / "n.tif"), *nuclei.as_layer_data_tuple()[:2])
    return (*paths, tmp_path / "n.tif")


def test_a_picture_in_the_place_of_another_is_named(one):
    first, second, saved = one
    os.replace(second, first)
    viewer = ViewerModel()
    add(viewer, first)
    add(viewer, saved)
    assert "img_1 was changed after img_1 nuclei" in sentence(viewer)
    assert Photograph.all_of(viewer.layers)[0].nuclei is not None


def test_labels_go_with_a_patient_that_got_another_number(one, tmp_path):
    first, second, saved = one
    moved = move(first, tmp_path / "P3" / "1.bmp")
    move(second, first)
    viewer = ViewerModel()
    for path in (first, moved, saved):
        add(viewer, path)
    other, own = Photograph.all_of(viewer.layers)
    assert other.nuclei is None
    assert own.nuclei is not None
    assert "was changed" not in sentence(viewer)


@pytest.mark.parametrize("of", ["the photograph", "another"])
def test_labels_below_a_photograph_are_named(one, of):
    first, second, saved = one
    viewer = ViewerModel()
    add(viewer, saved)
    add(viewer, first if of == "the photograph" else second)
    text = sentence(viewer)
    if of == "another":
        assert "img_1 nuclei under img_1 is not used: it belongs to P1/img_1" in text
    else:
        assert "img_1 nuclei is covered by img_1" in text
    viewer.layers[-1].visible = False
    assert "covered" not in sentence(viewer)


def test_labels_that_were_opened_first_lie_above_their_photograph(one, make_napari_viewer, qtbot):
    first, second, saved = one
    viewer = make_napari_viewer()
    for path in (saved, second, first):
        viewer.open(str(path), plugin="napari-marrow")
    qtbot.waitUntil(lambda: viewer.layers[-1].name == "img_1 nuclei")
    shown = [path for layer in viewer.layers[:-1] for path in slice_files(layer)]
    assert shown == [second, first]
    assert "covered" not in sentence(viewer)


def test_labels_saved_over_a_changed_picture_know_it_as_it_is(one, make_napari_viewer, tmp_path):
    first, _, saved = one
    pixels = np.asarray(Image.open(first)) // 2
    Image.fromarray(pixels).save(first)
    viewer = make_napari_viewer()
    for path in (first, saved):
        viewer.open(str(path), plugin="napari-marrow")
    assert "was changed" in sentence(viewer)
    viewer.layers[-1].save(str(saved), plugin="napari-marrow")
    viewer.layers.clear()
    for path in (move(first, tmp_path / "P9" / "2.bmp"), saved):
        viewer.open(str(path), plugin="napari-marrow")
    assert Photograph.all_of(viewer.layers)[0].nuclei is not None
    assert "was changed" not in sentence(viewer)


def test_labels_saved_while_their_folder_is_renamed_say_so(
    one, make_napari_viewer, tmp_path, notified
):
    first, _, saved = one
    viewer = make_napari_viewer()
    viewer.open(str(first), plugin="napari-marrow")
    viewer.open(str(saved), plugin="napari-marrow")
    layer = viewer.layers[-1]
    layer.metadata = LayerInfo(Kind.NUCLEI, origin=(first,)).metadata()  # of an earlier version
    move(first.parent, tmp_path / "patient 1")
    layer.save(str(saved), plugin="napari-marrow")
    # The fingerprint was taken as the photograph was opened, or it is said that there is none.
    viewer.layers.clear()
    viewer.open(str(tmp_path / "patient 1" / "img_1.bmp"), plugin="napari-marrow")
    viewer.open(str(saved), plugin="napari-marrow")
    known = Photograph.all_of(viewer.layers)[0].nuclei is not None
    assert known or str(first) in " ".join(notified)
