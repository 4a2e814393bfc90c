"""Copies: the same pixels, and turned, mirrored, re-encoded or brightened ones."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from napari_marrow.audit.audit import audit
from napari_marrow.data.layouts import scan


def files(findings):
    return [set(finding.files) for finding in findings]


def test_the_same_pixels_are_a_duplicate_whatever_the_format(put, found):
    shutil.copy(put("ALL/a.bmp"), put("ALL/b.bmp", index=2).with_name("c.bmp"))
    put("ALL/d.png")
    kinds = found()
    (finding,) = kinds.pop("duplicate")
    assert set(finding.files) == {"ALL/a.bmp", "ALL/c.bmp", "ALL/d.png"}
    assert "joined" in finding.sentence
    assert "TWO CLASSES" not in finding.sentence
    assert kinds == {}


def test_one_pixel_less_is_no_exact_duplicate(put, found):
    """The pixel lies between the samples."""

    def dot(image):
        image = image.copy()
        image[0, 0] ^= 255
        return image

    large = np.ones((4, 4, 1), np.uint8)
    put("ALL/a.bmp", change=lambda i: np.kron(i, large))
    put("ALL/b.bmp", change=lambda i: dot(np.kron(i, large)))
    kinds = found()
    assert files(kinds.pop("near-duplicate")) == [{"ALL/a.bmp", "ALL/b.bmp"}]
    assert kinds == {}


def test_copies_of_one_source_are_harmless(put, found):
    shutil.copy(put("ALL/a.bmp"), put("ALL/a_copy.bmp", index=2))
    put("ALL/a_rotate90.bmp", change=np.rot90)
    kinds = found()
    assert "count as one source" in kinds.pop("duplicate")[0].sentence
    assert kinds == {}


TURNS = {
    "rotate90": Image.Transpose.ROTATE_90,
    "rotate180": Image.Transpose.ROTATE_180,
    "rotate270": Image.Transpose.ROTATE_270,
    "left-right": Image.Transpose.FLIP_LEFT_RIGHT,
    "top-bottom": Image.Transpose.FLIP_TOP_BOTTOM,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}


@pytest.mark.parametrize("turn", TURNS)
def test_turned_and_mirrored_copies_are_found(put, found, turn):
    for number in (1, 2, 3):
        put(f"ALL/{number}.bmp", index=number)
    image = Image.open(put("ALL/x.bmp", index=2)).transpose(TURNS[turn])
    put("ALL/x.bmp", change=lambda _: np.asarray(image))
    kinds = found()
    (finding,) = kinds.pop("near-duplicate")
    assert finding.files == ("ALL/2.bmp", "ALL/x.bmp")
    assert "turned or mirrored" in finding.sentence
    assert kinds == {}


def test_a_copy_that_was_saved_as_jpeg_and_made_brighter_is_found(put, found):
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    brighter = lambda i: (i * 1.1 + 5).clip(0, 255).astype(np.uint8)  # noqa: E731
    put("ALL/c.jpg", change=lambda i: np.rot90(brighter(i)), quality=60)
    put("ALL/d.jpg", index=2, change=brighter, quality=60)
    told = found()["near-duplicate"]
    assert files(told) == [{"ALL/a.bmp", "ALL/c.jpg"}, {"ALL/b.bmp", "ALL/d.jpg"}]
    assert "turned" in told[0].sentence
    assert "turned" not in told[1].sentence


def test_three_turns_of_one_picture_are_one_finding(put, found):
    put("ALL/a.bmp", change=np.rot90)
    put("ALL/b.bmp")
    put("ALL/c.bmp", index=3)
    put("ALL/d.bmp", change=np.flipud)
    assert files(found()["near-duplicate"]) == [{"ALL/a.bmp", "ALL/b.bmp", "ALL/d.bmp"}]


@pytest.mark.parametrize("turned", [False, True])
def test_a_copy_in_two_classes_is_said_loudly(put, found, turned):
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    put("MM/c.bmp", change=np.rot90 if turned else None)
    (finding,) = found()["near-duplicate" if turned else "duplicate"]
    assert finding.sentence.startswith("IN TWO CLASSES, ALL and MM: ALL/a.bmp and MM/c.bmp are")


def test_cells_on_black_are_compared_inside_their_outline(put, found):
    """Two textures in one outline: the black around it must not make them alike."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((128, 128))
    disc = ((rows - 60) ** 2 + (columns - 66) ** 2 < 45**2)[..., None]
    for name in "ab":
        blocks = np.kron(rng.integers(150, 170, (16, 16, 1)), np.ones((8, 8, 3)))
        put(f"ALL/{name}.png", change=lambda _, b=blocks: np.where(disc, b, 0).astype(np.uint8))
    assert found() == {}
    put("ALL/c.png", change=lambda _, b=blocks: np.where(disc, b + 9, 0).astype(np.uint8)[::-1])
    assert files(found()["near-duplicate"]) == [{"ALL/b.png", "ALL/c.png"}]


def test_different_fields_are_no_copies(put, found):
    for class_name in ("ALL", "MM"):
        for number in range(1, 11):
            put(f"{class_name}/{number}.bmp", class_name, number)
    assert not found().keys() & {"duplicate", "near-duplicate", "mask-as-image"}


@pytest.mark.real
def test_turned_jpeg_copies_of_real_cells_are_found_among_them(real_data, tmp_path):
    names = ("blast/Im001_1", "blast/Im028_1", "normal/Im138_0", "normal/Im171_0")
    shutil.copytree(real_data / "all-idb2", tmp_path / "in")
    for name in names:
        image = ImageOps.mirror(Image.open(real_data / "all-idb2" / f"{name}.tif")).rotate(90)
        image.save(tmp_path / "in" / f"{name[:-8]}" / f"scan of {name[-7:]}.jpg", quality=70)
    told = [f for f in audit(scan(tmp_path / "in")).findings if f.kind == "near-duplicate"]
    assert sorted(len(f.files) for f in told) == [2, 2, 2, 2]
    assert {f.files[0] for f in told} | {f.files[1] for f in told} >= {f"{n}.tif" for n in names}
