"""Which fields are learnt from, measured and labelled: a tick a field, off where nobody looks."""

import json

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.make.stains import recoloured, recoloured_layer, show_made
from napari_marrow.viewer.photograph.annotations import set_chosen, set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.measuring import opened_fields
from napari_marrow.viewer.training.session import write_session

STACK = "PKG - SN-AM"


@pytest.fixture
def viewer(snam):
    viewer = ViewerModel()
    for data, options, kind in read(str(snam)):
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


def chosen(viewer):
    """The number of chosen fields by the name of their layer."""
    return {x.name: len(x.chosen) for x in Photograph.all_of(viewer.layers)}


def test_products_are_not_chosen_and_three_runs_of_stain_change_nothing(viewer, tmp_path):
    photograph = Photograph.all_of(viewer.layers)[0]
    for method in ("white-balance", "reinhard", "macenko"):
        made = recoloured(photograph, 0, StainSettings("white-balance"), None)
        layer = recoloured_layer(photograph, made, method)
        show_made(viewer, photograph.layer, [layer], (Kind(method),))
    augmented = augment_photograph(photograph, AugmentSettings(("rotate90",)))
    for layer in augmented_layers(photograph, augmented):
        viewer.add_layer(layer)
    numbers = chosen(viewer)
    assert len(numbers) == 5
    assert set(numbers.values()) == {0}  # Stain hid the photograph, too, and nobody ticked it
    assert not LayerInfo.of(photograph.layer).chosen
    assert Photograph.of(photograph.layer, viewer.layers).hidden
    set_chosen(photograph.layer, range(6), True)
    assert chosen(viewer)[STACK] == 6
    summary = summarize_learning(Photograph.chosen_of(viewer.layers), "field")
    assert f"{STACK} is hidden, and used because it is ticked" in summary.sentence()
    found = write_session(Photograph.chosen_of(viewer.layers), tmp_path, "field")[0]
    assert [field.name[-1] for field in found.fields] == ["1", "2", "3"] * 2


def test_sentences_about_many_layers_stay_short(draw):
    viewer = ViewerModel()
    for k in range(12):
        image = draw(seed=k)[0]
        layer = viewer.add_image(image, rgb=True, name=f"photograph {k}", visible=k % 2 == 0)
        set_field_class(layer, 0, "ALL")
        set_chosen(layer, [0], True)
        nuclei = np.ones(image.shape[:2], int)
        viewer.add_labels(nuclei, name=f"photograph {k} nuclei", visible=k > 4)
        viewer.add_labels(nuclei, name=f"{k} of another program")
        if k > 4:
            copied = viewer.add_image(image, rgb=True, name=f"copy {k}")
            set_field_class(copied, 0, f"class {k}")
            set_chosen(copied, [0], True)
    summary = summarize_learning(Photograph.chosen_of(viewer.layers), "field")
    said = summary.sentence()
    for kind in (
        "is hidden, and used because it is ticked",
        "is hidden, but its nuclei count",
        "gives no classes",
        "is ticked twice, as",
    ):
        assert 1 <= said.count(kind) <= 3, kind
    assert "photograph 1 is hidden, and used because it is ticked" in said
    for rest in (6 - 3, 5 - 3, 12 - 3, 7 - 3):
        assert f"{rest} more" in said
    assert len(said) < 2000
    assert len(summary.left_out) == 7  # all are named where each has its own line


def test_hidden_layers_are_not_chosen_unless_somebody_says_so(viewer, draw):
    viewer.add_image(draw()[0], rgb=True, name="hidden", visible=False)
    assert chosen(viewer) == {STACK: 6, "hidden": 0}
    set_chosen(viewer.layers["hidden"], [0], True)
    set_chosen(viewer.layers[STACK], [0, 5], False)
    viewer.layers[STACK].visible = False
    assert chosen(viewer) == {STACK: 0, "hidden": 1}
    viewer.layers[STACK].visible = True
    assert chosen(viewer) == {STACK: 4, "hidden": 1}
    stored = LayerInfo.of(viewer.layers[STACK]).to_dict()
    again = LayerInfo.from_dict(json.loads(json.dumps({**stored, "fields": []})))
    assert again.chosen == {0: False, 5: False}
    for layer in viewer.layers:
        layer.visible = False
    set_chosen(viewer.layers["hidden"], [0], False)
    with pytest.raises(MarrowError, match="ticked"):
        Photograph.chosen_of(viewer.layers)


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_only_what_is_chosen_is_learnt_from_measured_and_labelled(viewer, make_toy, tmp_path, unit):
    set_chosen(viewer.layers[STACK], [1, 3, 4, 5], False)
    photographs = Photograph.chosen_of(viewer.layers)
    (tmp_path / "session").mkdir()
    for found in (
        write_session(photographs, tmp_path / "session", unit)[0],
        opened_fields(photographs, tmp_path, unit, False)[0],
    ):
        assert [field.name for field in found.fields] == ["ALL_1", "ALL_3"]
    bundle = make_toy(tmp_path / "toy.marrow", unit=unit)
    events = []
    [labelled] = predict_photographs(bundle, photographs, events.append)
    assert len(events) == 2
    show_predictions(viewer, labelled, bundle.info.classes)
    answers = LayerInfo.of(viewer.layers[STACK]).predictions
    assert [bool(x.text) for x in answers] == [True, False, True, False, False, False]
    assert [len(x.table) > 0 for x in answers] == [True, False, True, False, False, False]
    if unit == "cell":
        layer = viewer.layers[f"{STACK} predicted cells"]
        assert list(layer.features.groupby("field").size()) == [12, 12]
        assert [bool(layer.data[row].any()) for row in range(6)] == [1, 0, 1, 0, 0, 0]
