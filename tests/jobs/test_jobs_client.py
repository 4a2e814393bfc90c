"""The child process: every job ends once, cancel takes effect, nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.layouts import scan
from napari_marrow.jobs import client
from napari_marrow.jobs.client import Child
from napari_marrow.jobs.train import TrainJob
from napari_marrow.learning.settings import TrainingSettings

START = 120
"""Seconds that Keras may take to start on a busy machine."""


class Run:
    """A job run from a thread, as the viewer does it."""

    def __init__(self, child, name, arguments=None):
        self.events, self.stop, self._ended = [], threading.Event(), threading.Event()
        self.result = self.error = None
        how = (child, name, arguments or {})
        threading.Thread(target=self._carry_out, args=how, daemon=True).start()

    def _carry_out(self, child, name, arguments):
        try:
            self.result = child.run(name, arguments, self.events.append, self.stop.is_set)
        except (MarrowError, Stopped) as error:
            self.error = error
        finally:
            self._ended.set()

    def heard(self, wanted=lambda event: event.kind == "started", timeout=10.0):
        """Wait for an event."""
        assert soon(lambda: any(map(wanted, self.events)), timeout), self.events
        return self

    def last(self, timeout=10.0):
        """How it ended: "finished", "stopped" or the text of its failure."""
        assert self._ended.wait(timeout), self.events
        if self.error is None:
            return "finished"
        return "stopped" if isinstance(self.error, Stopped) else str(self.error)


def gone(pid):
    """Whether a process has ended (a zombie that nobody has asked for yet counts)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        try:
            os.kill(pid, 0)
        except OSError:
            return True
        return False


def soon(condition, timeout=5.0):
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


# A stand-in child that speaks the protocol and does as it is told, without Keras: it starts in a
# few hundredths of a second, so that every order of events can be tried.
STAND_IN = """
import json, os, sys, threading, time
def say(kind, job, text="", result=None):
    event = {"kind": kind, "text": text, "fraction": None, "values": {}, "job": job}
    event["result"] = result
    print(json.dumps(event), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "cancel" in message:
        if polite:
            say("stopped", message["cancel"])
        continue
    job = message["submit"]["job"]
    how = message["submit"]["name"]
    say("started", job)
    if how == "finish":
        say("finished", job, result={"number": job})
    elif how == "die":
        print("Traceback: something broke", file=sys.stderr, flush=True)
        os._exit(3)
    elif how == "finish and die":
        say("finished", job, result={"number": job})
        os._exit(3)
    elif how == "babble":
        print("WARNING: not an event", flush=True)
        print('"nor this"', flush=True)
        say("finished", job - 1)
        say("progress", job, "after")
        say("finished", job, result={"number": job})
    polite = how != "deaf"
"""


@pytest.fixture
def child(monkeypatch):
    """A :class:`Child` whose process is the stand-in."""
    original = subprocess.Popen

    def popen(_, **options):
        return original([sys.executable, "-S", "-c", STAND_IN], **options)

    monkeypatch.setattr(client.subprocess, "Popen", popen)
    child = Child()
    yield child
    child.shutdown()


def test_jobs_follow_each_other_in_one_process(child):
    assert child.pid is None
    pids = set()
    for number in (1, 2, 3):
        run = Run(child, "finish")
        assert run.last() == "finished"
        assert run.result == {"number": number}
        assert [e.kind for e in run.events] == ["started"]
        assert not child.busy
        pids.add(child.pid)
    assert len(pids) == 1


def test_one_job_at_a_time(child):
    first = Run(child, "wait").heard()
    assert child.busy
    second, third = Run(child, "finish"), Run(child, "finish")
    third.stop.set()
    assert third.last() == "stopped"
    assert second.events == []
    first.stop.set()
    assert first.last() == "stopped"
    assert second.last() == "finished"


def test_a_polite_job_keeps_its_process(child):
    run = Run(child, "wait").heard()
    pid = child.pid
    run.stop.set()
    assert run.last() == "stopped"
    time.sleep(client.GRACE_S + 0.3)  # it must not be killed any more
    assert child.pid == pid
    assert Run(child, "finish").last() == "finished"


def test_a_deaf_job_is_killed_and_stopped(child):
    """It would never end by itself."""
    run = Run(child, "deaf").heard()
    pid = child.pid
    run.stop.set()
    assert run.last() == "stopped"
    assert soon(lambda: gone(pid))
    assert Run(child, "finish").last() == "finished"
    assert child.pid != pid


def test_a_child_that_dies_is_a_failure_and_what_it_printed_is_logged(child, caplog):
    last = Run(child, "die").last()
    assert "ended with code 3" in last
    assert "annotations are not affected" in last
    assert "something broke" in caplog.text
    assert not child.busy
    assert Run(child, "finish").last() == "finished"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_signals_are_said(child, number):
    run = Run(child, "wait").heard()
    os.kill(child.pid, number)
    said = "was killed" if number == signal.SIGKILL else f"ended by signal {int(number)}"
    assert said in run.last()


