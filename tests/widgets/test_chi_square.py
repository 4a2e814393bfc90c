"""The dock widget "Chi-square features", in a real viewer, opened by its name in the manifest."""

import dataclasses
import os
import sys
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest
from napari.layers import Layer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QScrollArea
from scipy.stats import false_discovery_control
from sklearn.feature_selection import chi2
from sklearn.preprocessing import minmax_scale

import napari_marrow.learning.units.feature_table as measuring
from napari_marrow.data.layouts import scan, write_table
from napari_marrow.jobs.features import FeaturesJob, run_features_job
from napari_marrow.measure.extract import features
from napari_marrow.measure.settings import ChiSquareSettings, FeatureSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.make.layers import collection_layers
from napari_marrow.viewer.photograph.annotations import set_field_class

PLUGIN, WIDGET = "napari-marrow", "Chi-square features"
SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def widget(viewer):
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    return widget


@pytest.fixture
def seen(make_napari_viewer):
    """The widget in a viewer on the screen, where it has its true size."""
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1366, 768)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    return widget


def run(widget, qtbot, **values):
    """Measure with these settings, and wait."""
    if "families" in values:
        widget.families.check(*values.pop("families"))
    for name, value in values.items():
        form = widget.form if name in widget.form.fields else widget.selection
        form.fields[name].value = value
    widget.measure()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=60_000)


class Slow:
    """Makes the measuring of every field wait until it is let go."""

    def __init__(self, monkeypatch):
        self.begun, self.go, self.fields = Event(), Event(), 0
        measure = measuring.measure_field

        def slowly(*given, **more):
            self.fields += 1
            self.begun.set()
            assert self.go.wait(30)
            return measure(*given, **more)

        monkeypatch.setattr(measuring, "measure_field", slowly)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()


