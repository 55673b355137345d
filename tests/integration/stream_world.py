"""A small emulated vendor, a warehouse, and syncs between the two."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import App, Population, Sandbox, Scenario
from connector.warehouse.pipeline import RunReport, SyncRequest, sync
from connector.warehouse.run_report import SourceReport
from connector.warehouse.settings import Settings
from tests.integration.stream_truth import TABLES, Expected, expect_truth
from tests.integration.stream_warehouse import Snapshot, compare, read_warehouse

EVERYTHING = SyncRequest()
SOURCE = "appmetrica_stream"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PREFIX = "SOURCES__APPMETRICA_STREAM__"
GAME, SHOP = 11, 12
APPS = (App(GAME, "Game", "Asia/Kolkata"), App(SHOP, "Shop", genre="shop"))
PEOPLED = Scenario(
    seed=5,
    clock="simulated",
    start=START,
    history_days=0.1,
    apps=APPS,
    population=Population(devices=60, warmup_days=3, awkward_share=0.1, has_nul=True),
)
EMPTY = Scenario(
    clock="simulated",
    start=START,
    history_days=0.1,
    apps=APPS[:1],
    population=Population(devices=0),
)
FIELDS = ("event_name", "event_timestamp", "event_json", "appmetrica_device_id")


@dataclass(slots=True)
class World:
    """A running sandbox, and the settings of a warehouse that is fed from it."""

    sandbox: Sandbox
    settings: Settings
    env: dict[str, str] = field(default_factory=dict)
    source: str = SOURCE

    def run(self, request: SyncRequest = EVERYTHING, **options: Any) -> RunReport:
        """One sync of everything, with this world's settings in the environment."""
        with environment(self.sandbox.env | self.env):
            return sync(self.settings, [self.source], request, clock=self.sandbox.clock, **options)

    def sync(self, **request: Any) -> SourceReport:
        """One sync; the source's part of its report."""
        return self.run(SyncRequest(**request)).sources[self.source]

    def compare(
        self, *, without: tuple[str, ...] = (), expected: Expected | None = None
    ) -> Expected:
        """Assert that the warehouse is what the sandbox sent."""
        wanted = expected or self.truth()
        wanted.drop(without)
        compare(wanted, self.found())
        return wanted

    def truth(self) -> Expected:
        """What should be loaded by now."""
        named = self.env.get(f"{PREFIX}TABLES", "")
        return expect_truth(self.sandbox, tables=named.split(",") if named else TABLES)

    def found(self) -> Snapshot:
        """What is in the warehouse."""
        return read_warehouse(self.settings.warehouse, self.source)

    def downloads(self) -> int:
        """Downloads since the last reset."""
        return int(self.sandbox.requests()["by_endpoint"].get("data", 0))

    def set(self, **keys: str) -> None:
        """Set keys of the source from now on."""
        prefix = f"SOURCES__{self.source.upper()}__"
        self.env |= {f"{prefix}{key.upper()}": value for key, value in keys.items()}

    def window(self, place: int) -> int:
        """The timestamp of a made-up window: place 0 is an hour before the scenario's start."""
        start = self.sandbox.scenario.start
        assert start is not None
        return int(start.timestamp()) - 3600 + 300 * place + 10

    def fail(self, place: int, kind: str, **declared: Any) -> int:
        """Set a fault on the made-up window of this place; its id."""
        return self.sandbox.add_fault(kind, window=self.window(place), **declared)

    def seen(self, fault_id: int) -> int:
        """How many requests matched a fault so far."""
        (found,) = [f["seen"] for f in self.sandbox.faults() if f["id"] == fault_id]
        return int(found)

    def put(self, place: int, rows: Sequence[Any], **declared: Any) -> str:
        """Make up a settled window of `event` with these rows; the id of its unit."""
        names = declared.pop("field_names", FIELDS)
        table = declared.pop("data_type", "event")
        made = self.sandbox.add_window(
            GAME, table, self.window(place), field_names=names, rows=rows, **declared
        )
        return f"{GAME}/{table}/{self.window(place)}/{made['export_schema_id']}"


def event_rows(count: int, mark: str = "e") -> list[dict[str, Any]]:
    """Rows of `event`: names tell them apart."""
    base = int(START.timestamp()) - 3600
    return [
        {
            "event_name": f"{mark}-{number}",
            "event_timestamp": base + number,
            "event_json": f'{{"n": {number}}}',
            "appmetrica_device_id": 13278911961594196248 + number,
        }
        for number in range(count)
    ]


def make_settings(folder: Path, **changes: Any) -> Settings:
    """Settings of a warehouse and a home in `folder`."""
    settings = Settings(
        warehouse=folder / "warehouse.duckdb",
        destination="duckdb",
        home=folder / "home",
        max_run_bytes=256 << 20,
        keep_files=False,
        report_time_zone="UTC",
        publish="",
    )
    return replace(settings, **changes)


def with_stream(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with these keys of `[stream]`."""
    return replace(scenario, stream=replace(scenario.stream, **changes))


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables, for the time being."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@contextmanager
def open_world(scenario: Scenario, folder: Path, **env: str) -> Iterator[World]:
    """A sandbox of this scenario, and an empty warehouse in `folder`; `env` are source keys."""
    with Sandbox(scenario) as sandbox:
        world = World(sandbox, make_settings(folder))
        world.set(**env)
        yield world
