"""A unit that brings the rows of others again takes theirs away: rows, quarantine and ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from connector.decode import Decoded, Options
from connector.intake import Intake
from connector.journal import SpooledFile
from connector.resource import build_source
from connector.settings import Section
from connector.sources.mytracker.selectors import choose_tables
from connector.units import MERGED, LoadedUnit, Unit
from connector.warehouse.recovery import recover
from connector.warehouse.settings import Settings
from connector.warehouse.store import load_package, open_pipeline, read_ledger
from connector.warehouse.verification import verify

SOURCE = "mytracker"
NAMES = ("idApp", "customUserId", "tsInsert")
SELECTORS = {event: list(NAMES) for event in ("installs", "sessions")}
TABLES = choose_tables(Section(SOURCE, {"events": "installs,sessions", "selectors": SELECTORS}))
DAY = datetime(2026, 3, 10, tzinfo=UTC)
BROKEN = "1"  # a line that is no row
Files = Sequence[tuple[Unit, Sequence[str]]]


def make_unit(first: int, last: int, *replaces: str, table: str = "installs") -> Unit:
    """A unit of these hours of the day."""
    return Unit(
        id=f"{table}/{first}-{last}",
        source=SOURCE,
        table=table,
        application_id="",
        axis="availability",
        lower_at=DAY + timedelta(hours=first),
        upper_at=DAY + timedelta(hours=last),
        remote_id=str(100 * first + last),
        schema_id="abc",
        vendor_updated_at=DAY + timedelta(days=len(replaces)),
        field_names=NAMES,
        replaces=replaces,
    )


@dataclass
class Feed:
    """Files that are at hand, each of which holds what it says."""

    waiting: list[SpooledFile]

    def files(self, table: str) -> Iterator[SpooledFile]:
        yield from [file for file in self.waiting if file.unit.table == table]

    def identify(self, file: SpooledFile, names: Sequence[str]) -> Unit | None:
        assert tuple(names) == NAMES or not names
        return file.unit

    def check(self, _file: SpooledFile, unit: Unit, _decoded: Decoded) -> Unit | None:
        return unit

    def hold(self, unit: Unit, reason: str) -> None:
        raise AssertionError(f"{unit.id}: {reason}")

    def let_go(self, unit: Unit) -> None:
        raise AssertionError(unit.id)

    def refuse(self, file: SpooledFile, reason: str) -> None:
        raise AssertionError(f"{file.unit.id}: {reason}")


@dataclass
class Desk:
    """A warehouse, and packages that are loaded into it."""

    folder: Path
    pipeline: dlt.Pipeline
    warehouse: Path
    _count: int = field(default=0)

    def load(self, *files: tuple[Unit, Sequence[str]], **options: Any) -> Intake:
        """One package of these units, each with the users of its rows."""
        intake = Intake(
            feed=Feed([self._spool(unit, users) for unit, users in files]),
            options=Options(),
            spill_folder=self.folder,
            now=lambda: DAY,
            loaded=self.loaded(),
            **options,
        )
        names = {unit.table for unit, _ in files}
        tables = [table for name, table in TABLES.items() if name in names]
        load_package(self.pipeline, build_source(SOURCE, tables, lambda: intake))
        return intake

    def _spool(self, unit: Unit, users: Sequence[str]) -> SpooledFile:
        self._count += 1
        path = self.folder / f"{self._count}.txt"
        rows = [user if user == BROKEN else f"7,{user},1773100800" for user in users]
        path.write_text("".join(f"{line}\n" for line in (",".join(NAMES), *rows)))
        return SpooledFile(unit, path, path.stat().st_size, DAY, 1)

    def loaded(self) -> dict[str, LoadedUnit]:
        return read_ledger(self.pipeline)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse)) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: str = "installs") -> dict[str, list[str]]:
        """The users of each unit's rows."""
        found: dict[str, list[str]] = {}
        sql = f"SELECT _unit, custom_user_id FROM {SOURCE}.{table} ORDER BY ALL"
        for unit, user in self.query(sql):
            found.setdefault(unit, []).append(user)
        return found

    def quarantined(self) -> list[str]:
        sql = f"SELECT DISTINCT unit FROM {SOURCE}.quarantine ORDER BY ALL"
        return [unit for (unit,) in self.query(sql)]

    def ledger(self) -> dict[str, tuple[int, int, str]]:
        """Rows, records in quarantine and schema id of each unit in the ledger."""
        sql = f"SELECT unit, loaded_rows, quarantined_rows, schema_id FROM {SOURCE}.units"
        rows = self.query(sql)
        assert len({row[0] for row in rows}) == len(rows)
        return {unit: tuple(rest) for unit, *rest in rows}

    def verify(self) -> None:
        """Assert that the accounts are in order, and hold what was counted."""
        with duckdb.connect(str(self.warehouse)) as connection:
            assert verify(connection).differences == ()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    settings = Settings(
        warehouse=tmp_path / "warehouse.duckdb",
        destination="duckdb",
        home=tmp_path / "home",
        max_run_bytes=1 << 20,
        keep_files=False,
        report_time_zone="UTC",
        publish="",
    )
    return Desk(tmp_path, open_pipeline(settings, SOURCE), settings.warehouse)


