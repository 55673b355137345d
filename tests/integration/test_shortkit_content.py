"""What exports hold arrives exactly: every row of every data type, in every spelling of a file."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.shortkit.rows import DATA_TYPES
from tests.integration.shortkit_truth import TABLES, truth_of, units_of
from tests.integration.shortkit_world import (
    PEOPLE,
    ShortkitWorld,
    open_days,
    open_shortkit,
    open_single_days,
    show_day,
    video_rows,
    with_shortkit,
)
from tests.integration.stream_warehouse import Snapshot

Whole = tuple[ShortkitWorld, Snapshot]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Three days of a few people, loaded; and the raw tables."""
    with open_shortkit(PEOPLE, tmp_path_factory.mktemp("whole")) as world:
        world.quietly()
        yield world, world.found()


def test_every_row_of_every_type_is_there_once_and_exact(whole: Whole) -> None:
    world, found = whole
    world.check()
    world.check_exports()
    assert found["quarantine"] == []
    assert min(len(found[table]) for table in TABLES) > 10
    assert sum(len(found[table]) for table in TABLES) > 1_500


def test_data_is_kept_to_the_letter_and_equal_rows_are_all_kept(whole: Whole) -> None:
    world, found = whole
    texts = [row["data"] for table in TABLES for row in found[table]]
    assert "{}" in texts
    assert all(json.loads(text) is not None for text in texts if text)
    same = [str({n: row[n] for n in row if not n.startswith("_")}) for row in found["events"]]
    assert len(same) > len(set(same))  # the vendor sends some twice, and nothing tells them apart
    assert {row["_received_from"] for row in found["ads"]} == {"json"}
    assert {type(row["current_time"]) for row in found["quality"]} == {float}
    assert world.sandbox.shortkit_requests()["throttled"] == 0


def test_the_ledger_has_a_unit_a_day_and_table_and_names_jobs(whole: Whole) -> None:
    world, found = whole
    days = [show_day(place) for place in (-2, -1, 0)]
    assert sorted(u["unit"] for u in found["units"]) == sorted(
        f"{table}/{day}" for table in TABLES for day in days
    )
    jobs = {job["id"]: job["data_types"] for job in world.sandbox.shortkit_jobs()["jobs"]}
    for unit in found["units"]:
        assert unit["table_name"] in jobs[unit["remote_id"]]
        days_with_rows = [unit["unit"].partition("/")[2]] if unit["loaded_rows"] else []
        assert json.loads(unit["event_days"]) == days_with_rows
    declared = {job["id"]: job["rows"] for job in world.sandbox.shortkit_jobs()["jobs"]}
    for job_id, rows in declared.items():
        assert rows == sum(u["file_rows"] for u in found["units"] if u["remote_id"] == job_id)


def test_ads_are_asked_for_alone_and_the_others_together(whole: Whole) -> None:
    world, _ = whole
    bodies = [made["body"] for made in world.creates()]
    span = {"startDate": show_day(-2), "endDate": show_day(0)}
    shape = {"format": "jsonl", "compression": "gzip"}
    assert sorted(bodies, key=str) == sorted(
        ({**span, "dataTypes": types, **shape} for types in (["events", "quality"], ["ads"])),
        key=str,
    )


@pytest.mark.parametrize(("header", "compression"), [("bare", "gzip"), ("data", "none")])
def test_csv_gives_the_same_rows_in_both_spellings(
    tmp_path: Path, header: str, compression: str
) -> None:
    scenario = with_shortkit(PEOPLE, csv_header=header, newline="crlf")
    with open_shortkit(scenario, tmp_path, format="csv", compression=compression) as world:
        world.set(start=show_day(-1))
        world.quietly()
        world.check(form=header)
        found = world.found()
        assert {row["_received_from"] for row in found["events"]} == {"csv"}
        durations = {
            name: [
                json.loads(row["data"])["duration"] for row in found[table] if row["event"] == name
            ]
            for table, name in (("events", "watchProgress"), ("quality", "rebuffer"))
        }
        assert all(isinstance(value, int | float) for v in durations.values() for value in v)
        assert found["quarantine"] == []


