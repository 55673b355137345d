"""A small emulated ShortKit, a warehouse, and syncs between the two.

The connector's clock is the sandbox's: waiting for exports and quotas takes no time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.journal import Journal
from connector.sandbox import App, Population, Sandbox, Scenario, ShortKit
from connector.warehouse.pipeline import RunReport, SyncRequest
from connector.warehouse.planning import SourcePlan, plan
from connector.warehouse.run_report import ProgressEvent
from tests.integration.shortkit_truth import compare_exports, compare_truth
from tests.integration.stream_world import EVERYTHING, World, environment, make_settings

SHORTKIT = "shortkit"
HOUR_S, DAY_S = 3_600, 86_400
START = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)  # yesterday is settled
NEWEST = date(2026, 3, 9)
ALONE = Scenario(
    clock="simulated",
    start=START,
    history_days=3.0,
    apps=(App(4_100_001, "Game"),),
    population=Population(devices=0),
    shortkit=ShortKit(prepare_s=5),
)
PEOPLE = replace(
    ALONE,
    seed=5,
    population=Population(devices=60, warmup_days=3),
    shortkit=ShortKit(prepare_s=5, viewers=0.3),
)
UNLIMITED = replace(ALONE, shortkit=ShortKit(prepare_s=5, jobs_per_day=0))
SAMPLES: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = {
    "events": (
        ("impression", {"position": 0, "entryPoint": "feed"}),
        ("playStart", {"startupTime": 240, "rendition": "720p", "autoplay": True}),
        ("watchProgress", {"currentTime": 1.0, "duration": 30.5, "percentComplete": 3.28}),
        ("completion", {"watchTime": 30.5, "looped": False, "loopCount": 0}),
    ),
    "quality": (
        ("rebuffer", {"duration": 412, "rendition": "720p"}),
        ("qualityChange", {"fromQuality": "720p", "toQuality": "480p"}),
        ("error", {"errorCode": "-11800", "errorMessage": 'no "frame"'}),
    ),
    "ads": (
        ("impression", {"adId": "ad_1", "position": 4}),
        ("completion", {"adId": "ad_1", "watchTime": 15.0, "didComplete": True}),
    ),
}


def with_shortkit(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with these keys of `[shortkit]`."""
    return replace(scenario, shortkit=replace(scenario.shortkit, **changes))


@dataclass(slots=True)
class ShortkitWorld(World):
    """A world whose warehouse is fed from day-ranged exports. Places are days: 0 is the newest that
    is settled at first, -1 the one before.
    """

    source: str = SHORTKIT
    said: list[ProgressEvent] = field(default_factory=list)

    def run(self, request: SyncRequest = EVERYTHING, **options: Any) -> RunReport:
        """One sync of everything; what it tells is kept in `said`."""
        self.said.clear()
        return World.run(self, request, **{"progress": self.said.append} | options)

    def quietly(self, **request: Any) -> Any:
        """One sync that must end well; its report."""
        report = self.sync(**request)
        assert (report.exit_code, report.errors, report.units_failed) == (0, [], 0)
        return report

    def backfill(self, first: int, last: int, **request: Any) -> Any:
        """Load the days from one place to another once more; the report."""
        since, until = midnight(first), midnight(last + 1)
        return self.sync(is_backfill=True, since=since, until=until, **request)

    def plan(self) -> SourcePlan:
        """What the next sync would do."""
        with environment(self.sandbox.env | self.env):
            (found,) = plan(self.settings, [SHORTKIT], clock=self.sandbox.clock)
        return found

    def next_day(self, days: int = 1) -> None:
        """It is as late on a later day."""
        self.sandbox.clock.advance(days * DAY_S)

    def notes(self) -> list[str]:
        """What the last run told somebody should know."""
        return [event.text for event in self.said if event.kind == "note"]

    def put_rows(self, place: int, rows: Sequence[Any], kind: str = "events", **more: Any) -> str:
        """Make up a day's rows of one data type in place of those it had; the id of its unit."""
        day = show_day(place)
        self.forget_made(kind, place)
        self.sandbox.add_video_export(kind, since=day, until=day, rows=list(rows), **more)
        return f"{kind}/{day}"

    def put_body(self, place: int, body: Any, kind: str = "events", **more: Any) -> None:
        """Make up, whole, the file of the exports of a data type that begin on a day."""
        day = show_day(place)
        self.sandbox.add_video_export(kind, since=day, until=day, body=body, **more)

    def forget_made(self, kind: str, place: int) -> None:
        """Take back what was made up of a day."""
        maker, number = self.sandbox.shortkit.maker, day_number(place)
        maker.made = [m for m in maker.made if (m.data_type, m.since) != (kind, number)]

    def spoil(self, place: int, kind: str, **declared: Any) -> int:
        """Set a fault on the exports that hold a day; its id."""
        window = day_number(place) * DAY_S + 60
        return self.sandbox.add_fault(kind, **{"window": window} | declared)

    def check(self, **changes: Any) -> None:
        """Assert that the warehouse holds every row of the truth once, and nothing else."""
        compare_truth(self.sandbox, self.settings.warehouse, **changes)

    def check_exports(self) -> None:
        """Assert that the warehouse holds every row of the files its days came from."""
        compare_exports(self.sandbox, self.settings.warehouse)

    def heal(self) -> None:
        """Take all faults back: the next run ends well, and everything is there."""
        self.sandbox.remove_faults()
        assert self.quietly().units_pending == 0
        self.check()

    def creates(self, *types: str) -> list[dict[str, Any]]:
        """The exports that were made since the last reset, repeats under one key left out."""
        made = self.sandbox.shortkit_requests()["creates"]
        kept = [item for item in made if not item["is_repeat"]]
        return [m for m in kept if not types or m["body"]["dataTypes"] == list(types)]

    def windows(self, *types: str) -> list[tuple[str, str]]:
        """The days that were asked for."""
        return [(m["body"]["startDate"], m["body"]["endDate"]) for m in self.creates(*types)]

    def count(self, endpoint: str) -> int:
        """Requests to an endpoint since the last reset."""
        return int(self.sandbox.shortkit_requests()["counts"].get(endpoint, 0))

    def downloads(self) -> int:
        """Requests to the host of the files since the last reset."""
        return self.count("video_file")

    def jobs(self) -> dict[str, str]:
        """The jobs in the journal: unit -> id."""
        with closing(Journal(self.settings.journal)) as journal:
            return journal.jobs(SHORTKIT)

    def running(self) -> list[str]:
        """The exports that are queued or at work at the vendor."""
        ended = {"complete", "failed", "cancelled", "expired"}
        jobs = self.sandbox.shortkit_jobs()["jobs"]
        return [job["id"] for job in jobs if job["status"] not in ended]

    def units(self) -> dict[str, dict[str, Any]]:
        """The ledger's units by id."""
        return {row["unit"]: row for row in self.found().get("units", ())}

    def names(self, table: str = "events") -> list[str]:
        """What tells made-up rows apart, in order."""
        rows = self.found().get(table, ())
        return sorted(str(row["content_id"]) for row in rows)


