import dataclasses

import pytest

from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.widgets.components.forms import SettingsForm


@pytest.fixture
def form(qtbot):
    form = SettingsForm(TrainingSettings())
    qtbot.addWidget(form)
    return form


def test_the_form_gives_the_defaults_back(form):
    assert form.settings() == TrainingSettings()


def test_every_field_has_its_widget_with_label_and_help(form):
    for field in dataclasses.fields(TrainingSettings):
        widget = form.fields[field.name]
        assert widget.label.startswith(field.metadata["label"])
        assert widget.tooltip == field.metadata["help"]


def test_what_is_shown_is_what_comes_out(form):
    other = TrainingSettings(
        model="paper", unit="cell", epochs=3, learning_rate=0.0125, balance=False, seed=9
    )
    for name, widget in form.fields.items():
        widget.value = getattr(other, name)
    assert form.settings() == other


def test_bounds_hold_in_the_form(form):
    epochs = form.fields["epochs"]
    assert (epochs.min, epochs.max) == (1, 10000)
    with pytest.raises(ValueError, match="value"):
        epochs.value = 0
