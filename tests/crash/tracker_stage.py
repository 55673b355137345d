"""A MyTracker world to be killed in: jobs that take polls, parts, splits, days that are read again.

The clock of a run that may be killed is its own and begins at the same moment each time; the
sandbox's stands still, some hours ahead, so that what a run asks for never lies in its future.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.clock import SimulatedClock
from connector.journal import Journal
from connector.sandbox import MyTracker
from connector.sandbox.mytracker.answers import REFUSED
from connector.warehouse.pipeline import sync
from tests.integration.stream_warehouse import read_warehouse
from tests.integration.stream_world import environment, make_settings
from tests.integration.tracker_truth import TABLE_OF, Wanted, compare_tracker
from tests.integration.tracker_world import (
    ALONE,
    FEW,
    TRACKER,
    TrackerWorld,
    open_tracker,
    tracker_rows,
)

SELECTORS = {"customEvents": FEW, "installs": ("idApp", "idDevice", "tsEvent", "tsInsert")}
START = "2026-03-09"
SLICE = timedelta(hours=6)
AHEAD_S = 6 * 3600
BEFORE, MEANWHILE = (-32, -26, -20, -14, -8, -2), (4, 10, 14, 17, 23)  # hours with rows
SCENARIO = replace(
    ALONE,
    mytracker=MyTracker(
        prepare_s=0,
        prepare_polls=2,
        rows_per_part=2,
        max_rows=13,
        requests_per_second=0,
        requests_per_minute=0,
        requests_per_hour=0,
        errors_per_minute=0,
    ),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The world, what a run starts from (`base`), the moment of all runs, and the size of loads."""

    world: TrackerWorld
    base: Path
    now: datetime
    max_run_bytes: int

    def order(self, folder: Path) -> dict[str, Any]:
        """What a runner is told."""
        return {
            "folder": str(folder),
            "source": TRACKER,
            "now": self.now.isoformat(),
            "env": self.world.sandbox.env | self.world.env,
            "max_run_bytes": self.max_run_bytes,
        }

    def recover(self, folder: Path) -> int:
        """One more run, to its end; how many units it loaded."""
        settings = make_settings(folder, max_run_bytes=self.max_run_bytes)
        with environment(self.world.sandbox.env | self.world.env):
            report = sync(settings, [TRACKER], clock=SimulatedClock(self.now))
        source = report.sources[TRACKER]
        assert (source.exit_code, source.errors, source.units_failed) == (0, [], 0)
        return source.units_loaded

    def check(self, folder: Path) -> None:
        """Assert that a warehouse is the truth, and that its own account is clean."""
        compare_tracker(self.world.sandbox, folder / "warehouse.duckdb", Wanted(SELECTORS))

    def ledger(self, folder: Path) -> list[dict[str, Any]]:
        """The units of a warehouse, those included whose rows another one took over."""
        return read_warehouse(folder / "warehouse.duckdb", TRACKER)["units"]

    def forget_exports(self) -> None:
        """Let the vendor begin anew; what it was asked for stays noted."""
        self.world.sandbox.mytracker.jobs.clear()

    def creates(self) -> list[dict[str, Any]]:
        """What was asked for since the world began."""
        return self.world.creates()

    def name_export(self, made: dict[str, Any]) -> str:
        """All that an export was asked for, but for the present moment."""
        params = made["params"]
        is_open = int(params["tsTo"]) >= self.now.timestamp()
        return json.dumps(params | ({"tsTo": "now"} if is_open else {}), sort_keys=True)

    def find_repeated(self, created: list[dict[str, Any]]) -> Counter[str]:
        """How often more than once each export was made."""
        counts = Counter(map(self.name_export, created))
        return counts - Counter(set(counts))

    def find_refused(self, created: list[dict[str, Any]]) -> Counter[str]:
        """The exports that were too large: nothing was made of them."""
        jobs = self.world.sandbox.mytracker.jobs
        return Counter(
            self.name_export(made)
            for made in created
            if made["id"] in jobs and jobs[made["id"]].status == REFUSED
        )

    def find_lost(self, created: list[dict[str, Any]], folder: Path) -> Counter[str]:
        """The exports whose id nobody was told: not in the journal, and never polled."""
        journal = Journal(folder / "home" / "journal.db")
        try:
            told = {job.partition(":")[0] for job in journal.jobs(TRACKER).values()}
        finally:
            journal.close()
        told |= set(self.world.sandbox.mytracker_requests()["polls"])
        return Counter(self.name_export(made) for made in created if made["id"] not in told)


@contextmanager
def open_stage(folder: Path, max_run_bytes: int) -> Iterator[Stage]:
    """Two events: a first sync was done; a day later there is more, some of it of the first day.

    Slices are six hours. One of the new ones is too large, and so is the first day of one event.
    """
    env = {
        "events": ",".join(SELECTORS),
        "selectors": json.dumps(SELECTORS),
        "roles": "{}",
        "start": START,
        "slice_hours": f"{SLICE / timedelta(hours=1):g}",
        "future_sweep_days": "1",
    }
    with open_tracker(SCENARIO, folder / "base", **env) as world:
        for place in BEFORE:
            put(world, place, 3, "a")
        world.quietly()
        put(world, BEFORE[1], 1, "late")
        put(world, BEFORE[1], 4, "more", "customEvents")
        world.sandbox.clock.advance(86_400)
        for place in MEANWHILE:
            put(world, place, 3, "b")
        put(world, MEANWHILE[1], 20, "many", "customEvents")
        now = world.sandbox.clock.now()
        world.sandbox.clock.advance(AHEAD_S)
        yield Stage(world, folder / "base", now, max_run_bytes)


def put(world: TrackerWorld, place: int, count: int, mark: str, *events: str) -> None:
    """Add rows to an hour of these events, or of all."""
    for event in events or SELECTORS:
        rows = tracker_rows(world, place, count, mark)
        kept = [{name: row[name] for name in SELECTORS[event]} for row in rows]
        world.put_rows(place, kept, event)


def read_rows(folder: Path) -> dict[str, list[str]]:
    """The rows of every event's table, without what says in which unit and load they came."""
    found = read_warehouse(folder / "warehouse.duckdb", TRACKER)
    return {
        event: sorted(
            str({name: row[name] for name in sorted(row) if not name.startswith("_")})
            for row in found[TABLE_OF[event]]
        )
        for event in SELECTORS
    }
