"""The features job: two tables, whole or not there at all."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import _ANSWERS as ANSWERS
from napari_marrow.jobs.features import FEATURES_TABLE, FeaturesJob, run_features_job, scores_path
from napari_marrow.jobs.output_names import PREDICTIONS
from napari_marrow.learning.units.feature_table import feature_columns, measure_collection
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.settings import FAMILIES, ChiSquareSettings, FeatureSettings

CELL = FeatureSettings(("colour",), "cell")


def run(collection, out, settings=None, selection=None, strict=False, **how):
    settings, selection = settings or FeatureSettings(), selection or ChiSquareSettings()
    job = FeaturesJob(collection, out, settings, selection, strict=strict)
    return run_features_job(job, **how).to_dict()


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_a_table_of_all_families_is_replaced_unless_it_has_remarks(tmp_path, collection, unit):
    one = replace(collection, fields=collection.fields[:1])
    run(one, tmp_path / "T.csv", FeatureSettings(FAMILIES, unit))
    assert FEATURES_TABLE.is_ours(tmp_path / "T.csv")
    table = pd.read_csv(tmp_path / "T.csv")
    for name in ("reviewer", "nucleus_remark"):
        table.assign(**{name: "mine"}).to_csv(tmp_path / "T.csv", index=False)
        assert not FEATURES_TABLE.is_ours(tmp_path / "T.csv")


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (FEATURES_TABLE, "image,index,y,x,class,source"),
        (PREDICTIONS, "image,index,y,x,class,uncertain"),
        (ANSWERS, "image,index,y,x,class,source,fold,predicted,model,protocol"),
    ],
)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_any_number_of_ours_is_not_ours(tmp_path, kind, header, rows):
    (tmp_path / "T.csv").write_text(f"{header}\n" + "1," * header.count(",") * rows + "1\n" * rows)
    assert not kind.is_ours(tmp_path / "T.csv")


@pytest.mark.usefixtures("no_leftovers")
def test_both_tables(tmp_path, collection):
    events = []
    result = run(collection, tmp_path / "T.csv", None, ChiSquareSettings(7), emit=events.append)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["T.csv", "T.scores.csv"]
    table, scores = pd.read_csv(tmp_path / "T.csv"), pd.read_csv(tmp_path / "T.scores.csv")
    expected = measure_collection(collection, FeatureSettings())
    columns = list(feature_columns(expected))
    assert list(table.columns) == ["image", "index", "y", "x", "class", "source", *columns]
    pd.testing.assert_frame_equal(table, expected[table.columns], rtol=0, atol=1e-09)
    by_hand = select_features(
        expected[columns], expected["class"], expected["source"], ChiSquareSettings(7)
    )
    assert list(scores.columns[:4]) == ["feature", "chi2", "p_value", "selected"]
    assert scores["rank"].tolist() == list(range(1, len(columns) + 1))
    again = scores.set_index("feature").loc[columns].reset_index()
    pd.testing.assert_frame_equal(again, by_hand, check_dtype=False, rtol=0, atol=1e-09)
    assert json.loads(json.dumps(result)) == {
        "out": str(tmp_path / "T.csv"),
        "scores": str(tmp_path / "T.scores.csv"),
        "rows": 6,
        "failed": [],
        "features": len(columns),
        "selected": scores["feature"][:7].tolist(),
        "notes": [],
    }
    assert [e.fraction for e in events] == pytest.approx([k / 6 for k in range(6)], abs=1e-9)


def test_units_of_one_source_are_noted(tmp_path, collection):
    result = run(collection, tmp_path / "T.csv", CELL)
    assert result["rows"] > 6
    assert result["notes"] == [
        "Units of one source are not independent: the p-values are smaller than they should be."
    ]


def test_without_classes_nothing_is_scored(tmp_path, collection):
    bare = Collection(
        collection.root, tuple(replace(f, class_name=None) for f in collection.fields)
    )
    (tmp_path / "T.scores.csv").write_text(
        "feature,chi2,p_value,selected,rank,p_adjusted,stability\n"
    )
    result = run(bare, tmp_path / "T.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["T.csv"]
    assert (result["scores"], result["selected"]) == (None, [])
    assert result["notes"] == [
        "6 rows without a class not scored.",
        "There are not two classes: nothing was scored.",
        f"The older {tmp_path / 'T.scores.csv'} was removed: its scores are of another table.",
    ]
    assert len(run(bare, tmp_path / "T.csv")["notes"]) == 2  # there is none now
    assert pd.read_csv(tmp_path / "T.csv")["class"].isna().all()


def test_rows_without_a_class_are_measured_and_not_scored(tmp_path, collection):
    first, *others = collection.fields
    some = Collection(collection.root, (replace(first, class_name=None), *others))
    result = run(some, tmp_path / "T.csv", None, ChiSquareSettings(resamples=0))
    assert result["notes"] == ["1 row without a class not scored."]
    run(
        Collection(some.root, tuple(others)),
        tmp_path / "O.csv",
        None,
        ChiSquareSettings(resamples=0),
    )
    scores = [pd.read_csv(tmp_path / f"{name}.scores.csv") for name in "TO"]
    pd.testing.assert_frame_equal(*scores, rtol=0, atol=1e-09)
    assert result["rows"] == 6


def test_the_name_of_the_scores(tmp_path):
    assert scores_path(tmp_path / "a.b.csv") == tmp_path / "a.b.scores.csv"


@pytest.mark.parametrize(
    ("settings", "selection", "says"),
    [
        (FeatureSettings(("smell",)), None, "Families has 'smell'"),
        (FeatureSettings(unit="slide"), None, "Unit is 'slide'"),
        (None, ChiSquareSettings(0), "Select is 0"),
    ],
)
def test_settings_that_can_not_work(tmp_path, collection, settings, selection, says):
    with pytest.raises(MarrowError, match=says):
        run(collection, tmp_path / "T.csv", settings, selection)
    assert list(tmp_path.iterdir()) == []


def test_stopped_or_failed_leaves_what_was_there(tmp_path, collection):
    out = tmp_path / "T.csv"
    older = (
        "image,index,y,x,class,source,lbp_0\n",
        "feature,chi2,p_value,selected,rank,p_adjusted,stability\n",
    )
    out.write_text(older[0])
    (tmp_path / "T.scores.csv").write_text(older[1])
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 4

    with pytest.raises(Stopped):
        run(collection, out, should_stop=should_stop)
    shutil.copytree(collection.root, tmp_path / "in")
    path = tmp_path / "in" / "MM" / "MM_3.bmp"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MarrowError, match=r"MM_3\.bmp is cut off"):
        run(scan(tmp_path / "in"), out, strict=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["T.csv", "T.scores.csv", "in"]
    assert (out.read_text(), (tmp_path / "T.scores.csv").read_text()) == older
    assert np.sum(asked) == 4
