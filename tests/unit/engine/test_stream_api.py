"""AppMetrica Data Stream: what status says, which windows are due, what the answers mean."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.errors import (
    AuthError,
    ConnectorError,
    DownloadError,
    LossError,
    NetworkError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from connector.sources.appmetrica_stream.api import StreamApi
from connector.sources.appmetrica_stream.status import parse_status
from connector.spool import Spool
from connector.units import LoadedUnit, Unit
from tests.unit.engine.vendor import TOKEN, answer, gzipped, serve

KEY = 1772366410
LOWER_AT = datetime.fromtimestamp(KEY, UTC)
NOW = LOWER_AT + timedelta(hours=1)
TABLES = ("event", "click")


def window(key: int = KEY, schema: int = 7, **changes: Any) -> dict[str, Any]:
    return {
        "stream_window_timestamp": key,
        "export_schema_id": schema,
        "payload_bytes": 48213,
        "event_count": 3,
        "update_timestamp": key + 400,
    } | changes


def status(*windows: dict[str, Any], table: str = "event", **more: Any) -> dict[str, Any]:
    schemas = [
        {"export_schema_id": 8, "field_names": ["b", "c"], "export_format": "csv"},
        {"export_schema_id": 7, "field_names": ["a", "b"]},
    ]
    streams = [{"data_type": table, "stream_windows": list(windows), "unknown": {}}]
    return {"status": {"streams": streams, "export_fields": schemas, "more": 1}} | more


def as_loaded(*units: Unit) -> dict[str, LoadedUnit]:
    return {unit.id: LoadedUnit.of(unit) for unit in units}


@contextmanager
def make_api(*answers: bytes, **options: Any) -> Iterator[StreamApi]:
    with serve(*answers) as vendor:
        given = {"application_ids": ("1",), "tables": TABLES} | options
        api = StreamApi(vendor.url, TOKEN, **given)
        yield api
        api.close()


def plan(document: dict[str, Any], now: datetime = NOW, **options: Any) -> tuple[list[str], ...]:
    """Ids of the windows that are due, and that still grow."""
    loaded = options.pop("loaded", {})
    with make_api(answer(json.dumps(document).encode()), **options) as api:
        made = api.plan(loaded, now)
    return [unit.id for unit in made.due], [unit.id for unit in made.growing]


def name(key: int = KEY, schema: int = 7) -> str:
    return f"1/event/{key}/{schema}"


def test_window_is_read_whole() -> None:
    (unit,) = parse_status(status(window(), unknown=[]), "1", TABLES)
    assert unit == Unit(
        id=name(),
        source="appmetrica_stream",
        table="event",
        application_id="1",
        axis="window",
        lower_at=LOWER_AT,
        upper_at=LOWER_AT + timedelta(minutes=5),
        remote_id=str(KEY),
        declared_rows=3,
        declared_bytes=48213,
        schema_id="7",
        vendor_updated_at=LOWER_AT + timedelta(seconds=400),
        expires_at=LOWER_AT + timedelta(days=7),
        field_names=("a", "b"),
    )


def test_windows_may_come_in_any_order_and_lack_what_is_not_needed() -> None:
    bare = {"stream_window_timestamp": str(KEY - 300)}
    units = parse_status(status(window(KEY + 300), window(), bare), "1", TABLES)
    assert [unit.id for unit in units] == [name(KEY + 300), name(), f"1/event/{KEY - 300}/"]
    assert (units[2].declared_rows, units[2].vendor_updated_at) == (None, None)


@pytest.mark.parametrize("body", [{"status": {}}, status(), status(window(), table="crash")])
def test_status_may_list_nothing_of_ours(body: dict[str, Any]) -> None:
    assert parse_status(body, "1", TABLES) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "status",
        {"status": {"streams": None}},
        {"status": {"streams": [1]}},
        {"status": {"streams": [{}]}},
        status({}),
        status({"stream_window_timestamp": "soon"}),
        status(window(event_count="many")),
        {"status": {"export_fields": [{"export_schema_id": 7}]}},
    ],
)
def test_document_that_is_no_status_is_told(body: Any) -> None:
    with pytest.raises(ServerError, match="status of application 1 is not of the documented form"):
        parse_status(body, "1", TABLES)


def test_window_under_two_schemas_is_two_units_or_one() -> None:
    body = status(window(), window(schema=8, event_count=4, update_timestamp=KEY + 500))
    split = parse_status(body, "1", TABLES)
    assert [(unit.id, unit.field_names) for unit in split] == [
        (name(), ("a", "b")),
        (name(schema=8), ("b", "c")),
    ]
    (joined,) = parse_status(body, "1", TABLES, schema_split=False)
    assert joined.id == f"1/event/{KEY}"
    assert joined.declared_rows == 7
    assert joined.declared_bytes == 2 * 48213
    assert joined.field_names == ("a", "b", "c")
    assert joined.vendor_updated_at == LOWER_AT + timedelta(seconds=500)


def test_settled_windows_are_due_the_oldest_first_and_others_grow() -> None:
    last = KEY + 2700  # its last change is 500 s old at NOW
    made = plan(status(window(last), window(KEY + 300), window()))
    assert made == ([name(), name(KEY + 300)], [name(last)])


@pytest.mark.parametrize(("after_s", "is_due"), [(999, False), (1000, True)])
def test_window_is_due_ten_minutes_after_its_last_change(after_s: int, *, is_due: bool) -> None:
    due, growing = plan(status(window()), LOWER_AT + timedelta(seconds=after_s))
    assert (due, growing) == (([name()], []) if is_due else ([], [name()]))


def test_vendor_clock_ahead_of_ours_does_not_stop_loading() -> None:
    made = plan(status(window(), window(KEY + 3000)), LOWER_AT - timedelta(hours=5))
    assert made == ([name()], [name(KEY + 3000)])


@pytest.mark.parametrize("change", [{"update_timestamp": KEY + 401}, {"event_count": 4}])
def test_loaded_window_is_due_again_when_the_vendor_changed_it(change: dict[str, int]) -> None:
    loaded = as_loaded(*parse_status(status(window()), "1", TABLES))
    assert plan(status(window()), loaded=loaded) == ([], [])
    assert plan(status(window(payload_bytes=1)), loaded=loaded) == ([], [])
    assert plan(status(window(**change)), loaded=loaded) == ([name()], [])


@pytest.mark.parametrize(("is_split", "due"), [(True, name(schema=8)), (False, f"1/event/{KEY}")])
def test_window_of_another_schema_is_due(due: str, *, is_split: bool) -> None:
    units = parse_status(status(window()), "1", TABLES, schema_split=is_split)
    made = plan(status(window(schema=8)), loaded=as_loaded(*units), schema_split=is_split)
    assert made == ([due], [])


def test_windows_without_rows_are_passed_over_where_that_is_set() -> None:
    body = status(window(event_count=0), window(KEY + 300))
    assert plan(body)[0] == [name(), name(KEY + 300)]
    assert plan(body, download_empty=False)[0] == [name(KEY + 300)]


def test_plan_knows_what_is_listed_and_what_it_costs() -> None:
    body = json.dumps(status(window(), window(KEY + 3000))).encode()
    with make_api(answer(body)) as api:
        made = api.plan({}, NOW)
    assert made.listed == frozenset({name(), name(KEY + 3000)})
    assert (made.requests, made.quota_per_day) == (3, 50_000)


def test_windows_that_moved_since_are_found() -> None:
    body = status(window(), window(KEY + 300, event_count=9), window(KEY + 600))
    units = parse_status(status(window(), window(KEY + 300)), "1", TABLES)
    with make_api(answer(json.dumps(body).encode())) as api:
        assert [unit.id for unit in api.find_moved(units)] == [name(KEY + 300)]
        moved = api.refresh(units[1])
        assert moved
        assert moved.declared_rows == 9
        assert api.refresh(replace(units[0], id="gone")) is None


def download(folder: Path, *answers: bytes, rows: int | None = 3) -> Path:
    unit = replace(parse_status(status(window()), "1", TABLES)[0], declared_rows=rows)
    with make_api(*answers) as api:
        return api.download(unit, Spool(folder / "spool"))[1]


def test_file_of_a_window_comes_after_passing_trouble(tmp_path: Path) -> None:
    trouble = (answer(status=503), answer(status=420), b"", answer(b"<html>"), gzipped(b"")[:-3])
    path = download(tmp_path, *trouble, gzipped(b"a,b\n1,2\n"))
    assert path.suffix == ".gz"


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (400, QuotaError, 4),
        (401, AuthError, 3),
        (403, AuthError, 3),
        (420, RateLimitError, 4),
        (429, RateLimitError, 4),
        (500, ServerError, 4),
        (503, ServerError, 4),
    ],
)
def test_refused_window_is_what_the_vendor_means_by_it(
    tmp_path: Path, code: int, kind: type[ConnectorError], exit_code: int
) -> None:
    with pytest.raises(kind) as caught:
        download(tmp_path, answer(b"why", code))
    assert caught.value.exit_code == exit_code
    assert TOKEN not in str(caught.value)
    if code == 500:
        assert isinstance(caught.value, ServerError)
        assert not caught.value.is_retryable


def test_window_that_is_gone_is_a_loss_and_one_still_listed_is_asked_for_again(
    tmp_path: Path,
) -> None:
    listed = answer(json.dumps(status(window())).encode())
    gone = answer(json.dumps(status()).encode())
    path = download(tmp_path, answer(status=404), listed, answer(b"a,b\n1,2\n"))
    assert path.exists()
    with pytest.raises(LossError) as caught:
        download(tmp_path, answer(status=404), gone)
    assert caught.value.units == (name(),)
    with pytest.raises(DownloadError, match="although status still lists"):
        download(tmp_path, *[answer(status=404), listed] * 3)


def test_body_of_a_window_may_be_empty_only_where_it_has_no_rows(tmp_path: Path) -> None:
    assert download(tmp_path, answer(b""), rows=0).read_bytes() == b""
    with pytest.raises(DownloadError, match="empty"):
        download(tmp_path, answer(b""))


def test_requests_are_counted_by_kind_against_the_days_limit(tmp_path: Path) -> None:
    counted: list[tuple[str, int]] = []
    listed = json.dumps(status(window())).encode()
    with make_api(
        answer(listed), answer(b"a\n"), count=lambda kind, limit: counted.append((kind, limit))
    ) as api:
        (unit,) = api.list_units()
        api.download(unit, Spool(tmp_path / "spool"))
    assert counted == [("control", 50_000), ("data", 50_000)]


def test_token_is_in_no_text_of_the_api() -> None:
    with make_api(b"") as api:
        assert TOKEN not in repr(api)
        with pytest.raises(NetworkError) as caught:
            api.list_applications()
    assert TOKEN not in str(caught.value)
