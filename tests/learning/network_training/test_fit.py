"""Training's parts: order and variation of the images, weights, stopping, devices."""

import contextlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.network_training.unfinished import kept_until_written
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.registry import MODELS, models_of_kind
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units
from napari_marrow.learning.units.watched import Watched

CLASSES = ("ALL", "MM")
SETTINGS = TrainingSettings(epochs=1, device="cpu", input_size=32, batch_size=4, copies=2)


@pytest.fixture(scope="module")
def training(keras_started):
    from napari_marrow.learning.network_training import fit as training

    return training


@pytest.fixture
def side(training):
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)
    table = pd.DataFrame({"class": ["ALL"] * 6 + ["MM"] * 3})
    return Units(images, np.arange(9), table)


def test_each_image_has_the_class_of_its_unit(training):
    table = pd.DataFrame({"class": ["c", "a"]})
    units = Units(np.zeros((3, 1, 1, 3), np.uint8), np.array([1, 0, 0]), table)
    found = training.one_hot(units, ("a", "b", "c"))
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 0, 1], [0, 0, 1]])


def test_an_epoch_shows_every_image_as_often_as_asked(training, side):
    shown = training.Batches(side, training.one_hot(side, CLASSES), replace(SETTINGS, copies=3))
    assert len(shown) == 7  # 27 images in steps of 4
    targets = np.concatenate([shown[k][1] for k in range(len(shown))])
    np.testing.assert_array_equal(targets.sum(axis=0), [18, 9])


def test_one_copy_is_shown_as_it_is_in_a_new_order_each_epoch(training, side):
    shown = training.Batches(side, training.one_hot(side, CLASSES), replace(SETTINGS, copies=1))
    first = np.concatenate([shown[k][0] for k in range(len(shown))])
    assert {i.tobytes() for i in first.astype(np.uint8)} == {i.tobytes() for i in side.images}
    shown.on_epoch_end()
    second = np.concatenate([shown[k][0] for k in range(len(shown))])
    assert not np.array_equal(first, second)


def test_copies_are_of_simulated_acquisitions_where_asked_for(training, side):
    flat = replace(side, images=np.full_like(side.images, 120))
    spread = {}
    for simulates in (False, True):
        how = replace(SETTINGS, copies=8, simulate_acquisitions=simulates)
        shown = training.Batches(flat, training.one_hot(flat, CLASSES), how)
        levels = np.concatenate([shown[k][0] for k in range(len(shown))]).mean(axis=(1, 2))
        spread[simulates] = levels.std(axis=0).min()
    assert spread[True] > 1.5 * spread[False]


@pytest.mark.parametrize(
    ("model", "augmentation", "published"),
    [
        ("dcnn", "auto", False),
        ("cnn7", "auto", True),
        ("cnn7", "standard", False),
        ("dcnn", "published", True),
    ],
)
def test_copies_go_through_the_chosen_augmentation(training, side, model, augmentation, published):
    """The published one leaves every seventh image as it is, the standard one none."""
    how = replace(SETTINGS, model=model, augmentation=augmentation, copies=12)
    targets = training.one_hot(side, CLASSES)
    shown, again = (training.Batches(side, targets, how) for _ in range(2))
    images = np.concatenate([shown[k][0] for k in range(len(shown))]).astype(np.uint8)
    known = {image.tobytes(): row for row, image in enumerate(side.images)}
    rows = [known.get(image.tobytes()) for image in images]
    assert any(row is not None for row in rows) == published
    labels = np.concatenate([shown[k][1] for k in range(len(shown))])
    for row, label in zip(rows, labels, strict=True):
        assert row is None or (label == targets[row]).all()
    other = np.concatenate([again[k][0] for k in range(len(again))])
    np.testing.assert_array_equal(images, other)
    again.on_epoch_end()
    assert (np.concatenate([again[k][0] for k in range(len(again))]) != other).any()


