"""Which field is measured next: the shown one, then those near it; edited ones again."""

from dataclasses import dataclass
from itertools import takewhile

import pytest

from napari_marrow.viewer.annotating.measuring_queue import MeasuringQueue


@dataclass(frozen=True, eq=False)
class Open:
    """What the queue knows of a photograph."""

    layer: object


@pytest.fixture
def queue():
    return MeasuringQueue()


def rows(queue):
    taken = iter(queue.take, None)
    return [row for _, row in takewhile(lambda x: x is not None, taken)]


def test_what_is_shown_comes_first_and_then_its_neighbours(queue):
    photograph = Open("stack")
    queue.add(photograph, [0, 1, 2, 3, 4])
    queue.show(("stack", 3))
    assert rows(queue) == [3, 2, 4, 1, 0]


def test_what_is_measured_now_is_not_added_again(queue):
    photograph = Open("stack")
    queue.add(photograph, [0, 1])
    assert queue.take() == (photograph, 0)
    queue.add(photograph, [0, 1])
    assert rows(queue) == [1]


def test_of_edited_nuclei_all_that_waits_is_measured_as_it_is_now(queue):
    before, after, other = Open("stack"), Open("stack"), Open("other")
    queue.add(before, [0, 1, 2])
    queue.add(other, [0])
    assert queue.take() == (before, 0)
    queue.again(after, [5], -1)
    found = {queue.take() for _ in range(len(queue))}
    assert found == {(after, 0), (after, 1), (after, 2), (after, 5), (other, 0)}


def test_a_stroke_elsewhere_leaves_what_is_measured_now(queue):
    photograph = Open("stack")
    queue.add(photograph, [0, 1])
    queue.take()
    queue.again(photograph, [4], 4)
    assert sorted(rows(queue)) == [1, 4]


def test_closed_photographs_are_dropped(queue):
    queue.add(Open("stack"), [0, 1])
    queue.add(Open("other"), [7])
    queue.drop("stack")
    assert rows(queue) == [7]
    queue.add(Open("stack"), [3])
    queue.clear()
    assert rows(queue) == []
