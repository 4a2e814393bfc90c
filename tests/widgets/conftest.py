"""What the mouse does to a widget."""

import shutil

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_marrow.jobs.train import TrainingResult
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.widgets.components.model_panel import open_model


@pytest.fixture
def finish_run(toy):
    """A function that ends a training of a Train DCNN widget, whose model is a copy of a bundle."""

    def finish(widget, bundle=toy, history=(), **settings):
        path = widget.folder / f"made-{len(widget.runs.runs)}.marrow"
        shutil.copytree(bundle.path, path)
        info = load_bundle(path).info
        widget._begin_run(TrainingSettings(**settings))
        found = TrainingResult(
            path, info.evaluation, (), (), tuple(history), "cpu", info.classes, info.confounding
        )
        widget._trained(found, open_model(path), "Trained on cpu.")
        return widget.runs.runs[-1]

    return finish


@pytest.fixture
def save_model(qtbot):
    """A function that saves the current model of a Train DCNN widget, and waits for the thread."""

    def save(widget, path):
        widget.model.save(path)
        qtbot.waitUntil(lambda: not widget.model.saving.busy, timeout=20_000)

    return save


@pytest.fixture
def turn_wheel():
    """Turn the wheel one notch down in the middle of a widget; returns the event."""

    def turn(widget):
        middle = QPointF(widget.rect().center())
        event = QWheelEvent(
            middle,
            QPointF(widget.mapToGlobal(widget.rect().center())),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)
        return event

    return turn
