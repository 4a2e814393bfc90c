"""Work on a large picture in bands of rows, on several processors at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

MOST = 4
"""Threads at the most: with more, memory is what they wait for."""
LEAST = 256
"""Rows a band has at least; starting a thread takes longer than copying fewer."""


def in_bands(work: Callable[[int, int], None], rows: int) -> None:
    """Call ``work(top, bottom)`` for bands that together cover so many rows.

    Numpy lets go of the interpreter while it copies and adds, so threads run side by side. The
    bands must not depend on each other; what one raises is raised here.
    """
    bands = max(1, min(MOST, os.cpu_count() or 1, rows // LEAST))
    edges = [rows * k // bands for k in range(bands + 1)]
    if bands == 1:
        work(0, rows)
        return
    with ThreadPoolExecutor(bands, thread_name_prefix="marrow-bands") as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