def test_it_opens_small_scrolls_and_says_what_it_is_for(widget):
    assert widget.findChildren(QScrollArea)
    assert widget.minimumSizeHint().height() < 600
    assert not widget.findChild(QScrollArea).horizontalScrollBar().maximum()
    assert widget.measure_button.isEnabled()
    for other in (widget.run.cancel_button, widget.map_button, widget.save_button):
        assert not other.isEnabled()
    assert RESEARCH_ONLY in [x.text() for x in widget.findChildren(type(widget.run.status))]
    assert not {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
    for k in range(widget.families.count()):
        assert len(widget.families.item(k).toolTip()) > 20
    assert widget.settings() == FeatureSettings()
    assert widget.selection.settings() == ChiSquareSettings()
    assert not widget.selection.more.isExpanded()
    assert widget.selection.more.isAncestorOf(widget.selection.fields["resamples"].native)


def test_what_cannot_work_is_a_sentence(widget, viewer, draw, tmp_path, qtbot):
    widget.measure()
    assert widget.run.status.text().startswith("No photograph is open")
    widget.families.check()
    widget.measure()
    assert widget.run.status.text() == "Families is empty; choose at least one."
    widget.families.check("histogram")
    viewer.add_image(draw()[0], rgb=True, name="a")
    run(widget, qtbot)
    assert widget.run.status.text().startswith("Nothing open has a class")
    widget.source.where.setCurrentIndex(1)
    widget.measure()
    assert widget.run.status.text().startswith("No folder is chosen")
    widget.source.set_folder(tmp_path / "none")
    run(widget, qtbot)
    assert str(tmp_path / "none") in widget.run.status.text()
    assert widget.measure_button.isEnabled()
    assert widget.found is None


def test_scores_are_those_of_scikit_learn(widget, snam, qtbot):
    widget.source.set_folder(snam)
    run(widget, qtbot, families=("histogram",), select=5, resamples=8)
    settings = FeatureSettings(("histogram",))
    tables = [features(f.image(), None, settings) for f in scan(snam).fields]
    values = pd.concat(tables).drop(columns=["index", "y", "x"])
    expected, p_values = chi2(minmax_scale(values), ["ALL"] * 3 + ["MM"] * 3)
    known = np.isfinite(expected)
    expected, p_values = np.where(known, expected, 0), np.where(known, p_values, 1)  # constant
    scores = widget.found.scores.set_index("feature").loc[values.columns]
    np.testing.assert_allclose(scores["chi2"], expected, atol=1e-09)
    np.testing.assert_allclose(scores["p_value"], p_values, atol=1e-09)
    adjusted = false_discovery_control(p_values[known])
    np.testing.assert_allclose(scores["p_adjusted"][known], adjusted, atol=1e-09)
    best = values.columns[np.argsort(np.where(known, -expected, 1), kind="stable")]
    shown = [t.get_text() for t in widget.view.bars._figure.axes[0].texts]
    assert shown == list(best[: min(20, known.sum())])
    filled = [b for b in widget.view.bars._figure.axes[0].patches if b.get_hatch() is None]
    assert len(filled) == scores["selected"].sum() == 5
    assert [widget.view.choice.itemText(k) for k in range(len(best))] == list(best)
    assert "6 rows of 64 features" in widget.run.status.text()
    assert "Save CSV has the table" in widget.run.status.text()


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_the_saved_tables_are_those_of_the_command_line(widget, make_snam, tmp_path, qtbot, unit):
    root = make_snam(tmp_path / "s", 3, size=(96, 128))
    widget.source.set_folder(root)
    families = ("fourier", "morphology", "colour")
    run(widget, qtbot, families=families, unit=unit, select=3, seed=4, resamples=6)
    widget.save(tmp_path / "mine")
    qtbot.waitUntil(lambda: "Saved" in widget.run.status.text(), timeout=20_000)
    assert str(tmp_path / "mine.csv") in widget.run.status.text()
    settings = FeatureSettings(families, unit)
    job = FeaturesJob(scan(root), tmp_path / "t.csv", settings, ChiSquareSettings(3, 6, 4))
    result = run_features_job(job).to_dict()
    for end in (".csv", ".scores.csv"):
        mine, wanted = (pd.read_csv(tmp_path / f"{name}{end}") for name in ("mine", "t"))
        pd.testing.assert_frame_equal(mine, wanted, rtol=0, atol=1e-9)
    scores = pd.read_csv(tmp_path / "mine.scores.csv")
    assert scores["feature"].tolist() == widget.found.scores["feature"].tolist()
    assert all(note in widget.found.notes for note in result["notes"])
    widget.found = dataclasses.replace(widget.found, scores=None)  # as of one class
    widget.save(tmp_path / "mine")
    qtbot.waitUntil(lambda: "without scores" in widget.run.status.text(), timeout=20_000)
    assert f"{tmp_path / 'mine.scores.csv'} was removed" in widget.run.status.text()


def test_a_table_that_cannot_be_written_is_a_sentence(widget, snam, tmp_path, qtbot):
    widget.source.set_folder(snam)
    run(widget, qtbot, families=("histogram",))
    (tmp_path / "taken.csv").mkdir()
    widget.save(tmp_path / "taken.csv")
    qtbot.waitUntil(lambda: "is a folder" in widget.run.status.text(), timeout=20_000)
    qtbot.waitUntil(widget.save_button.isEnabled)
    (tmp_path / "labels.csv").write_text("image,class\nALL_1,ALL\n")
    widget.save(tmp_path / "labels.csv")
    qtbot.waitUntil(lambda: "labels.csv is there already" in widget.run.status.text(), timeout=9999)
    assert (tmp_path / "labels.csv").read_text() == "image,class\nALL_1,ALL\n"


@pytest.mark.parametrize("opened", ["folder", "layers", "other layers"])
def test_a_table_that_was_read_is_not_replaced(widget, viewer, make_snam, tmp_path, qtbot, opened):
    """A table of features has the columns of a table of classes, too."""
    root = make_snam(tmp_path, wrapped=False)
    table = root / "mine.csv"
    run_features_job(FeaturesJob(scan(root), table, FeatureSettings(("histogram",))))
    (root / "mine.scores.csv").unlink()
    read = table.read_bytes()
    if opened == "folder":
        widget.source.set_folder(table)
    else:
        for data in collection_layers(scan(table)):
            viewer.add_layer(Layer.create(*data))
    if opened == "other layers":
        widget.source.set_folder(root)
    run(widget, qtbot, families=("colour",))
    os.link(table, tmp_path / "link.csv")
    for name in ("mine.csv", "link.csv"):
        widget.run.say("")
        widget.save(root / name)
        qtbot.waitUntil(lambda: "which is read" in widget.run.status.text(), timeout=20_000)
        qtbot.waitUntil(widget.save_button.isEnabled)
        assert table.read_bytes() == read
    widget.save(root / "other.csv")
    qtbot.waitUntil(lambda: "Saved" in widget.run.status.text(), timeout=20_000)


def test_a_table_of_the_data_set_widget_is_read(widget, make_snam, tmp_path, qtbot):
    collection = scan(make_snam(tmp_path, wrapped=False))
    mended = [dataclasses.replace(f, class_name="x") for f in collection.fields[1:3]]
    fields = (collection.fields[0], *mended)
    write_table(dataclasses.replace(collection, fields=fields), tmp_path / "fields.csv")
    widget.source.set_folder(tmp_path / "fields.csv")
    qtbot.waitUntil(lambda: "3 fields of 3 sources: 1 ALL, 2 x." in widget.source.run.status.text())
    run(widget, qtbot, families=("histogram",))
    assert widget.found.table["class"].tolist() == ["ALL", "x", "x"]
    assert list(widget.view.values()) == ["ALL", "x"]


def test_fields_of_the_open_layers_have_the_classes_given_to_them(widget, viewer, snam, qtbot):
    viewer.open(str(snam), plugin=PLUGIN)
    stack = viewer.layers["PKG - SN-AM"]
    set_field_class(stack, 1, "MM")
    set_field_class(stack, 2, None)
    run(widget, qtbot, families=("histogram",))
    table = widget.found.table.set_index("image")
    classes = {"ALL_1": "ALL", "ALL_2": "MM", "MM_1": "MM", "MM_2": "MM", "MM_3": "MM"}
    assert table["class"].to_dict() == classes
    expected = features(np.asarray(stack.data[1]))["histogram_red_224_239"]
    assert table.loc["ALL_2", "histogram_red_224_239"] == expected[0]


def test_open_fields_without_a_class_and_uneven_masks_are_said(
    widget, viewer, make_snam, draw, tmp_path, qtbot
):
    root = make_snam(tmp_path, 2)
    for mask in (root / "MM").glob("*_mask.bmp"):
        mask.unlink()
    viewer.open(root, plugin=PLUGIN)
    viewer.add_image(draw()[0], rgb=True, name="of no class")
    run(widget, qtbot, families=("morphology",))
    said = widget.run.status.text()
    assert "Measured 2 ALL and 2 MM fields; 1 field left out: no class." in said
    assert "Nuclei come from masks in 2 of 2 fields of ALL and in 0 of 2 fields of MM" in said


def test_cells_of_the_open_layers_get_their_features(widget, viewer, qtbot):
    for name in ("ALL/ALL_1", "MM/MM_1"):
        viewer.open(str(SAMPLES / f"{name}.jpg"), plugin=PLUGIN)
    run(widget, qtbot, families=("morphology", "texture"), unit="cell", select=4)
    assert "The features are in the table of ALL_1 nuclei, MM_1 nuclei." in widget.run.status.text()
    assert "the 4 selected features; Save CSV has all" in widget.run.status.text()
    assert "Units of one source are not independent" in widget.run.status.text()
    chosen = widget.found.scores.query("selected")["feature"].tolist()
    assert len(chosen) == 4
    settings = FeatureSettings(("morphology", "texture"), "cell")
    for name in ("ALL_1", "MM_1"):
        layer = viewer.layers[f"{name} nuclei"]
        wanted = features(viewer.layers[name].data, {"nucleus": layer.data}, settings)
        assert layer.features.columns[0] == "index"
        assert layer.features["index"].tolist() == wanted["index"].tolist()
        for column in chosen:
            np.testing.assert_allclose(layer.features[column], wanted[column], atol=1e-9)
        assert set(layer.features["scored_class"]) == {name.split("_")[0]}


@pytest.mark.parametrize("damage", ["cut off", "empty", "bad mask"])
def test_measuring_a_folder_goes_on_without_a_file_that_can_not_be_used(
    widget, make_snam, tmp_path, qtbot, damage
):
    root = make_snam(tmp_path / "s", 4, wrapped=False)
    path = root / "MM" / ("MM_2_nucleus_mask.bmp" if damage == "bad mask" else "MM_2.bmp")
    path.write_bytes(b"" if damage == "empty" else path.read_bytes()[:500])
    widget.source.set_folder(root)
    qtbot.waitUntil(lambda: not widget.source._scan.busy, timeout=20_000)
    run(widget, qtbot, families=("histogram",))
    assert widget.found is not None
    assert sorted(widget.found.table["image"]) == sorted(
        f"{c}/{c}_{k}.bmp" for c in ("ALL", "MM") for k in (1, 2, 3, 4) if (c, k) != ("MM", 2)
    )
    assert "left out: MM/MM_2.bmp" in widget.run.status.text()


def test_one_class_is_measured_and_not_scored(widget, viewer, snam, tmp_path, qtbot):
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin=PLUGIN)
    run(widget, qtbot, families=("pixels",))
    assert "There are not two classes: nothing was scored." in widget.run.status.text()
    assert widget.view is None
    assert not widget.map_button.isEnabled()
    widget.save(tmp_path / "t.csv")
    qtbot.waitUntil(lambda: "without scores" in widget.run.status.text(), timeout=20_000)
    assert not (tmp_path / "t.scores.csv").exists()


