"""Damage small BMP files of every kind and read them: no crash, no other error, no large memory.

    python benchmarks/fuzz_bmp.py --files 100000

Prints what was found, and exits with 1 if a file was read in a way it must not be; such files are
kept in the folder that ``--keep`` names. The same is tried with a few hundred files in the tests.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
from bmp_files import KINDS_OF_DAMAGE, damage, seeds

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, open_image, read_image

LIMIT_S = 1.0
LIMIT_BYTES = 50 * 2**20


def memory(name: str) -> int:
    """Bytes of a line of /proc/self/status: VmPeak was ever asked for, VmHWM was used."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


def read_all(path: Path) -> str:
    """Read a file in every way; return what came of it."""
    try:
        size = image_size(path)
        opened = open_image(path)
        copy = read_image(path)
    except MarrowError as error:
        text = str(error)
        if str(path) not in text or "\n" in text:
            raise ValueError(f"not a sentence that names the file: {text}") from error
        return "refused"
    if not (opened.shape == copy.shape == (*size, 3) and copy.dtype == np.uint8):
        raise ValueError(f"{opened.shape}, {copy.shape} and {size} do not agree")
    if not np.array_equal(opened, copy):
        raise ValueError("two ways of reading give other pixels")
    return "read" if opened.flags.writeable else "read without copying"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    options = parser.parse_args()
    rng, valid = random.Random(options.seed), seeds()
    counts: Counter[str] = Counter()
    slowest, bad = 0.0, 0
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        path = Path(folder) / "a.bmp"
        for content in valid:  # what the libraries import on first use is no file's doing
            path.write_bytes(content)
            counts["undamaged " + read_all(path)] += 1
        before = {name: memory(name) for name in ("VmHWM", "VmPeak")}
        files_before = len(list(Path("/proc/self/fd").iterdir()))
        start = time.perf_counter()
        for number in range(options.files):
            steps = [
                (rng.choice(KINDS_OF_DAMAGE), rng.randrange(2**16), rng.randrange(2**16))
                for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5)))
            ]
            content = damage(rng.choice(valid), steps, rng.choice(valid))
            path.unlink()
            path.write_bytes(content)
            began = time.perf_counter()
            try:
                counts[read_all(path)] += 1
                took = time.perf_counter() - began
                problem = f"took {took:.2f} s" if took > LIMIT_S else None
                slowest = max(slowest, took)
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                problem = f"{type(error).__name__}: {error}"
            if problem:
                bad += 1
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{options.seed}_{number}.bmp").write_bytes(content)
                print(f"file {number}: {problem}")
        seconds = time.perf_counter() - start
        left_open = len(list(Path("/proc/self/fd").iterdir())) - files_before
    more = {name: memory(name) - value for name, value in before.items()}
    for name, count in sorted(counts.items()):
        print(f"{count:>8,} {name}")
    print(f"{bad:>8,} wrong")
    print(
        f"{seconds:.0f} s in all, slowest file {slowest * 1000:.0f} ms, {left_open} files left open"
    )
    print(
        f"memory over the start: {more['VmHWM'] / 2**20:.1f} MiB used, "
        f"{more['VmPeak'] / 2**20:.1f} MiB asked for at the most"
    )
    return int(bad > 0 or left_open > 0 or max(more.values()) > LIMIT_BYTES)


if __name__ == "__main__":
    sys.exit(main())
