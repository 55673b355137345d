"""An export's request is its identity: one order, one spelling; and what answers say of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.sources.appmetrica_logs.export import (
    Export,
    find_refused,
    is_queue_full,
    is_same_request,
    is_sentence,
    is_too_large,
    read_progress,
)
from connector.sources.appmetrica_logs.logs_settings import read_settings
from connector.sources.appmetrica_logs.queue import _is_in_work, _parse

EXPORT = Export(
    resource="events",
    format="csv",
    application_id="11",
    dates=("2026-03-09 00:00:00", "2026-03-09 23:59:59"),
    date_dimension="receive",
    fields=("event_name", "event_json"),
)
URL = (
    "/logs/v1/export/events.csv?application_id=11&date_since=2026-03-09%2000%3A00%3A00"
    "&date_until=2026-03-09%2023%3A59%3A59&date_dimension=receive&fields=event_name,event_json"
)


def test_a_request_has_one_order_and_one_spelling() -> None:
    assert EXPORT.url == URL
    assert EXPORT.in_parts(4, 3).url == URL + "&parts_count=4&part_number=3"
    assert EXPORT.in_parts(1).url == URL
    assert replace(EXPORT, filters=(("event_name", "a b&c"),)).url == URL + "&event_name=a%20b%26c"
    bare = replace(EXPORT, dates=("", ""), date_dimension="")
    assert bare.url.partition("?")[2] == "application_id=11&fields=event_name,event_json"


@given(value=st.text(min_size=1), name=st.sampled_from(["event_name", "city"]))
def test_any_filter_is_sent_as_it_is_and_known_again(value: str, name: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    url = replace(EXPORT, filters=((name, value),)).url
    assert (name, value) in parse_qsl(url.partition("?")[2], keep_blank_values=True)
    assert is_same_request(url, "events", "csv", url.partition("?")[2])
    assert str(httpx.URL("https://h" + url)).endswith(url)


def test_a_request_is_the_same_in_any_order_and_spelling_and_no_other_is() -> None:
    query = "fields=event_name%2Cevent_json&date_dimension=receive&application_id=11"
    query += "&date_until=2026-03-09+23:59:59&date_since=2026-03-09+00:00:00"
    assert is_same_request(URL, "events", "csv", query)
    assert is_same_request(URL, "events", "csv", f"/logs/v1/export/events.csv?{query}")
    assert not is_same_request(URL, "events", "json", query)
    assert not is_same_request(URL, "clicks", "csv", query)
    assert not is_same_request(URL, "events", "csv", query + "&limit=1")
    assert not is_same_request(URL, "events", "csv", query.replace("event_json", "city"))


@pytest.mark.parametrize(
    ("body", "progress"),
    [
        (b"Wait for result. Progress is 94%.", 0.94),
        (b"Wait for result. Progress is 0.5 %", 0.005),
        (b"Wait for result. Progress is 250%.", 1.0),
        (b"Wait for result", None),
        (b"", None),
    ],
)
def test_progress_is_read_where_it_is_told(body: bytes, progress: float | None) -> None:
    assert read_progress(body) == progress


def test_sentences_are_told_from_files() -> None:
    assert is_sentence(b" Wait for result")
    assert is_sentence(b"Your query is moved to the end of the queue due to provided")
    assert not is_sentence(b"event_name,event_json\nWait for result,")
    assert is_too_large("... 400: Too much data. Try to use more parts.")
    assert is_queue_full("There are already 3 enqueued queries for given application_id.")
    assert find_refused("Unknown field: event_json", EXPORT.fields) == ["event_json"]
    assert find_refused("Unknown field: event_json_x", EXPORT.fields) == []


ITEM: dict[str, Any] = {
    "application_id": 1,
    "create_time": "2026-07-20 10:00:00",
    "entity": 2,
    "output_format": 1,
    "request_id": 123456789012345678,
    "query": "application_id=1",
    "status": 0,
    "total_progress": 0.42,
}


def test_a_query_of_the_queue_is_read() -> None:
    query = _parse(ITEM)
    assert (query.request_id, query.resource, query.format) == (
        "123456789012345678",
        "events",
        "json",
    )
    assert query.created_at == datetime(2026, 7, 20, 10, tzinfo=UTC)
    assert query.is_as_of(datetime(2026, 7, 20, 10, tzinfo=UTC))
    assert not query.is_as_of(datetime(2026, 7, 20, 11, tzinfo=UTC))
    assert _parse({**ITEM, "total_progress": 0}).is_as_of(datetime(2026, 7, 21, tzinfo=UTC))
    assert _parse({**ITEM, "entity": 11, "create_time": None}).resource == ""


@pytest.mark.parametrize(
    ("status", "progress", "is_in_work"),
    [(0, 0, True), (0, 0.42, True), (1, 0.97, True), (1, 1, False), (1, 1.0, False)],
)
def test_a_query_is_in_work_until_it_is_done(
    status: int, progress: float, is_in_work: bool
) -> None:
    item = ITEM | {"status": status, "total_progress": progress}
    assert _is_in_work(item) == is_in_work


GIVEN: Mapping[str, Any] = {
    "base_url": "https://api.example",
    "token": "t" * 20,
    "application_ids": "11",
    "date_dimension": "receive",
    "slice_hours": 24,
    "settle_minutes": 10,
    "close_after_hours": 24,
    "lookback_days": 0,
    "late_days": 14,
    "poll_seconds": 10,
    "deadline_hours": 6,
    "format": "csv",
    "drop_unknown_fields": False,
    "profiles_dates": False,
    "freshness": "no_cache_once",
    "use_active_queries": "auto",
    "max_parts": 64,
    "check_rows_number": True,
    "date_until": "inclusive",
    "date_zone": "app",
    "daily_request_cap": 2500,
    "retries": 5,
    "timeout_seconds": 60,
    "throttle_codes": (420, 429),
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"application_ids": "no-key"}, "application_ids"),
    ({"tables": "events,sessions"}, "tables names sessions"),
    (
        {"fields": {"events": ["event_name", "event_name"]}},
        "fields names event_name of events twice",
    ),
    ({"fields": {"events": ["event_nam"]}}, "fields.events names event_nam"),
    ({"fields": {"event": ["event_name"]}}, "fields names event"),
    ({"fields": "["}, "fields is no JSON object"),
    ({"filters": {"events": {"event_nam": "x"}}}, "filters.events names event_nam"),
    ({"filters": {"event": {"event_name": "x"}}}, "filters names event"),
    ({"filters": {"events": "Start"}}, "filters.events"),
    ({"filters": {"profiles_v2": {"limit": "10"}}}, "filters.profiles_v2 names limit"),
    ({"filters": {"events": {"application_id": "12"}}}, "filters.events names application_id"),
    ({"slice_hours": 5}, "slice_hours is 5"),
    ({"slice_hours": 1.5}, "slice_hours is 1.5"),
    ({"slice_hours": 4.8}, "slice_hours is 4.8"),
    ({"slice_hours": 36}, "slice_hours is 36"),
    ({"slice_hours": 0}, "slice_hours"),
    ({"date_zone": "Europe/Atlantis"}, "date_zone"),
    ({"date_zone": "../etc/passwd"}, "date_zone"),
    ({"date_dimension": "device"}, "date_dimension"),
    ({"format": "parquet"}, "format"),
    ({"freshness": "yes"}, "freshness"),
    ({"max_parts": 128}, "max_parts"),
    ({"start": "soon"}, "start"),
    ({"token": ""}, "token"),
]


@pytest.mark.parametrize(("values", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_setting_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({**GIVEN, **values})
    assert f"sources.appmetrica_logs.{said}" in str(caught.value)


def test_right_settings_are_read_and_the_token_is_not_shown() -> None:
    settings = read_settings(
        {**GIVEN, "fields": '{"profiles_v2": ["plan"]}', "filters": {"events": {"city": "B"}}}
    )
    assert settings.fields["profiles_v2"] == ("plan",)
    assert settings.filters["events"] == (("city", "B"),)
    assert len(settings.tables) == 13
    assert "ttt" not in repr(settings)
