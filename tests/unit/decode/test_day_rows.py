"""Rows of one file, each in the unit of its table and day, and every record in one account."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import unpack
from connector.decode import Erased, day_rows
from connector.decode.erased import digest_id
from connector.errors import DownloadError
from connector.sources.shortkit import QUALITY_EVENTS
from tests.unit.decode.video_files import Videos, decode, line, lines, make_unit, plain

SALT = "salt"
NEW_YORK = "America/New_York"


def erase(*users: str) -> Erased:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    return Erased(SALT, {("user", digest_id(SALT, "user", user)): at for user in users})


def test_rows_find_the_table_of_their_event_and_the_day_of_their_time(tmp_path: Path) -> None:
    data = lines(
        line("impression", "2026-01-15T00:00:00Z"),
        line("rebuffer", "2026-01-16T23:59:59.999Z"),
        line("error", "2026-01-15T12:00:00Z"),
        line("like", "2026-01-16T00:00:00Z"),
        line("qualityChange", "2026-01-15T12:00:00+01:00"),
        line("impression", "2026-01-15T23:59:59Z"),
    )
    found = decode(tmp_path, data, make_unit(3))
    assert found.events() == {
        "events/2026-01-15": ["impression", "impression"],
        "events/2026-01-16": ["like"],
    }
    assert found.events("quality") == {
        "quality/2026-01-15": ["error", "qualityChange"],
        "quality/2026-01-16": ["rebuffer"],
    }
    assert list(found.tallies) == [
        f"{table}/2026-01-{day}" for table in ("events", "quality") for day in (15, 16, 17)
    ]
    assert found.quarantine == []
    assert (found.decoded.rows, found.decoded.file_rows) == (6, 6)


def test_units_say_their_days_and_bounds(tmp_path: Path) -> None:
    data = lines(line("like", "2026-01-15T07:00:00Z"), line("like", "2026-01-15T09:00:00Z"))
    tally = decode(tmp_path, data, make_unit(2)).tallies["events/2026-01-15"]
    assert tally.unit.table == "events"
    assert tally.unit.axis == "event_day"
    assert tally.unit.feeds == ()
    assert tally.unit.lower_at == datetime(2026, 1, 15, tzinfo=UTC)
    assert tally.unit.upper_at == datetime(2026, 1, 16, tzinfo=UTC)
    assert tally.min_event_at == datetime(2026, 1, 15, 7, tzinfo=UTC)
    assert tally.max_event_at == datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert tally.event_days == {"2026-01-15"}


def test_a_job_of_one_table_keeps_all_events_there(tmp_path: Path) -> None:
    data = lines(line("error", "2026-01-15T01:00:00Z"), line("impression", "2026-01-15T01:00:00Z"))
    found = decode(tmp_path, data, make_unit(1, "ads"))
    assert found.events("ads") == {"ads/2026-01-15": ["error", "impression"]}
    found = decode(tmp_path, data, make_unit(1, "events"))
    assert found.events() == {"events/2026-01-15": ["error", "impression"]}


def test_any_spelling_of_the_event_counts(tmp_path: Path) -> None:
    data = lines(
        b'{"type":"rebuffer","timestamp":"2026-01-15T01:00:00Z"}',
        b'{"event":"rebuffer","timestamp":"2026-01-15T01:00:00Z"}',
    )
    found = decode(tmp_path, data)
    assert found.events("quality") == {"quality/2026-01-15": ["rebuffer", "rebuffer"]}


@pytest.mark.parametrize(
    ("at", "unit"),
    [
        ("2026-01-15T04:59:59Z", None),
        ("2026-01-15T05:00:00Z", "events/2026-01-15"),
        ("2026-01-16T04:59:59.999999Z", "events/2026-01-15"),
        ("2026-01-16T05:00:00Z", "events/2026-01-16"),
        ("2026-01-17T05:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_days_are_those_of_the_zone(tmp_path: Path, at: str, unit: str | None) -> None:
    found = decode(tmp_path, lines(line("like", at)), make_unit(2, zone=NEW_YORK))
    assert found.events() == ({unit: ["like"]} if unit else {})
    assert len(found.quarantine) == (unit is None)


@pytest.mark.parametrize(
    ("first", "hours", "times"),
    [
        (date(2026, 3, 8), 23, "08T04:59:59 08T05:00:00 09T03:59:59 09T04:00:00"),
        (date(2026, 11, 1), 25, "01T03:59:59 01T04:00:00 02T04:59:59 02T05:00:00"),
    ],
)
def test_days_on_which_the_clocks_change(
    tmp_path: Path, first: date, hours: int, times: str
) -> None:
    unit = make_unit(1, zone=NEW_YORK, first=first)
    assert (unit.upper_at - unit.lower_at).total_seconds() == hours * 3600
    rows = [line("like", f"{first:%Y-%m}-{at}Z") for at in times.split()]
    found = decode(tmp_path, lines(*rows), unit)
    assert found.counts() == {f"events/{first}": (2, 2, 0)}
    tally = found.tallies[f"events/{first}"]
    assert len(tally.event_days) == 2  # of UTC
    assert [row["file_line"] for row in found.quarantine] == [1, 4]


def test_rows_of_other_days_are_in_quarantine_with_the_nearest_of_theirs(tmp_path: Path) -> None:
    data = lines(
        line("like", "2026-01-14T23:59:59Z"),
        line("rebuffer", "2026-01-17T00:00:00Z"),
        line("like", "2026-01-16T00:00:00Z"),
    )
    found = decode(tmp_path, data, make_unit(2))
    assert found.counts() == {
        "events/2026-01-15": (0, 1, 0),
        "events/2026-01-16": (1, 0, 0),
        "quality/2026-01-16": (0, 1, 0),
    }
    early, late = sorted(found.quarantine, key=lambda row: row["file_line"])
    assert (early["unit"], early["table_name"]) == ("events/2026-01-15", "events")
    assert (late["unit"], late["table_name"]) == ("quality/2026-01-16", "quality")
    for row in (early, late):
        assert (row["kind"], row["_row"], row["field_name"]) == ("row", None, None)
        assert "2026-01-15 to 2026-01-16" in row["reason"]
    assert early["raw"] == '{"event":"like","timestamp":"2026-01-14T23:59:59Z"}'
    assert (late["file_line"], late["byte_offset"]) == (2, len(early["raw"]) + 1)
    assert found.decoded.file_rows == 3


def test_too_many_rows_of_other_days_are_no_file_of_those_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_rows, "MOST_OUTSIDE", 3)
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 100)
    rows = list(plain(3, "2026-01-20T00:00:00Z"))
    found = decode(tmp_path, lines(*rows))
    assert found.counts() == {"events/2026-01-15": (0, 3, 0)}
    assert len(found.quarantine) == 3
    with pytest.raises(DownloadError) as caught:
        decode(tmp_path, lines(*rows, *rows))
    assert "6 of 6 rows are of other days than 2026-01-15 to 2026-01-15" in str(caught.value)
    assert "settings zone and window_clock of sources.shortkit" in str(caught.value)
    assert list(tmp_path.glob("*.parquet")) == []


def test_rows_without_a_time_are_of_the_day_of_the_row_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = lines(
        line("first", None),
        line("b", "2026-01-16T01:00:00Z"),
        line("c", None),
        line("d", "yesterday"),
        line("rebuffer", None),
        line("e", "2026-01-15T01:00:00Z"),
        line("f", None),
    )
    for block_bytes in (1 << 20, 40):
        monkeypatch.setattr(unpack, "BLOCK_BYTES", block_bytes)
        found = decode(tmp_path, data, make_unit(2))
        assert found.events() == {
            "events/2026-01-15": ["first", "e", "f"],
            "events/2026-01-16": ["b", "c", "d"],
        }
        assert found.events("quality") == {"quality/2026-01-16": ["rebuffer"]}
        assert found.places() == [("events/2026-01-16", "events", "cell", 2, 4)]


def test_unreadable_records_are_of_the_day_they_name_else_of_the_row_before(
    tmp_path: Path,
) -> None:
    good = line("rebuffer", "2026-01-16T01:00:00Z")
    data = lines(
        b"broken first",
        good,
        b"[1]",
        b'{"event":"error","timestamp":"2026-01-15T10:00:00Z"',
        b"{broken} again",
        b'{"timestamp":"2026-02-30T10:00:00Z"',
        b'{"timestamp":"2027-01-01T10:00:00Z"',
    )
    found = decode(tmp_path, data, make_unit(2))
    assert found.places() == [
        ("events/2026-01-15", "events", "row", None, 1),
        ("events/2026-01-15", "events", "row", None, 4),
        ("events/2026-01-16", "events", "row", None, 3),
        ("events/2026-01-16", "events", "row", None, 5),
        ("events/2026-01-16", "events", "row", None, 6),
        ("events/2026-01-16", "events", "row", None, 7),
    ]
    assert found.counts() == {
        "events/2026-01-15": (0, 2, 0),
        "events/2026-01-16": (0, 4, 0),
        "quality/2026-01-16": (1, 0, 0),
    }
    assert found.decoded.file_rows == 7


def test_cells_are_in_quarantine_with_the_unit_and_ordinal_of_their_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {"currentTime": "soon"}
    data = lines(
        line("like", "2026-01-15T01:00:00Z"),
        line("rebuffer", "2026-01-15T01:00:00Z"),
        line("like", "2026-01-16T01:00:00Z"),
        line("rebuffer", "2026-01-15T02:00:00Z", **bad),
        line("like", "2026-01-15T03:00:00Z", **bad),
        line("like", "2026-01-20T03:00:00Z", **bad),
        line("like", "2026-01-16T03:00:00Z", **bad),
    )
    for block_bytes in (1 << 20, 40):
        monkeypatch.setattr(unpack, "BLOCK_BYTES", block_bytes)
        found = decode(tmp_path, data, make_unit(2))
        assert found.places() == [
            ("events/2026-01-15", "events", "cell", 1, 5),
            ("events/2026-01-16", "events", "cell", 1, 7),
            ("events/2026-01-16", "events", "row", None, 6),
            ("quality/2026-01-15", "quality", "cell", 1, 4),
        ]
        assert found.decoded.rejected_cells == 3
        for row in found.quarantine:
            text = data.split(b"\n")[row["file_line"] - 1].decode()
            assert row["raw"] == text
            assert data[row["byte_offset"] :].startswith(text.encode())


def test_nothing_of_erased_people_stays(tmp_path: Path) -> None:
    gone = {"userId": "ann", "currentTime": "soon"}
    data = lines(
        line("like", "2026-01-15T01:00:00Z", userId="bob"),
        line("like", "2026-01-15T01:00:00Z", **gone),
        line("rebuffer", "2026-01-16T01:00:00Z", **gone),
        line("like", "2026-01-20T01:00:00Z", **gone),
        line("like", "2026-01-20T01:00:00Z", userId="bob"),
        line("like", "2026-01-15T02:00:00Z", userId="bob", currentTime="soon"),
    )
    found = decode(tmp_path, data, make_unit(2), erase("ann"))
    assert found.counts() == {
        "events/2026-01-15": (2, 0, 1),
        "events/2026-01-16": (0, 1, 1),
        "quality/2026-01-16": (0, 0, 1),
    }
    assert found.decoded.file_rows == 6
    assert {row["user_id"] for rows in found.rows.values() for row in rows} == {"bob"}
    assert found.events() == {"events/2026-01-15": ["like", "like"]}
    assert found.places() == [
        ("events/2026-01-15", "events", "cell", 1, 6),
        ("events/2026-01-16", "events", "row", None, 5),
    ]
    assert not any("ann" in str(row) for row in found.quarantine)
    assert found.decoded.rejected_cells == 1


def test_where_all_rows_of_a_batch_are_erased_the_rest_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 1)
    data = lines(*(line("like", "2026-01-15T01:00:00Z", userId=user) for user in "aabac"))
    found = decode(tmp_path, data, erased=erase("a"))
    assert [row["user_id"] for row in found.rows["events"]] == ["b", "c"]
    assert found.counts() == {"events/2026-01-15": (2, 0, 3)}


def test_a_window_by_time_of_receipt_is_trusted(tmp_path: Path) -> None:
    data = lines(
        line("like", "2026-01-11T01:00:00Z"),
        line("rebuffer", "2026-01-15T01:00:00Z"),
        line("like", "2026-01-13T01:00:00Z"),
        line("like", None),
        line("like", "2026-01-15T23:00:00Z"),
    )
    found = decode(tmp_path, data, window_clock="received")
    assert found.counts() == {"events/2026-01-15": (4, 0, 0), "quality/2026-01-15": (1, 0, 0)}
    assert found.quarantine == []
    tally = found.tallies["events/2026-01-15"]
    assert tally.event_days == {"2026-01-11", "2026-01-13", "2026-01-15"}


def test_a_trusted_window_of_several_days_keeps_tables_and_days_apart(tmp_path: Path) -> None:
    data = lines(
        line("like", "2026-01-11T01:00:00Z"),
        line("rebuffer", "2026-01-16T01:00:00Z"),
        line("like", "2026-01-17T01:00:00Z"),
        line("like", "2026-01-30T01:00:00Z"),
    )
    found = decode(tmp_path, data, make_unit(3), window_clock="received")
    assert found.counts() == {
        "events/2026-01-15": (1, 0, 0),
        "events/2026-01-17": (2, 0, 0),
        "quality/2026-01-16": (1, 0, 0),
    }
    assert found.events("quality") == {"quality/2026-01-16": ["rebuffer"]}


def test_a_file_without_rows_empties_every_day(tmp_path: Path) -> None:
    found = decode(tmp_path, b"", make_unit(2))
    assert found.counts() == {}
    assert len(found.tallies) == 4
    assert all(tally.min_event_at is None for tally in found.tallies.values())


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["like", "impression", *QUALITY_EVENTS, None]),
        st.sampled_from([None, "x", 14, 15, 16, 17, 18]),
        st.sampled_from(["ann", "bob"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(ROWS, st.sampled_from([1, 60, 200, 1 << 20]), st.booleans())
def test_every_record_is_in_one_account(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str | None, Any, str, bool]],
    block_bytes: int,
    has_erased: bool,
) -> None:
    data = lines(
        *(
            b"broken" if is_broken else line(event, to_time(day), userId=user)
            for event, day, user, is_broken in rows
        ),
        line("like", "2026-01-15T01:00:00Z", userId="cat"),  # what has no record is no file
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpack, "BLOCK_BYTES", block_bytes)
        people = erase("ann") if has_erased else erase()
        found = decode(tmp_path_factory.mktemp("file"), data, make_unit(3), people)
    check_accounts(found, len(rows) + 1)
    loaded = [row["user_id"] for rows in found.rows.values() for row in rows]
    assert not (has_erased and "ann" in loaded)
    assert len([row for row in found.quarantine if row["kind"] == "row"]) == sum(
        tally.rejected_rows for tally in found.tallies.values()
    )


def to_time(day: Any) -> str | None:
    return f"2026-01-{day}T01:00:00Z" if isinstance(day, int) else day


def check_accounts(found: Videos, count: int) -> None:
    """Every record is loaded, unreadable or erased, once; every row is of its unit."""
    assert found.decoded.file_rows == count
    counted = {unit: tally.rows for unit, tally in found.tallies.items() if tally.rows}
    units = {table: found.events(table) for table in found.unit.feeds}
    assert {unit: len(names) for by in units.values() for unit, names in by.items()} == counted
    for table, rows in found.rows.items():
        for row in rows:
            assert row["_unit"].startswith(f"{table}/")
            assert (row["event"] in QUALITY_EVENTS) == (table == "quality")
            if row["timestamp"]:
                assert row["_unit"].endswith(f"/{row['timestamp'].date()}")
    for reject in found.quarantine:
        assert reject["unit"] in found.tallies
        assert reject["unit"].startswith(f"{reject['table_name']}/")
