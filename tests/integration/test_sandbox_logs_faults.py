"""Each fault of the emulated Logs API at least once, over real sockets."""

import gzip
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from tests.integration.logs_client import (
    ADDED,
    ALL,
    FULL,
    NO_CACHE,
    WAIT,
    LogsClient,
    open_logs,
    parse_rows,
)

NAMES = "event_name,event_json,event_timestamp,event_datetime,mcc,appmetrica_device_id"
NUMBERS = count()
"""Different in each request that must not meet another test's file."""


@pytest.fixture
def logs() -> Iterator[LogsClient]:
    with open_logs(rows_number=True) as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[LogsClient]:
    with open_logs(prepare_polls=1, rows_number=True) as client:
        yield client


@pytest.fixture
def quick(shared: LogsClient) -> Iterator[LogsClient]:
    """A query is done at its first poll; no test leaves a fault or a query to the next."""
    yield shared
    shared.sandbox.remove_faults()
    for query in shared.active():
        shared.http.post(f"/logs/v1/export/{query['request_id']}/cancel?application_id=11")


def spoiled(
    client: LogsClient, kind: str, file_format: str = "json", **keys: Any
) -> httpx.Response:
    """The file of an export of its own, with one fault set while it is made and sent."""
    values: dict[str, Any] = {"fields": NAMES, "limit": 20, "version": next(NUMBERS)}
    client.sandbox.add_fault(kind, **{"endpoint": "export", **keys})
    try:
        client.ask(file_format=file_format, **values)
        return client.ask(file_format=file_format, **values)
    finally:
        client.sandbox.remove_faults()


def texts(client: LogsClient, count: int) -> list[str]:
    answers = [client.ask() for _ in range(count)]
    return [a.text if a.status_code == 202 else str(a.status_code) for a in answers]


def test_never_ready_and_stuck(logs: LogsClient) -> None:
    logs.sandbox.add_fault("never_ready", data_type="events", polls=3)
    logs.sandbox.clock.advance(3600)
    assert texts(logs, 4) == [ADDED, WAIT, WAIT, "200"]
    logs.sandbox.add_fault("stuck", data_type="clicks")
    logs.ask("clicks")
    logs.ask("crashes")
    logs.sandbox.clock.advance(36_000)
    assert logs.ask("clicks").text == "Wait for result. Progress is 97%."
    assert logs.ask("crashes").text == WAIT  # it holds up the ones behind it
    (stuck, _) = logs.active()
    logs.http.post(f"/logs/v1/export/{stuck['request_id']}/cancel?application_id=11")
    logs.sandbox.clock.advance(60)
    assert logs.ask("crashes").status_code == 200


def test_progress_goes_backwards(logs: LogsClient) -> None:
    logs.sandbox.add_fault("progress_backwards", polls=3)
    wanted = [f"Wait for result. Progress is {n}%." for n in (70, 50)]
    assert texts(logs, 4) == [ADDED, *wanted, "200"]


def test_a_sentence_with_200(quick: LogsClient) -> None:
    answer = spoiled(quick, "body202_as_200", nth=2)
    assert (answer.status_code, answer.text) == (200, WAIT)


def test_the_queue_is_full_of_foreign_queries(logs: LogsClient) -> None:
    logs.sandbox.add_fault("foreign_queries", count=3, seconds=90, app=11)
    assert (logs.ask().status_code, logs.ask().text) == (429, FULL)
    assert logs.ask(application_id=12).status_code == 202
    assert len(logs.active()) == 3
    logs.sandbox.clock.advance(90)
    assert logs.ask().text == ADDED


