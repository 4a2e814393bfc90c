"""When the event loop of a viewer turns, and how long it stalls."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

INTERVAL_S = 0.001
QUIET_S = 0.3
"""What a click still does after its result is there: it is painted."""
TIMEOUT_S = 240.0


class Heartbeat:
    """Notes when the event loop turns; waits while it runs."""

    def __init__(self):
        from qtpy.QtCore import Qt, QTimer

        self.turns: list[float] = []
        self._until: Callable[[], bool] | None = None
        self._loop = None
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._timer.start(round(1000 * INTERVAL_S))

    def _turn(self) -> None:
        self.turns.append(time.perf_counter())
        if self._until is not None and self._until() and self._loop is not None:
            self._loop.quit()

    def wait(self, until: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> float:
        """Run the event loop until something holds; return when that was seen."""
        from qtpy.QtCore import QEventLoop

        end = time.perf_counter() + timeout_s
        late = False

        def ended() -> bool:
            nonlocal late
            late = time.perf_counter() > end
            return late or until()

        self._until, self._loop = ended, QEventLoop()
        self.turns.append(time.perf_counter())
        self._loop.exec()
        self._until = None
        if late:
            raise TimeoutError(f"not there after {timeout_s:.0f} s")
        return self.turns[-1]

    def rest(self, seconds: float) -> tuple[float, float]:
        """Leave the viewer alone; return from when to when."""
        begun = time.perf_counter()
        return begun, self.wait(lambda: time.perf_counter() > begun + seconds)

    def click(self, button) -> float:
        """Click a button with the mouse; return when."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        if not button.isEnabled():
            raise RuntimeError(f"the button {button.text()} is disabled")
        begun = time.perf_counter()
        self.turns.append(begun)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        return begun

    def stalls(self, begun: float, ended: float) -> np.ndarray:
        """Return the stalls in seconds from one moment to another."""
        turns = np.array(self.turns)
        turns = turns[(turns >= begun) & (turns <= ended)]
        return np.clip(np.diff(turns) - INTERVAL_S, 0, None)

    def summary(self, begun: float, ended: float) -> dict[str, float]:
        """Return the longest stall and the two percentiles, in ms."""
        stalls = self.stalls(begun, ended)
        return {
            "longest": 1e3 * float(stalls.max()),
            "turns99": 1e3 * float(np.percentile(stalls, 99)),
            "moments99": 1e3 * wait_at_random(stalls + INTERVAL_S, 0.99),
        }

    def painted(self, since: float) -> float:
        """Let the viewer paint; return the end of the last stall of 10 ms, or ``since``."""
        self.rest(QUIET_S)
        turns = np.array([x for x in self.turns if x >= since])
        slow = np.flatnonzero(np.diff(turns) > 0.01)
        return float(turns[slow[-1] + 1]) if len(slow) else since


def wait_at_random(gaps: np.ndarray, quantile: float) -> float:
    """Return a quantile of how long an event at a random moment waits for the next turn."""
    low, high = 0.0, float(gaps.max())
    for _ in range(40):  # a wait is longer than x in the first gap - x seconds of each gap
        middle = (low + high) / 2
        longer = np.clip(gaps - middle, 0, None).sum() / gaps.sum()
        low, high = (middle, high) if longer > 1 - quantile else (low, middle)
    return high
