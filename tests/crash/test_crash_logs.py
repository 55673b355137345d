"""Killed while it asks, polls, downloads or loads exports: a rerun ends equal, and asks little."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.crash.victims import Victims, footprints, watch
from tests.integration.logs_world import ALONE, LogsWorld, open_days, with_logs
from tests.integration.stream_world import make_settings

NEVER = 1_000_000
SHARES = (0.05, 0.25, 0.4, 0.6, 0.85)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    opened = Victims(dict(os.environ))
    yield opened
    opened.close()


def make_order(world: LogsWorld, folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "source": "appmetrica_logs",
        "now": world.sandbox.clock.now().isoformat(),
        "env": world.sandbox.env | world.env,
        "max_run_bytes": 100,  # a package for each file or two
    }


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, victims: Victims
) -> Iterator[tuple[LogsWorld, int]]:
    """A world whose exports take a few polls, and how often a whole run changes what is on disk."""
    folder = tmp_path_factory.mktemp("stage")
    with open_days(folder, 4, with_logs(ALONE, prepare_polls=3, prepare_s=0)) as world:
        (folder / "whole").mkdir()
        runner = victims.take(make_order(world, folder / "whole"))
        changes = watch(runner, lambda: footprints(folder / "whole"), NEVER)
        assert runner.returncode == 0
        yield world, changes


@pytest.mark.parametrize("is_new_machine", [False, True])
@pytest.mark.parametrize("share", SHARES)
def test_killed_at_any_instant_a_rerun_ends_with_the_truth(
    stage: tuple[LogsWorld, int],
    victims: Victims,
    tmp_path: Path,
    share: float,
    is_new_machine: bool,
) -> None:
    world, changes = stage
    world.sandbox.logs._files.clear()
    world.sandbox.reset_requests()
    (folder := tmp_path / "killed").mkdir()
    runner = victims.take(make_order(world, folder))
    watch(runner, lambda: footprints(folder), 1 + int(share * changes))
    if is_new_machine:
        shutil.rmtree(folder / "home", ignore_errors=True)
    again = replace(world, settings=make_settings(folder))
    again.quietly()
    again.check()
    assert len(again.found()["events"]) == 12
    if not is_new_machine:
        assert max(export["builds"] for export in again.exports()) <= 1
    assert again.quietly().units_loaded == 0
