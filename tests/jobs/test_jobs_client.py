"""The child process: exactly one last event, cancel is felt, nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from napari_marrow.data.layouts import scan
from napari_marrow.jobs import client
from napari_marrow.jobs.client import Child
from napari_marrow.jobs.events import LAST
from napari_marrow.jobs.train import TrainJob
from napari_marrow.learning.settings import TrainingSettings

START = 120
"""Seconds that Keras may take to start on a busy machine."""


class Heard:
    """Events as they come, to wait on."""

    def __init__(self):
        self.events, self._news = [], threading.Condition()

    def __call__(self, event):
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait(self, wanted, timeout=10.0):
        """The first event that is ``wanted``."""
        with self._news:
            assert self._news.wait_for(lambda: any(map(wanted, self.events)), timeout), self.events
            return next(e for e in self.events if wanted(e))

    def last(self, job, timeout=10.0):
        """The last event of a job; a moment later there still is no other."""
        self.wait(lambda e: e.job == job and e.kind in LAST, timeout)
        time.sleep(0.2)
        of_job = [e for e in self.events if e.job == job]
        assert [e.kind in LAST for e in of_job] == [False] * (len(of_job) - 1) + [True]
        return of_job[-1]


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
def say(kind, job, text=""):
    event = {"kind": kind, "text": text, "fraction": None, "values": {}, "job": job}
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
        say("finished", job)
    elif how == "die":
        print("Traceback: something broke", file=sys.stderr, flush=True)
        os._exit(3)
    elif how == "finish and die":
        say("finished", job)
        os._exit(3)
    elif how == "babble":
        print("WARNING: not an event", flush=True)
        print('"nor this"', flush=True)
        say("finished", job - 1)
        say("progress", job, "after")
        say("finished", job)
    polite = how != "deaf"
"""


@pytest.fixture
def make(monkeypatch):
    """A function that makes a :class:`Child` whose process is the stand-in."""
    original, made = subprocess.Popen, []

    def popen(_, **options):
        return original([sys.executable, "-S", "-c", STAND_IN], **options)

    monkeypatch.setattr(client.subprocess, "Popen", popen)

    def make(heard=None):
        heard = heard or Heard()
        made.append(Child(heard))
        return made[-1], heard

    yield make
    for child in made:
        child.shutdown()


def test_jobs_follow_each_other_in_one_process(make):
    child, heard = make()
    assert child.pid is None
    pids = set()
    for number in (1, 2, 3):
        assert child.submit("finish", {}) == number
        assert heard.last(number).kind == "finished"
        assert not child.busy
        pids.add(child.pid)
    assert len(pids) == 1


def test_one_job_at_a_time(make):
    child, heard = make()
    child.submit("wait", {})
    assert child.busy
    with pytest.raises(RuntimeError, match="cancel it first"):
        child.submit("finish", {})
    child.cancel()
    assert heard.last(1).kind == "stopped"


def test_a_polite_job_keeps_its_process(make):
    child, heard = make()
    number = child.submit("wait", {})
    heard.wait(lambda e: e.kind == "started")
    pid = child.pid
    child.cancel()
    child.cancel()  # asking twice changes nothing
    assert heard.last(number).kind == "stopped"
    time.sleep(client.GRACE + 0.3)  # the timer must not kill it any more
    assert child.pid == pid
    assert heard.last(child.submit("finish", {})).kind == "finished"


def test_a_deaf_job_is_killed_and_stopped_within_about_a_second(make):
    child, heard = make()
    number = child.submit("deaf", {})
    heard.wait(lambda e: e.kind == "started")
    pid, start = child.pid, time.monotonic()
    child.cancel()
    heard.wait(lambda e: e.kind in LAST, 5)
    assert time.monotonic() - start < 3
    assert heard.last(number).kind == "stopped"
    assert soon(lambda: gone(pid))
    assert heard.last(child.submit("finish", {})).kind == "finished"
    assert child.pid != pid


def test_a_job_finished_just_before_the_kill_does_not_take_the_next_one_with_it(make):
    """The timer of job 1 rings when job 2 runs in the same process."""
    child, heard = make()
    child.submit("finish", {})
    heard.last(1)
    child.submit("wait", {})
    heard.wait(lambda e: e.job == 2)
    child._kill_if_running(1, child._process)
    time.sleep(0.2)
    assert child.pid is not None
    assert child.busy
    child.cancel()
    assert heard.last(2).kind == "stopped"


def test_a_child_that_dies_is_one_failed_event_with_what_it_said(make):
    child, heard = make()
    last = heard.last(child.submit("die", {}))
    assert last.kind == "failed"
    assert "ended with code 3" in last.text
    assert "annotations are not affected" in last.text
    assert "something broke" in last.detail
    assert not child.busy
    assert heard.last(child.submit("finish", {})).kind == "finished"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_signals_are_said(make, number):
    child, heard = make()
    child.submit("wait", {})
    heard.wait(lambda e: e.kind == "started")
    os.kill(child.pid, number)
    last = heard.last(1)
    assert last.kind == "failed"
    said = "was killed" if number == signal.SIGKILL else f"ended by signal {int(number)}"
    assert said in last.text


def test_death_after_the_last_event_is_no_second_one(make):
    child, heard = make()
    assert heard.last(child.submit("finish and die", {})).kind == "finished"
    assert soon(lambda: child.pid is None)
    assert len([e for e in heard.events if e.kind in LAST]) == 1
    assert soon(lambda: child._process is None)
    assert heard.last(child.submit("finish", {})).kind == "finished"