def test_files_that_are_not_packed_are_read(tmp_path: Path) -> None:
    with open_days(tmp_path, 2, compression="none") as world:
        world.quietly()
        world.check()
        assert {made["body"]["compression"] for made in world.creates()} == {"none"}


LINES: dict[str, dict[str, Any]] = {
    "separators": {"how": "breaks", "row": 1},
    "5 MB": {"how": "long", "row": 2},
    "broken": {"how": "broken", "row": 2},
    "number": {"how": "scalar", "row": 3},
    "array": {"how": "array", "row": 1},
    "bytes": {"how": "utf8", "row": 2},
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShortkitWorld]:
    """A day for each odd line, then two whose rows have other names, or unknown ones."""
    with open_single_days(tmp_path_factory.mktemp("odd"), len(LINES) + 2) as world:
        for number, line in enumerate(LINES.values()):
            world.spoil(-number, "video_line", **line)
        world.spoil(-len(LINES), "video_names", every=2, units=True)
        world.spoil(-len(LINES) - 1, "video_unknown", name="teleport")
        report = world.quietly()
        assert {table: set(names) for table, names in report.drift.items()} == {
            "events": {"bad", "sandboxColumn"}
        }
        assert (report.rows_quarantined, report.cells_quarantined) == (3, 1)
        yield world


def rows_on(world: ShortkitWorld, place: int) -> list[dict[str, Any]]:
    unit = f"events/{show_day(place)}"
    rows = [row for row in world.found()["events"] if row["_unit"] == unit]
    return sorted(rows, key=lambda row: int(row["_row"]))


def test_lines_end_at_line_feeds_only_and_may_be_long(odd: ShortkitWorld) -> None:
    breaks, long = (json.loads(rows_on(odd, -n)[n + 1]["data"])["note"] for n in (0, 1))
    assert breaks == "one\u2028two\u2029three\u0085four"
    assert long == "x" * 5_000_000


@pytest.mark.parametrize("name", ["broken", "number", "array"])
def test_a_record_that_cannot_be_read_is_kept_whole_with_its_place(
    odd: ShortkitWorld, name: str
) -> None:
    place, row = -list(LINES).index(name), LINES[name]["row"]
    (job,) = [m["id"] for m in odd.creates() if m["body"]["startDate"] == show_day(place)]
    (part,) = odd.sandbox.shortkit.jobs[job].build.parts  # type: ignore[union-attr]
    lines = gzip.decompress(part.body).split(b"\n")
    unit = f"events/{show_day(place)}"
    (kept,) = [q for q in odd.found()["quarantine"] if q["unit"] == unit]
    assert (kept["kind"], kept["raw"]) == ("row", lines[row].decode())
    assert (kept["file_line"], kept["byte_offset"]) == (
        row + 1,
        sum(len(line) + 1 for line in lines[:row]),
    )
    assert [r["content_id"] for r in rows_on(odd, place)] == [
        f"c{place}-{number}" for number in range(4) if number != row
    ]
    assert odd.units()[unit]["quarantined_rows"] == 1


def test_bytes_that_are_no_text_are_replaced_and_kept(odd: ShortkitWorld) -> None:
    place = -list(LINES).index("bytes")
    assert [row["bad"] for row in rows_on(odd, place)] == [None, None, "\ufffd\ufffd", None]
    (cell,) = [q for q in odd.found()["quarantine"] if q["kind"] == "cell"]
    assert (cell["unit"], cell["_row"], cell["field_name"]) == (
        f"events/{show_day(place)}",
        2,
        "bad",
    )
    assert cell["value"] == "\\xff\\xc3"


