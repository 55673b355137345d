"""The command line in this process, against a small sandbox over real sockets."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import stamina
from typer.testing import CliRunner

from connector.cli.app import app
from connector.sandbox import App, Population, Sandbox, Scenario

SOURCE = "appmetrica_stream"
GAME = 4100001
TOKEN = "read-token-that-nobody-may-see"
WRITE_TOKEN = "write-token-that-nobody-may-see"
SCHEMA = 900_001  # no other window has it
NAMES = ("event_name", "event_timestamp", "event_json")


@dataclass(frozen=True, slots=True)
class Said:
    """What one call of the command line gave."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


def call(*words: object) -> Said:
    """Run the command line with these words."""
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="connector")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Said(result.exit_code, result.stdout, result.stderr)


@dataclass(slots=True)
class World:
    """A sandbox, and a warehouse and home that are configured in the environment."""

    sandbox: Sandbox
    warehouse: Path
    home: Path

    def window(self, place: int) -> int:
        """The timestamp of a made-up window, long settled."""
        start = self.sandbox.scenario.start
        assert start is not None
        return int(start.timestamp()) - 7200 + 300 * place

    def put(self, place: int, body: str, count: int, **declared: Any) -> str:
        """Make up a window of `event` with this body; the id of its unit."""
        made: dict[str, Any] = {"field_names": NAMES, "schema_id": SCHEMA, "event_count": count}
        self.sandbox.add_window(GAME, "event", self.window(place), body=body, **made | declared)
        return f"{GAME}/event/{self.window(place)}/{SCHEMA}"

    def put_rows(self, place: int, count: int) -> str:
        """Make up a window with good rows; the id of its unit."""
        lines = [f"e{number},{1_700_000_000 + number},{{}}" for number in range(count)]
        return self.put(place, "\n".join([",".join(NAMES), *lines]) + "\n", count)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(f"SET TimeZone = 'UTC'; {sql}").fetchall()

    def change(self, sql: str) -> None:
        """Change the warehouse behind the connector's back."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(sql)


def make_scenario(**changes: Any) -> Scenario:
    """An app without a population, an hour ago, on a clock that stands still."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    values: dict[str, Any] = {
        "clock": "simulated",
        "start": start,
        "history_days": 0.1,
        "apps": (App(GAME, "Game"),),
        "population": Population(devices=0),
        "read_token": TOKEN,
        "write_token": WRITE_TOKEN,
    }
    return Scenario(**values | changes)


@pytest.fixture(autouse=True, scope="session")
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with warehouse and home configured to lie there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR__WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("CONNECTOR__HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def world(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One app without a population: tests make up its windows."""
    with Sandbox(make_scenario()) as sandbox:
        for key, value in sandbox.env.items():
            if "APPMETRICA_STREAM" in key:  # of the sandbox's clock nothing is ever prepared
                monkeypatch.setenv(key, value)
        yield World(sandbox, places / "warehouse.duckdb", places / "home")