FIRST, SECOND, THIRD = make_unit(0, 1), make_unit(1, 2), make_unit(2, 3)
HOURS: Files = [(FIRST, ["ann", BROKEN]), (SECOND, ["bob", "bea"]), (THIRD, ["cat"])]


def merged(unit: Unit) -> tuple[int, int, str]:
    return 0, 0, f"{MERGED}{unit.id}"


def test_rows_and_quarantine_of_the_old_units_go_and_the_ledger_says_where(desk: Desk) -> None:
    desk.load(*HOURS)
    assert desk.quarantined() == [FIRST.id]
    both = make_unit(0, 2, FIRST.id, SECOND.id)
    desk.load((both, ["ann", "bea", "bob", "new", BROKEN, BROKEN]))
    assert desk.rows() == {both.id: ["ann", "bea", "bob", "new"], THIRD.id: ["cat"]}
    assert desk.quarantined() == [both.id]
    assert desk.ledger() == {
        FIRST.id: merged(both),
        SECOND.id: merged(both),
        THIRD.id: (1, 0, "abc"),
        both.id: (4, 2, "abc"),
    }
    assert desk.loaded().keys() == {THIRD.id, both.id}
    assert desk.loaded()[both.id].vendor_updated_at == both.vendor_updated_at
    desk.verify()
    bounds = f"SELECT lower_at, upper_at, table_name FROM {SOURCE}.units WHERE unit = '{FIRST.id}'"
    ((lower, upper, table),) = desk.query(bounds)
    assert (lower.astimezone(UTC), upper.astimezone(UTC)) == (FIRST.lower_at, FIRST.upper_at)
    assert table == "installs"


def test_a_unit_without_rows_takes_them_away_all_the_same(desk: Desk) -> None:
    desk.load(*HOURS)
    nothing = make_unit(0, 3, FIRST.id, SECOND.id, THIRD.id)
    desk.load((nothing, []))
    assert desk.rows() == {}
    assert desk.quarantined() == []
    assert desk.ledger()[nothing.id] == (0, 0, "abc")
    assert desk.loaded().keys() == {nothing.id}
    desk.verify()


def test_what_is_not_loaded_cannot_be_taken_over(desk: Desk) -> None:
    desk.load(*HOURS[:1])
    wide = make_unit(0, 3, FIRST.id, SECOND.id, "installs/other", make_unit(0, 3).id)
    intake = desk.load((wide, ["ann", "dan"]))
    assert intake.replaced == {FIRST.id: wide}
    assert desk.ledger() == {FIRST.id: merged(wide), wide.id: (2, 0, "abc")}
    assert desk.rows() == {wide.id: ["ann", "dan"]}
    desk.verify()


