"""One file, several units: rows, quarantine and ledger of each table and day, replaced by the day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from connector.clock import SimulatedClock
from connector.decode import Decoded, Erased, spill
from connector.decode.erased import digest_id
from connector.feed import LiveFeed
from connector.intake import Intake
from connector.journal import SpooledFile
from connector.resource import build_source
from connector.spool import Spool
from connector.units import RELOAD, LoadedUnit, Unit
from connector.warehouse.settings import Settings
from connector.warehouse.store import load_package, open_pipeline, read_ledger
from connector.warehouse.verification import verify
from tests.unit.decode.video_files import decode, line, lines, make_options_of, make_unit, tables
from tests.unit.engine.fake_api import START, FakeApi, open_desk

SOURCE = "shortkit"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER_DAYS = date(2026, 2, 1)


def rows(events: int = 0, quality: int = 0, broken: int = 0, day: int = 15) -> list[bytes]:
    """So many rows of each table, and records that cannot be read, of one day."""
    at = f"2026-01-{day}T10:00:00Z"
    likes = [line("like", at, userId=f"u{number}") for number in range(events)]
    stalls = [line("rebuffer", at, userId=f"u{number}") for number in range(quality)]
    return [*likes, *stalls, *([b"{" + at.encode()] * broken)]


def day(number: int, table: str = "events") -> str:
    return f"{table}/2026-01-{number}"


@dataclass
class Feed:
    """Files that are at hand, each of which holds what it says; remembers what was held."""

    waiting: list[SpooledFile]
    held: dict[str, str] = field(default_factory=dict)

    def files(self, table: str) -> Iterator[SpooledFile]:
        yield from [file for file in self.waiting if file.unit.table == table]

    def identify(self, file: SpooledFile, _names: Sequence[str]) -> Unit | None:
        return file.unit

    def check(self, _file: SpooledFile, unit: Unit, decoded: Decoded) -> Unit | None:
        return replace(unit, declared_rows=decoded.file_rows)

    def hold(self, unit: Unit, reason: str) -> None:
        self.held[unit.id] = reason

    def let_go(self, unit: Unit) -> None:
        raise AssertionError(unit.id)

    def refuse(self, file: SpooledFile, reason: str) -> None:
        raise AssertionError(f"{file.unit.id}: {reason}")


@dataclass
class Stage:
    """A warehouse, and packages that are loaded into it."""

    folder: Path
    pipeline: dlt.Pipeline
    warehouse: Path
    feed: Feed = field(default_factory=lambda: Feed([]))
    _count: int = field(default=0)

    def load(
        self,
        *files: tuple[Unit, Sequence[bytes]],
        append: frozenset[str] = frozenset(),
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> Intake:
        """One package of these units, each with its lines."""
        self.feed = Feed([self._spool(unit, found) for unit, found in files])
        intake = Intake(
            feed=self.feed,
            options=make_options_of(**(settings or {})),
            spill_folder=self.folder,
            now=lambda: NOW,
            loaded=self.loaded(),
            append_tables=append,
            **options,
        )
        self.put(intake, {name for unit, _ in files for name in unit.feeds}, append)
        return intake

    def put(self, intake: Intake, names: set[str], append: frozenset[str] = frozenset()) -> None:
        chosen = [table for name, table in tables().items() if name in names]
        load_package(
            self.pipeline, build_source(SOURCE, chosen, lambda: intake, append=frozenset(append))
        )

    def _spool(self, unit: Unit, found: Sequence[bytes]) -> SpooledFile:
        self._count += 1
        path = self.folder / f"{self._count}.txt"
        path.write_bytes(lines(*found))
        return SpooledFile(unit, path, path.stat().st_size, NOW, 1)

    def loaded(self) -> dict[str, LoadedUnit]:
        return read_ledger(self.pipeline)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse)) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, *names: str) -> dict[str, int]:
        """How many rows each unit has; their ordinals are those of its own rows."""
        found: dict[str, int] = {}
        for name in names or ("events", "quality"):
            sql = f"SELECT _unit, count(*), min(_row), max(_row), count(DISTINCT _row) FROM {SOURCE}.{name} GROUP BY ALL"
            for unit, count, first, last, distinct in self.query(sql):
                assert (first, last, distinct) == (0, count - 1, count), unit
                found[unit] = count
        return found

    def quarantined(self) -> dict[str, int]:
        sql = f"SELECT unit, count(*) FROM {SOURCE}.quarantine GROUP BY ALL"
        return dict(self.query(sql))

    def ledger(self) -> dict[str, tuple[int, int, int]]:
        """Rows, records in quarantine and rows of erased people of each unit."""
        sql = f"SELECT unit, loaded_rows, quarantined_rows, erased_rows FROM {SOURCE}.units"
        found = self.query(sql)
        assert len({row[0] for row in found}) == len(found)
        return {unit: tuple(rest) for unit, *rest in found}

    def verify(self) -> None:
        """Assert that the accounts are in order, and hold what was counted."""
        with duckdb.connect(str(self.warehouse)) as connection:
            assert verify(connection).differences == ()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    settings = Settings(
        warehouse=tmp_path / "warehouse.duckdb",
        destination="duckdb",
        home=tmp_path / "home",
        max_run_bytes=1 << 20,
        keep_files=False,
        report_time_zone="UTC",
        publish="",
    )
    return Stage(tmp_path, open_pipeline(settings, SOURCE), settings.warehouse)


JOB = make_unit(2)
FULL = [*rows(20, 10, 1), *rows(30, 0, 2, day=16)]
ACCOUNTS = {
    day(15): (20, 1, 0),
    day(16): (30, 2, 0),
    day(15, "quality"): (10, 0, 0),
    day(16, "quality"): (0, 0, 0),
}


def test_one_file_feeds_both_tables_in_one_package(stage: Stage) -> None:
    intake = stage.load((JOB, FULL))
    assert stage.rows() == {day(15): 20, day(16): 30, day(15, "quality"): 10}
    assert stage.quarantined() == {day(15): 1, day(16): 2}
    assert stage.ledger() == ACCOUNTS
    assert stage.feed.held == {}
    assert len({load for (load,) in stage.query(f"SELECT _dlt_load_id FROM {SOURCE}.units")}) == 1
    stage.verify()
    assert intake.last_event_of("quality") == datetime(2026, 1, 15, 10, tzinfo=UTC)
    for name in ("events", "quality"):
        assert intake.cursor_of(tables()[name]) == datetime(2026, 1, 17, tzinfo=UTC)


def test_ledger_says_of_a_day_what_is_known_of_it(stage: Stage) -> None:
    stage.load((JOB, FULL))
    columns = "unit, table_name, application_id, axis, lower_at, upper_at, remote_id, declared_rows, file_rows, event_days::VARCHAR"
    found = {row[0]: row[1:] for row in stage.query(f"SELECT {columns} FROM {SOURCE}.units")}
    table, app, axis, lower, upper, remote_id, declared, in_file, days = found[day(15)]
    assert (table, app, axis, remote_id) == ("events", "shortkit", "event_day", JOB.remote_id)
    assert lower.astimezone(UTC) == datetime(2026, 1, 15, tzinfo=UTC)
    assert upper.astimezone(UTC) == datetime(2026, 1, 16, tzinfo=UTC)
    assert (declared, in_file) == (None, 21)
    assert days == '["2026-01-15"]'
    assert found[day(16, "quality")][-1] == "[]"


def test_days_are_replaced_and_those_beside_them_are_left_alone(stage: Stage) -> None:
    stage.load((JOB, FULL))
    again = make_unit(2, first=date(2026, 1, 16))
    stage.load((again, [*rows(31, 2, 0, day=16), *rows(5, 5, day=17)]))
    assert stage.rows() == {
        day(15): 20,
        day(15, "quality"): 10,
        day(16): 31,
        day(16, "quality"): 2,
        day(17): 5,
        day(17, "quality"): 5,
    }
    assert stage.quarantined() == {day(15): 1}
    assert stage.ledger()[day(16)] == (31, 0, 0)
    stage.verify()


def test_a_table_whose_rows_are_gone_is_empty_after(stage: Stage) -> None:
    stage.load((JOB, FULL))
    stage.load((JOB, [*rows(30, 0, 1), *rows(29, 1, 0, day=16)]))
    assert stage.rows() == {day(15): 30, day(16): 29, day(16, "quality"): 1}
    assert stage.ledger() == {
        day(15): (30, 1, 0),
        day(16): (29, 0, 0),
        day(15, "quality"): (0, 0, 0),
        day(16, "quality"): (1, 0, 0),
    }
    assert stage.quarantined() == {day(15): 1}
    assert stage.feed.held == {}
    stage.verify()


@pytest.mark.parametrize("in_files", [False, True])
def test_days_that_come_with_fewer_rows_are_held(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, in_files: bool
) -> None:
    stage.load((JOB, FULL))
    if in_files:
        real = spill.Spill
        monkeypatch.setattr("connector.decode.decoder.Spill", lambda path: real(path, 0))
    short = [*rows(18, 10, 5), *rows(35, 3, 0, day=16)]  # 28 of 30
    intake = stage.load((JOB, short))
    assert stage.rows() == {
        day(15): 20,
        day(15, "quality"): 10,
        day(16): 35,
        day(16, "quality"): 3,
    }
    assert stage.quarantined() == {day(15): 1}
    assert stage.ledger() == ACCOUNTS | {day(16): (35, 0, 0), day(16, "quality"): (3, 0, 0)}
    assert list(stage.feed.held) == [day(15)]
    reason = stage.feed.held[day(15)]
    assert "2026-01-15 is held: 28 rows came where 30 are loaded" in reason
    assert (
        "connector backfill shortkit --since 2026-01-15T00:00:00Z --until 2026-01-16T00:00:00Z"
        in reason
    )
    assert {item.unit.id for item in intake.accepted} == {day(16), day(16, "quality")}
    stage.verify()


@pytest.mark.parametrize(
    ("events", "quality", "is_held"),
    [(19, 10, False), (29, 0, False), (18, 10, True), (0, 0, True)],
)
def test_the_tables_of_a_day_stand_and_fall_together(
    stage: Stage, events: int, quality: int, is_held: bool
) -> None:
    stage.load((make_unit(), rows(20, 10)))
    stage.load((make_unit(), rows(events, quality)))
    kept = {day(15): 20, day(15, "quality"): 10}
    came = {day(15): events, day(15, "quality"): quality}
    assert stage.rows() == {
        unit: count for unit, count in (kept if is_held else came).items() if count
    }
    assert bool(stage.feed.held) == is_held
    stage.verify()


def test_all_days_of_a_file_may_be_held(stage: Stage) -> None:
    stage.load((JOB, FULL))
    intake = stage.load((JOB, []))
    assert stage.ledger() == ACCOUNTS
    assert stage.rows() == {day(15): 20, day(16): 30, day(15, "quality"): 10}
    assert stage.quarantined() == {day(15): 1, day(16): 2}
    assert intake.accepted == []
    assert list(stage.feed.held) == [day(15), day(16)]
    assert len(intake.files) == 1  # done with
    stage.verify()


def test_days_nobody_loaded_are_never_held(stage: Stage) -> None:
    stage.load((JOB, []))
    assert stage.ledger() == dict.fromkeys(ACCOUNTS, (0, 0, 0))
    assert stage.feed.held == {}
    stage.load((JOB, FULL))
    assert stage.ledger() == ACCOUNTS
    stage.verify()


def test_what_somebody_asks_for_again_may_be_less(stage: Stage) -> None:
    stage.load((JOB, FULL))
    stage.load((JOB, rows(1, 0, 0, day=16)), takes_less=True)
    assert stage.rows() == {day(16): 1}
    assert stage.quarantined() == {}
    assert stage.ledger() == {unit: (int(unit == day(16)), 0, 0) for unit in ACCOUNTS}
    stage.verify()


def test_a_unit_marked_to_be_loaded_again_may_be_less(stage: Stage) -> None:
    stage.load((JOB, FULL))
    stage.query(f"UPDATE {SOURCE}.units SET schema_id = '{RELOAD}'")
    stage.load((JOB, rows(1, 0, 0, day=16)))
    assert stage.rows() == {day(16): 1}
    stage.verify()


def test_the_share_is_a_setting(stage: Stage) -> None:
    stage.load((make_unit(), rows(20, 10)))
    stage.load((make_unit(), rows(15)), settings={"least_share": 0.5})
    assert stage.rows() == {day(15): 15}
    stage.load((make_unit(), []), settings={"least_share": 0})
    assert stage.rows() == {}
    stage.verify()


def test_rows_of_erased_people_are_counted_apart(stage: Stage) -> None:
    erased = Erased("s", {("user", digest_id("s", "user", "u0")): NOW})
    stage.load((JOB, FULL), erased=erased)
    assert stage.ledger() == {
        day(15): (19, 1, 1),
        day(16): (29, 2, 1),
        day(15, "quality"): (9, 0, 1),
        day(16, "quality"): (0, 0, 0),
    }
    stage.verify()


def test_a_day_is_not_held_because_its_people_were_erased(stage: Stage) -> None:
    stage.load((make_unit(), rows(4)))
    erased = Erased("s", {("user", digest_id("s", "user", "u0")): NOW})
    stage.load((make_unit(), rows(4)), erased=erased)
    assert stage.feed.held == {}
    assert stage.ledger()[day(15)] == (3, 0, 1)
    stage.verify()


def test_ads_have_a_job_of_their_own(stage: Stage) -> None:
    ads = make_unit(1, "ads")
    stage.load((ads, rows(3, 2)), (make_unit(), rows(1, 1)))
    assert stage.rows("events", "quality", "ads") == {
        day(15): 1,
        day(15, "quality"): 1,
        day(15, "ads"): 5,
    }
    stage.verify()


def test_several_files_of_other_days_share_a_package(stage: Stage) -> None:
    other = make_unit(1, first=OTHER_DAYS)
    late = [line("like", "2026-02-01T10:00:00Z"), line("error", "2026-02-01T10:00:00Z")]
    stage.load((JOB, FULL), (other, late))
    assert stage.ledger() == ACCOUNTS | {
        "events/2026-02-01": (1, 0, 0),
        "quality/2026-02-01": (1, 0, 0),
    }
    stage.verify()


def test_where_a_table_has_none_of_the_units_rows_are_only_added(stage: Stage) -> None:
    stage.load((JOB, FULL), append=frozenset({"events", "quality"}))
    assert stage.ledger() == ACCOUNTS
    assert stage.rows() == {day(15): 20, day(16): 30, day(15, "quality"): 10}
    assert stage.quarantined() == {day(15): 1, day(16): 2}
    stage.verify()


def test_where_nothing_can_be_deleted_the_ledger_alone_says_what_counts(tmp_path: Path) -> None:
    pipeline = dlt.pipeline(
        "lake",
        destination=dlt.destinations.filesystem(str(tmp_path / "lake")),
        dataset_name=SOURCE,
        pipelines_dir=str(tmp_path / "pipelines"),
    )
    stage = Stage(tmp_path, pipeline, tmp_path / "none")
    stage.load((JOB, FULL), can_delete=False)
    intake = stage.load((JOB, [*rows(25, 6, 0), *rows(1, day=16)]), can_delete=False)
    assert list(stage.feed.held) == [day(16)]
    assert {item.unit.id: item.tally.rows for item in intake.accepted} == {
        day(15): 25,
        day(15, "quality"): 6,
    }
    loaded = stage.loaded()
    assert {unit: loaded[unit].loaded_rows for unit in loaded} == {
        day(15): 25,
        day(15, "quality"): 6,
        day(16): 30,
        day(16, "quality"): 0,
    }


class VideoApi(FakeApi):
    """A vendor that has a file for each job."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        super().__init__(source=SOURCE)
        self.bodies = bodies

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        path = spool.new_path(unit.id).with_suffix(".txt")
        path.write_bytes(self.bodies[unit.id])
        return replace(unit, remote_id=f"exp_{unit.id}"), path

    def redact(self, text: str) -> str:
        return text

    def distrust(self, _unit: Unit) -> None:
        """Nothing."""

    def refresh(self, unit: Unit) -> Unit:
        return unit


