"""A ShortKit world to be killed in: jobs that take polls, days that are replaced, a scheduled export.

The clock of a run that may be killed is its own and begins at the same moment each time; the
sandbox's stands still.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.clock import SimulatedClock
from connector.sandbox import ShortKit
from connector.warehouse.pipeline import sync
from tests.integration.shortkit_truth import TABLES, compare_truth
from tests.integration.shortkit_world import (
    ALONE,
    SHORTKIT,
    ShortkitWorld,
    fill_day,
    open_days,
    show_day,
    video_rows,
)
from tests.integration.stream_warehouse import read_warehouse
from tests.integration.stream_world import environment, make_settings
from tests.integration.test_shortkit_scheduled import put

SCENARIO = replace(ALONE, shortkit=ShortKit(prepare_s=0, prepare_polls=2, jobs_per_day=0))
FIRST_DAYS, LOOK_BACK = 4, 4
DAYS = tuple(show_day(place) for place in range(-3, 3))
Asked = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """The world, what a run starts from (`base`), the moment of all runs, and the size of loads."""

    world: ShortkitWorld
    base: Path
    now: datetime
    max_run_bytes: int

    def order(self, folder: Path) -> dict[str, Any]:
        """What a runner is told."""
        return {
            "folder": str(folder),
            "source": SHORTKIT,
            "now": self.now.isoformat(),
            "env": self.world.sandbox.env | self.world.env,
            "max_run_bytes": self.max_run_bytes,
        }

    def recover(self, folder: Path) -> None:
        """One more run, to its end."""
        settings = make_settings(folder, max_run_bytes=self.max_run_bytes)
        with environment(self.world.sandbox.env | self.world.env):
            report = sync(settings, [SHORTKIT], clock=SimulatedClock(self.now))
        source = report.sources[SHORTKIT]
        assert (source.exit_code, source.units_failed) == (0, 0), source.errors

    def check(self, folder: Path) -> None:
        """Assert that a warehouse is the truth, and that its own account is clean."""
        compare_truth(self.world.sandbox, folder / "warehouse.duckdb")

    def forget_exports(self) -> None:
        """Let the vendor begin anew; what it was asked for stays noted, what it announced is there."""
        service, kept = self.world.sandbox.shortkit, self.kept()
        for number in [n for n, job in service.jobs.items() if job.kind == "client"]:
            if number not in kept:
                del service.jobs[number]
        service._answers.clear()

    def kept(self) -> set[str]:
        """The exports that the base was loaded from."""
        return {unit["remote_id"] for unit in self.ledger(self.base)}

    def ledger(self, folder: Path) -> list[dict[str, Any]]:
        """The units of a warehouse."""
        return read_warehouse(folder / "warehouse.duckdb", SHORTKIT).get("units", [])

    def find_repeated(self, before: int, folder: Path) -> Counter[Asked]:
        """The exports that were made more than once since, and which no load had brought in between:
        those of the look-back are asked for by each run.
        """
        loaded = {unit["remote_id"] for unit in self.ledger(folder)}
        made = self.world.creates()[before:]
        counts = Counter(name_export(item) for item in made if item["id"] not in loaded)
        return counts - Counter(set(counts))

    def is_announced_day_loaded(self, folder: Path) -> bool:
        """True where the day that came by itself is in a warehouse."""
        return f"events/{DAYS[-1]}" in {unit["unit"] for unit in self.ledger(folder)}

    def is_announced_day_asked_for(self, before: int) -> bool:
        """True where a job was made for it since."""
        asked = [name_export(made) for made in self.world.creates()[before:]]
        return any(types == "events+quality" and end == DAYS[-1] for types, _, end in asked)


def name_export(made: dict[str, Any]) -> Asked:
    """What an export was asked for."""
    body = made["body"]
    return "+".join(body["dataTypes"]), body["startDate"], body["endDate"]


@contextmanager
def open_stage(folder: Path, max_run_bytes: int) -> Iterator[Stage]:
    """Four days were loaded; two days later some of them have other rows, and one of the new days was
    announced by the vendor itself.
    """
    env = {"max_days": "2", "lookback_days": str(LOOK_BACK), "daily_jobs": "1000"}
    with open_days(folder / "base", FIRST_DAYS, SCENARIO, rows=4, **env) as world:
        world.quietly()
        world.put_rows(0, video_rows(0, 7, mark="late"))
        world.put_rows(-1, video_rows(-1, 4, mark="other"))
        world.put_rows(-2, video_rows(-2, 5, "ads", mark="late"), "ads")
        world.next_day(2)
        fill_day(world, 1, 4)
        fill_day(world, 2, 4)
        put(world, 2)
        yield Stage(world, folder / "base", world.sandbox.clock.now(), max_run_bytes)


def read_rows(folder: Path) -> dict[str, list[str]]:
    """The rows of every table, without what says in which load they came."""
    found = read_warehouse(folder / "warehouse.duckdb", SHORTKIT)
    return {
        table: sorted(
            str({name: row[name] for name in sorted(row) if not name.startswith("_dlt")})
            for row in found[table]
        )
        for table in TABLES
    }
