"""A simulated folder to measure, and one classical training of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom


@pytest.fixture(scope="session")
def phantom(tmp_path_factory) -> Collection:
    """Ten small simulated fields whose classes share their stain batches. Look, don't touch."""
    some = PhantomSettings(fields=10, width=160, height=120)
    return scan(write_phantom(tmp_path_factory.mktemp("phantom"), some))


@pytest.fixture(scope="session")
def simulated_cells(tmp_path_factory) -> Collection:
    """Sixteen simulated fields of one acquisition, with cells enough for a network."""
    how = PhantomSettings(16, seed=3, width=240, height=180, acquisitions=1)
    return scan(write_phantom(tmp_path_factory.mktemp("cells"), how))


@pytest.fixture(scope="session")
def many(tmp_path_factory, make_snam) -> Path:
    """Eight and eight small fields, with turned copies of none. Look, don't touch."""
    return make_snam(tmp_path_factory.mktemp("many"), 8, size=(36, 48), masks=False)


@pytest.fixture(scope="session")
def svm(tmp_path_factory, phantom) -> dict:
    """A training of ``svm`` on cells: ``bundle``, ``result``, ``events``, ``settings``.

    All fields are of one acquisition.
    """
    settings = TrainingSettings(model="svm", unit="cell", select=12)
    out, events = tmp_path_factory.mktemp("svm") / "svm.marrow", []
    fields = tuple(replace(f, acquisition="one") for f in phantom.fields)
    job = TrainJob(replace(phantom, fields=fields), settings, out)
    result = run_training(job, events.append).to_dict()
    return {
        "bundle": out,
        "result": json.loads(json.dumps(result, allow_nan=False)),
        "events": events,
        "settings": settings,
    }
