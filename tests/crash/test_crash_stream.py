"""Law 1: killed at any instant and restarted, here or on a new machine, the tables end equal."""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.crash.victims import Victims, footprints, watch
from tests.integration.stream_truth import Expected
from tests.integration.stream_warehouse import Snapshot, comparable, compare, read_warehouse
from tests.integration.stream_world import (
    EMPTY,
    GAME,
    World,
    environment,
    event_rows,
    make_settings,
    open_world,
)

TABLES = "event,ad_revenue"
SHORT = replace(EMPTY, history_days=0.01)
NEVER = 1_000_000
KILLS = {"first load": 8, "resent": 9, "many packages": 3}
SHARES = random.Random(2026)
INSTANTS = [
    (story, round((number + SHARES.random()) / count, 3), number % 3 == 2)
    for story, count in KILLS.items()
    for number in range(count)
]


@dataclass(slots=True)
class Stage:
    """The vendor's state of one story, what a sync starts from, and what it must end with."""

    world: World
    base: Path
    max_run_bytes: int
    result: Snapshot = field(default_factory=dict)
    expected: Expected = field(default_factory=Expected)
    changes: int = 0
    killed: int = 0
    tried: int = 0

    def order(self, folder: Path) -> dict[str, Any]:
        """What a runner is told."""
        return {
            "folder": str(folder),
            "now": self.world.sandbox.clock.now().isoformat(),
            "env": self.world.sandbox.env | self.world.env,
            "max_run_bytes": self.max_run_bytes,
        }

    def copy_base(self, folder: Path) -> None:
        """The state before the sync that is to be killed."""
        folder.mkdir()
        if self.base.exists():
            shutil.copytree(self.base, folder, dirs_exist_ok=True)


def ad_rows(count: int, mark: str) -> list[dict[str, Any]]:
    return [
        {"ad_revenue_timestamp": 1_772_448_000 + n, "ad_network": f"{mark}-{n}", "ad_revenue": n}
        for n in range(count)
    ]


def put_first(world: World) -> None:
    """Six windows of two tables, one with rejects, one of them empty."""
    world.sandbox.add_fault("empty_windows", mode="listed")
    for place in range(4):
        world.put(place, event_rows(3 + place, f"first{place}"))
    bad = {"event_name": "bad", "event_timestamp": "soon"}
    world.put(4, [bad, *event_rows(2, "bad")])
    fields = ("ad_revenue_timestamp", "ad_network", "ad_revenue")
    for place in (0, 1):
        rows = ad_rows(4, f"ad{place}")
        world.put(place, rows, data_type="ad_revenue", field_names=fields)


def resend(world: World) -> None:
    """Windows that grew, shrank, were emptied, lost their rejects; and new ones."""
    moved: dict[str, Any] = {"update_timestamp": world.window(5)}
    world.put(0, event_rows(6, "grown"), **moved)
    world.put(1, event_rows(1, "shrunk"), **moved)
    world.put(2, [], **moved)
    world.put(4, event_rows(3, "mended"), **moved)
    world.put(5, event_rows(3, "fresh"))
    fields = ("ad_revenue_timestamp", "ad_network", "ad_revenue")
    world.put(0, ad_rows(2, "less"), data_type="ad_revenue", field_names=fields, **moved)
    assert world.sandbox.windows(GAME, "event")


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    opened = Victims(dict(os.environ))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def stages(
    tmp_path_factory: pytest.TempPathFactory, victims: Victims
) -> Iterator[dict[str, Stage]]:
    folder = tmp_path_factory.mktemp("stages")
    with open_world(SHORT, folder / "new", tables=TABLES) as new:
        put_first(new)
        with open_world(SHORT, folder / "base", tables=TABLES) as old:
            put_first(old)
            assert old.sync().exit_code == 0
            resend(old)
            made = {
                "first load": Stage(new, folder / "nothing", 256 << 20),
                "resent": Stage(old, folder / "base", 256 << 20),
                "many packages": Stage(old, folder / "base", 300),
            }
            for name, stage in made.items():
                undisturbed = folder / f"undisturbed {name}"
                stage.copy_base(undisturbed)
                runner = victims.take(stage.order(undisturbed))
                stage.changes = watch(runner, lambda at=undisturbed: footprints(at), NEVER)  # type: ignore[misc]
                assert runner.returncode == 0
                stage.result = read_warehouse(undisturbed / "warehouse.duckdb")
                stage.expected = stage.world.truth()
                compare(stage.expected, stage.result)
            yield made


def recover(stage: Stage, folder: Path) -> Snapshot:
    """One more sync, to its end; what the warehouse then holds."""
    settings = make_settings(folder, max_run_bytes=stage.max_run_bytes)
    with environment(stage.world.sandbox.env | stage.world.env):
        world = World(stage.world.sandbox, settings, stage.world.env)
        report = world.sync()
    assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
    return world.found()


@pytest.mark.parametrize(("story", "share", "is_new_machine"), INSTANTS)
def test_killed_at_any_instant_the_tables_end_equal(  # noqa: PLR0917 - pytest's own order
    stages: dict[str, Stage],
    victims: Victims,
    tmp_path: Path,
    story: str,
    share: float,
    is_new_machine: bool,
) -> None:
    stage, folder = stages[story], tmp_path / "killed"
    stage.copy_base(folder)
    deadly = 1 + int(share * stage.changes)
    runner = victims.take(stage.order(folder))
    watch(runner, lambda: footprints(folder), deadly)
    stage.tried += 1
    stage.killed += runner.returncode == -9
    if is_new_machine:
        shutil.rmtree(folder / "home")
    found = recover(stage, folder)
    compare(stage.expected, found)
    assert comparable(found) == comparable(stage.result)


def test_most_runs_were_killed_before_their_end(stages: dict[str, Stage]) -> None:
    tried = sum(stage.tried for stage in stages.values())
    killed = sum(stage.killed for stage in stages.values())
    assert killed * 4 >= tried * 3


def test_killed_again_and_again_it_still_ends_equal(
    stages: dict[str, Stage], victims: Victims, tmp_path: Path
) -> None:
    stage, folder = stages["many packages"], tmp_path / "killed"
    stage.copy_base(folder)
    for share in (0.3, 0.15):
        deadly = 1 + int(share * stage.changes)
        watch(victims.take(stage.order(folder)), lambda: footprints(folder), deadly)
    assert comparable(recover(stage, folder)) == comparable(stage.result)
