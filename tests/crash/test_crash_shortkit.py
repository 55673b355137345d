"""Killed while it asks, polls, downloads or loads exports of ShortKit: a rerun ends equal, and no
export is made once more but those of the look-back that were loaded before.
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.shortkit_stage import DAYS, Stage, open_stage, read_rows
from tests.crash.victims import Victims, footprints, watch

NEVER = 1_000_000
KILLS = 5
SHARES = random.Random(2026)
INSTANTS = [
    (round((number + SHARES.random()) / KILLS, 3), number % 5 == 3) for number in range(KILLS)
]


@dataclass(slots=True)
class Undisturbed:
    """A stage, the rows with which a run ends that nobody kills, and how often it changes what is on
    disk; how many runs were killed before their end.
    """

    stage: Stage
    rows: dict[str, list[str]]
    changes: int
    killed: int = 0
    tried: int = 0


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    opened = Victims(dict(os.environ))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, victims: Victims
) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("stage")
    with open_stage(folder, max_run_bytes=600) as stage:
        shutil.copytree(stage.base, whole := folder / "whole")
        before = len(stage.world.creates())
        runner = victims.take(stage.order(whole))
        changes = watch(runner, lambda: footprints(whole), NEVER)
        assert runner.returncode == 0
        stage.check(whole)
        made = [item["body"] for item in stage.world.creates()[before:]]
        assert len(made) == 5
        assert ["events", "quality"] not in [
            body["dataTypes"] for body in made if body["endDate"] == DAYS[-1]
        ]  # that day came by itself
        yield Undisturbed(stage, read_rows(whole), changes)


@pytest.mark.parametrize(("share", "is_new_machine"), INSTANTS)
def test_killed_at_any_instant_a_rerun_ends_equal_and_asks_for_nothing_twice(
    undisturbed: Undisturbed,
    victims: Victims,
    tmp_path: Path,
    share: float,
    is_new_machine: bool,
) -> None:
    stage = undisturbed.stage
    stage.forget_exports()
    shutil.copytree(stage.base, folder := tmp_path / "killed")
    before = len(stage.world.creates())
    runner = victims.take(stage.order(folder))
    watch(runner, lambda: footprints(folder), 1 + int(share * undisturbed.changes))
    undisturbed.tried += 1
    undisturbed.killed += runner.returncode == -9
    shutil.copytree(folder, dead := tmp_path / "dead")
    if is_new_machine:
        shutil.rmtree(folder / "home")
    stage.recover(folder)
    if not is_new_machine:
        assert not stage.find_repeated(before, dead)
        assert stage.is_announced_day_loaded(dead) or not stage.is_announced_day_asked_for(before)
    stage.check(folder)
    assert read_rows(folder) == undisturbed.rows


def test_most_runs_were_killed_before_their_end(undisturbed: Undisturbed) -> None:
    assert undisturbed.killed * 4 >= undisturbed.tried * 3
