"""The time, passed in: real in production, simulated in tests so that none of them sleeps."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the engine needs of time. `now` is aware UTC; `sleep` takes seconds, and ends early when
    `wake` is set.
    """

    def now(self) -> datetime: ...

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None: ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        if wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)


class SimulatedClock:
    """A clock that only moves when told to, or when somebody sleeps; safe across threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:  # noqa: ARG002
        with self._lock:
            self.slept_s.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move the time forward without anybody having slept."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
