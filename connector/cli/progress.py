"""Progress of a run: bars on a terminal, log lines elsewhere, nothing with `--quiet`."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.cli.session import Session
from connector.cli.tables import show_bytes

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from connector.warehouse.run_report import ProgressEvent

WAIT_LINE_S = 60.0

Notify = Callable[["ProgressEvent"], None]


@contextmanager
def follow_sync(session: Session) -> Iterator[Notify]:
    """What to call with the events of a sync."""
    if session.has_terminal and not session.is_quiet:
        with _make_bars(session) as bars:
            yield _Bars(bars).notify
    else:
        yield _LogLines().notify  # a quiet session shows its warnings only


def _make_bars(session: Session) -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[loaded]:,}/{task.fields[planned]:,} units"),
        TextColumn("{task.fields[size]}"),
        TextColumn("{task.fields[speed]:,.0f} rows/s"),
        TimeRemainingColumn(compact=True),
        console=session.console(stderr=True),
    )


@dataclass(slots=True)
class _Counts:
    """What came of one source so far."""

    planned: int = 0
    fetched: int = 0
    loaded: int = 0
    bytes: int = 0
    rows: int = 0
    waits_for: str = ""


class _Bars:
    """A bar a source; a unit counts half when it is fetched and whole when it is loaded."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, _Counts] = defaultdict(_Counts)
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def notify(self, event: "ProgressEvent") -> None:
        """Move the source's bar; called from the threads that download."""
        import structlog

        if event.kind in {"failed", "note"}:
            structlog.get_logger().warning(event.text, source=event.source)
            return
        with self._lock:
            counts = self._counts[event.source]
            counts.waits_for = event.text if event.kind == "waiting" else ""
            if event.kind == "planned":
                counts.planned += event.units
            elif event.kind == "fetched":
                counts.fetched += event.units
                counts.bytes += event.bytes
            elif event.kind == "loaded":
                counts.loaded += event.units
                counts.rows += event.rows
            self._draw(event.source, counts)

    def _draw(self, source: str, counts: _Counts) -> None:
        if source not in self._tasks:
            self._tasks[source] = self._bars.add_task(
                source, total=None, loaded=0, planned=0, size="", speed=0.0
            )
        self._bars.update(
            self._tasks[source],
            description=f"{source} {counts.waits_for}".strip(),
            total=2 * counts.planned,
            completed=counts.loaded + max(counts.loaded, counts.fetched),
            loaded=counts.loaded,
            planned=counts.planned,
            size=show_bytes(counts.bytes),
            speed=counts.rows / max(time.monotonic() - self._started, 0.001),
        )


class _LogLines:
    """A line for the plan, each sweep loaded, each failure, and once a minute for what is waited
    for.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._waits: dict[str, float] = {}  # when a source's last such line was written

    def notify(self, event: "ProgressEvent") -> None:
        """Log the event, unless it is one of many."""
        import structlog

        log = structlog.get_logger().bind(source=event.source)
        if event.kind in {"failed", "note"}:
            log.warning(event.text)
        elif event.kind == "planned":
            log.info("planned", units=event.units, rows=event.rows, bytes=event.bytes)
        elif event.kind == "loaded":
            elapsed = round(time.monotonic() - self._started, 1)
            log.info("loaded", units=event.units, rows=event.rows, seconds=elapsed)
        elif event.kind == "waiting":
            now = time.monotonic()
            if now - self._waits.setdefault(event.source, self._started) >= WAIT_LINE_S:
                self._waits[event.source] = now
                log.info("the vendor prepares", unit=event.text)