def test_a_clicked_bar_is_shown_by_class(seen, snam, qtbot):
    widget = seen
    widget.source.set_folder(snam)
    run(widget, qtbot, families=("histogram",), select=2)
    view = widget.view
    qtbot.waitUntil(lambda: view.bars._figure.bbox.height == view.bars.height() > 200)
    (axes,) = view.bars._figure.axes
    row = 3
    x, y = axes.transData.transform((0, row))
    place = QPoint(int(x) + 5, int(view.bars.height() - y))
    qtbot.mouseClick(view.bars, Qt.MouseButton.LeftButton, pos=place)
    score = widget.found.scores.iloc[row]
    assert view.selected == score["feature"]
    column = widget.found.table[score["feature"]]
    assert view.values()["ALL"].tolist() == column[:3].tolist()
    assert view.values()["MM"].tolist() == column[3:].tolist()
    points = [p.get_offsets()[:, 0] for p in view.distribution._figure.axes[0].collections]
    assert sorted(points[1]) == sorted(column[3:])
    assert f"rank {row + 1}, not selected" in view.numbers.text()
    assert f"chi2 {score['chi2']:.4g}, p {score['p_value']:.2g}" in view.numbers.text()
    area, last = widget.findChild(QScrollArea), view.numbers
    bottom = last.mapTo(area.viewport(), last.rect().bottomLeft()).y()
    assert 0 < bottom <= area.viewport().height()  # in sight
    bold = [t.get_text() for t in view.bars._figure.axes[0].texts if t.get_weight() == "bold"]
    assert bold == [score["feature"]]
    view.select(widget.found.scores["feature"].iloc[-1])
    assert "rank 64" in view.numbers.text()


