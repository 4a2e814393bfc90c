"""Running a job in the child from a thread."""

import threading
import time

import pytest

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import never
from napari_marrow.jobs.client import Child
from napari_marrow.jobs.events import silent


@pytest.fixture
def client():
    client = Child()
    yield client
    client.shutdown()


def test_a_failure_in_the_child_is_an_error_here(client):
    with pytest.raises(MarrowError, match="no_such_job"):
        client.run("no_such_job", {}, silent, never)
    assert not client.busy


def test_jobs_wait_for_each_other_and_can_be_stopped_meanwhile(client):
    stop, ended = threading.Event(), threading.Event()

    def first():
        with pytest.raises(Stopped):
            client.run("devices", {}, silent, stop.is_set)  # imports TensorFlow: seconds
        ended.set()

    thread = threading.Thread(target=first)
    thread.start()
    while client.pid is None:
        time.sleep(0.01)
    with pytest.raises(Stopped):
        client.run("devices", {}, silent, lambda: True)
    assert client.busy
    assert not ended.is_set()
    stop.set()
    thread.join(30)
    assert ended.is_set()
    assert not client.busy


def test_a_client_that_was_shut_down_stops_what_waits_and_takes_no_more(client):
    ended = threading.Event()

    def wait():
        with pytest.raises(Stopped):
            client.run("devices", {}, silent, never)
        ended.set()

    threading.Thread(target=wait).start()
    while client.pid is None:
        time.sleep(0.01)
    client.shutdown()
    assert ended.wait(5)
    with pytest.raises(Stopped):
        client.run("devices", {}, silent, never)
