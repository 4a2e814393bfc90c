"""Losses as curves: means by epoch, and the range of several networks."""

import pandas as pd

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.loss import with_losses
from napari_marrow.learning.scores.results import Curve, Curves, ModelResult

EVALUATION = Evaluation({}, [[1, 0], [0, 1]], ("ALL", "MM"), "ALL", 2, 2, 1.0)
RESULT = ModelResult("dcnn", "honest", EVALUATION, Curves(None, None, None, None))


def test_one_network():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [0.7, 0.5], "val_loss": [0.8, 0.6]})
    curves = with_losses(RESULT, history).curves
    assert curves.loss == Curve((1.0, 2.0), (0.7, 0.5), (0.7, 0.5), (0.7, 0.5))
    assert curves.validation_loss.y == (0.8, 0.6)


def test_networks_that_end_at_different_epochs_have_a_range():
    history = pd.DataFrame({"member": [1, 1, 2], "epoch": [1, 2, 1], "loss": [0.75, 0.5, 0.25]})
    curves = with_losses(RESULT, history).curves
    assert curves.loss == Curve((1.0, 2.0), (0.5, 0.5), (0.25, 0.5), (0.75, 0.5))
    assert curves.validation_loss is None


def test_without_curves_nothing_is_added():
    bare = ModelResult("dcnn", "honest", EVALUATION)
    history = pd.DataFrame({"epoch": [1], "loss": [0.7]})
    assert with_losses(bare, history) == bare