def show_day(place: int) -> str:
    """The day of a place, as an ISO date."""
    return (NEWEST + timedelta(days=place)).isoformat()


def day_number(place: int) -> int:
    """The day of a place, counted from 1970-01-01."""
    return (NEWEST - date(1970, 1, 1)).days + place


def midnight(place: int) -> datetime:
    """The first moment of a place's day."""
    return datetime.fromtimestamp(day_number(place) * DAY_S, UTC)


@contextmanager
def open_single_days(folder: Path, days: int, **env: str) -> Iterator[ShortkitWorld]:
    """So many days of `events`, each with a job of its own, and no limit of jobs."""
    given = {"data_types": "events", "max_days": "1", "daily_jobs": "1000"}
    with open_days(folder, days, UNLIMITED, rows=4, **given | env) as world:
        yield world


def video_rows(
    place: int, count: int, kind: str = "events", mark: str = "c", **values: Any
) -> list[dict[str, Any]]:
    """Rows of a day from its first second to its last; `contentId` tells them apart."""
    step = (DAY_S - 1) // max(1, count - 1)
    seconds = [number * step for number in range(count - 1)] + [DAY_S - 1]
    samples = SAMPLES[kind]
    return [
        {
            "event": samples[number % len(samples)][0],
            "contentId": f"{mark}{place}-{number}",
            "userId": f"user_{number}",
            "timestamp": f"{midnight(place) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}",
            "sessionId": f"ses_{place}",
            "deviceType": ("ios", "android", "web")[number % 3],
            "deviceId": f"dev_{number}",
            "country": "DE" if number % 2 else None,
            "data": dict(samples[number % len(samples)][1]),
        }
        | values
        for number, second in enumerate(seconds[:count])
    ]


@contextmanager
def open_shortkit(scenario: Scenario, folder: Path, **env: str) -> Iterator[ShortkitWorld]:
    """A sandbox of this scenario, and an empty warehouse in `folder`; `env` are source keys."""
    with Sandbox(scenario) as sandbox:
        world = ShortkitWorld(sandbox, make_settings(folder))
        world.set(**env)
        yield world


@contextmanager
def open_days(
    folder: Path, days: int = 3, scenario: Scenario = ALONE, *, rows: int = 4, **env: str
) -> Iterator[ShortkitWorld]:
    """So many days with rows of all data types, from their first to their last second."""
    given = {"start": show_day(1 - days)}
    with open_shortkit(scenario, folder, **given | env) as world:
        for place in range(1 - days, 1):
            fill_day(world, place, rows)
        yield world


def fill_day(world: ShortkitWorld, place: int, rows: int, mark: str = "c") -> None:
    """Make up a day of all data types; `rows` of events, and some fewer of the others."""
    world.put_rows(place, video_rows(place, rows, "events", mark))
    world.put_rows(place, video_rows(place, rows - 1, "quality", mark), "quality")
    world.put_rows(place, video_rows(place, max(1, rows - 2), "ads", mark), "ads")
