"""Staging of ShortKit: `data` -> typed columns, by event, in one unit each."""

import json
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from connector.errors import ConfigError
from connector.sources.shortkit.units import read_units
from connector.warehouse.runner import run_models
from connector.warehouse.staging import render_staging
from connector.warehouse.tables import changed_tables
from tests.unit.warehouse.raw_warehouse import (
    RawUnit,
    Row,
    at,
    create_raw,
    load_units,
    open_warehouse,
    rows_of,
    run_all,
)

SHORTKIT = "shortkit"
DAY = "2024-05-01"
MOMENT = at("2024-05-01 10:00")


def row(event: str, data: Any = None, **columns: Any) -> Row:
    """A raw row; `data` that is no text is written as JSON."""
    text = data if isinstance(data, str | None) else json.dumps(data)
    return {"event": event, "timestamp": MOMENT, "content_id": "c", "data": text, **columns}


def load_rows(connection: DuckDBPyConnection, load_id: str, table: str, *rows: Row) -> None:
    """One day of a table, loaded as a unit."""
    unit = RawUnit(f"{table}/{DAY}", table, rows, app="shortkit", source=SHORTKIT, axis="event_day")
    load_units(connection, load_id, [unit])


def open_staged(table: str, *rows: Row) -> DuckDBPyConnection:
    """A warehouse with these rows of one table, the models above it built."""
    connection = open_warehouse()
    create_raw(connection, source=SHORTKIT)
    load_rows(connection, "1700000000.1", table, *rows)
    report = run_models(connection, select=[f"stg_{SHORTKIT}__{table}"])
    assert report.exit_code == 0, report
    return connection


def staged(table: str, columns: str, *rows: Row) -> list[tuple[Any, ...]]:
    """Those columns of the staging view of these rows."""
    connection = open_staged(table, *rows)
    return rows_of(connection, f"SELECT {columns} FROM stg.stg_shortkit__{table} ORDER BY _row")


def test_columns_of_the_row_have_the_names_of_the_house() -> None:
    told = row(
        "rebuffer",
        {"duration": 5},
        user_id="anonymous",
        session_id="s",
        device_type="ios",
        device_id="",
        country="RU",
        current_time=1.5,
    )
    columns = (
        "application_id, name, content_id, user_id, CAST(occurred_at AS VARCHAR), session_id, "
        "device_type, device_id, country_code, current_time_s, _unit, _row"
    )
    assert staged("quality", columns, told) == [
        (
            *("shortkit", "rebuffer", "c", "anonymous", "2024-05-01 10:00:00+00", "s"),
            *("ios", None, "RU", 1.5, "quality/2024-05-01", 0),
        )
    ]


def test_data_is_json_where_it_is_and_its_text_always() -> None:
    found = staged(
        "events",
        "data, data_text, startup_time_ms",
        row("playStart", '{"startupTime": 5, "more": [1]}'),
        row("playStart", '{"startupTime": 5'),
        row("playStart", ""),
        row("playStart", "[5]"),
    )
    assert found == [
        ('{"startupTime": 5, "more": [1]}', '{"startupTime": 5, "more": [1]}', 5),
        (None, '{"startupTime": 5', None),
        (None, None, None),
        ("[5]", "[5]", None),
    ]


def test_every_spelling_fills_the_column_and_the_first_that_is_there_counts() -> None:
    found = staged(
        "quality",
        "rebuffer_duration_ms",
        row("rebuffer", {"duration": 1, "durationMs": 9}),
        row("rebuffer", {"rebufferDurationMs": 2}),
        row("rebuffer", {"durationMs": 3}),
        row("rebuffer", {"rebufferDuration": 4}),
        row("rebuffer", {"duration": None, "durationMs": 5}),
        row("rebuffer", {"startupTime": 6}),
    )
    assert found == [(1,), (2,), (3,), (4,), (5,), (None,)]


def test_one_key_is_seconds_or_milliseconds_by_its_event() -> None:
    found = staged(
        "events",
        "name, duration_s",
        row("watchProgress", {"duration": 30}),
        row("rebuffer", {"duration": 30}),
    )
    assert found == [("watchProgress", 30.0), ("rebuffer", None)]
    assert staged("quality", "rebuffer_duration_ms", row("rebuffer", {"duration": 30})) == [(30,)]


@pytest.mark.parametrize(
    ("value", "startup_ms", "position", "playhead_s", "autoplay"),
    [
        (12, 12, 12, 12.0, None),
        ("12", 12, 12, 12.0, None),
        (12.6, 13, None, 12.6, None),
        (True, None, None, None, True),
        ("false", None, None, None, False),
        ("abc", None, None, None, None),
        ("NaN", None, None, None, None),
        ("Infinity", None, None, None, None),
        (10**30, None, None, None, None),
        ({"a": 1}, None, None, None, None),
        ("", None, None, None, None),
    ],
)
def test_what_does_not_fit_is_null_in_its_column(
    value: Any, startup_ms: Any, position: Any, playhead_s: Any, autoplay: Any
) -> None:
    start = row("playStart", {"startupTime": value, "autoplay": value})
    seen = row("impression", {"position": value})
    played = row("watchProgress", {"currentTime": value})
    found = staged(
        "events",
        "startup_time_ms, is_autoplay, position, playhead_s, data_text",
        start,
        seen,
        played,
    )
    assert [line[:4] for line in found] == [
        (startup_ms, autoplay, None, None),
        (None, None, position, None),
        (None, None, None, playhead_s),
    ]
    assert [line[4] for line in found] == [start["data"], seen["data"], played["data"]]


