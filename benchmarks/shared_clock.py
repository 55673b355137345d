"""Simulated time for several threads that wait side by side.

A clock that jumps whenever somebody sleeps would pass twice as fast for two exports that are polled
at once. Here time moves only when everybody waits, and then to the first moment somebody waits for.
"""

import threading
from datetime import datetime, timedelta
from typing import Protocol

_UNSURE_S = 1.0  # of real time after which whoever is still missing has nothing to do


class _Steppable(Protocol):
    """The clock that is moved, such as the sandbox's."""

    def now(self) -> datetime: ...

    def set(self, moment: datetime) -> None: ...


class SharedClock:
    """A clock that `threads` threads sleep by; fewer of them once some have run out of work."""

    def __init__(self, clock: _Steppable, threads: int) -> None:
        self._clock, self._threads = clock, threads
        self._changed = threading.Condition()
        self._waiting: list[datetime] = []

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return self._clock.now()

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:  # noqa: ARG002
        """Wait until so many seconds have passed."""
        with self._changed:
            until = self.now() + timedelta(seconds=seconds)
            self._waiting.append(until)
            self._move(len(self._waiting) >= self._threads)
            while self.now() < until:
                is_told = self._changed.wait(_UNSURE_S)
                self._move(not is_told)
            self._waiting.remove(until)

    def _move(self, is_everybody: bool) -> None:
        first = min(self._waiting)
        if is_everybody and first > self.now():
            self._clock.set(first)
            self._changed.notify_all()