def test_many_deaths_and_starts_in_a_row(child):
    """However the next job falls together with the end of a child."""
    for _ in range(12):
        assert Run(child, "finish and die").last() == "finished"
        soon(lambda: child.pid is None)


def test_noise_and_old_events_are_dropped(child):
    assert Run(child, "finish").last() == "finished"
    run = Run(child, "babble")
    assert run.last() == "finished"
    assert run.result == {"number": 2}
    assert [e.text for e in run.events if e.kind == "progress"] == ["after"]


def test_shutdown_is_idempotent_and_final(child):
    run = Run(child, "deaf").heard()
    pid = child.pid
    for _ in range(3):
        child.shutdown()
    assert run.last() == "stopped"
    assert gone(pid)
    assert not child.busy
    assert child.pid is None
    assert Run(child, "finish").last() == "stopped"
    Child().shutdown()  # before any start


def test_the_parent_never_imports_a_network_library():
    """Everything that the viewer's process imports below the viewer, in a fresh interpreter."""
    code = (
        "import sys, napari_marrow.cli, napari_marrow.jobs.client, napari_marrow.jobs.train, "
        "napari_marrow.jobs.predict, napari_marrow.jobs.child, napari_marrow.report.page; "
        "print([m for m in ('keras', 'tensorflow', 'torch', 'jax', 'tf2onnx', 'napari', 'qtpy') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_real_child_ends_when_its_input_is_closed():
    command = [sys.executable, "-P", "-m", "napari_marrow.jobs.child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        message = {"submit": {"job": 4, "name": "nonsense", "arguments": {}}}
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        kinds = [json.loads(process.stdout.readline())["kind"] for _ in range(2)]
        assert kinds == ["started", "failed"]
        process.stdin.close()
        assert process.wait(5) == 0


@pytest.fixture(scope="module")
def real():
    """The real child, shared by the tests below."""
    child = Child()
    yield child
    child.shutdown()


@pytest.fixture
def endless(tmp_path, snam):
    """A job that would train for hours."""
    settings = TrainingSettings(
        epochs=10000, patience=0, device="cpu", input_size=32, tiles=1, copies=1
    )
    return TrainJob(scan(snam), settings, tmp_path / "out" / "m.marrow").to_dict()


def is_epoch(event):
    return "epoch" in event.values


@pytest.mark.slow
def test_real_devices(real):
    run = Run(real, "devices")
    assert run.last(START) == "finished"
    assert run.result["devices"][-1] == "cpu:0"
    assert run.result["backend"] in ("tensorflow", "jax", "torch")
    assert run.result["text"].endswith(".")


@pytest.mark.slow
def test_real_cancel_takes_effect_and_leaves_nothing(real, endless, tmp_path):
    run = Run(real, "train", endless).heard(is_epoch, START)
    run.stop.set()
    assert run.last() == "stopped"
    assert sum(map(is_epoch, run.events)) < endless["settings"]["epochs"]
    assert not (tmp_path / "out" / "m.marrow").exists()


@pytest.mark.slow
def test_real_kill_is_one_clear_failure_and_the_next_job_works(real, endless, tmp_path):
    run = Run(real, "train", endless).heard(is_epoch, START)
    pid = real.pid
    os.kill(pid, signal.SIGKILL)
    assert run.last() == (
        "The process that worked was killed (by the system when memory runs out, or by hand); the "
        "viewer, its layers and annotations are not affected. Start again."
    )
    assert gone(pid)
    assert not (tmp_path / "out" / "m.marrow").exists()
    # The next job has a new process; one that ends before Keras is needed is enough to see it.
    fields = [f for f in endless["collection"]["fields"] if f["class"] == "MM"]
    one_class = endless | {"collection": endless["collection"] | {"fields": fields}}
    assert "holds only the class MM" in Run(real, "train", one_class).last(START)
    assert real.pid not in (None, pid)


@pytest.mark.slow
def test_real_cancel_while_keras_starts(real, endless):
    """The import can't be interrupted: the child is killed, and the job is stopped all the same."""
    run = Run(real, "train", endless).heard(lambda e: "Training dcnn" in e.text, START)
    run.stop.set()
    assert run.last() == "stopped"
    assert not any(map(is_epoch, run.events))


@pytest.mark.slow
def test_real_shutdown_leaves_no_process(real):
    assert "nonsense" in Run(real, "nonsense").last(START)
    pid = real.pid
    assert pid is not None
    real.shutdown()
    real.shutdown()
    assert gone(pid)
