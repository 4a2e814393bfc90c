"""Cells are written as they are shown, and classes of QuPath are taken over as one step."""

import json

import numpy as np
import pandas as pd
import pytest
from qtpy.QtWidgets import QFileDialog, QInputDialog
from shapely.geometry import shape

from napari_marrow.jobs.export_cells_job import ExportSettings
from napari_marrow.learning.annotating.doubting import Doubts
from napari_marrow.learning.annotating.estimate import FairEstimate
from napari_marrow.learning.annotating.review import Review
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.annotating.reviewing import Reviewing
from napari_marrow.widgets.components.annotating.exchange_page import ExchangePage
from napari_marrow.widgets.components.run_panel import RunPanel


@pytest.fixture
def page(live, qtbot):
    run = RunPanel()
    qtbot.addWidget(run)
    made = ExchangePage(run)
    qtbot.addWidget(made)
    made.show_session(live)
    yield made
    made.show_session(None)


def teach(live, qtbot):
    live.give([0, 1], "ALL")
    live.give([6, 7], "MM")
    qtbot.waitUntil(lambda: live.answers.model == "live model")


def said(page):
    return page._run.status.text()


def test_files_hold_what_the_screen_shows(page, live, viewer, tmp_path, qtbot, monkeypatch):
    page.show_session(None)
    assert not page.export_button.isEnabled()
    assert not page.import_button.isEnabled()
    page.show_session(live)
    teach(live, qtbot)
    out = tmp_path / "cells"
    page.exported.form.show_settings(ExportSettings(labels=True, overlay=True))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    page.export_button.click()
    qtbot.waitUntil(lambda: "written" in said(page), timeout=20_000)
    assert "36 cells of 3 fields" in said(page)
    table, shown = pd.read_csv(out / "cells.csv", keep_default_na=False), live.answers
    classes = np.array([*shown.classes, ""])
    assert table["class"].tolist() == classes[shown.final].tolist()
    assert table["class_from"][:2].tolist() == ["person"] * 2
    assert table["annotated"].sum() == 4
    assert table["uncertain"].tolist() == shown.uncertain.tolist()
    assert table["reason"].tolist() == shown.reasons.tolist()
    assert table["probability_MM"].to_numpy(float) == pytest.approx(
        shown.probabilities[:, 1], abs=1e-9
    )
    labels = viewer.layers["stack nuclei"].data
    files = sorted((out / "geojson").iterdir())
    assert len(files) == 3
    for row, file in enumerate(files):
        own = table[table["image"] == shown.cells.fields[row]]
        features = json.loads(file.read_text())["features"]
        for feature, number in zip(features, own["index"], strict=True):
            assert shape(feature["nucleusGeometry"]).area == (labels[row] == number).sum()


def test_shares_hold_the_errors_that_are_in_the_counts_on_the_canvas(
    page, live, viewer, tmp_path, qtbot
):
    teach(live, qtbot)
    reviewing = open_project_of(viewer).reviewing = Reviewing(live)
    reviewing.close()  # its review is set here
    errors = HeldOutErrors(("ALL", "MM"), ((30, 5), (4, 40)), (1.0, 1.0), (9, 9))
    estimate = FairEstimate(79, 0, True, None, errors)
    reviewing.review = Review(live.answers, estimate, None, Doubts(), 0)
    page.export(tmp_path / "cells")
    qtbot.waitUntil(lambda: "written" in said(page), timeout=20_000)
    found = pd.read_csv(tmp_path / "cells" / "shares.csv").set_index(["image", "class"])
    for field in (None, live.answers.cells.fields[1]):
        counts = reviewing.review.count(CountSettings(class_name="MM"), field)
        share = next(x for x in counts.shares if x.class_name == "MM")
        row = found.loc[(field or "all fields", "MM")]
        assert row["basis"] == counts.basis == "corrected"
        assert row[["share", "low", "high"]].tolist() == pytest.approx(
            [share.estimate, share.low, share.high], abs=1e-9
        )


def geojson(path, places, name="plasma cell", colour=(1, 2, 3)):
    classified = {"classification": {"name": name, "color": [*colour]}}
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [x + 0.5, y + 0.5]},
            "properties": {"objectType": "annotation", **classified},
        }
        for y, x in places
    ]
    bare = {"type": "Feature", "geometry": features[0]["geometry"], "properties": {}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [*features, bare]}))
    return path


def test_an_import_is_one_step_with_its_classes(page, live, tmp_path, qtbot, monkeypatch):
    cells, session = live.answers.cells, live.session
    names = cells.fields
    files = [
        geojson(tmp_path / f"{names[1]}.geojson", cells.places[[12, 13]].tolist()),
        geojson(tmp_path / f"{names[2]}.geojson", [*cells.places[[30]].tolist(), (0, 0)], "mm"),
        tmp_path / "broken.geojson",
    ]
    files[2].write_text("{")
    before = session.annotations
    paths = ([*map(str, files)], "")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: paths)
    page.import_button.click()
    qtbot.waitUntil(lambda: "got a class" in said(page))
    for words in ("3 cells got a class", "plasma cell 2", "MM 1", "2 objects without a class",
                  "1 object lies on no cell", "broken.geojson"):  # fmt: skip
        assert words in said(page)
    assert [x.name for x in session.annotations.classes] == ["ALL", "MM", "plasma cell"]
    assert session.annotations.classes[2].colour == "#010203"
    qtbot.waitUntil(lambda: len(live.answers.classes) == 3)
    assert live.answers.given[[12, 13, 30]].tolist() == [2, 2, 1]
    assert set(live.answers.origins[[12, 13, 30]]) == {"QuPath"}
    y, x = cells.places[12]
    field = session.fields[0]
    painted = session.layer_of(field.image).data[1, y, x]
    assert painted > 0  # shown, too
    session.undo()
    assert (session.annotations.cells, session.annotations.classes) == (
        before.cells,
        before.classes,
    )
    session.redo()
    assert len(session.annotations.cells) == 3


def test_where_the_name_does_not_tell_the_field_it_is_asked(
    page, live, tmp_path, qtbot, monkeypatch
):
    cells = live.answers.cells
    file = geojson(tmp_path / "other.geojson", cells.places[[25]].tolist())
    asked = []

    def choose(parent, title, text, names, editable):
        asked.append(text)
        return names[names.index(cells.fields[2])], len(asked) == 1

    monkeypatch.setattr(QInputDialog, "getItem", choose)
    page.take_over([file])
    qtbot.waitUntil(lambda: "got a class" in said(page))
    assert "other" in asked[0]
    (place,) = live.session.annotations.cells
    assert place.image == cells.fields[2]
    page.take_over([file])  # and cancelled
    qtbot.waitUntil(lambda: "none of the fields" in said(page))
    assert len(live.session.annotations.cells) == 1
    several = [file, geojson(tmp_path / "third.geojson", cells.places[[25]].tolist())]
    page.take_over(several)  # a dialog for each would not end
    qtbot.waitUntil(lambda: "third is none of the fields" in said(page))
    assert len(asked) == 2


def test_tables_name_cells_by_number(page, live, tmp_path, qtbot):
    cells = live.answers.cells
    file = tmp_path / f"{cells.fields[0]}_annotation.csv"
    file.write_text("label,annotations,annotation_names\n2,1.0,ALL\n3,,\n99,2.0,MM\n")
    page.take_over([file])
    qtbot.waitUntil(lambda: "got a class" in said(page))
    assert "1 object lies on no cell" in said(page)
    qtbot.waitUntil(lambda: live.answers.given[1] == 0)
    assert live.answers.origins[1] == "napari-feature-classifier"
