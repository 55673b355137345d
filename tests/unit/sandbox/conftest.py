"""A small deterministic world, without sockets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.sandbox import App, Population, Scenario, Stream
from connector.sandbox.emulator import Emulator

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

MakeEmulator = Callable[..., Emulator]


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=5,
        clock="simulated",
        start=START,
        history_days=0.25,
        apps=(App(11, "Game", "Asia/Kolkata"), App(12, "Shop", "America/Sao_Paulo", "shop")),
        population=Population(devices=500, warmup_days=10),
    )


@pytest.fixture
def make_emulator(scenario: Scenario) -> MakeEmulator:
    """An emulator of the small scenario; keywords change its `Stream` or, by name, the scenario."""

    def make(faults: tuple[dict[str, Any], ...] = (), **changes: Any) -> Emulator:
        own = {key: changes.pop(key) for key in ("population", "history_days") if key in changes}
        stream = replace(Stream(), **changes)
        return Emulator(replace(scenario, stream=stream, faults=faults, **own))

    return make


@pytest.fixture
def emulator(make_emulator: MakeEmulator) -> Emulator:
    return make_emulator()
