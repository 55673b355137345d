"""The sandbox's own time: the machine's clock plus an offset, or a clock that tests step."""

import threading
import time
from datetime import UTC, datetime
from typing import Literal

ClockMode = Literal["real", "simulated"]


class SandboxClock:
    """Unix seconds as the emulated vendors see them; safe across threads.

    `real` follows the machine (plus whatever it was advanced by); `simulated` moves only when
    told to, or when somebody calls `sleep`, so the product under test may share it.
    """

    def __init__(self, mode: ClockMode, start: datetime) -> None:
        self.mode = mode
        self.start = start
        self._lock = threading.Lock()
        self._ahead_s = start.timestamp() - (time.time() if mode == "real" else 0.0)

    def timestamp(self) -> float:
        """The present moment in unix seconds."""
        base = time.time() if self.mode == "real" else 0.0
        with self._lock:
            return base + self._ahead_s

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the time by `seconds`; negative moves it back."""
        with self._lock:
            self._ahead_s += seconds

    def set(self, moment: datetime) -> None:
        """Make it `moment` (aware) now."""
        base = time.time() if self.mode == "real" else 0.0
        with self._lock:
            self._ahead_s = moment.timestamp() - base

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Wait, or until `wake` is set; on a simulated clock the time jumps instead."""
        if self.mode == "simulated":
            self.advance(seconds)
        elif wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)
