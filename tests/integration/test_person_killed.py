"""An erasure that was killed goes on where it was, whenever that happened."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import StillWaitingError
from connector.sandbox import ShortKit
from tests.integration.person_world import (
    EMPTY,
    IDS,
    THEIR_EVENTS,
    THEIR_PAYMENTS,
    THEIR_VIEWS,
    USER,
    VIDEO,
    VIEWS,
    PersonWorld,
    open_person,
)

PROMPT = replace(EMPTY, shortkit=ShortKit(prepare_polls=1))
STEPS = 7
THEIRS = THEIR_EVENTS + THEIR_PAYMENTS + THEIR_VIEWS


class KilledError(BaseException):
    """The end of a process, as far as this one can end it."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that all there is was loaded into."""
    with open_person(tmp_path_factory.mktemp("loaded")) as world:
        return world.settings.warehouse


def check_done(world: PersonWorld) -> None:
    """Assert that nothing of the person is left, and everything of the others."""
    assert world.files_with(*IDS) == []
    assert world.search().findings == ()
    assert world.count("shortkit.events") == len(VIEWS) - THEIR_VIEWS
    assert world.ask("SELECT step, ids FROM connector.erasure") == [("finished", None)]
    assert world.ask(
        "SELECT count(DISTINCT (kind, digest)) = count(*) FROM connector.tombstone"
    ) == [(True,)]
    world.check_account()


def test_between_any_two_steps(tmp_path: Path, loaded: Path) -> None:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if told.count(text) == 1:
            raise KilledError

    with open_person(tmp_path / "world", loaded) as world:
        for _ in range(STEPS):
            with pytest.raises(KilledError):
                world.erase(tell=tell)
        done = world.erase(tell=tell)
        assert done.left == ()
        assert sum(item["rows"] for item in done.facts["rows"]) == THEIRS
        check_done(world)


@pytest.mark.parametrize("line", range(1, STEPS + 1))
def test_by_the_machine(tmp_path: Path, loaded: Path, line: int) -> None:
    """Killed as soon as it tells of a step, that is at some moment of it."""
    with open_person(tmp_path / "world", loaded, PROMPT) as world:
        world.set(VIDEO, poll_seconds="0.05")
        with start(world) as child:
            assert child.stderr is not None
            for _ in range(line):
                assert child.stderr.readline()
            child.kill()
        ended = start(world)
        _, errors = ended.communicate()
        assert ended.returncode == 0, errors
        check_done(world)


def start(world: PersonWorld) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    places = {
        "CONNECTOR__HOME": str(world.settings.home),
        "CONNECTOR__WAREHOUSE": str(world.settings.warehouse),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "connector", "person", "erase", USER, "--yes", "--json"],
        env=os.environ | world.sandbox.env | world.env | places,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_export_that_takes_longer_than_the_call_may_wait(tmp_path: Path, loaded: Path) -> None:
    slow = replace(EMPTY, shortkit=ShortKit(prepare_s=600))
    with open_person(tmp_path / "world", loaded, slow) as world:
        with pytest.raises(StillWaitingError):
            world.erase(max_wait_s=60)
        assert world.count("shortkit.events") == len(VIEWS)
        assert world.sandbox.shortkit_requests()["erasures"] == []
        assert USER.encode() not in (world.settings.home / "journal.db").read_bytes()
        assert world.erase().left == ()
        assert len(world.sandbox.shortkit_requests()["person_exports"]) == 1
        check_done(world)
