"""Time of a step of the slider over a folder, beside napari alone with everything in memory.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/slider.py FOLDER

Both are measured in one viewer: first ours, straight after the folder was opened, then when the
labels of all fields are prepared; then the layers' data are replaced by arrays in memory. Labels
that are cached from an earlier run are removed first, so that paging straight after opening shows
the masks.
A step is over when the new field has been painted. Times depend on the machine and, without a
graphics card, mostly on its processor: read the ratios.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_marrow.data.cache import trim_cache
from napari_marrow.viewer.stack import LazyStack

JUMPS = 40


def rest(seconds: float) -> None:
    """Leave the viewer alone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def step_times(viewer: napari.Viewer, rows: Iterable[int], pause: float = 0.0) -> list[float]:
    """Milliseconds that each step took until it was painted."""
    times = []
    for row in rows:
        begun = time.perf_counter()
        viewer.dims.set_current_step(0, int(row))
        QApplication.processEvents()
        times.append(1e3 * (time.perf_counter() - begun))
        rest(pause)
    return times


def summary(times: list[float]) -> str:
    """Return the median, and under what nine of ten steps are."""
    return f"{statistics.median(times):.0f} ms (90 %: {np.percentile(times, 90):.0f})"


def step_times_by_way(viewer: napari.Viewer, rows: range) -> dict[str, list[float]]:
    """Steps one after the other without a rest, with one, and jumps anywhere."""
    viewer.dims.set_current_step(0, rows[0])
    rest(1)
    anywhere = np.random.default_rng(0).choice(rows, JUMPS)
    return {
        "field after field": step_times(viewer, rows[1:]),
        "field after field, half a second each": step_times(viewer, rows[1:20], 0.5),
        "anywhere in the folder": step_times(viewer, anywhere),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    trim_cache(0)
    viewer = napari.Viewer()
    viewer.open(options.folder, plugin="napari-marrow")
    rest(1)
    stacks = [layer.data for layer in viewer.layers]
    labels = [stack for stack in stacks if isinstance(stack, LazyStack) and stack.ndim == 3]
    rows = range(len(stacks[0]))
    print(f"{platform.system()}, {os.cpu_count()} cores, napari {version('napari')}")
    size = "x".join(str(x) for x in stacks[0].shape[2:0:-1])
    print(f"{len(rows)} fields of {size} pixels, layers: {len(stacks)}")

    fresh = step_times(viewer, rows[1:])
    begun = time.monotonic()
    while any(stack.unprepared for stack in labels):
        rest(0.05)
    print(f"the labels of the rest were prepared in {time.monotonic() - begun:.0f} s")
    ours = step_times_by_way(viewer, rows)
    for layer, stack in zip(viewer.layers, stacks, strict=True):
        layer.data = np.asarray(stack)
    alone = step_times_by_way(viewer, rows)

    print("\n| steps | Marrow | napari, all in memory | ratio |\n|---|---|---|---|")
    print(f"| field after field, straight after opening | {summary(fresh)} | - | - |")
    for way, times in ours.items():
        ratio = statistics.median(times) / statistics.median(alone[way])
        print(f"| {way} | {summary(times)} | {summary(alone[way])} | {ratio:.2f} |")
    viewer.close()


if __name__ == "__main__":
    main()
