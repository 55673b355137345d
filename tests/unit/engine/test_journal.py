"""The journal: what is written is there after a restart, from any thread, and is private."""

import stat
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from connector.journal import KEPT_RUNS, Journal, SpooledFile
from connector.units import Unit

AT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
UNIT = Unit(
    id="1/event/100/7",
    source="vendor",
    table="event",
    application_id="1",
    axis="window",
    lower_at=AT,
    upper_at=AT + timedelta(minutes=5),
    remote_id="100",
    declared_rows=3,
    vendor_updated_at=AT,
    field_names=("a", "b"),
)
OTHER = replace(UNIT, id="1/event/200/7")
ELSEWHERE = replace(UNIT, id="9", source="other")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    yield journal
    journal.close()


def reopen(journal: Journal, path: Path) -> Journal:
    journal.close()
    return Journal(path)


def make_file(unit: Unit, folder: Path, attempts: int = 1) -> SpooledFile:
    return SpooledFile(unit, folder / f"{attempts}.gz", 42, AT, attempts)


def test_everything_survives_a_restart(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    file = make_file(UNIT, tmp_path, 2)
    journal.note_seen("vendor", [UNIT, OTHER], AT)
    journal.add_file(file)
    journal.add_failure(OTHER, "gone", 7, AT)
    journal.add_job(UNIT, "job-1", AT)
    journal.count_request("vendor", "data", AT)
    journal.remember_size("vendor/event", 4)
    journal.add_run(AT, "sync", 4, {"ok": False})
    journal = reopen(journal, path)
    assert sorted(unit.id for unit in journal.seen("vendor")) == [UNIT.id, OTHER.id]
    assert UNIT in journal.seen("vendor")
    assert journal.files("vendor") == [file]
    (failure,) = journal.failures("vendor")
    assert (failure.unit, failure.reason, failure.exit_code) == (OTHER.id, "gone", 7)
    assert (failure.times, failure.failed_at) == (1, AT)
    assert journal.job(UNIT.id) == ("job-1", AT)
    assert journal.requests_used("vendor", AT) == {"data": 1}
    assert journal.size("vendor/event") == 4
    (run,) = journal.runs()
    assert (run["command"], run["exit_code"], run["summary"]) == ("sync", 4, {"ok": False})
    journal.close()


def test_units_are_expected_until_they_are_loaded_or_given_up(journal: Journal) -> None:
    journal.note_seen("vendor", [UNIT, OTHER], AT)
    journal.note_seen("other", [ELSEWHERE], AT)
    newer = replace(UNIT, declared_rows=5)
    journal.note_seen("vendor", [newer], AT)
    journal.forget_seen([OTHER.id])
    assert journal.seen("vendor") == [newer]
    assert journal.seen("other") == [ELSEWHERE]


def test_files_are_forgotten_by_their_path(journal: Journal, tmp_path: Path) -> None:
    one, other = make_file(UNIT, tmp_path, 1), make_file(OTHER, tmp_path, 2)
    journal.add_file(one)
    journal.add_file(other)
    journal.forget_files([one.path, tmp_path / "unknown"])
    assert journal.files("vendor") == [other]
    assert journal.files("other") == []


def test_failures_are_counted_until_the_unit_is_loaded(journal: Journal) -> None:
    journal.add_failure(UNIT, "first", 4, AT)
    journal.add_failure(UNIT, "second", 3, AT + timedelta(hours=1))
    (failure,) = journal.failures("vendor")
    assert (failure.times, failure.reason, failure.exit_code) == (2, "second", 3)
    journal.forget_failures([UNIT.id])
    assert journal.failures("vendor") == []
    journal.add_failure(UNIT, "again", 4, AT)
    assert journal.failures("vendor")[0].times == 1


def test_intent_of_a_job_is_written_before_its_id(journal: Journal) -> None:
    journal.add_job(UNIT, "", AT)
    assert journal.job(UNIT.id) == ("", AT)
    journal.add_job(UNIT, "job-1", AT)
    assert journal.jobs("vendor") == {UNIT.id: "job-1"}
    journal.forget_job(UNIT.id)
    assert journal.job(UNIT.id) is None


def test_quota_is_counted_by_the_utc_day(journal: Journal) -> None:
    moscow = timezone(timedelta(hours=3))
    for at in (AT, AT.astimezone(moscow), AT + timedelta(seconds=1)):
        journal.count_request("vendor", "data", at)
    journal.count_request("vendor", "control", AT)
    assert journal.requests_used("vendor", AT) == {"data": 2, "control": 1}
    assert journal.requests_used("vendor", AT + timedelta(seconds=1)) == {"data": 1}
    assert journal.requests_used("other", AT) == {}


def test_size_that_worked_is_remembered(journal: Journal) -> None:
    assert journal.size("scope") is None
    journal.remember_size("scope", 8)
    journal.remember_size("scope", 4)
    assert journal.size("scope") == 4


def test_last_runs_are_kept_newest_first(journal: Journal) -> None:
    for number in range(KEPT_RUNS + 5):
        journal.add_run(AT + timedelta(minutes=number), "sync", 0, number)
    kept = journal.runs(limit=10**6)
    assert [run["summary"] for run in kept] == list(range(KEPT_RUNS + 4, 4, -1))
    assert [run["summary"] for run in journal.runs(limit=2)] == [KEPT_RUNS + 4, KEPT_RUNS + 3]


def test_journal_is_private(journal: Journal, path: Path) -> None:
    journal.count_request("vendor", "data", AT)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_threads_lose_nothing(journal: Journal) -> None:
    def work(name: str) -> None:
        for number in range(50):
            journal.count_request("vendor", "data", AT)
            journal.note_seen("vendor", [replace(UNIT, id=f"{name}-{number}")], AT)

    threads = [threading.Thread(target=work, args=(str(name),)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.requests_used("vendor", AT) == {"data": 300}
    assert len(journal.seen("vendor")) == 300


def test_batch_that_cannot_be_written_leaves_nothing_behind(journal: Journal) -> None:
    unwritable = replace(UNIT, id="\ud800")
    with pytest.raises(UnicodeEncodeError):
        journal.note_seen("vendor", [OTHER, unwritable], AT)
    assert journal.seen("vendor") == []
    journal.note_seen("vendor", [UNIT], AT)
    assert journal.seen("vendor") == [UNIT]


def test_no_field_of_a_unit_could_hold_a_credential() -> None:
    words = ("token", "secret", "key", "password", "header", "credential")
    names = [field.name for field in fields(Unit)]
    assert [name for name in names if any(word in name for word in words)] == []


def test_beginning_is_the_first_one_that_was_noted(journal: Journal) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert journal.begin("a", first) == first
    assert journal.begin("a", first - timedelta(days=30)) == first


def test_fingerprints_of_a_week_ago_are_forgotten(journal: Journal) -> None:
    now = datetime(2026, 1, 8, 0, 0, 1, tzinfo=UTC)
    journal.note_print("old", "1", now - timedelta(days=7, seconds=1))
    journal.note_print("new", "2", now)
    assert (journal.last_print("old"), journal.last_print("new")) == (None, ("2", now))
