"""The export of cells as a folder: all of it or nothing."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import answered
from napari_marrow.data.errors import EditedResultError, MarrowError, Stopped
from napari_marrow.jobs.export_cells import run_cell_export
from napari_marrow.jobs.export_cells_job import ExportCellsJob, ExportSettings

pytestmark = pytest.mark.usefixtures("no_leftovers")
ALL = ExportSettings(labels=True, overlay=True)


def job(out, settings=ALL, **changes):
    read = {name: (lambda x=x: x) for name, x in answered.fields().items()}
    made = ExportCellsJob(answered.answers(), answered.COLOURS, read, out, settings)
    return dataclasses.replace(made, **changes)


def test_a_folder_holds_the_same_cells_in_each_form(tmp_path):
    out, events = tmp_path / "new" / "cells", []
    result = run_cell_export(job(out), events.append)
    assert (result.cells, result.fields, result.failed) == (7, 2, ())
    assert {*result.files} == {
        "cells.csv", "shares.csv", "geojson/a.geojson", "geojson/b.geojson", "labels/a_nuclei.tif",
        "labels/a_cytoplasm.tif", "labels/b_nuclei.tif", "overlays/a.png", "overlays/b.png",
    }  # fmt: skip
    table = pd.read_csv(out / "cells.csv", keep_default_na=False)
    assert table["image"].tolist() == [answered.FIRST] * 4 + [answered.SECOND] * 3
    for stem, (name, pixels) in zip("ab", answered.fields().items(), strict=True):
        own = table[table["image"] == name]
        features = json.loads((out / "geojson" / f"{stem}.geojson").read_text())["features"]
        classes = [x["properties"].get("classification", {}).get("name", "") for x in features]
        assert classes == own["class"].tolist()
        labels = tifffile.imread(out / "labels" / f"{stem}_nuclei.tif")
        np.testing.assert_array_equal(labels, pixels.nuclei)
        with Image.open(out / "overlays" / f"{stem}.png") as picture:
            assert picture.size == pixels.image.shape[1::-1]
    assert [event.fraction for event in events] == [0.0, 0.5, 1.0]


def test_only_what_is_ticked_is_written(tmp_path):
    result = run_cell_export(job(tmp_path / "a", ExportSettings(table=False)))
    assert {*result.files} == {"geojson/a.geojson", "geojson/b.geojson"}
    nothing = ExportSettings(table=False, geojson=False)
    with pytest.raises(MarrowError, match="tick"):
        run_cell_export(job(tmp_path / "b", nothing))


def test_a_field_that_can_not_be_read_is_listed_and_not_counted(tmp_path):
    def broken():
        raise MarrowError("a.png is cut off; copy it again.")

    read = job(tmp_path).read | {answered.FIRST: broken}
    result = run_cell_export(job(tmp_path / "out", read=read))
    assert [x.to_dict() for x in result.failed] == [
        {"image": answered.FIRST, "reason": "a.png is cut off; copy it again."}
    ]
    assert result.cells == 3
    shares = pd.read_csv(tmp_path / "out" / "shares.csv")
    assert set(shares["image"]) == {"all fields", answered.SECOND}
    described = json.loads((tmp_path / "out" / "export.json").read_text())
    assert described["failed"][0]["image"] == answered.FIRST
    read |= {answered.SECOND: broken}
    with pytest.raises(MarrowError, match=r"a\.png is cut off"):
        run_cell_export(job(tmp_path / "none", read=read))
    assert not (tmp_path / "none").exists()


def test_an_older_export_is_replaced_and_anything_else_stays(tmp_path):
    out = tmp_path / "out"
    run_cell_export(job(out))
    result = run_cell_export(job(out, ExportSettings()))
    assert sorted(p.name for p in out.iterdir()) == ["cells.csv", "export.json", "geojson",
                                                     "shares.csv"]  # fmt: skip
    assert "labels/a_nuclei.tif" not in result.files
    (out / "cells.csv").write_text("image\n")
    with pytest.raises(EditedResultError, match=r"cells\.csv"):
        run_cell_export(job(out))
    run_cell_export(job(out, force=True))
    (out / "mine.txt").write_text("mine")
    with pytest.raises(MarrowError, match=r"mine\.txt"):
        run_cell_export(job(out, force=True))
    assert (out / "mine.txt").read_text() == "mine"


def test_stopped_nothing_is_left(tmp_path):
    asked = iter([False, True])
    with pytest.raises(Stopped):
        run_cell_export(job(tmp_path / "out"), should_stop=lambda: next(asked))
    assert not (tmp_path / "out").exists()


def test_fields_of_one_name_have_files_of_their_own(tmp_path):
    made = answered.answers()
    cells = dataclasses.replace(made.cells, fields=("set/ALL/a.png", "set/MM/a.png"))
    read = dict(zip(cells.fields, job(tmp_path).read.values(), strict=True))
    answers = dataclasses.replace(made, cells=cells)
    result = run_cell_export(job(tmp_path / "out", ExportSettings(), answers=answers, read=read))
    assert {"geojson/ALL_a.geojson", "geojson/MM_a.geojson"} <= {*result.files}