def test_names_of_both_versions_in_one_file_fill_the_same_columns(odd: ShortkitWorld) -> None:
    place = -len(LINES)
    rows = rows_on(odd, place)
    for row, wanted in zip(rows, video_rows(place, 4), strict=True):
        assert (row["event"], row["content_id"]) == (wanted["event"], wanted["contentId"])
        assert (row["user_id"], row["device_id"]) == (wanted["userId"], wanted["deviceId"])
        assert row["session_id"] == wanted["sessionId"]
    assert json.loads(rows[2]["data"]) == {  # as it came, in the units it came in
        "currentTime": 1.0,
        "totalDuration": 30.5,
        "percentComplete": 0.0328,
    }


def test_unknown_events_columns_and_members_are_kept(odd: ShortkitWorld) -> None:
    for row in rows_on(odd, -len(LINES) - 1):
        assert (row["event"], row["sandbox_column"]) == ("teleport", "new")
        assert json.loads(row["data"])["sandboxNovelty"] == {"level": 1}


SHAPES: dict[str, dict[str, Any]] = {
    "missing": {"contentId": None, "userId": None, "sessionId": None, "country": None},
    "null": {"data": None},
    "fraction": {"timestamp": "2026-03-09T10:00:00.250Z"},
    "offset": {"timestamp": "2026-03-10T01:30:00+02:00"},
    "text": {"data": "{not an object}"},
    "empty": {"country": "", "deviceType": ""},
    "number": {"userId": 17, "country": True},
    "nested": {"data": {"a": {"b": [1, {"c": '}"{'}]}, "data": {"x": "\\"}}},
    "escaped": {"contentId": 'q"\\\n\u0000\u20ac', "data": {"n": 1e3, "u": "\U0001f600"}},
}


def test_rows_of_every_shape_are_loaded_as_they_are(tmp_path: Path) -> None:
    with open_days(tmp_path, 1, data_types="events") as world:
        (row,) = video_rows(0, 1)
        rows = [row | {"contentId": name} | shape for name, shape in SHAPES.items()]
        world.put_rows(0, rows)
        world.quietly()
        found = {r["content_id"]: r for r in world.found()["events"]}
        assert len(found) == len(rows)
        assert (found[None]["user_id"], found["null"]["data"]) == (None, None)
        assert found["fraction"]["timestamp"].microsecond == 250_000
        assert found["offset"]["timestamp"].isoformat() == "2026-03-09T23:30:00+00:00"
        assert found["text"]["data"] == "{not an object}"
        assert (found["empty"]["country"], found["empty"]["device_type"]) == (None, None)
        assert (found["number"]["user_id"], found["number"]["country"]) == ("17", "true")
        assert json.loads(found["nested"]["data"]) == SHAPES["nested"]["data"]
        assert json.loads(found['q"\\\n\u0000\u20ac']["data"]) == SHAPES["escaped"]["data"]


def test_filters_are_sent_and_only_what_they_keep_is_loaded(tmp_path: Path) -> None:
    wanted = {"content_ids": ["c0-0", "c0-1", "c-1-3"], "event_types": ["impression", "playStart"]}
    with open_days(tmp_path, 2, data_types="events", filters=json.dumps(wanted)) as world:
        world.quietly()
        (made,) = world.creates()
        assert made["body"]["filters"] == {
            "contentIds": wanted["content_ids"],
            "eventTypes": wanted["event_types"],
        }
        assert world.names() == ["c0-0", "c0-1"]


def test_the_truth_has_all_data_types(whole: Whole) -> None:
    world, found = whole
    assert set(DATA_TYPES) == set(TABLES)
    for table in TABLES:  # the settled days of it, all of them
        wanted = [item for item in truth_of(world.sandbox, table) if item["day"] < "2026-03-10"]
        assert len(wanted) == len(found[table])
        assert sum(unit["loaded_rows"] for unit in units_of(found, table)) == len(wanted)
