"""Progress of a run: bars on a terminal, log lines elsewhere, nothing with `--quiet`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from connector.cli.session import Session
from connector.cli.tables import show_bytes

if TYPE_CHECKING:
    from connector.warehouse.run_report import ProgressEvent

Notify = Callable[["ProgressEvent"], None]


@contextmanager
def follow_sync(session: Session) -> Iterator[Notify]:
    """What to call with the events of a sync."""
    if session.is_quiet:
        yield _LogLines(is_quiet=True).notify
    elif session.has_terminal:
        bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} windows"),
            TextColumn("{task.fields[bytes]}"),
            TextColumn("{task.fields[rows]:,} rows"),
            TextColumn("{task.fields[speed]:,.0f} rows/s"),
            TimeRemainingColumn(),
            console=session.console(stderr=True),
        )
        with bars:
            yield _Bars(bars).notify
    else:
        yield _LogLines().notify


class _Bars:
    """A bar a source: windows loaded of those planned."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._bytes: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._started = time.monotonic()

    def notify(self, event: "ProgressEvent") -> None:
        """Move the source's bar."""
        name = event.source
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=0, bytes="0 B", rows=0, speed=0.0)
        task = self._tasks[name]
        if event.kind == "planned":
            planned = self._bars.tasks[self._bars.task_ids.index(task)].total or 0
            self._bars.update(task, total=planned + event.units)
        elif event.kind == "fetched":
            self._bytes[name] = self._bytes.get(name, 0) + event.bytes
            self._bars.update(task, bytes=show_bytes(self._bytes[name]))
        elif event.kind == "loaded":
            rows = self._rows[name] = self._rows.get(name, 0) + event.rows
            speed = rows / max(time.monotonic() - self._started, 0.001)
            self._bars.update(task, advance=event.units, rows=rows, speed=speed)
        else:
            structlog.get_logger().warning(event.text, source=name)


class _LogLines:
    """A line for the plan, each sweep loaded and each failure."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._started = time.monotonic()

    def notify(self, event: "ProgressEvent") -> None:
        """Log the event, unless it is one of many."""
        log = structlog.get_logger().bind(source=event.source)
        if event.kind in {"failed", "note"}:
            log.warning(event.text)
        elif event.kind == "planned":
            log.info("planned", units=event.units, rows=event.rows, bytes=event.bytes)
        elif event.kind == "loaded":
            elapsed = round(time.monotonic() - self._started, 1)
            log.info("loaded", units=event.units, rows=event.rows, seconds=elapsed)
