import dataclasses

import pytest
from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, SpinBox

from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.measure.settings import ChiSquareSettings
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
    assert (epochs.native.minimum(), epochs.native.maximum()) == (1, 10000)
    with pytest.raises(ValueError, match="value"):
        epochs.value = 0


def test_the_smallest_value_has_a_name_where_it_means_something_else(qtbot):
    shown = {}
    for settings in (TrainingSettings(), SegmentSettings(), ChiSquareSettings(resamples=0)):
        form = SettingsForm(settings)
        qtbot.addWidget(form)
        shown |= {name: field.native for name, field in form.fields.items()}
    names = ("learning_rate", "smallest", "largest", "resamples", "seed")
    assert [shown[name].text() for name in names] == [
        "automatic",
        "automatic",
        "no limit",
        "none",
        "0",
    ]


def test_numbers_have_the_digits_that_their_option_asks_for(form):
    shown = {"learning_rate": (0.00125, "0.001250"), "heldout": (0.3, "0.30")}
    for name, (value, text) in shown.items():
        form.fields[name].value = value
        assert form.fields[name].native.text() == text
        assert form.fields[name].value == pytest.approx(value, abs=1e-9)


def test_defaults_keep_their_digits(qtbot):
    form = SettingsForm(TrainingSettings(learning_rate=0.00125))
    qtbot.addWidget(form)
    assert form.settings().learning_rate == pytest.approx(0.00125, abs=1e-9)


def test_the_fields_are_widgets_of_magicgui(form):
    kinds = {
        "model": ComboBox,
        "epochs": SpinBox,
        "heldout": FloatSpinBox,
        "balance": CheckBox,
    }
    assert {name: type(form.fields[name]) for name in kinds} == kinds


def test_fields_that_a_model_does_not_take_leave_no_trace(form):
    names = ("epochs", "families", "balance")
    form.set_shown(names, False)
    assert not any(form.fields[name].native.isVisibleTo(form) for name in names)
    form.more.expand()
    form.set_shown(names, True)
    assert all(form.fields[name].native.isVisibleTo(form) for name in names)
