"""The networks as published and as made to learn; the loss that explains 0.5034."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from napari_marrow.learning.settings import TrainingSettings


@pytest.fixture(scope="module")
def networks(keras_started):
    from napari_marrow.learning import networks
    from napari_marrow.learning.networks import dcnn, paper

    return SimpleNamespace(build=networks.build, dcnn=dcnn, paper=paper)


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


def test_dcnn_learns_with_relu_and_answers_probabilities(networks):
    network = networks.build(TrainingSettings(input_size=32), 3)
    assert activations(network, "Conv2D") == ["relu"] * 2
    assert activations(network, "Dense") == ["relu"] * 4 + ["softmax"]
    out = np.asarray(network(np.full((2, 32, 32, 3), 190, np.float32)))
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
