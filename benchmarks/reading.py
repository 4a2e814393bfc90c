"""Read the photographs of a folder by ours and by other readers, in turns, in one run.

    python benchmarks/reading.py FOLDER --repeats 15

The other readers are OpenCV, imageio, scikit-image, tifffile and dask-image (`pip install
opencv-python-headless dask-image`); one that is not installed, or does not read these files, is
named and left out. Every reader gives an array of all pixels. Times are of files that the system
has in its cache, so they tell of the reader and not of the disk.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.metadata
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = {".bmp", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
OURS = "napari-marrow"
# Distribution, module: how a file becomes an array, and how it is opened without reading it.
PEERS = {
    OURS: ("napari-marrow", "napari_marrow.data.images"),
    "OpenCV": ("opencv-python-headless", "cv2"),
    "imageio": ("imageio", "imageio.v3"),
    "scikit-image": ("scikit-image", "skimage.io"),
    "tifffile": ("tifffile", "tifffile"),
    "dask-image": ("dask-image", "dask_image.imread"),
}


def reader(name: str) -> Callable[[str], np.ndarray]:
    """Return the function of a library that reads a file to an array; ImportError without it."""
    module = importlib.import_module(PEERS[name][1])
    if name == OURS:
        return module.read_image
    if name == "dask-image":
        return lambda path: module.imread(path).compute(scheduler="synchronous")
    return module.imread


def opener(name: str) -> Callable[[str], object] | None:
    """Return the function that opens a file without reading its pixels, where there is one."""
    module = importlib.import_module(PEERS[name][1])
    if name == OURS:
        return module.open_image
    return module.imread if name == "dask-image" else None


def version(name: str) -> str:
    """Return the version of a reader's distribution."""
    return importlib.metadata.version(PEERS[name][0])


def available(names: list[str], path: str) -> tuple[list[str], dict[str, str]]:
    """Readers that read this file, and why the others do not."""
    use, out = [], {}
    for name in names:
        try:
            pixels = reader(name)(path)
            if pixels is None or pixels.size == 0:
                raise ValueError("no pixels")
            use.append(name)
        except ImportError:
            out[name] = "is not installed"
        except Exception as error:  # noqa: BLE001 - a reader that does not know the format
            out[name] = f"does not read {Path(path).suffix} files ({type(error).__name__})"
    return use, out


def in_turns(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each work, all of them once in each round, in another order each time.

    The order is drawn: a reader that always came after the same one would pay for what that one
    leaves behind (memory given back, garbage), or gain by it.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    rng = random.Random(0)
    for _ in range(repeats):
        for name in rng.sample(list(works), len(works)):
            gc.collect()
            start = time.perf_counter()
            result = works[name]()
            times[name].append(time.perf_counter() - start)
            del result
    return times


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def table(title: str, times: dict[str, list[float]]) -> None:
    """Print medians, and the ratio to ours of the same round: its median and quartiles."""
    print(f"\n{title}\n")
    print("| reader | median | time over ours, in the same round (quartiles) |")
    print("|---|---|---|")
    for name, values in times.items():
        low, middle, high = quartiles([v / o for v, o in zip(values, times[OURS], strict=True)])
        ratio = "1" if name == OURS else f"{middle:.2f} ({low:.2f} to {high:.2f})"
        print(f"| {name} | {statistics.median(values) * 1000:.3f} ms | {ratio} |")


_PEAK = """
import sys
sys.path.insert(0, sys.argv[1])
import reading
read = (reading.opener if sys.argv[3] == "open" else reading.reader)(sys.argv[2])
top = lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
read(sys.argv[4])
before = top()
result = read(sys.argv[5])
print((top() - before) / 1024)
"""


def peak(name: str, path: str, how: str) -> str:
    """Memory that a new process takes at the most for one file, over what it had before."""
    if not Path("/proc/self/status").exists():
        return "not known here"
    with tempfile.TemporaryDirectory() as folder:
        # A picture of a few pixels comes first: what a library sets up once does not count.
        tiny = Path(folder) / f"tiny{Path(path).suffix}"
        Image.new("RGB", (8, 8)).save(tiny)
        command = [sys.executable, "-c", _PEAK, str(Path(__file__).parent), name, how]
        command += [str(tiny), path]
        out = subprocess.run(command, capture_output=True, text=True, check=True)
    return f"{float(out.stdout):.1f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--fields", type=int, default=20, help="files of the whole-folder round")
    options = parser.parse_args()
    files = [p for p in sorted(options.folder.rglob("*")) if p.suffix.lower() in SUFFIXES]
    if not files:
        sys.exit(f"{options.folder} holds no photographs; give a folder that does.")
    paths = [str(p) for p in files[: options.fields]]
    use, out = available(list(PEERS), paths[0])
    for name, why in out.items():
        print(f"left out: {name} {why}")
    print("readers: " + ", ".join(f"{name} {version(name)}" for name in use))
    python = platform.python_version()
    print(f"machine: {platform.system()}, {os.cpu_count()} cores, Python {python}")
    shape = reader(OURS)(paths[0]).shape
    size = sum(Path(p).stat().st_size for p in paths)
    print(f"files: {len(paths)}, the first of {shape[1]}x{shape[0]} pixels, {size / 1e6:.0f} MB")

    openers = {name: opener(name) for name in use}
    can_open = {n: (lambda o=o: o(paths[0])) for n, o in openers.items() if o is not None}
    table("Open one field, its pixels unread", in_turns(can_open, 20 * options.repeats))
    reads = {name: reader(name) for name in use}
    first = {name: (lambda r=r: r(paths[0])) for name, r in reads.items()}
    table("One field to an array", in_turns(first, 4 * options.repeats))
    every = {name: (lambda r=r: [r(p).shape for p in paths]) for name, r in reads.items()}
    title = f"Every field to an array, one after the other ({len(paths)} of them)"
    table(title, in_turns(every, options.repeats))

    print("\nMemory at the most for one field, over the start\n")
    print("| reader | opened | read |\n|---|---|---|")
    for name in use:
        opened = peak(name, paths[0], "open") if openers[name] else "-"
        print(f"| {name} | {opened} | {peak(name, paths[0], 'read')} |")


if __name__ == "__main__":
    main()