@pytest.mark.parametrize(
    ("fault", "code", "retry_after"),
    [
        ({"kind": "queue_full"}, 429, None),
        ({"kind": "quota"}, 429, None),
        ({"kind": "quota", "code": 420, "retry_after": "30"}, 420, "30"),
        ({"kind": "status", "code": 503, "body": "html"}, 503, None),
        ({"kind": "status", "code": 500, "body": "empty"}, 500, None),
        ({"kind": "status", "code": 404}, 404, None),
        ({"kind": "status", "code": 200, "body": "html"}, 200, None),
    ],
)
@pytest.mark.parametrize("phase", ["prepare", "download"])
def test_refusals_at_prepare_and_at_download(
    logs: LogsClient, fault: dict[str, Any], code: int, retry_after: str | None, phase: str
) -> None:
    logs.sandbox.add_fault(**fault, endpoint=phase)
    answers = [logs.ask() for _ in range(3)]
    if phase == "download":
        assert {answer.status_code for answer in answers} == {202}
        logs.sandbox.clock.advance(60)
        answers = [logs.ask(), logs.ask()]
    assert answers[0].status_code == code
    assert answers[0].headers.get("retry-after") == retry_after
    assert answers[1].status_code == (202 if phase == "prepare" else 200)


@pytest.mark.parametrize("parts", [2, 4, 128])
def test_more_parts(quick: LogsClient, parts: int) -> None:
    quick.sandbox.add_fault("more_parts", parts=parts, data_type="clicks")
    few = quick.ask("clicks", parts_count=parts - 1)
    assert (few.status_code, "Try to use more parts." in few.text) == (400, True)
    assert quick.ask("clicks", parts_count=parts, part_number=parts - 1).status_code == 202
    assert quick.ask("clicks", parts_count=parts).status_code == 200
    quick.sandbox.remove_faults()


def test_more_parts_once_it_should_be_ready(logs: LogsClient) -> None:
    logs.sandbox.add_fault("more_parts", at="ready")
    assert logs.ask().text == ADDED
    logs.sandbox.clock.advance(60)
    assert logs.ask().status_code == 400


def test_a_known_field_is_refused(quick: LogsClient) -> None:
    quick.sandbox.add_fault("unknown_field", field="mcc", data_type="errors")
    answer = quick.ask("errors", fields="error,mcc")
    assert (answer.status_code, answer.text) == (400, "Unknown field: mcc")
    assert [quick.ask("errors", fields="error").status_code for _ in range(2)] == [202, 200]
    quick.sandbox.remove_faults()


@pytest.mark.parametrize("waits", [True, False])
def test_a_rebuild_between_parts_mixes_them_up(logs: LogsClient, waits: bool) -> None:
    logs.sandbox.add_fault("rebuild_between_parts", waits=waits)
    past: dict[str, Any] = {
        "date_since": "2026-03-01",
        "date_until": "2026-03-01",
        "date_dimension": "receive",
    }
    wanted: dict[str, Any] = {"fields": NAMES, "parts_count": 2, **past}
    first = parse_rows(logs.fetch(part_number=0, **wanted))
    assert logs.ask(part_number=1, **wanted).status_code == (202 if waits else 200)
    second = parse_rows(logs.fetch(part_number=1, **wanted))
    whole = parse_rows(logs.fetch(fields=NAMES, **past))
    assert len(first) + len(second) == len(whole)
    assert first + second != whole
    again = [parse_rows(logs.fetch(part_number=n, **wanted)) for n in range(2)]
    assert again[0] + again[1] == [*whole[1:], whole[0]]


def test_a_stale_file(logs: LogsClient) -> None:
    range_: dict[str, Any] = {"date_dimension": "receive", "date_until": "2026-03-03 23:59:59"}
    fresh = parse_rows(logs.fetch(**range_))
    logs.sandbox.add_fault("stale_file", age_s=7200)
    stale = parse_rows(logs.fetch(headers=NO_CACHE, **range_))
    assert stale == fresh[: len(stale)]
    assert len(stale) < len(fresh)


