"""Three vendors that know the same few people, a warehouse, and what is asked for one of them."""

import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from connector.sandbox import App, MyTracker, Population, Sandbox, Scenario, ShortKit
from connector.warehouse.person.certificate import Certificate
from connector.warehouse.person.erasing import DryRun, erase_person, preview_erasure
from connector.warehouse.person.exporting import PersonExport, export_person
from connector.warehouse.person.verifying import PersonCheck, verify_person
from connector.warehouse.pipeline import RunReport, SyncRequest, sync
from connector.warehouse.runner import run_models
from connector.warehouse.settings import Settings
from connector.warehouse.verification import verify
from tests.integration.stream_world import environment, make_settings

STREAM, TRACKER, VIDEO = "appmetrica_stream", "mytracker", "shortkit"
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
YESTERDAY = START - timedelta(days=1)
GAME = 11
USER, OTHER = "player-to-be-forgotten", "player-who-stays"
VIDEO_DEVICE, SHARED_DEVICE = "dev_aaaa1111bbbb", "dev_cccc2222dddd"
DEVICE, OTHER_DEVICE = "13278911961594196248", "13278911961594196249"
TRACKER_DEVICE = "9007199254740993001"
GAID = "a1b2c3d4-1111-4222-8333-444455556666"
NAMES = (
    "event_name",
    "event_timestamp",
    "event_json",
    "appmetrica_device_id",
    "profile_id",
    "google_aid",
)
SELECTORS = ("idApp", "idDevice", "tsEvent", "tsInsert", "eventName", "customUserId")
EMPTY = Scenario(
    clock="simulated",
    start=START,
    history_days=2.0,
    apps=(App(GAME, "Game"),),
    population=Population(devices=0),
    mytracker=MyTracker(prepare_s=1),
    shortkit=ShortKit(prepare_s=1),
)
IDS = (USER, VIDEO_DEVICE, DEVICE, TRACKER_DEVICE, GAID)
"""What nothing may hold once the person is erased."""


