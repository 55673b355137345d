"""A small emulated MyTracker, a warehouse, and syncs between the two.

The connector's clock is the sandbox's: waiting for exports and quotas takes no time.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.sandbox import App, MyTracker, Population, Sandbox, Scenario
from connector.warehouse.models import sql_root
from connector.warehouse.pipeline import RunReport, SyncRequest
from connector.warehouse.planning import SourcePlan, plan
from connector.warehouse.run_report import ProgressEvent
from connector.warehouse.runner import run_models
from tests.integration.stream_world import EVERYTHING, World, environment, make_settings
from tests.integration.tracker_truth import TABLE_OF, Wanted, compare_tracker

TRACKER = "mytracker"
GAME, SHOP = 4_100_001, 4_100_002
GAME_ID, SHOP_ID = 100_001, 100_002  # the same apps, as this vendor numbers them
HOUR_S, DAY_S = 3_600, 86_400
START = datetime(2026, 3, 10, 12, 10, tzinfo=UTC)  # what was available by 09:00 may be asked for
NEWEST_S = int(START.timestamp()) - 4 * HOUR_S - 600
PARAMS = ("params.name", "params.value")
FEW = ("idApp", "idDevice", "tsEvent", "tsInsert", "eventName", *PARAMS)
ALONE = Scenario(
    clock="simulated",
    start=START,
    history_days=3.0,
    apps=(App(GAME, "Game"),),
    population=Population(devices=0),
    mytracker=MyTracker(prepare_s=5),
)
TWO_APPS = replace(ALONE, apps=(App(GAME, "Game"), App(SHOP, "Shop")))


def with_tracker(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with these keys of `[mytracker]`."""
    return replace(scenario, mytracker=replace(scenario.mytracker, **changes))


@dataclass(slots=True)
class TrackerWorld(World):
    """A world whose warehouse is fed from exports. Places are hours of availability: 0 is the
    newest that can be asked for at first, -1 the one before.
    """

    source: str = TRACKER
    said: list[ProgressEvent] = field(default_factory=list)

    def run(self, request: SyncRequest = EVERYTHING, **options: Any) -> RunReport:
        """One sync of everything; what it tells is kept in `said`."""
        self.said.clear()
        return World.run(self, request, **{"progress": self.said.append} | options)

    def quietly(self, **request: Any) -> Any:
        """One sync that must end well, and never ask too often; its report."""
        report = self.sync(**request)
        assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
        return report

    def plan(self) -> SourcePlan:
        """What the next sync would do."""
        with environment(self.sandbox.env | self.env):
            (found,) = plan(self.settings, [TRACKER], clock=self.sandbox.clock)
        return found

    def notes(self) -> list[str]:
        """What the last run told somebody should know."""
        return [event.text for event in self.said if event.kind == "note"]

    def hour(self, place: int) -> int:
        """Unix seconds of the first second of an hour."""
        return NEWEST_S + place * HOUR_S

    def put_rows(
        self, place: int, rows: Sequence[Any], event: str = "customEvents", **more: Any
    ) -> str:
        """Make up an hour's rows, or its `body`, in place of those it had; the id of its unit, where
        units are hours.
        """
        since, until = self.hour(place), self.hour(place + 1)
        maker = self.sandbox.mytracker.maker
        maker.made = [m for m in maker.made if (m.event, m.since) != (event, since)]
        given = more if "body" in more else {"rows": rows, **more}
        self.sandbox.add_raw_export(event, **{"since": since, "until": until} | given)
        return f"{TABLE_OF[event]}/{show_span(since, until)}"

    def spoil(self, place: int, kind: str, **declared: Any) -> int:
        """Set a fault on the exports of an hour; its id."""
        return self.sandbox.add_fault(kind, **{"window": self.hour(place) + 60} | declared)

    def asked(self, key: str) -> Any:
        """The setting of the source as this world gives it."""
        name = f"SOURCES__MYTRACKER__{key.upper()}"
        return (self.sandbox.env | self.env).get(name, "")

    def wanted(self, **changes: Any) -> Wanted:
        """What the settings ask for."""
        selectors: Mapping[str, Sequence[str]] = json.loads(self.asked("selectors"))
        events = self.asked("events").split(",")
        return Wanted({event: selectors[event] for event in events}, **changes)

    def check(self, wanted: Wanted | None = None, **changes: Any) -> None:
        """Assert that the warehouse holds every row of the truth once, and nothing else."""
        compare_tracker(self.sandbox, self.settings.warehouse, wanted or self.wanted(**changes))

    def stage(self, *events: str) -> list[list[dict[str, Any]]]:
        """The rows of the staging views of these events, of which alone the models consist."""
        root, names = self.settings.home / "models", [TABLE_OF[event] for event in events]
        views = [f"stg_mytracker__{name}" for name in names]
        (root / "staging").mkdir(parents=True, exist_ok=True)
        for path in (
            "functions.toml",
            *(f"staging/{v}.sql" for v in ("stg_mytracker__units", *views)),
        ):
            shutil.copy(sql_root() / path, root / path)
        with (
            environment(self.sandbox.env | self.env),
            duckdb.connect(str(self.settings.warehouse)) as connection,
        ):
            assert run_models(connection, root=root).exit_code == 0
            found = [connection.sql(f"FROM stg.{view}").to_arrow_table() for view in views]
            return [table.to_pylist() for table in found]

    def units(self, event: str = "customEvents") -> dict[str, dict[str, Any]]:
        """The units of an event that hold rows, by id; rows of the ledger."""
        rows = [u for u in self.found().get("units", ()) if u["table_name"] == TABLE_OF[event]]
        return {u["unit"]: u for u in rows if not u["schema_id"].startswith("merged:")}

    def creates(self, event: str = "") -> list[dict[str, Any]]:
        """What was asked for since the last reset; `params` as a mapping."""
        made = self.sandbox.mytracker_requests()["creates"]
        return [
            made | {"params": dict(made["params"])} for made in made if event in {"", made["event"]}
        ]

    def count(self, endpoint: str) -> int:
        """Requests to an endpoint since the last reset."""
        return int(self.sandbox.mytracker_requests()["counts"].get(endpoint, 0))


