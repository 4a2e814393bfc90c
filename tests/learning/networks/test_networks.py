"""The networks as published and as made to learn; the loss that explains 0.5034."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.fft import dctn
from skimage.color import rgb_from_hed
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.white_point import WHITE_LEVEL
from napari_marrow.learning.settings import TrainingSettings


@pytest.fixture(scope="module")
def networks(keras_started):
    from napari_marrow.learning import networks
    from napari_marrow.learning.networks import common, dct, paper, stain

    return SimpleNamespace(build=networks.build, common=common, dct=dct, paper=paper, stain=stain)


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def activations(network, kind):
    return [la.activation.__name__ for la in network.layers if type(la).__name__ == kind]


@pytest.mark.parametrize("name", ["dcnn", "paper"])
def test_the_published_arrangement(networks, name):
    network = networks.build(TrainingSettings(model=name, input_size=32), 2)
    wanted = ("Conv2D", "MaxPooling2D", "Flatten", "Dense")
    found = [kind for kind in kinds(network) if kind in wanted]
    assert found == ["Conv2D", "MaxPooling2D"] * 2 + ["Flatten"] + ["Dense"] * 5
    assert network.output_shape == (None, 2)


def test_paper_is_literal(networks):
    network = networks.build(TrainingSettings(model="paper", input_size=32), 2)
    assert activations(network, "Conv2D") == ["softmax"] * 2
    assert activations(network, "Dense") == ["softmax"] * 4 + ["sigmoid"]


def test_dcnn_learns_with_relu_and_answers_probabilities(networks, keras_started):
    network = networks.build(TrainingSettings(input_size=32), 3)
    assert activations(network, "Conv2D") == ["relu"] * 2
    assert activations(network, "Dense") == ["relu"] * 4 + ["softmax"]
    answers = network(np.full((2, 32, 32, 3), 190, np.float32))
    out = keras_started.ops.convert_to_numpy(answers)
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-5)


def test_floor_of_the_papers_loss(networks, keras_started):
    """Two sigmoid outputs fed through a sigmoid again: the best there is, 1 and 0, costs 0.5032."""
    # Of the right class: ln(1 + e^-1) = 0.313262; of the other: ln(1 + e^0) = 0.693147; the mean:
    by_hand = (math.log(1 + math.exp(-1)) + math.log(2)) / 2
    assert by_hand == pytest.approx(0.5032, abs=5e-5)
    truth = keras_started.ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
    best = networks.paper.twice_sigmoid_loss(truth, truth)
    np.testing.assert_allclose(np.asarray(best), by_hand, rtol=1e-5, atol=1e-09)
    for output in ([[0.9, 0.1]], [[1.0, 0.3]], [[0.5, 0.5]], [[0.0, 1.0]]):
        worse = networks.paper.twice_sigmoid_loss(
            truth[:1], keras_started.ops.convert_to_tensor(output)
        )
        assert float(worse[0]) > by_hand


@pytest.mark.tensorflow
def test_keras_from_logits_would_undo_the_mistake(networks, keras_started):
    """Why the loss is written out: on a sigmoid layer's output Keras goes back to its logits."""
    inputs = keras_started.Input((2,))
    network = keras_started.Model(inputs, keras_started.layers.Activation("sigmoid")(inputs))
    logits = np.array([[9.0, -9.0]], np.float32)
    truth = np.array([[1.0, 0.0]], np.float32)

    def loss_with(loss):
        network.compile(loss=loss)
        return network.evaluate(logits, truth, verbose=0)

    undone = loss_with(keras_started.losses.BinaryCrossentropy(from_logits=True))
    assert undone == pytest.approx(math.log(1 + math.exp(-9)), abs=1e-4)  # 0.0001
    assert loss_with(networks.paper.twice_sigmoid_loss) == pytest.approx(0.5032, abs=1e-3)


@pytest.mark.parametrize(
    ("model", "rate", "used"),
    [("paper", 0.0, 0.01), ("dcnn", 0.0, 0.001), ("paper", 0.5, 0.5), ("dcnn", 0.02, 0.02)],
)
def test_learning_rates(networks, model, rate, used):
    settings = TrainingSettings(model=model, learning_rate=rate, input_size=32)
    network = networks.build(settings, 2)
    assert float(network.optimizer.learning_rate) == pytest.approx(used, abs=1e-9)
    assert type(network.optimizer).__name__ == "Adam"
    assert (network.loss is networks.paper.twice_sigmoid_loss) == (model == "paper")