def test_the_old_file_after_no_cache(logs: LogsClient) -> None:
    range_: dict[str, Any] = {"date_dimension": "receive", "date_until": "2026-03-03 23:59:59"}
    old = logs.fetch(**range_).content
    logs.sandbox.clock.advance(3600)
    logs.sandbox.add_fault("old_after_no_cache", polls=2)
    assert logs.ask(headers=NO_CACHE, **range_).text == ADDED
    assert [logs.ask(**range_).content == old for _ in range(2)] == [True, True]
    assert logs.ask(**range_).status_code == 202
    assert logs.fetch(**range_).content != old


def test_a_file_is_gone_before_a_retry(logs: LogsClient) -> None:
    logs.sandbox.add_fault("file_expired")
    assert logs.fetch().status_code == 200
    assert logs.ask().text == ADDED
    logs.sandbox.clock.advance(60)
    assert [logs.ask().status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_cut_connection(quick: LogsClient, framing: str) -> None:
    with pytest.raises(httpx.TransportError):
        spoiled(quick, "cut", at_bytes=50, framing=framing)


def test_a_dropped_connection(quick: LogsClient) -> None:
    with pytest.raises(httpx.TransportError):
        spoiled(quick, "reset", endpoint="prepare")


def test_gzip_without_its_trailer(quick: LogsClient) -> None:
    quick.sandbox.add_fault("gzip_no_trailer", endpoint="export")
    quick.ask("clicks", headers=NO_CACHE)
    url = quick.ask("clicks").request.url  # a decoder may or may not notice
    quick.sandbox.add_fault("gzip_no_trailer", endpoint="export")
    with quick.http.stream("GET", url) as answer:
        raw = b"".join(answer.iter_raw())
    quick.sandbox.remove_faults()
    with pytest.raises(EOFError):
        gzip.decompress(raw)


def test_json_without_its_end(quick: LogsClient) -> None:
    answer = spoiled(quick, "json_unclosed")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(answer.content)
    assert json.loads(answer.content + b"]}")


def test_csv_cut_inside_quotes(quick: LogsClient) -> None:
    answer = spoiled(quick, "csv_cut_in_quotes", "csv")
    assert answer.content.count(b'"') % 2 == 1


def test_a_trailing_comma(quick: LogsClient) -> None:
    assert b"},\n]" in spoiled(quick, "trailing_comma").content


@pytest.mark.parametrize(("keys", "wanted"), [({}, "21"), ({"off_by": -1}, "19")])
def test_a_wrong_rows_number(quick: LogsClient, keys: dict[str, Any], wanted: str) -> None:
    assert spoiled(quick, "rows_number", **keys).headers["rows-number"] == wanted


def test_no_rows_number_and_no_charset(quick: LogsClient) -> None:
    assert "rows-number" not in spoiled(quick, "rows_number", absent=True).headers
    assert spoiled(quick, "no_charset", "csv").headers["content-type"] == "text/csv"


def test_a_thin_answer(quick: LogsClient) -> None:
    quick.sandbox.add_fault("thin", every=4)
    thin = quick.ask("installations", **ALL, skip_unavailable_shards="true")
    assert quick.active()[0]["shards_unavailable"] == 1
    thin = quick.ask("installations", **ALL, skip_unavailable_shards="true")
    quick.ask("installations", **ALL)
    whole = parse_rows(quick.ask("installations", **ALL))
    assert parse_rows(thin) == [row for n, row in enumerate(whole) if n % 4]


def test_other_spellings(quick: LogsClient) -> None:
    shape: dict[str, Any] = {
        "newline": "crlf",
        "final_newline": False,
        "bom": True,
        "quoting": "all",
    }
    text = spoiled(quick, "file_shape", "csv", **shape).content
    assert text.startswith(b'\xef\xbb\xbf"event_name","event_json"')
    assert text.count(b"\r\n") >= 20
    assert text.endswith(b'"')
    native = spoiled(quick, "file_shape", json_values="native", json_empty="null").json()["data"]
    assert {type(row["mcc"]) for row in native} == {int}
    assert None in {row["event_json"] for row in native}


@pytest.mark.parametrize(
    ("kind", "keys", "wanted"),
    [
        ("nul_byte", {"field": "event_name"}, b"\\u0000nul"),
        ("line_breaks", {"field": "event_name"}, b"one\\rtwo\\nthree\\r\\nfour\xe2\x80\xa8five"),
        ("invalid_utf8", {"field": "event_name"}, b"\xff\xc3bad"),
        ("big_cell", {"field": "event_name"}, b"x" * 1_000_000),
        ("cells", {"set": {"event_name": "undefined", "mcc": ""}}, b'"undefined"'),
        ("bad_cells", {"fields": ["mcc"]}, b'"mcc":"many"'),
        ("broken_record", {"how": "scalar"}, b"\n42,\n"),
        ("clocks", {"year": 1970}, b'"1970-01-01 16:36:40"'),
        ("clocks", {"year": 2099, "row": -1}, b'"2099-01-01 05:30:00"'),
    ],
)
def test_odd_cells(quick: LogsClient, kind: str, keys: dict[str, Any], wanted: bytes) -> None:
    assert wanted in spoiled(quick, kind, **keys).content
    assert wanted not in spoiled(quick, "slow").content


def test_equal_rows_in_one_second(quick: LogsClient) -> None:
    rows = parse_rows(spoiled(quick, "equal_rows", copies=2))
    assert (len(rows), rows[0], rows[20]) == (22, rows[21], rows[21])


def test_columns_that_were_not_asked_for(quick: LogsClient) -> None:
    change: dict[str, Any] = {"unknown": ["plan_b"], "remove": ["mcc"], "duplicate": ["event_name"]}
    header = spoiled(quick, "schema_change", "csv", **change).text.splitlines()[0]
    assert header == f"{NAMES.replace(',mcc', '')},plan_b,event_name"
    line = spoiled(quick, "schema_change", **change).text.splitlines()[3]
    assert line.count('"event_name":') == 2
    assert '"plan_b":"plan_b-0"' in line
    assert spoiled(quick, "schema_change", "csv", reverse=True).text.startswith("appmetrica")


def test_faults_find_one_range_and_count_files(logs: LogsClient) -> None:
    keys: dict[str, Any] = {"endpoint": "export", "window": 1_772_389_800}
    logs.sandbox.add_fault("cells", set={"event_name": "there"}, all_rows=True, **keys)
    day_before: dict[str, Any] = {"date_since": "2026-03-01", "date_until": "2026-03-01"}
    assert "there" not in logs.fetch(fields="event_name", **day_before).text
    assert "there" in logs.fetch(fields="event_name").text
    logs.sandbox.remove_faults()
    logs.sandbox.add_fault("equal_rows", endpoint="export", nth=2, copies=5)
    counts = [int(logs.fetch("clicks", headers=NO_CACHE).headers["rows-number"]) for _ in range(2)]
    assert counts[1] == counts[0] + 5


def test_other_endpoints_fail_too(logs: LogsClient) -> None:
    for endpoint in ("active_queries", "cancel", "logsapi", "applications"):
        logs.sandbox.add_fault("status", endpoint=endpoint, code=500)
    base = "/logs/v1/export"
    answers = [
        logs.http.get(f"{base}/get_active_queries?application_id=11"),
        logs.http.post(f"{base}/1/cancel?application_id=11"),
        logs.http.get("/management/v1/logsapi/status"),
        logs.http.get("/management/v1/applications"),
    ]
    assert [answer.status_code for answer in answers] == [500] * 4


def test_a_download_is_sent_to_another_host(quick: LogsClient) -> None:
    answer = spoiled(quick, "redirect", code=307)
    assert answer.status_code == 307
    moved = httpx.get(answer.headers["location"])
    assert len(parse_rows(moved)) == 20
    seen = quick.sandbox.requests()["storage"][-1]
    assert "authorization" not in seen["headers"]
