"""A small emulated Logs API, a warehouse, and syncs between the two.

The connector's clock is the sandbox's: waiting for the vendor's queue takes no time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.fields import load_tables
from connector.sandbox import App, Logs, Population, Sandbox, Scenario
from connector.warehouse.pipeline import RunReport, SyncRequest
from connector.warehouse.run_report import ProgressEvent
from tests.integration.logs_truth import LOG_TABLES, compare_logs
from tests.integration.stream_world import EVERYTHING, GAME, SHOP, World, make_settings

LOGS = "appmetrica_logs"
DAY_S = 86_400
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MIDNIGHT_S = int(NOON.timestamp()) - DAY_S // 2
FIELDS = (
    "event_name",
    "event_timestamp",
    "event_receive_timestamp",
    "event_json",
    "appmetrica_device_id",
)
ALONE = Scenario(
    clock="simulated",
    start=NOON,
    history_days=3.0,
    apps=(App(GAME, "Game"),),
    population=Population(devices=0),
    logs=Logs(prepare_s=30, rows_number=True),
)
TWO_APPS = replace(ALONE, apps=(App(GAME, "Game"), App(SHOP, "Shop")))


def with_logs(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with these keys of `[logs]`."""
    return replace(scenario, logs=replace(scenario.logs, **changes))


@dataclass(slots=True)
class LogsWorld(World):
    """A world whose warehouse is fed from exports. Places are days: 0 is yesterday, -1 before."""

    source: str = LOGS
    said: list[ProgressEvent] = field(default_factory=list)

    def run(self, request: SyncRequest = EVERYTHING, **options: Any) -> RunReport:
        """One sync of everything; what it tells is kept in `said`."""
        self.said.clear()
        return World.run(self, request, **{"progress": self.said.append} | options)

    def notes(self) -> list[str]:
        """What the last run told somebody should know."""
        return [event.text for event in self.said if event.kind == "note"]

    def day(self, place: int) -> int:
        """Unix seconds of the first second of a day."""
        return MIDNIGHT_S + (place - 1) * DAY_S

    def put_rows(
        self, place: int, rows: Sequence[Any], table: str = "events", app: int = GAME, **more: Any
    ) -> str:
        """Make up a day's rows (or a `body`); the id of its unit, where days are those of UTC."""
        since, until = self.day(place), self.day(place + 1)
        given = more if "body" in more else {"rows": rows, **more}
        self.sandbox.add_export(app, table, since=since, until=until, **given)
        axis = load_tables(LOGS)[table].axis
        low, high = (
            datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ") for at in (since, until)
        )
        return f"{table}/{app}/{axis}/{low}-{high}"

    def spoil(self, place: int, kind: str, **declared: Any) -> int:
        """Set a fault on the exports of a day; its id."""
        return self.sandbox.add_fault(
            kind, **{"endpoint": "export", "window": self.day(place) + 60} | declared
        )

    def named(self) -> tuple[str, ...]:
        """The tables that are synced."""
        named = self.env.get("SOURCES__APPMETRICA_LOGS__TABLES", "")
        return tuple(named.split(",")) if named else LOG_TABLES

    def check(self, **options: Any) -> None:
        """Assert that the warehouse holds every row of the truth once, and nothing else."""
        compare_logs(self.sandbox, self.found(), self.named(), **options)

    def exports(self, table: str = "") -> list[dict[str, Any]]:
        """What was asked of the exports, by request."""
        found = self.sandbox.log_requests()["exports"]
        return [e for e in found if table in {"", e["resource"]}]

    def most_queued(self, app: int = GAME) -> int:
        """The most requests there ever were in an application's queue."""
        return int(self.sandbox.queue(app)["most_queued"])

    def quietly(self, **request: Any) -> Any:
        """One sync that must end well; its report."""
        report = self.sync(**request)
        assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
        return report


def log_rows(world: LogsWorld, place: int, count: int, mark: str = "e") -> list[dict[str, Any]]:
    """Rows of `events` received on a day, from its first second to its last."""
    step = (DAY_S - 1) // max(1, count - 1)
    seconds = [0 if count == 1 else min(number * step, DAY_S - 1) for number in range(count)]
    seconds[-1:] = [DAY_S - 1] if count > 1 else seconds[-1:]
    return [
        {
            "event_name": f"{mark}{place}-{number}",
            "event_timestamp": world.day(place) + second - 5,
            "event_receive_timestamp": world.day(place) + second,
            "event_json": f'{{"n":{number}}}',
            "appmetrica_device_id": 13278911961594196248 + number,
        }
        for number, second in enumerate(seconds)
    ]


@contextmanager
def open_logs(scenario: Scenario, folder: Path, **env: str) -> Iterator[LogsWorld]:
    """A sandbox of this scenario, and an empty warehouse in `folder`; `env` are source keys."""
    with Sandbox(scenario) as sandbox:
        world = LogsWorld(sandbox, make_settings(folder))
        world.set(**env)
        yield world


@contextmanager
def open_days(
    folder: Path, days: int = 3, scenario: Scenario = ALONE, **env: str
) -> Iterator[LogsWorld]:
    """One table, `events`, of one app, so many days of three rows each; days are those of UTC."""
    start = datetime.fromtimestamp(MIDNIGHT_S - days * DAY_S, UTC).isoformat()
    given = {"tables": "events", "start": start, "fields": _choose_fields()} | env
    with open_logs(scenario, folder, **given) as world:
        for app in scenario.apps:
            for place in range(-days + 1, 1):
                world.put_rows(place, log_rows(world, place, 3, f"a{app.id}:"), app=app.id)
        yield world


def _choose_fields() -> str:
    names = ", ".join(f'"{name}"' for name in FIELDS)
    return f'{{"events": [{names}]}}'