def small(model, **values):
    return TrainingSettings(model=model, input_size=32, **values)


def test_paper_relu_is_the_same_with_relu_inside(networks):
    network, literal = (networks.build(small(x), 2) for x in ("paper-relu", "paper"))
    assert activations(network, "Conv2D") == ["relu"] * 2
    assert activations(network, "Dense") == ["relu"] * 4 + ["sigmoid"]
    assert network.loss is literal.loss
    assert network.count_params() == literal.count_params()


def test_the_stain_layer_has_nine_weights_and_begins_as_scikit_image_separates(networks):
    network = networks.build(small("sd-layer"), 2)
    assert network.count_params() - networks.build(small("dcnn"), 2).count_params() == 9
    (matrix,) = network.get_layer("stain_separation").get_weights()
    found = matrix.reshape(3, 3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-6)
    for stain in (0, 1):  # what is of one stain alone has nothing of the other
        density = rgb_from_hed[stain]
        amounts = density @ found
        assert amounts[stain] > 0
        np.testing.assert_allclose(np.delete(amounts, stain), 0, atol=1e-6)


def test_density_is_decadic_and_none_where_it_is_white(networks, keras_started):
    from napari_marrow.learning.networks.common import optical_density

    levels = np.array([[240.0, 24.0, 2.4, 0.0, 255.0]], np.float32)
    found = keras_started.ops.convert_to_numpy(optical_density(levels))
    np.testing.assert_allclose(found, [[0, 1, 2, np.log10(240), 0]], atol=1e-5)


@pytest.mark.parametrize("side", [20, 48])
def test_the_cosine_transform_is_that_of_scipy(networks, keras_started, side):
    images = np.random.default_rng(0).random((2, side, side, 3)).astype(np.float32)
    found = keras_started.ops.convert_to_numpy(networks.dct.CosineTransform()(images))
    kept = min(side, networks.dct.N_FREQUENCIES)
    expected = dctn(images, axes=(1, 2), norm="ortho")[:, :kept, :kept] / side
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("name", "n_convolutions", "n_dense"), [("cnn7", 5, 2), ("dct", 2, 3)])
def test_the_other_layouts(networks, name, n_convolutions, n_dense):
    network = networks.build(small(name), 3)
    assert kinds(network).count("Conv2D") == n_convolutions
    assert kinds(network).count("Dense") == n_dense
    assert network.output_shape == (None, 3)


@pytest.fixture(scope="module")
def mobile_net(keras_started, tmp_path_factory):
    """Weights of a Keras application without its top, in a file, and what it makes of an image."""
    keras_started.utils.set_random_seed(1)
    network = keras_started.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    path = tmp_path_factory.mktemp("weights") / "mobile_net.weights.h5"
    network.save_weights(path)
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    maps = network(keras_started.applications.mobilenet_v2.preprocess_input(image.copy()))
    return path, image, keras_started.ops.convert_to_numpy(maps)


@pytest.mark.parametrize("fine_tune", [True, False])
def test_weights_come_from_a_local_file(networks, keras_started, mobile_net, fine_tune):
    path, image, maps = mobile_net
    how = {"application": "MobileNetV2", "weights": str(path), "fine_tune": fine_tune}
    network = networks.build(small("pretrained", **how), 2)
    (mean,) = [x for x in network.layers if type(x).__name__ == "GlobalAveragePooling2D"]
    inner = keras_started.Model(network.inputs, mean.input)
    np.testing.assert_allclose(keras_started.ops.convert_to_numpy(inner(image)), maps, atol=1e-4)
    n_head = len(network.get_layer("probabilities").trainable_weights)
    assert (len(network.trainable_weights) > n_head) == fine_tune


DEVIATIONS = [0.229, 0.224, 0.225]
"""Of ImageNet: Keras's own files of EfficientNet hold them in place of variances."""


