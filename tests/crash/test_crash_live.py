"""Law 1 in somebody's own pipeline: killed at any instant and run again, the live rows are equal."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.crash.runner import run_live
from tests.crash.test_crash_stream import put_first, resend
from tests.crash.victims import Victims, footprints, watch
from tests.integration.stream_truth import expect_truth
from tests.integration.stream_warehouse import Snapshot, compare, read_warehouse
from tests.integration.stream_world import EMPTY, World, environment, open_world
from tests.integration.test_stream_live import LONG_AGO, keep_live, read_lake

NEVER = 1_000_000
INSTANTS = [
    *(("duckdb", share) for share in (0.4, 0.62, 0.68, 0.74, 0.8)),
    *(("filesystem", share) for share in (0.5, 0.75)),
]


def read_live(folder: Path, kind: str) -> Snapshot:
    """The rows that count."""
    if kind == "duckdb":
        return read_warehouse(folder / "mine.duckdb", "raw")
    return keep_live(read_lake(folder / "lake" / "raw"))


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    opened = Victims(dict(os.environ))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bases(
    tmp_path_factory: pytest.TempPathFactory, victims: Victims
) -> Iterator[tuple[World, dict[str, tuple[Path, int]]]]:
    """A world, and by destination what a first run left and how often a second one changes it."""
    folder = tmp_path_factory.mktemp("live")
    scenario = replace(EMPTY, start=LONG_AGO, history_days=0.001)
    with open_world(scenario, folder / "world", tables="event,ad_revenue") as world:
        put_first(world)
        for kind in ("duckdb", "filesystem"):
            (folder / kind).mkdir()
            watch(victims.take(make_order(world, folder / kind, kind)), lambda: 0, NEVER)
        resend(world)
        found = {}
        for kind in ("duckdb", "filesystem"):
            shutil.copytree(folder / kind, undisturbed := folder / f"undisturbed {kind}")
            runner = victims.take(make_order(world, undisturbed, kind))
            changes = watch(runner, lambda at=undisturbed: footprints(at), NEVER)  # type: ignore[misc]
            compare(expect_all(world), read_live(undisturbed, kind))
            found[kind] = (folder / kind, changes)
        yield world, found


def make_order(world: World, folder: Path, kind: str) -> dict[str, Any]:
    return {"folder": str(folder), "live": kind, "env": world.sandbox.env | world.env}


def expect_all(world: World) -> Any:
    tables = ("event", "ad_revenue")
    return expect_truth(world.sandbox, tables=tables, settled_only=False)


@pytest.mark.parametrize(("kind", "share"), INSTANTS)
def test_killed_and_run_again_the_live_rows_are_equal(
    bases: tuple[World, dict[str, tuple[Path, int]]],
    victims: Victims,
    tmp_path: Path,
    kind: str,
    share: float,
) -> None:
    world, (base, changes) = bases[0], bases[1][kind]
    shutil.copytree(base, folder := tmp_path / "killed")
    order = make_order(world, folder, kind)
    watch(victims.take(order), lambda: footprints(folder), 1 + int(share * changes))
    with environment(order["env"]):
        assert run_live(folder, kind) == 0
    compare(expect_all(world), read_live(folder, kind))
