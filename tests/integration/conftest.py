"""Worlds for the tests over real sockets; nothing in them waits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from tests.integration.stream_world import EMPTY, PEOPLED, World, open_world


@pytest.fixture(autouse=True, scope="module")
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One app without a population: tests make up its windows."""
    with open_world(EMPTY, tmp_path, tables="event") as opened:
        yield opened


@pytest.fixture
def peopled(tmp_path: Path) -> Iterator[World]:
    """Two apps with a handful of people."""
    with open_world(PEOPLED, tmp_path) as opened:
        yield opened