@dataclass(slots=True)
class PersonWorld:
    """A running sandbox, and a warehouse that is fed from it."""

    sandbox: Sandbox
    settings: Settings
    env: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = (STREAM, TRACKER, VIDEO)

    def set(self, source: str, **keys: str) -> None:
        """Set keys of a source from now on."""
        self.env |= {
            f"SOURCES__{source.upper()}__{key.upper()}": text for key, text in keys.items()
        }

    def sync(self, *sources: str) -> RunReport:
        """One sync that must end well."""
        with environment(self.sandbox.env | self.env):
            names = sources or self.sources
            report = sync(self.settings, names, SyncRequest(), clock=self.sandbox.clock)
        assert [part.errors for part in report.sources.values()] == [[]] * len(names)
        return report

    def model(self, *, check: bool = False) -> None:
        """Build the models; none may fail, and, to be checked, none may differ from a full rebuild."""
        with environment(self.env), duckdb.connect(str(self.settings.warehouse)) as connection:
            report = run_models(connection, check=check)
        assert [result.error for result in report.models if result.error] == []

    def preview(self, user: str = USER) -> DryRun:
        with environment(self.sandbox.env | self.env):
            return preview_erasure(self.settings, user)

    def erase(self, user: str = USER, **options: Any) -> Certificate:
        with environment(self.sandbox.env | self.env):
            return erase_person(self.settings, user, clock=self.sandbox.clock, **options)

    def export(self, path: Path, user: str = USER) -> PersonExport:
        with environment(self.sandbox.env | self.env):
            return export_person(self.settings, user, path, clock=self.sandbox.clock)

    def search(self, user: str = USER) -> PersonCheck:
        with environment(self.sandbox.env | self.env):
            return verify_person(self.settings, user)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            return connection.execute(f"SET TimeZone = 'UTC'; {sql}").fetchall()

    def count(self, table: str, where: str = "true") -> int:
        return int(self.ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def check_account(self) -> None:
        """Assert that every unit's rows are accounted for."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            assert verify(connection).differences == ()

    def put_views(self, rows: Sequence[dict[str, Any]]) -> None:
        """Make up the video export of all days, in place of what there was."""
        self.sandbox.shortkit.maker.made.clear()
        self.sandbox.add_video_export("events", rows=list(rows))

    def put_events(self, place: int, rows: Sequence[dict[str, Any]]) -> int:
        """Make up a window of Data Stream: place 0 is an hour before the start."""
        at = int(START.timestamp()) - 3600 + 300 * place + 10
        self.sandbox.add_window(GAME, "event", at, field_names=NAMES, rows=list(rows))
        return at

    def files_with(self, *ids: str) -> list[str]:
        """Every file under the folder of warehouse and home that holds one of these, unpacked too."""
        folder = self.settings.warehouse.parent
        found = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            if data[:2] == b"\x1f\x8b":
                data += gzip.decompress(data)
            found += [f"{path.name}: {one}" for one in ids if one.encode() in data]
        return found


def view(
    user: str | None, device: str | None, second: int = 0, day: datetime = YESTERDAY, **more: Any
) -> dict[str, Any]:
    """A row of the video export."""
    on = day.date().isoformat()
    row: dict[str, Any] = {
        "event": "impression",
        "contentId": "cnt_1",
        "timestamp": f"{on}T10:00:{second:02}Z",
        "data": {"position": second},
    }
    known = {"userId": user, "deviceId": device}
    return row | {key: value for key, value in known.items() if value is not None} | more


def event(user: str | None, device: str | None, second: int = 0, **more: Any) -> dict[str, Any]:
    """A row of Data Stream."""
    base = int(START.timestamp()) - 7200
    known = {"profile_id": user or "", "appmetrica_device_id": device or ""}
    return {
        "event_name": f"e{second}",
        "event_timestamp": base + second,
        "event_json": json.dumps({"n": second}),
        "google_aid": "",
        **known,
        **more,
    }


def payment(user: str, device: str, second: int = 0) -> dict[str, str]:
    """A row of MyTracker's custom events."""
    at = int(START.timestamp()) - 8 * 3600 + second
    return {
        "idApp": str(GAME),
        "idDevice": device,
        "tsEvent": str(at - 100),
        "tsInsert": str(at),
        "eventName": f"e{second}",
        "customUserId": user,
    }


VIEWS = (
    view(USER, VIDEO_DEVICE, 1),
    view(USER, SHARED_DEVICE, 2),
    view(VIDEO_DEVICE, VIDEO_DEVICE, 3),  # before they logged in
    view("anonymous", VIDEO_DEVICE, 4),
    view(None, SHARED_DEVICE, 5),
    view(OTHER, SHARED_DEVICE, 6),
    view(OTHER, None, 7),
    view("anonymous", "dev_of_nobody_known", 8),
    view("anonymous", None, 9),
)
THEIR_VIEWS = 5
EVENTS = (
    event(USER, DEVICE, 1, google_aid=GAID),
    event(None, DEVICE, 2),
    event("anonymous", None, 3, google_aid=GAID.upper()),
    event(OTHER, OTHER_DEVICE, 4),
    event(None, OTHER_DEVICE, 5),
    event(None, None, 6),
)
THEIR_EVENTS = 3
PAYMENTS = (
    payment(USER, TRACKER_DEVICE, 1),
    payment(OTHER, "7", 2),
    payment("", TRACKER_DEVICE, 3),
)
THEIR_PAYMENTS = 2


@contextmanager
def open_person(
    folder: Path, loaded: Path | None = None, scenario: Scenario = EMPTY, **changes: Any
) -> Iterator[PersonWorld]:
    """A world in which everything there is was loaded: into the warehouse file `loaded`, by one that
    was the same.
    """
    folder.mkdir(exist_ok=True)
    with Sandbox(scenario) as sandbox:
        world = PersonWorld(sandbox, replace(make_settings(folder), **changes))
        world.set(STREAM, tables="event")
        world.set(VIDEO, data_types="events,quality")
        since = (START - timedelta(hours=12)).isoformat()
        asked = {"events": "customEvents", "selectors": json.dumps({"customEvents": SELECTORS})}
        world.set(TRACKER, start=since, roles="{}", **asked)
        fill(world)
        if loaded:
            shutil.copy(loaded, world.settings.warehouse)
        else:
            world.sync()
        yield world


def fill(world: PersonWorld) -> None:
    """What the vendors have."""
    world.put_views(VIEWS)
    world.put_events(0, EVENTS)
    since = int(START.timestamp()) - 8 * 3600
    world.sandbox.add_raw_export(
        "customEvents", since=since, until=since + 3600, rows=list(PAYMENTS)
    )
