"""Jobs by name, and the one way to run them: always a last event, whatever happens."""

from __future__ import annotations

import dataclasses
import traceback
from typing import Any

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Emit, Event, ShouldStop


def _train(arguments: dict[str, Any], emit: Emit, should_stop: ShouldStop) -> dict[str, Any]:
    from napari_marrow.jobs.train import run_training
    from napari_marrow.jobs.train_job import TrainJob

    return run_training(TrainJob.from_dict(arguments), emit, should_stop)


def _devices(arguments: dict[str, Any], emit: Emit, should_stop: ShouldStop) -> dict[str, Any]:
    from napari_marrow.jobs.devices import devices

    return devices()


JOBS = {"train": _train, "devices": _devices}


def run_job(
    name: str, arguments: dict[str, Any], emit: Emit, should_stop: ShouldStop, number: int = 0
) -> None:
    """Run the job of a name; report its start, its progress and exactly one last event."""

    def emit_numbered(event: Event) -> None:
        emit(dataclasses.replace(event, job=number))

    emit_numbered(Event("started", name))
    try:
        result = JOBS[name](arguments, emit_numbered, should_stop)
    except Stopped:
        emit_numbered(Event("stopped", "Stopped."))
    except MarrowError as error:
        emit_numbered(Event("failed", str(error)))
    except Exception as error:  # noqa: BLE001 - the child must outlive a fault and report it whole
        text = f"The job {name} failed unexpectedly: {type(error).__name__}: {error}"
        emit_numbered(Event("failed", text, values={"traceback": traceback.format_exc()}))
    else:
        emit_numbered(Event("finished", "Done.", 1.0, result))