@pytest.fixture
def live(stage: Stage, tmp_path: Path) -> Callable[..., LiveFeed]:
    """Loads units by a source that is used alone; the feed knows what came of them."""

    def load(*files: tuple[Unit, Sequence[bytes]]) -> LiveFeed:
        api = VideoApi({unit.id: lines(*found) for unit, found in files})
        with open_desk(tmp_path / f"home{stage._count}") as desk:
            stage._count += 1
            feed = LiveFeed(api, desk.fetcher, desk.journal, SimulatedClock(START))  # type: ignore[arg-type]
            feed.expect([unit for unit, _ in files])
            intake = Intake(
                feed=feed,
                options=make_options_of(),
                spill_folder=desk.spool.folder,
                now=lambda: NOW,
                loaded=stage.loaded(),
            )
            stage.put(intake, set(tables()))
        return feed

    return load


def test_a_source_used_alone_loads_the_same(stage: Stage, live: Callable[..., LiveFeed]) -> None:
    ads = make_unit(2, "ads")
    feed = live((JOB, FULL), (ads, rows(2, 1, day=16)))
    assert feed.failures == []
    assert stage.ledger() == ACCOUNTS | {day(15, "ads"): (0, 0, 0), day(16, "ads"): (3, 0, 0)}
    assert stage.rows("ads") == {day(16, "ads"): 3}
    stage.verify()


def test_a_source_used_alone_holds_days_and_tells(
    stage: Stage, live: Callable[..., LiveFeed]
) -> None:
    live((JOB, FULL))
    feed = live((JOB, [*rows(2), *rows(40, day=16)]))
    assert [failure.unit.id for failure in feed.failures] == [day(15)]
    assert feed.exit_code == 4
    assert stage.ledger() == ACCOUNTS | {day(16): (40, 0, 0)}
    stage.verify()


def test_a_file_that_is_none_is_fetched_again_and_given_up_by_name(
    stage: Stage, live: Callable[..., LiveFeed]
) -> None:
    ads = make_unit(1, "ads")
    feed = live((make_unit(), [b"upstream connect error"]), (ads, rows(1)))
    assert [failure.unit.id for failure in feed.failures] == [make_unit().id]
    assert "tried 3 times" in feed.failures[0].reason
    assert stage.ledger() == {day(15, "ads"): (1, 0, 0)}
    stage.verify()


def test_decoding_needs_no_warehouse(tmp_path: Path) -> None:
    found = decode(tmp_path, lines(*FULL), JOB)
    assert found.counts() == {unit: count for unit, count in ACCOUNTS.items() if any(count)}
