"""Killed while it asks, polls, splits, downloads or loads exports of MyTracker: a rerun ends equal,
and nothing is made once more but what was asked for in the very last instant.
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.crash.tracker_stage import SLICE, Stage, open_stage, read_rows
from tests.crash.victims import Victims, footprints, watch

NEVER = 1_000_000
KILLS = 20
SHARES = random.Random(2026)
INSTANTS = [
    (round((number + SHARES.random()) / KILLS, 3), number % 5 == 4) for number in range(KILLS)
]


@dataclass(slots=True)
class Undisturbed:
    """A stage, the rows with which a run ends that nobody kills, and how often it changes what is on
    disk; how many runs were killed before their end, and how many answers that cost.
    """

    stage: Stage
    rows: dict[str, list[str]]
    changes: int
    killed: int = 0
    lost: list[int] = field(default_factory=list)


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
    with open_stage(folder, max_run_bytes=3_000) as stage:
        shutil.copytree(stage.base, whole := folder / "whole")
        before = len(stage.creates())
        runner = victims.take(stage.order(whole))
        changes = watch(runner, lambda: footprints(whole), NEVER)
        assert runner.returncode == 0
        assert not stage.find_repeated(stage.creates()[before:])
        stage.check(whole)
        units = stage.ledger(whole)
        assert sum(unit["schema_id"].startswith("merged:") for unit in units) == 8
        assert sum(unit["upper_at"] - unit["lower_at"] < SLICE / 4 for unit in units) >= 3
        yield Undisturbed(stage, read_rows(whole), changes)


@pytest.mark.parametrize(("share", "is_new_machine"), INSTANTS)
def test_killed_at_any_instant_a_rerun_ends_equal_and_nothing_is_made_twice(
    undisturbed: Undisturbed,
    victims: Victims,
    tmp_path: Path,
    share: float,
    is_new_machine: bool,
) -> None:
    stage = undisturbed.stage
    stage.forget_exports()
    shutil.copytree(stage.base, folder := tmp_path / "killed")
    before = len(stage.creates())
    runner = victims.take(stage.order(folder))
    watch(runner, lambda: footprints(folder), 1 + int(share * undisturbed.changes))
    undisturbed.killed += runner.returncode == -9
    lost = stage.find_lost(stage.creates()[before:], folder)
    refused = stage.find_refused(stage.creates()[before:])
    undisturbed.lost.append(lost.total())
    if is_new_machine:
        shutil.rmtree(folder / "home")
    stage.recover(folder)
    repeated = stage.find_repeated(stage.creates()[before:])
    if not is_new_machine:
        assert not repeated - lost - refused  # nothing was made of what was refused
    stage.check(folder)
    assert read_rows(folder) == undisturbed.rows
    assert stage.recover(folder) == 0


def test_most_runs_were_killed_before_their_end_and_most_kills_lost_no_answer(
    undisturbed: Undisturbed,
) -> None:
    assert undisturbed.killed * 4 >= len(undisturbed.lost) * 3
    assert max(undisturbed.lost) <= 2  # so many are asked for at once
    assert undisturbed.lost.count(0) * 2 >= len(undisturbed.lost)