def show_span(since: int, until: int) -> str:
    """A range of availability as ids of units spell it."""
    bounds = (datetime.fromtimestamp(at, UTC) for at in (since, until))
    return "-".join(f"{at:%Y%m%dT%H%M%SZ}" for at in bounds)


def tracker_rows(
    world: TrackerWorld, place: int, count: int, mark: str = "e"
) -> list[dict[str, str]]:
    """Rows of `customEvents` that became available in an hour, from its first second to its last."""
    step = (HOUR_S - 1) // max(1, count - 1)
    seconds = [number * step for number in range(count - 1)] + [HOUR_S - 1]
    return [
        {
            "idApp": str(GAME_ID),
            "idDevice": str(13278911961594196248 + number),
            "tsEvent": str(world.hour(place) + second - 3_000),
            "tsInsert": str(world.hour(place) + second),
            "eventName": f"{mark}{place}-{number}",
            "params.name": f"['n','place {place}']",
            "params.value": f"['{number}','it\\'s, \\'ok\\'']",
        }
        for number, second in enumerate(seconds[:count])
    ]


@contextmanager
def open_tracker(scenario: Scenario, folder: Path, **env: str) -> Iterator[TrackerWorld]:
    """A sandbox of this scenario, and an empty warehouse in `folder`; `env` are source keys."""
    with Sandbox(scenario) as sandbox:
        world = TrackerWorld(sandbox, make_settings(folder))
        world.set(**env)
        yield world


@contextmanager
def open_hours(
    folder: Path, hours: int = 3, scenario: Scenario = ALONE, *, rows: int = 3, **env: str
) -> Iterator[TrackerWorld]:
    """One event, `customEvents`, of so many hours with rows from their first to their last second."""
    start = datetime.fromtimestamp(NEWEST_S - (hours - 1) * HOUR_S, UTC).isoformat()
    given = {
        "events": "customEvents",
        "selectors": json.dumps({"customEvents": FEW}),
        "roles": "{}",
        "start": start,
    }
    with open_tracker(scenario, folder, **given | env) as world:
        for place in range(-hours + 1, 1):
            world.put_rows(place, tracker_rows(world, place, rows))
        yield world
