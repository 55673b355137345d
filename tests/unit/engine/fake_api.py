"""A vendor's API by hand: units of it, and downloads that succeed, fail or wait as told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.clock import SimulatedClock
from connector.fetch import Fetcher, Outcome
from connector.journal import Journal, SpooledFile
from connector.spool import Spool
from connector.units import Failure, Unit

START = datetime(2026, 3, 1, tzinfo=UTC)
PATIENCE_S = 30.0


@dataclass
class FakeApi:
    """`answers` are errors, `queues` queues and `pieces` smaller units by unit id; `gate` holds
    downloads up until it is set.
    """

    source: str = "vendor"
    parallel: int = 1
    answers: dict[str, BaseException] = field(default_factory=dict)
    body: bytes = b"0123456789"
    gate: threading.Event | None = None
    queues: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, list[Unit]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def queue_of(self, unit: Unit) -> str:
        return self.queues.get(unit.id, "")

    def split(self, unit: Unit) -> list[Unit]:
        return self.pieces.get(unit.id, [])

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        self.asked.append(unit.id)
        self.entered.release()
        if self.gate:
            assert self.gate.wait(PATIENCE_S)
        if error := self.answers.get(unit.id):
            raise error
        path = spool.new_path(unit.id).with_suffix(".txt")
        path.write_bytes(self.body)
        return unit, path


def make_units(*names: str, source: str = "vendor") -> list[Unit]:
    """Units of which the first named expires first."""
    return [
        Unit(
            id=name,
            source=source,
            table="event",
            application_id="1",
            axis="window",
            lower_at=START,
            upper_at=START + timedelta(minutes=5),
            remote_id=name,
            expires_at=START + timedelta(days=7, minutes=place),
        )
        for place, name in enumerate(names)
    ]


@dataclass
class Desk:
    """A fetcher with a journal and a spool of its own, and what it tells."""

    fetcher: Fetcher
    journal: Journal
    spool: Spool
    notified: list[Outcome]

    def take(self) -> list[Outcome]:
        """What is ready of one source, without lingering."""
        taken = self.fetcher.take(max_bytes=1 << 30, max_units=1000, linger_s=0)
        assert taken is not None
        return taken[1]

    def drain(self) -> tuple[list[SpooledFile], list[Failure]]:
        """Everything, until nothing more can come."""
        files: list[SpooledFile] = []
        failures: list[Failure] = []
        while taken := self.fetcher.take(max_bytes=1 << 30, max_units=1000, linger_s=0):
            for outcome in taken[1]:
                (failures if isinstance(outcome, Failure) else files).append(outcome)  # type: ignore[arg-type]
        return files, failures

    def left(self, source: str = "vendor") -> list[str]:
        return [unit.id for unit in self.fetcher.not_started(source)]


@contextmanager
def open_desk(
    folder: Path, backlog_bytes: int = 1 << 30, notify: Callable[[Outcome], None] | None = None
) -> Iterator[Desk]:
    """A desk whose threads have ended when the block is left."""
    journal, spool = Journal(folder / "journal.db"), Spool(folder / "spool")
    notified: list[Outcome] = []
    with Fetcher(
        journal,
        spool,
        SimulatedClock(START),
        backlog_bytes=backlog_bytes,
        notify=notify or notified.append,
    ) as fetcher:
        yield Desk(fetcher, journal, spool, notified)
    journal.close()