@pytest.mark.parametrize("width", [300, 400])
def test_names_are_never_cut_off(seen, snam, qtbot, width):
    widget = seen
    widget.source.set_folder(snam)
    run(widget, qtbot, families=("colour",), resamples=0)  # the longest names
    view = widget.view
    widget.view.setFixedWidth(width - 60)
    qtbot.waitUntil(lambda: view.bars.width() == width - 60)
    for canvas in (view.bars, view.distribution):
        (axes,) = canvas._figure.axes
        right = canvas._figure.bbox.width
        spans = [t.get_window_extent(canvas.get_renderer()) for t in axes.texts]
        assert spans
        assert all(s.x0 >= 0 and s.x1 <= right for s in spans)
        heights = [(s.y0, s.y1) for s in spans]
        assert all(upper[0] > lower[1] for upper, lower in pairwise(heights))
    assert "stability not known" in view.numbers.text()


def test_the_plots_follow_the_theme_and_leave_the_wheel_alone(
    widget, viewer, snam, qtbot, turn_wheel
):
    widget.source.set_folder(snam)
    run(widget, qtbot, families=("histogram",))
    backs = set()
    for theme in ("light", "dark"):
        viewer.theme = theme
        for canvas in (widget.view.bars, widget.view.distribution):
            texts = {t.get_color() for t in canvas._figure.axes[0].texts}
            back = canvas._figure.get_facecolor()
            assert len(texts) == 1
            assert (np.mean(back[:3]) > 0.5) == (theme == "light")
            backs.add(back)
    assert len(backs) == 2
    wheel = turn_wheel(widget.view.bars)
    assert not wheel.isAccepted()