def test_a_unit_never_takes_over_itself(desk: Desk) -> None:
    desk.load(*HOURS)
    again = make_unit(0, 1, FIRST.id, SECOND.id)
    desk.load((again, ["eve"]))
    assert desk.rows() == {FIRST.id: ["eve"], THIRD.id: ["cat"]}
    assert desk.ledger()[FIRST.id] == (1, 0, "abc")
    assert desk.loaded().keys() == {FIRST.id, THIRD.id}
    desk.verify()


def test_several_units_of_a_package_may_share_what_they_take_over(desk: Desk) -> None:
    wide = make_unit(0, 2)
    desk.load((wide, ["ann", "bob"]), (THIRD, ["cat", BROKEN]))
    pieces = [make_unit(0, 1, wide.id), make_unit(1, 2, wide.id, THIRD.id)]
    desk.load((pieces[0], ["ann"]), (pieces[1], []))
    assert desk.rows() == {pieces[0].id: ["ann"]}
    assert desk.ledger()[wide.id] == merged(pieces[0])
    assert desk.ledger()[THIRD.id] == merged(pieces[1])
    assert desk.loaded().keys() == {piece.id for piece in pieces}
    desk.verify()


def test_what_was_taken_over_may_come_back(desk: Desk) -> None:
    desk.load(*HOURS)
    wide = make_unit(0, 3, FIRST.id, SECOND.id, THIRD.id)
    desk.load((wide, ["ann", "bob"]))
    back = [replace(unit, replaces=(wide.id,)) for unit in (FIRST, SECOND)]
    desk.load((back[0], ["ann"]))
    desk.load((back[1], ["bob"]))
    assert desk.rows() == {FIRST.id: ["ann"], SECOND.id: ["bob"]}
    assert desk.loaded().keys() == {FIRST.id, SECOND.id}
    assert desk.ledger()[wide.id] == merged(back[0])
    desk.verify()


def test_units_of_another_table_are_left_alone(desk: Desk) -> None:
    other = make_unit(0, 1, table="sessions")
    desk.load(*HOURS, (other, ["ann", BROKEN]))
    wide = make_unit(0, 3, FIRST.id, SECOND.id, THIRD.id)
    desk.load((wide, ["ann"]), (make_unit(1, 2, table="sessions"), ["bob"]))
    assert desk.rows("sessions") == {other.id: ["ann"], "sessions/1-2": ["bob"]}
    assert desk.quarantined() == [other.id]
    assert desk.rows() == {wide.id: ["ann"]}
    desk.verify()


def test_rows_that_a_killed_load_took_away_are_due_again(desk: Desk) -> None:
    desk.load(*HOURS)
    wide = make_unit(0, 2, FIRST.id, SECOND.id)
    desk.query(f"DELETE FROM {SOURCE}.installs WHERE _unit IN ('{FIRST.id}', '{SECOND.id}')")
    desk.query(
        f"INSERT INTO {SOURCE}.installs (_unit, _row, custom_user_id, _dlt_load_id)"
        f" VALUES ('{wide.id}', 0, 'ann', 'never finished')"
    )
    pipeline = desk.pipeline.drop()  # what recovery finds on a machine that was killed
    desk.pipeline, undone = recover(pipeline)
    assert {unit.id for unit in undone} == {FIRST.id, SECOND.id}
    assert desk.rows() == {THIRD.id: ["cat"]}
    assert desk.loaded().keys() == {THIRD.id}
    desk.verify()


def test_where_nothing_can_be_deleted_the_ledger_alone_says_what_counts(tmp_path: Path) -> None:
    pipeline = dlt.pipeline(
        "lake",
        destination=dlt.destinations.filesystem(str(tmp_path / "lake")),
        dataset_name=SOURCE,
        pipelines_dir=str(tmp_path / "pipelines"),
    )
    desk = Desk(tmp_path, pipeline, tmp_path / "none")
    desk.load(*HOURS, can_delete=False)
    both = make_unit(0, 2, FIRST.id, SECOND.id)
    intake = desk.load((both, ["ann", "bob"]), can_delete=False)
    assert intake.replaced.keys() == {FIRST.id, SECOND.id}
    assert desk.loaded().keys() == {both.id, THIRD.id}
