"""Jobs that the child process runs, by name, and the one way to run any job."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Mapping

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Emit, Event, ShouldStop

Work = Callable[[Emit, ShouldStop], object]
"""Reports what it does, asks whether to stop (and then raises ``Stopped``), returns its result."""
Arguments = Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Submission:
    """A job, as it is sent to the child process: its number, the name and the arguments."""

    job: int
    name: str
    arguments: Arguments


def _train(arguments: Arguments, emit: Emit, should_stop: ShouldStop) -> object:
    from napari_marrow.jobs.train import TrainJob, run_training

    return run_training(TrainJob.from_dict(arguments), emit, should_stop).to_dict()


def _devices(arguments: Arguments, emit: Emit, should_stop: ShouldStop) -> object:
    from napari_marrow.jobs.devices import devices

    return dataclasses.asdict(devices())


def _compare(arguments: Arguments, emit: Emit, should_stop: ShouldStop) -> object:
    from napari_marrow.jobs.compare import FULL, CompareJob, run_comparison

    job = CompareJob.from_dict(arguments)
    return {"result": str(run_comparison(job, emit, should_stop).out / FULL)}


def _evaluate(arguments: Arguments, emit: Emit, should_stop: ShouldStop) -> object:
    from napari_marrow.jobs.evaluate import FULL, run_evaluation
    from napari_marrow.jobs.evaluate_job import EvaluateJob

    job = EvaluateJob.from_dict(arguments)
    return {"result": str(run_evaluation(job, emit, should_stop).out / FULL)}


def _explain(arguments: Arguments, emit: Emit, should_stop: ShouldStop) -> object:
    from napari_marrow.jobs.explain import ExplainJob, run_explanation

    job = ExplainJob.from_dict(arguments)
    run_explanation(job, emit, should_stop)
    return {"maps": str(job.out)}


JOBS: dict[str, Callable[[Arguments, Emit, ShouldStop], object]] = {
    "train": _train,
    "devices": _devices,
    "compare": _compare,
    "evaluate": _evaluate,
    "explain": _explain,
}


def run_job(
    name: str, arguments: Arguments, emit: Emit, should_stop: ShouldStop, number: int = 0
) -> None:
    """Run the job of a name; see :func:`run_work`."""

    def work(emit: Emit, should_stop: ShouldStop) -> object:
        return JOBS[name](arguments, emit, should_stop)

    run_work(name, work, emit, should_stop, number)


def run_work(name: str, work: Work, emit: Emit, should_stop: ShouldStop, number: int = 0) -> None:
    """Run a job; report its start, its progress and exactly one last event, whatever happens.

    Nothing is raised: the child process, or the thread, outlives every fault and reports it whole.
    """

    def emit_numbered(event: Event) -> None:
        emit(dataclasses.replace(event, job=number))

    emit_numbered(Event("started", name))
    try:
        result = work(emit_numbered, should_stop)
    except Stopped:
        emit_numbered(Event("stopped", "Stopped."))
    except MarrowError as error:
        emit_numbered(Event("failed", str(error)))
    except BaseException as error:  # noqa: BLE001 - also of Rust, and whatever asks Python to exit
        text = f"The job {name} failed unexpectedly: {type(error).__name__}: {error}"
        emit_numbered(Event("failed", text, detail=traceback.format_exc()))
    else:
        emit_numbered(Event("finished", "Done.", 1.0, result=result))