def test_efficientnet_with_a_file_of_keras_is_its_network(
    networks, keras_started, tmp_path, monkeypatch
):
    make, path = keras_started.applications.EfficientNetB0, tmp_path / "notop.h5"
    plain = make(include_top=False, weights=None, input_shape=(32, 32, 3))
    layer = next(x for x in plain.layers if type(x).__name__ == "Normalization")
    layer.adapt_mean.assign([0.485, 0.456, 0.406])
    layer.adapt_variance.assign(DEVIATIONS)
    plain.save(path)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(path))
    own = make(include_top=False, weights="imagenet", input_shape=(32, 32, 3))
    network = networks.build(
        small("pretrained", application="EfficientNetB0", weights=str(path)), 2
    )
    (mean,) = [x for x in network.layers if type(x).__name__ == "GlobalAveragePooling2D"]
    inner = keras_started.Model(network.inputs, mean.input)
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    found, expected, without = (
        keras_started.ops.convert_to_numpy(x(image)) for x in (inner, own, plain)
    )
    largest = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=1e-4 * largest)
    assert np.abs(without - expected).max() > 0.01 * largest


@pytest.mark.parametrize(
    ("suffix", "n_rescaling", "variance", "divides"),
    [
        (".h5", 1, DEVIATIONS, True),
        (".h5", 1, [0.05, 0.06, 0.07], False),
        (".weights.h5", 1, DEVIATIONS, False),  # Keras 3 saves which layers there were
        (".weights.h5", 2, DEVIATIONS, True),
        (".weights.h5", 2, [0.05, 0.06, 0.07], True),
    ],
)
def test_a_file_tells_whether_its_network_divides_by_deviations(
    networks, keras_started, tmp_path, suffix, n_rescaling, variance, divides
):
    from napari_marrow.learning.networks.pretrained import divide_by_deviations

    layers = keras_started.layers
    after = [layers.Rescaling([x**-0.5 for x in DEVIATIONS])] * (n_rescaling - 1)
    of_file = keras_started.Sequential(
        [layers.Input((1, 1, 3)), layers.Rescaling(1 / 255), layers.Normalization(), *after]
    )
    normalization = of_file.layers[1]
    normalization.adapt_mean.assign([0.4, 0.5, 0.6])
    normalization.adapt_variance.assign(variance)
    normalization.finalize_state()
    path = tmp_path / f"file{suffix}"
    (of_file.save if suffix == ".h5" else of_file.save_weights)(path)
    divide_by_deviations(normalization, path)
    by = np.sqrt(np.array(variance) * (DEVIATIONS if divides else 1))
    found = keras_started.ops.convert_to_numpy(normalization(np.full((1, 1, 1, 3), 0.7)))
    np.testing.assert_allclose(found.ravel(), (0.7 - np.array([0.4, 0.5, 0.6])) / by, rtol=1e-5)


def test_vgg16_has_two_dense_layers_of_4096(networks):
    network = networks.build(small("vgg16"), 2)
    units = [x.units for x in network.layers if type(x).__name__ == "Dense"]
    assert units == [4096, 4096, 2]
    # 14.7 million of the convolutions (Simonyan and Zisserman), and 512, 4096 and 4096 inputs
    dense = (512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 2
    assert network.count_params() == 14_714_688 + dense


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"application": "MobileNetV9"}, "MobileNetV9.*MobileNetV2"),
        ({"application": "set_random_seed"}, "set_random_seed"),
        ({"application": "InceptionV3"}, "InceptionV3.*32 px"),
        ({"weights": "nowhere.h5"}, "nowhere.h5"),
    ],
)
def test_what_can_not_be_built_is_one_sentence(networks, how, words):
    with pytest.raises(MarrowError, match=words):
        networks.build(small("pretrained", **how), 2)


def test_a_file_of_something_else_is_refused(networks, mobile_net, tmp_path):
    path = tmp_path / "w.weights.h5"
    path.write_bytes(b"no weights")
    for weights, application in ((path, "MobileNetV2"), (mobile_net[0], "DenseNet121")):
        with pytest.raises(MarrowError, match=weights.name):
            networks.build(small("pretrained", weights=str(weights), application=application), 2)