def test_texts_keep_what_was_written_and_json_any_type() -> None:
    found = staged(
        "events",
        "interaction_type, interaction_value",
        row("interaction", {"interactionType": "seek", "value": 12.5}),
        row("interaction", {"action": "mute", "value": {"on": True}}),
        row("interaction", {"interactionType": 7, "value": None}),
        row("like", {"interactionType": "seek"}),
    )
    assert found == [("seek", "12.5"), ("mute", '{"on":true}'), ("7", None), (None, None)]


UNITS = {"percentComplete": "ratio", "currentBitrate": "kbit/s", "watchTimeOnFrom": "ms"}


def test_unit_of_the_settings_is_turned_into_that_of_the_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCES__SHORTKIT__UNITS", json.dumps(UNITS))
    found = staged(
        "events",
        "complete_percent, bitrate_bit_s, watch_time_on_from_s",
        row("watchProgress", {"percentComplete": 0.29, "currentBitrate": 2500.5}),
        row("swipe", {"watchTimeOnFrom": 12500}),
        row("swipe", {"watchTimeOnPrevious": 12.5}),
    )
    assert found[0] == (pytest.approx(29), 2500500, None)
    assert found[1:] == [(None, None, 12.5), (None, None, 12.5)]


def test_without_the_setting_units_are_those_of_the_guide() -> None:
    assert read_units({}) == read_units({"units": {"percentComplete": "percent"}})
    assert SHORTKIT not in dict(changed_tables())
    text = render_staging(SHORTKIT, read_units({"units": UNITS}))
    changed = {name for name, sql in render_staging(SHORTKIT).items() if text[name] != sql}
    assert changed == {"stg_shortkit__events.sql", "stg_shortkit__payloads.sql"}


@pytest.mark.parametrize(
    ("units", "named"),
    [
        ({"percentageComplete": "ratio"}, ("units names percentageComplete", "percentComplete")),
        ({"duration": "s"}, ("units names duration",)),
        ({"rendition": "s"}, ("units names rendition",)),
        ({"percentComplete": "promille"}, ("'promille'", "percent, ratio")),
        ({"currentBitrate": "s"}, ("'s' of currentBitrate", "bit/s, kbit/s")),
        ("ms", ("units", "no JSON object")),
    ],
)
def test_wrong_unit_is_refused(units: Any, named: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_units({"units": units})
    assert [part for part in named if part not in str(caught.value)] == []


PROGRESS = [row("watchProgress", {"currentTime": second, "duration": 30}) for second in (1, 2, 2)]


def keys_of(connection: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows_of(connection, "SELECT event_key, playhead_s FROM core.video_event ORDER BY ALL")


def test_keys_stand_through_a_new_export_in_another_order_and_repeats_survive() -> None:
    connection = open_warehouse()
    create_raw(connection, source=SHORTKIT)
    load_rows(connection, "1700000000.1", "events", *PROGRESS)
    run_all(connection)
    before = keys_of(connection)
    assert len({key for key, _ in before}) == 3
    turned = [entry | {"data": '{"duration":30,  "currentTime":%d}'} for entry in PROGRESS]
    again = [
        entry | {"data": entry["data"] % json.loads(str(old["data"]))["currentTime"]}
        for entry, old in zip(turned, PROGRESS, strict=True)
    ]
    load_rows(connection, "1700000000.2", "events", *reversed(again))
    run_all(connection)
    assert keys_of(connection) == before


def test_a_repeated_key_within_data_is_no_trouble() -> None:
    connection = open_warehouse()
    create_raw(connection, source=SHORTKIT)
    load_rows(
        connection,
        "1700000000.1",
        "events",
        row("playStart", '{"startupTime": 1, "startupTime": 2}'),
    )
    run_all(connection)
    assert rows_of(connection, "SELECT count(DISTINCT event_key) FROM core.video_event") == [(1,)]


def test_rows_without_a_time_have_keys_and_no_day() -> None:
    connection = open_warehouse()
    create_raw(connection, source=SHORTKIT)
    untold = row("like") | {"timestamp": None}
    load_rows(connection, "1700000000.1", "events", untold, untold, row("like"))
    load_rows(connection, "1700000000.1", "ads", untold | {"event": "click"})
    run_all(connection)
    found = "SELECT count(DISTINCT event_key), count(day) FROM core.video_event"
    assert rows_of(connection, found) == [(3, 1)]
    assert rows_of(connection, "SELECT kind, day FROM core.video_ad") == [("click", None)]
    assert rows_of(connection, "SELECT count(*) FROM core.video_view") == [(0,)]