def test_each_image_has_the_features_of_its_unit(training, side):
    units = replace(side, features=np.arange(18, dtype=np.float32).reshape(9, 2))
    shown = training.Batches(units, training.one_hot(units, CLASSES), replace(SETTINGS, copies=1))
    batches = [shown[k][0] for k in range(len(shown))]
    images, features = (np.concatenate([batch[k] for batch in batches]) for k in (0, 1))
    place = {image.tobytes(): row for row, image in enumerate(side.images)}
    rows = [place[image.tobytes()] for image in images.astype(np.uint8)]
    np.testing.assert_array_equal(features, units.features[rows])


def test_rare_classes_weigh_more(training, side):
    # 9 units, 2 classes: 9 / (2 * 6) = .75 and 9 / (2 * 3) = 1.5
    weights = training._class_weights(training.one_hot(side, CLASSES))
    assert weights == {0: 0.75, 1: 1.5}
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=[0] * 6 + [1] * 3)
    assert list(training._class_weights(training.one_hot(side, CLASSES)).values()) == pytest.approx(
        expected, abs=1e-9
    )


def test_devices(keras_started, monkeypatch):
    from napari_marrow.learning.network_training import devices

    assert devices.list_devices()[-1] == "cpu:0"
    monkeypatch.setattr(devices, "list_devices", lambda: ["gpu:0", "gpu:1", "cpu:0"])
    chosen = [devices.choose_devices(wanted) for wanted in ("auto", "cpu", "gpu")]
    shared = ("gpu:0", "gpu:1") if keras_started.backend.backend() != "torch" else ("gpu:0",)
    assert chosen == [shared, ("cpu:0",), shared]
    monkeypatch.setattr(devices, "list_devices", lambda: ["cpu:0"])
    assert devices.choose_devices("auto") == ("cpu:0",)
    with pytest.raises(MarrowError, match=r"No GPU was found.*(driver|CUDA|Mac)") as error:
        devices.choose_devices("gpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("n_devices", "expected"), [(1, 18), (2, 18), (4, 20), (5, 20)])
def test_devices_share_every_batch_evenly(training, side, n_devices, expected):
    """18 images are filled up to a multiple, with those that came first."""
    how = replace(SETTINGS, batch_size=20)
    shown = training.Batches(side, training.one_hot(side, CLASSES), how, 0, n_devices)
    alone = training.Batches(side, training.one_hot(side, CLASSES), how)
    targets = shown[0][1]
    assert len(targets) == expected
    np.testing.assert_array_equal(targets[:18], alone[0][1])
    np.testing.assert_array_equal(targets[18:], targets[: expected - 18])


def train(training, side, settings, validation=None, **heard):
    return training.train_network(
        side, validation, CLASSES, settings, training.FitCallbacks(**heard)
    )


def test_asked_to_stop_it_stops_at_the_next_step(training, side):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(Stopped):
        train(training, side, replace(SETTINGS, seed=1), should_stop=should_stop)
    assert len(asked) == 2


LONG = replace(SETTINGS, epochs=6, schedule="cosine", seed=2)


@pytest.fixture(scope="module")
def whole(training, sides):
    """A training that was never stopped."""
    return train(training, sides[0], LONG, sides[1])


@pytest.fixture(scope="module")
def sides(training):
    rng = np.random.default_rng(1)
    made = []
    for count in (12, 6):
        table = pd.DataFrame({"class": ["ALL", "MM"] * (count // 2)})
        images = rng.integers(60, 200, (count, 32, 32, 3)).astype(np.uint8)
        images[::2] //= 2
        made.append(Units(images, np.arange(count), table))
    return made


def test_the_same_seed_gives_the_same_weights(training, sides, whole):
    again = train(training, sides[0], LONG, sides[1])
    other = train(training, sides[0], replace(LONG, seed=3), sides[1])
    for name, found in whole.weights.items():
        np.testing.assert_array_equal(found, again.weights[name])
    assert any((whole.weights[name] != other.weights[name]).any() for name in whole.weights)
    pd.testing.assert_frame_equal(again.history, whole.history)


def begins_anew(training, sides, settings):
    """Whether a training takes up nothing: it is stopped in its first step."""
    told = []
    with pytest.raises(Stopped):
        train(training, sides[0], settings, sides[1], should_stop=lambda: True, message=told.append)
    return told == []


@pytest.mark.parametrize("steps", [7, 20])
def test_stopped_in_an_epoch_it_goes_on_as_if_it_had_not_been(training, sides, whole, steps):
    """An epoch has six steps and one or two of validation; the dropout goes on, too."""
    asked, told, epochs = [], [], []
    with pytest.raises(Stopped):
        train(
            training,
            sides[0],
            LONG,
            sides[1],
            should_stop=lambda: asked.append(1) or len(asked) > steps,
        )
    resumed = train(
        training, sides[0], LONG, sides[1],
        message=told.append, on_epoch=lambda row: epochs.append(row["epoch"]),
    )  # fmt: skip
    done = LONG.epochs - len(epochs)
    assert 0 < done < LONG.epochs
    assert told == [f"Goes on after epoch {done} of the same training, which was stopped."]
    pd.testing.assert_frame_equal(resumed.history, whole.history)
    for name, found in whole.weights.items():
        np.testing.assert_array_equal(found, resumed.weights[name])
    assert begins_anew(training, sides, LONG)  # what is done does not go on


def test_with_another_file_of_weights_under_one_name_training_begins_anew(
    training, side, tmp_path, monkeypatch
):
    path, kept = tmp_path / "notop.h5", []
    settings = replace(SETTINGS, model="pretrained", weights=str(path))
    monkeypatch.setattr(training, "_fit", lambda *args: kept.append(args[5]))
    for content in (b"one", b"two", b"one"):
        path.write_bytes(content)
        training._fit_halving(side, None, CLASSES, settings, training.FitCallbacks(), ("cpu",))
    assert kept[0] == kept[2] != kept[1]


@pytest.mark.parametrize("patience", [0, 1])
def test_what_was_trained_is_taken_up_where_the_rest_failed(training, sides, patience):
    """The first of two members is trained once, whether its epochs or its patience ended it."""
    settings = replace(LONG, members=2, patience=patience, seed=5, learning_rate=0.05)
    expected = train(training, sides[0], settings, sides[1])
    first = len(expected.history.query("member == 1"))
    assert (first < LONG.epochs) == bool(patience)

    def fail(row):
        if row["member"] == 2 and row["epoch"] == 2:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"), kept_until_written():
        train(training, sides[0], settings, sides[1], on_epoch=fail)
    told, epochs = [], []
    with kept_until_written():
        found = train(
            training, sides[0], settings, sides[1],
            message=told.append, on_epoch=lambda row: epochs.append((row["member"], row["epoch"])),
        )  # fmt: skip
    assert told[0] == f"Takes the network of the same training, which had {first} epochs."
    assert {member for member, _ in epochs} == {2}
    pd.testing.assert_frame_equal(found.history, expected.history)
    for name, weights in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], weights)
    if not patience:
        for seed in (5, 6):  # what was written does not go on
            assert begins_anew(training, sides, replace(settings, members=1, seed=seed))


def test_another_training_does_not_go_on(training, sides):
    asked, told = [], []
    settings = replace(LONG, seed=4)
    with pytest.raises(Stopped):
        train(training, sides[0], settings, should_stop=lambda: asked.append(1) or len(asked) > 14)
    darker = replace(sides[0], images=sides[0].images // 2)
    train(training, darker, settings, message=told.append)
    train(training, sides[0], replace(settings, label_smoothing=0.1), message=told.append)
    assert told == []


def test_the_learning_rate_falls_as_half_a_cosine(whole):
    expected = [0.001 * (1 + np.cos(np.pi * k / 6)) / 2 for k in range(6)]
    np.testing.assert_allclose(whole.history["learning_rate"], expected, rtol=1e-5)


@pytest.fixture
def watched(sides):
    images = sides[1].images
    names = tuple(map(str, range(len(images))))
    return Watched(images, None, tuple(sides[1].table["class"]), names, CLASSES, "validation")


def test_watching_images_changes_nothing_and_ends_with_the_answers_of_the_model(
    training, sides, whole, watched
):
    """Also in a training that was stopped and goes on."""
    answers, asked, counts = [], [], []
    hear = {"watched": watched, "on_answers": answers.append}
    for steps in (20, 10**6):
        asked.clear()
        with contextlib.suppress(Stopped):
            found = train(
                training, sides[0], LONG, sides[1], **hear,
                should_stop=lambda steps=steps: asked.append(1) or len(asked) > steps,
            )  # fmt: skip
        counts.append(len(answers))
    assert 0 < counts[0] < counts[1]
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(weight, found.weights[name])
    pd.testing.assert_frame_equal(found.history, whole.history)
    last = answers[-1]
    expected = run_network(open_network(found.onnx), watched.images)
    np.testing.assert_allclose(last.probabilities, expected, atol=1e-5)
    assert last.epoch == found.history["val_loss"].idxmin() + 1
    assert answers[0].epoch == 1


@pytest.mark.parametrize("model", sorted(set(models_of_kind("network")) - {"vgg16"}))
def test_every_network_answers_for_a_few_images_as_it_predicts(training, sides, model):
    """vgg16 is an application like that of ``pretrained``, of half a gigabyte."""
    settings = replace(SETTINGS, model=model)
    network = training.build(settings, 2, 3)
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    takes = MODELS[model].takes_features
    given = training.network_input(settings, sides[1].images, features if takes else None)
    expected = network.predict(given, verbose=0)
    np.testing.assert_allclose(training.answer(network, given), expected, atol=1e-5)


def test_images_are_watched_in_each_network_of_an_ensemble_and_in_their_mean(
    training, sides, watched
):
    answers = []
    settings = replace(SETTINGS, members=2, seed=5)
    found = train(
        training, sides[0], settings, sides[1], watched=watched, on_answers=answers.append
    )
    assert list(dict.fromkeys(x.member for x in answers)) == [1, 2, 0]
    means = np.mean([[x for x in answers if x.member == k][-1].probabilities for k in (1, 2)], 0)
    np.testing.assert_allclose(answers[-1].probabilities, means, atol=1e-5)
    expected = run_network(open_network(found.onnx), watched.images)
    np.testing.assert_allclose(answers[-1].probabilities, expected, atol=1e-5)


def test_smoothed_targets_are_those_of_keras(training, keras_started):
    targets = np.eye(3, dtype=np.float32)
    answers = np.full((3, 3), 1 / 3, np.float32) + 0.1 * np.eye(3, dtype=np.float32)
    plain = keras_started.losses.CategoricalCrossentropy()
    smooth = keras_started.losses.CategoricalCrossentropy(label_smoothing=0.2)
    found = plain(training.smoothed(targets, 0.2), answers)
    assert float(found) == pytest.approx(float(smooth(targets, answers)), abs=1e-6)


def test_an_ensemble_is_the_mean_of_networks_of_several_seeds(training, sides, keras_started):
    settings = replace(SETTINGS, members=2, seed=5)
    rows = []
    both = train(training, sides[0], settings, sides[1], on_epoch=rows.append)
    alone = [
        train(training, sides[0], replace(settings, members=1, seed=seed), sides[1])
        for seed in (5, 6)
    ]
    images = sides[1].images
    answers = [run_network(open_network(one.onnx), images) for one in alone]
    found = run_network(open_network(both.onnx), images)
    np.testing.assert_allclose(found, np.mean(answers, axis=0), atol=1e-5)
    assert both.parameters == 2 * alone[0].parameters
    assert both.history["member"].tolist() == [row["member"] for row in rows] == [1, 2]
    network = rebuild(settings, 2, both.weights)
    again = keras_started.ops.convert_to_numpy(network(images.astype(np.float32)))
    np.testing.assert_allclose(again, found, atol=1e-4)


def test_a_network_behind_a_mask_sees_nothing_else(training, sides, keras_started):
    """Also by its ONNX file, and built again from its weights."""
    settings = replace(SETTINGS, select_pixels=100, seed=9, members=2)
    found = train(training, sides[0], settings, sides[1])
    mask = found.weights["member_1/pixel_mask/mask"][..., 0] > 0
    assert mask.sum() == 100
    images = sides[1].images
    elsewhere = images.copy()
    elsewhere[:, ~mask] = 255 - elsewhere[:, ~mask]
    there = images.copy()
    there[:, mask] = 255 - there[:, mask]
    answers, same, other = (
        run_network(open_network(found.onnx), x) for x in (images, elsewhere, there)
    )
    np.testing.assert_array_equal(answers, same)
    assert np.abs(answers - other).max() > 1e-4
    network = rebuild(settings, 2, found.weights)
    again = keras_started.ops.convert_to_numpy(network(images.astype(np.float32)))
    np.testing.assert_allclose(again, answers, atol=1e-4)


class Hungry:
    """What takes far more memory than there is for each batch of more than so many images."""

    most = 2

    def __init__(self, batches):
        self.batches = batches

    def __call__(self, units, targets, settings, *others):
        made = self.batches(units, targets, settings, *others)
        if settings.batch_size > self.most:
            made._images = HungryImages(made._images)
        return made


class HungryImages(np.ndarray):
    def __new__(cls, images):
        return images.view(cls)

    def __getitem__(self, rows):
        return np.ones(2**50)


def test_without_memory_for_a_batch_half_of_it_is_taken(training, sides, monkeypatch):
    monkeypatch.setattr(training, "Batches", Hungry(training.Batches))
    told = []
    settings = replace(SETTINGS, batch_size=8, seed=7)
    found = train(training, sides[0], settings, sides[1], message=told.append)
    assert told == [
        "Memory does not suffice for 8 images a step: goes on with 4.",
        "Memory does not suffice for 4 images a step: goes on with 2.",
    ]
    assert len(found.history) == 1


def test_without_memory_for_one_image_it_is_one_sentence(training, sides, monkeypatch):
    monkeypatch.setattr(Hungry, "most", 0)
    monkeypatch.setattr(training, "Batches", Hungry(training.Batches))
    with pytest.raises(MarrowError, match="one image a step; choose a smaller input size"):
        train(training, sides[0], replace(SETTINGS, seed=8))


def test_what_backends_say_without_memory(training):
    tensorflow = pytest.importorskip("tensorflow")
    said = [
        tensorflow.errors.ResourceExhaustedError(None, None, "failed to allocate memory"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184"),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate"),
        # as a process with too little memory had them
        tensorflow.errors.AbortedError(
            None,
            None,
            "Operation received an exception:Status: 5, message: could not execute a "
            "primitive, in file tensorflow/core/kernels/mkl/mkl_matmul_op_fused.cc:306",
        ),
        tensorflow.errors.AbortedError(
            None,
            None,
            "Operation received an exception:Status: 3, message: could not create a "
            "primitive, in file tensorflow/core/kernels/mkl/mkl_conv_ops.cc",
        ),
        MemoryError(),
    ]
    assert all(map(training.is_out_of_memory, said))
    assert not training.is_out_of_memory(ValueError("shapes do not fit"))


def test_rebuilding_with_strange_weights_is_one_sentence(training):
    with pytest.raises(MarrowError, match="do not fit the network dcnn"):
        rebuild(SETTINGS, 2, {})
    network = rebuild(
        SETTINGS, 2, {w.path: np.zeros(w.shape) for w in training.build(SETTINGS, 2).weights}
    )
    assert not np.asarray(network.weights[0]).any()