def test_hybrid_takes_features_in_deviations_from_what_was_learnt(networks, keras_started):
    """Those of few rows against scikit-learn; missing ones are as the mean, far ones limited."""
    rows = np.random.default_rng(0).normal(7, 3, (40, 4)).astype(np.float32)
    network = networks.build(small("hybrid"), 2, 4)
    assert [x.shape for x in network.inputs] == [(None, 32, 32, 3), (None, 4)]
    layer = network.get_layer("feature_scale")
    layer.adapt(rows)
    asked = np.concatenate([rows[:5], [[np.nan] * 4], [[1e6] * 4]]).astype(np.float32)
    found = keras_started.ops.convert_to_numpy(layer(asked))
    np.testing.assert_allclose(
        found[:5], StandardScaler().fit(rows).transform(rows[:5]).clip(-3, 3), atol=1e-4
    )
    assert (found[5] == 0).all()
    assert (found[6] == 3).all()
    assert not layer.trainable_weights


def test_only_the_places_with_the_highest_chi_square_are_seen(networks, keras_started):
    """Against scikit-learn's SelectKBest; what is hidden is white."""
    from napari_marrow.learning.networks.mask import PixelMask

    rng = np.random.default_rng(0)
    images, codes = rng.integers(0, 256, (20, 8, 8, 3)).astype(np.uint8), np.arange(20) % 2
    images[codes == 1, 2:4, 5] //= 4
    layer = PixelMask()
    layer.build((None, 8, 8, 3))
    shown = keras_started.ops.convert_to_numpy(layer(images.astype(np.float32)))
    np.testing.assert_array_equal(shown, images)
    layer.choose(images, codes, 6)
    found = keras_started.ops.convert_to_numpy(layer(images.astype(np.float32)))
    levels = images.mean(axis=-1).reshape(20, -1)
    chosen = SelectKBest(chi2, k=6).fit(levels, codes).get_support().reshape(8, 8)
    assert chosen[2:4, 5].all()
    np.testing.assert_array_equal(found[:, chosen], images[:, chosen])
    assert (found[:, ~chosen] == WHITE_LEVEL).all()


@pytest.mark.parametrize(("name", "n_features"), [("dcnn", 0), ("paper", 0), ("hybrid", 4)])
def test_a_masked_network_is_the_same_behind_the_mask(networks, name, n_features):
    plain, behind = (
        networks.build(small(name, select_pixels=count), 2, n_features) for count in (0, 50)
    )
    assert behind.count_params() == plain.count_params() + 32 * 32
    assert len(behind.trainable_weights) == len(plain.trainable_weights)
    assert [x.name for x in behind.inputs] == [x.name for x in plain.inputs]
    assert type(behind.optimizer) is type(plain.optimizer)
    assert behind.loss == plain.loss


def test_applications_are_found_where_keras_has_them(networks):
    with networks.common.shapes_only():
        found = networks.build(small("pretrained", application="MobileNetV3Small"), 2)
        with pytest.raises(MarrowError, match=r"ConvNeXtTiny .*ONNX; choose another"):
            networks.build(small("pretrained", application="ConvNeXtTiny"), 2)
    assert found.get_layer("feature_maps").output_shape[-1] == 576  # A. Howard et al., 2019


def test_layers_without_names_are_built_again_with_their_weights(
    networks, keras_started, monkeypatch
):
    """As InceptionV3 has them, and the layer by which EfficientNet normalises."""
    from napari_marrow.learning import networks as package
    from napari_marrow.learning.network_training.rebuild import rebuild
    from napari_marrow.learning.onnx.export import export_network

    layers = keras_started.layers

    def build(*_):
        x = images = keras_started.Input((8, 8, 3), name="image")
        for layer in (layers.Normalization(), layers.Conv2D(2, 3), layers.Conv2D(2, 3)):
            x = layer(x)
        x = layers.Dense(2, activation="softmax", name="hidden_2")(layers.Flatten()(x))
        return keras_started.Model(images, x)

    monkeypatch.setattr(package, "build", build)
    rng = np.random.default_rng(0)
    first = build()
    images = rng.integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    first.layers[1].adapt(images.astype(np.float32))
    weights = {
        name: keras_started.ops.convert_to_numpy(weight)
        for name, weight in package.named_weights(first).items()
    }
    assert {"conv2d/kernel", "conv2d_1/kernel", "hidden_2/bias"} <= set(weights)
    again = rebuild(TrainingSettings(), 2, weights)
    assert [*package.named_weights(again)] == [*weights]
    answers = [
        keras_started.ops.convert_to_numpy(x(images.astype(np.float32))) for x in (first, again)
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)
    export_network(again, images)  # raises where the file answers something else