def test_many_deaths_and_starts_in_a_row(make):
    """Each submit gets its one last event, however it falls together with the end of a child."""
    child, heard = make()
    for _ in range(12):
        number = child.submit("finish and die", {})
        heard.wait(lambda e, n=number: e.job == n and e.kind in LAST)
    time.sleep(0.3)
    for number in range(1, 13):
        assert len([e for e in heard.events if e.job == number and e.kind in LAST]) == 1


def test_noise_and_old_events_are_dropped(make):
    child, heard = make()
    child.submit("finish", {})
    heard.last(1)
    assert heard.last(child.submit("babble", {})).kind == "finished"
    assert [e.text for e in heard.events if e.job == 2 and e.kind == "progress"] == ["after"]
    assert len([e for e in heard.events if e.job == 1 and e.kind in LAST]) == 1


def test_a_listener_with_a_fault_does_not_hang_the_next_job(make, capsys):
    heard = Heard()

    def faulty(event):
        heard(event)
        raise ValueError("a fault of the listener")

    child, _ = make(faulty)
    for number in (1, 2):
        child.submit("finish", {})
        assert heard.last(number).kind == "finished"
    assert soon(lambda: not child.busy)
    assert "a fault of the listener" in capsys.readouterr().err


def test_submitting_from_the_last_event(make):
    heard, holder = Heard(), []

    def again(event):
        if event.kind == "failed":
            holder[0].submit("finish", {})
        heard(event)

    child, _ = make(again)
    holder.append(child)
    child.submit("die", {})
    assert heard.last(2).kind == "finished"


def test_shutdown_is_idempotent_and_final(make):
    child, heard = make()
    child.shutdown()  # before any start
    child, heard = make()
    child.submit("deaf", {})
    heard.wait(lambda e: e.kind == "started")
    pid = child.pid
    for _ in range(3):
        child.shutdown()
    assert gone(pid)
    assert not child.busy
    assert child.pid is None
    child.cancel()
    with pytest.raises(RuntimeError, match="shut down"):
        child.submit("finish", {})
    time.sleep(0.2)
    assert not any(e.kind in LAST for e in heard.events)


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
def real(snam):
    """The real child, shared by the tests below; a job that would train for hours."""
    heard = Heard()
    child = Child(heard)
    yield child, heard
    child.shutdown()


@pytest.fixture
def endless(tmp_path, snam):
    settings = TrainingSettings(
        epochs=10000, patience=0, device="cpu", input_size=32, tiles=1, copies=1
    )
    return TrainJob(scan(snam), settings, tmp_path / "out" / "m.marrow").to_dict()


@pytest.mark.slow
def test_real_devices(real):
    child, heard = real
    last = heard.last(child.submit("devices", {}), START)
    assert last.kind == "finished", last
    assert last.result["devices"][-1] == "cpu:0"
    assert last.result["backend"] in ("tensorflow", "jax", "torch")
    assert last.result["text"].endswith(".")


@pytest.mark.slow
def test_real_cancel_is_felt_and_leaves_nothing(real, endless, tmp_path):
    child, heard = real
    number = child.submit("train", endless)
    heard.wait(lambda e: e.job == number and "epoch" in e.values, START)
    start = time.monotonic()
    child.cancel()
    heard.wait(lambda e: e.job == number and e.kind in LAST, 10)
    assert time.monotonic() - start < 3
    assert heard.last(number).kind == "stopped"
    assert not (tmp_path / "out" / "m.marrow").exists()


@pytest.mark.slow
def test_real_kill_is_one_clear_failure_and_the_next_job_works(real, endless, tmp_path):
    child, heard = real
    number = child.submit("train", endless)
    heard.wait(lambda e: e.job == number and "epoch" in e.values, START)
    pid = child.pid
    os.kill(pid, signal.SIGKILL)
    last = heard.last(number)
    assert last.kind == "failed"
    assert last.text == (
        "The training process was killed (by the system when memory runs out, or by hand); the "
        "viewer, its layers and annotations are not affected. Start again."
    )
    assert gone(pid)
    assert not (tmp_path / "out" / "m.marrow").exists()
    # The next job has a new process; one that ends before Keras is needed is enough to see it.
    fields = [f for f in endless["collection"]["fields"] if f["class"] == "MM"]
    one_class = endless | {"collection": endless["collection"] | {"fields": fields}}
    next_one = heard.last(child.submit("train", one_class), START)
    assert "holds only the class MM" in next_one.text
    assert child.pid not in (None, pid)


@pytest.mark.slow
def test_real_cancel_while_keras_starts(real, endless):
    """The import can't be interrupted: the child is killed, and the job is stopped all the same."""
    child, heard = real
    number = child.submit("train", endless)
    heard.wait(lambda e: e.job == number and "Starting Keras" in e.text, START)
    start = time.monotonic()
    child.cancel()
    heard.wait(lambda e: e.job == number and e.kind in LAST, 10)
    assert time.monotonic() - start < 3
    assert heard.last(number).kind == "stopped"


@pytest.mark.slow
def test_real_shutdown_leaves_no_process(real):
    child, heard = real
    heard.last(child.submit("nonsense", {}), START)
    pid = child.pid
    assert pid is not None
    child.shutdown()
    child.shutdown()
    assert gone(pid)
