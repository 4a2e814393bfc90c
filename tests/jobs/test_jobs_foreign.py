"""Pictures that are no photographs of such cells get an answer that is marked, with the reason."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from napari_marrow.data.layouts import scan
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle, predict_one
from napari_marrow.learning.bundles.predictor import NEITHER, NO_NUCLEUS, OTHER_ACQUISITION, UNLIKE
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

SIZE = (240, 320, 3)
SMALL = {"epochs": 1, "input_size": 32, "copies": 2, "tiles": 1, "device": "cpu"}
CASES = [(model, unit) for model in ("logistic", "dcnn") for unit in ("field", "cell")]


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Twenty-four fields to learn from, and of another seed ten more."""
    base, size = tmp_path_factory.mktemp("fields"), {"width": 240, "height": 180}
    made = (PhantomSettings(24, seed=3, **size), PhantomSettings(10, seed=4, **size))
    return [scan(write_phantom(base / str(k), settings)) for k, settings in enumerate(made)]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def bundle(request, tmp_path_factory, fields, keras_started) -> Bundle:
    """A model of each kind for each unit."""
    model, unit = request.param
    out = tmp_path_factory.mktemp("bundles") / f"{model}-{unit}.marrow"
    run_training(TrainJob(fields[0], TrainingSettings(model=model, unit=unit, **SMALL), out))
    return load_bundle(out)


def foreign(field: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures of other things, and a field that something was done to."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(SIZE[:2])
    glow = np.zeros(SIZE[:2])
    for y, x in rng.uniform(0, 1, (12, 2)) * SIZE[:2]:
        glow += 220 * (np.hypot(rows - y, columns - x) < 14)
    fluorescence = np.zeros(SIZE)
    fluorescence[..., 2] = glow
    window = np.full(SIZE, 240)
    window[:20], window[20:, :60], window[40:220:12, 70:300:3] = (40, 60, 160), 255, 30
    page = Image.new("RGB", SIZE[1::-1], "white")
    for line in range(8, SIZE[0], 16):
        ImageDraw.Draw(page).text((10, line), "Cells of this page are letters. " * 2, "black")
    ramp = np.linspace(0, 255, SIZE[1])
    coarse = rng.normal(size=(6, 8, 3)).repeat(40, 0).repeat(40, 1)
    return {
        "black": np.zeros(SIZE),
        "grey": np.full(SIZE, 128),
        "page of text": np.asarray(page, float),
        "gradient": np.broadcast_to(ramp[None, :, None], SIZE),
        "colour gradient": np.stack([np.broadcast_to(ramp, SIZE[:2]), rows, 255 - columns], -1),
        "tissue": tissue(rng),
        "uniform noise": rng.integers(0, 256, SIZE),
        "normal noise": rng.normal(128, 40, SIZE),
        "fluorescence": fluorescence + rng.normal(4, 2, SIZE),
        "window": window,
        "patches": 120 + 60 * coarse + rng.normal(0, 12, SIZE),
        "inverted": 255 - field,
        "channels swapped": field[..., ::-1],
        "channels rotated": field[..., [1, 2, 0]],
    }


def tissue(rng: np.random.Generator) -> np.ndarray:
    """A section in haematoxylin and eosin: pink everywhere, with many small long nuclei."""
    image = np.full(SIZE, (225, 150, 185)) + 14 * rng.normal(size=(30, 40, 1)).repeat(8, 0).repeat(
        8, 1
    )
    rows, columns = np.indices(SIZE[:2])
    for y, x, angle in rng.uniform(0, 1, (260, 3)) * (*SIZE[:2], np.pi):
        along = (rows - y) * np.sin(angle) + (columns - x) * np.cos(angle)
        across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        image[(along / 6) ** 2 + (across / 3) ** 2 < 1] = (95, 60, 130)
    return image


def test_foreign_pictures_are_marked(bundle, fields):
    for name, values in foreign(fields[0].fields[0].image()).items():
        image = np.ascontiguousarray(values.clip(0, 255).astype(np.uint8))
        prediction = bundle.predictor.predict(image)
        assert prediction.uncertain, name
        why = UNLIKE, NEITHER, NO_NUCLEUS, OTHER_ACQUISITION
        assert any(reason in prediction.reason for reason in why), name
        assert prediction.table["uncertain"].all(), name


def test_fields_of_the_same_kind_are_not(bundle, fields):
    """Ten fields, or their hundred cells: 2 % by the level, and what chance adds to ten."""
    predictions = [predict_one(bundle, f) for f in fields[1].fields]
    reasons = [reason for p in predictions for reason in p.table["reason"]]
    assert np.mean([UNLIKE in reason for reason in reasons]) <= 0.1
    assert sum(UNLIKE in p.reason for p in predictions) <= 1
