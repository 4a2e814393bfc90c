"""Training pictures that are predicted again are counted, whatever became of their files."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.layouts import scan
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.learning.adaptation.shift import NOT_TESTED
from napari_marrow.learning.bundle_files import REFERENCE
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.sealed import bundle_files
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

pytestmark = pytest.mark.usefixtures("no_leftovers")


def as_jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return Image.open(file)


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    return picture.resize([round(length * factor) for length in picture.size])


def brightened(picture: Image.Image) -> Image.Image:
    return picture.point(lambda level: min(255, round(level * 1.1)))


CHANGES = {
    "saved as PNG": lambda picture: picture,
    "JPEG": as_jpeg,
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "transposed": lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
    "half the size": lambda picture: scaled(picture, 0.5),
    "twice the size": lambda picture: scaled(picture, 2),
    "brightened": brightened,
    "all at once": lambda picture: as_jpeg(scaled(picture.rotate(180), 0.7)),
}


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> list[np.ndarray]:
    """Four fields that no model has seen."""
    settings = PhantomSettings(fields=4, width=160, height=120, seed=7)
    return [f.image() for f in scan(write_phantom(tmp_path_factory.mktemp("new"), settings)).fields]


@pytest.mark.parametrize("change", CHANGES)
def test_pictures_that_were_learnt_from_are_counted(tmp_path, phantom, svm, new, change):
    bundle = load_bundle(svm["bundle"])
    held = len(bundle.info.split["heldout"])
    pictures = [CHANGES[change](Image.fromarray(f.image())) for f in phantom.fields]
    for k, picture in enumerate(pictures + [Image.fromarray(image) for image in new]):
        picture.save(tmp_path / f"DSC{k:04}.png")
    result = run_prediction(PredictJob(bundle, [scan(tmp_path)], tmp_path / "p.csv"))
    assert (result.learnt_from, result.held_out) == (10 - held, held)
    note = result.notes[-1]
    assert f"learnt from {10 - held} of these 14 photographs" in note


def test_a_bundle_without_signatures_still_knows_the_files(tmp_path, phantom, svm, make_toy):
    made = load_bundle(svm["bundle"])
    assert REFERENCE in bundle_files(made.path)
    older = make_toy(tmp_path / "older.marrow", fingerprints=made.info.fingerprints)
    result = run_prediction(PredictJob(older, [phantom], tmp_path / "p.csv"))
    assert result.learnt_from == 10
    folder = tmp_path / "png"
    folder.mkdir()
    Image.fromarray(phantom.fields[0].image()).save(folder / "a.png")
    result = run_prediction(PredictJob(older, [scan(folder)], tmp_path / "q.csv"))
    assert (result.learnt_from, result.notes) == (0, [NOT_TESTED])


def test_blank_pictures_are_known_by_their_files_alone(tmp_path, svm, phantom):
    """They show nothing, so they are no copies of one another."""
    for level in (0, 128, 255):
        Image.new("RGB", (160, 120), (level,) * 3).save(tmp_path / f"{level}.png")
    result = run_prediction(
        PredictJob(load_bundle(svm["bundle"]), [scan(tmp_path)], tmp_path / "p.csv")
    )
    assert (result.learnt_from, result.held_out) == (0, 0)


@pytest.mark.real
def test_other_pictures_of_one_cell_are_not_taken_for_known(real_data: Path):
    """Of each folder one half is learnt from, as it were, and the other asked for."""
    from napari_marrow.audit.copies import find_copies_in
    from napari_marrow.audit.image_summary import summarize

    folders = ("all-idb2", "wbc-dataset1", "labs/bccd", "labs/pbc-yellow")
    fields = [f for folder in folders for f in scan(real_data / folder).fields]
    signatures = np.stack([summarize(f).signature for f in fields])
    assert len(fields) > 500
    assert not len(find_copies_in(signatures[::2], signatures[1::2]).first)
    assert len(find_copies_in(signatures[::2], signatures[::2]).first) == len(fields[::2])