def test_the_map_is_shown_where_pixels_were_measured(widget, viewer, snam, qtbot):
    viewer.open(str(snam), plugin=PLUGIN)
    run(widget, qtbot, families=("histogram",))
    assert not widget.map_button.isEnabled()
    run(widget, qtbot, families=("pixels",))
    widget.map_button.click()
    found = viewer.layers["chi-square map"]
    scores = widget.found.scores.set_index("feature")["chi2"].fillna(0)
    square = [scores[f"pixel_{c}_y08_x08"] for c in ("red", "green", "blue")]
    assert found.data[8, 8] == pytest.approx(sum(square), abs=1e-5)
    assert tuple(found.scale) == (48 / 16, 64 / 16)
    assert "over PKG - SN-AM" in widget.run.status.text()


def test_cancel_is_felt_and_nothing_is_shown(widget, snam, slow, qtbot):
    widget.source.set_folder(snam)
    widget.measure()
    qtbot.waitUntil(slow.begun.is_set, timeout=60_000)
    qtbot.waitUntil(lambda: "Measuring ALL_1" in widget.run.status.text())
    widget.run.cancel_button.click()
    assert widget.run.status.text() == "Stopped."
    assert not widget.run.cancel_button.isEnabled()
    assert not widget.run.bars.own.isVisibleTo(widget)
    widget.measure()  # begins when the thread of the first run has ended
    assert slow.fields == 1
    slow.go.set()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=60_000)
    assert slow.fields == 7
    assert len(widget.found.table) == 6


def test_closing_the_dock_stops_the_work(widget, viewer, snam, slow, qtbot):
    widget.source.set_folder(snam)
    widget.measure()
    qtbot.waitUntil(slow.begun.is_set, timeout=60_000)
    viewer.window.remove_dock_widget(widget)
    slow.go.set()
    qtbot.waitUntil(lambda: widget.task._in_thread is None, timeout=10_000)
    assert slow.fields == 1
    assert widget.found is None


def test_layers_that_were_removed_meanwhile_are_said(widget, viewer, snam, slow, qtbot):
    for name in ("ALL", "MM"):
        viewer.open(str(snam / "PKG - SN-AM" / name / f"{name}_1.bmp"), plugin=PLUGIN)
    widget.form.fields["unit"].value = "cell"
    widget.families.check("morphology")
    widget.measure()
    qtbot.waitUntil(slow.begun.is_set, timeout=60_000)
    for name in ("ALL_1", "ALL_1 nuclei"):
        viewer.layers.remove(name)
    slow.go.set()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=30_000)
    told = widget.run.status.text()
    assert "Removed meanwhile, and measured all the same: ALL_1." in told
    assert "ALL_1 nuclei was removed meanwhile; its table is not shown." in told
    assert "scored_class" in viewer.layers["MM_1 nuclei"].features
    assert len(widget.found.table) == 13


def test_the_viewer_is_not_held_up(widget, viewer, snam, slow, qtbot):
    widget.source.set_folder(snam)
    widget.measure()
    qtbot.waitUntil(slow.begun.is_set, timeout=60_000)
    viewer.add_image(np.zeros((8, 8)))
    QApplication.processEvents()
    assert widget.run.cancel_button.isEnabled()
    qtbot.waitUntil(lambda: widget.run.bars.own.isVisibleTo(widget))
    slow.go.set()
    qtbot.waitUntil(lambda: not widget.task.busy, timeout=30_000)
    assert not widget.run.bars.own.isVisibleTo(widget)
