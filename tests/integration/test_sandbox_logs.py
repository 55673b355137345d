"""The emulated Logs API over real sockets: flow, queue, cache modes, parts, formats, rights."""

import gzip
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.sandbox import FileShape
from tests.integration.logs_client import (
    ADDED,
    ALL,
    DAY,
    EMPTY,
    EXPORT,
    FULL,
    MOVED,
    NO_CACHE,
    WAIT,
    LogsClient,
    field_names,
    open_http,
    open_logs,
    parse_rows,
)

RESOURCES = [
    "ad_revenue_events",
    "clicks",
    "crashes",
    "deeplinks",
    "ecommerce_events",
    "errors",
    "events",
    "installations",
    "postbacks",
    "profiles_v2",
    "push_tokens",
    "revenue_events",
    "sessions_starts",
]
DAYS: list[dict[str, Any]] = [
    {"date_since": f"2026-03-0{day} 00:00:00", "date_until": f"2026-03-0{day} 23:59:59"}
    for day in (1, 2)
]


@pytest.fixture
def logs() -> Iterator[LogsClient]:
    """A sandbox of a test's own; a query takes a minute of its clock."""
    with open_logs() as client:
        yield client


def test_a_request_is_queued_polled_and_downloaded(logs: LogsClient) -> None:
    first = logs.ask()
    assert (first.status_code, first.text) == (202, ADDED)
    assert first.headers["content-type"].startswith("text/plain")
    assert (logs.ask().status_code, logs.ask().text) == (202, WAIT)
    logs.sandbox.clock.advance(45)
    assert logs.ask().text == "Wait for result. Progress is 75%."
    logs.sandbox.clock.advance(15)
    answer = logs.ask()
    assert (answer.status_code, list(parse_rows(answer)[0])) == (200, field_names("events")[:3])
    assert logs.ask().content == answer.content
    (counts,) = logs.sandbox.log_requests()["exports"]
    assert (counts["asks"], counts["polls"], counts["builds"], counts["downloads"]) == (6, 4, 1, 2)


def test_polls_can_stand_for_time() -> None:
    with open_logs(prepare_polls=2) as logs:
        assert logs.ask().text == ADDED
        assert logs.ask().text == "Wait for result. Progress is 50%."
        assert logs.ask().status_code == 200


def test_requests_are_equal_byte_by_byte(logs: LogsClient) -> None:
    logs.fetch()
    assert logs.ask(date_dimension="default").status_code == 202
    query = "application_id=11&date_since=2026-03-02%2000:00:00&date_until=2026-03-02&fields=city"
    assert logs.http.get(f"{EXPORT}/events.json?{query}").status_code == 202


def test_one_query_at_a_time_and_three_places(logs: LogsClient) -> None:
    names = ("events", "clicks", "crashes")
    assert [logs.ask(name).status_code for name in names] == [202] * 3
    full = logs.ask("errors")
    assert (full.status_code, full.text) == (429, FULL)
    assert logs.ask("errors", application_id=12).status_code == 202
    logs.sandbox.clock.advance(60)
    assert [logs.ask(name).status_code for name in names] == [200, 202, 202]
    logs.sandbox.clock.advance(60)
    assert [logs.ask(name).status_code for name in names] == [200, 200, 202]
    assert logs.sandbox.queue(11)["most_queued"] == 3
    assert logs.sandbox.log_requests()["most_queued"] == {"11": 3, "12": 1, "13": 0}


def test_no_cache_at_a_poll_goes_behind_the_others(logs: LogsClient) -> None:
    assert logs.ask("events", headers=NO_CACHE).text == ADDED
    logs.ask("clicks")
    logs.sandbox.clock.advance(59)
    moved = logs.ask("events", headers=NO_CACHE)
    assert (moved.status_code, moved.text) == (202, MOVED)
    logs.sandbox.clock.advance(60)
    assert [logs.ask(name).status_code for name in ("clicks", "events")] == [200, 202]
    logs.sandbox.clock.advance(60)
    assert logs.ask("events").status_code == 200


def test_a_client_that_always_says_no_cache_gets_its_file_once(logs: LogsClient) -> None:
    assert logs.ask(headers=NO_CACHE).text == ADDED
    assert logs.ask(headers=NO_CACHE).text == MOVED
    logs.sandbox.clock.advance(60)
    assert logs.ask(headers=NO_CACHE).status_code == 200
    assert logs.ask(headers=NO_CACHE).text == ADDED


def test_files_are_reused_for_a_day_and_go_stale(logs: LogsClient) -> None:
    range_: dict[str, Any] = {"date_until": "2026-03-03 23:59:59", "date_dimension": "receive"}
    before = logs.fetch(**range_)
    logs.sandbox.clock.advance(3600)
    assert logs.ask(**range_).content == before.content
    young = {"Cache-Control": "max-age=3700"}
    assert logs.ask(headers=young, **range_).content == before.content
    assert logs.ask(headers={"Cache-Control": "max-age=60"}, **range_).status_code == 202
    assert logs.ask(headers=young, **range_).status_code == 202  # one is in the making
    after = logs.fetch(**range_)
    assert len(parse_rows(after)) > len(parse_rows(before))
    assert parse_rows(after)[: len(parse_rows(before))] == parse_rows(before)
    logs.sandbox.clock.advance(24 * 3600)
    assert logs.ask(**range_).text == ADDED


@pytest.mark.parametrize("app", [11, 12])
@pytest.mark.parametrize("resource", RESOURCES)
def test_every_resource_gives_each_row_once(shared: LogsClient, resource: str, app: int) -> None:
    truth = shared.sandbox.logs_truth(app, resource)["rows"]
    days = [ALL] if resource in {"push_tokens", "profiles_v2"} else [*DAYS]
    parameters: dict[str, Any] = {"date_dimension": "receive", "application_id": app}
    rows = [
        row for day in days for row in shared.rows(resource, file_format="csv", **parameters, **day)
    ]
    known = set(field_names(resource))
    wanted = [{k: v for k, v in row["values"].items() if k in known} for row in truth]
    got = [{k: v for k, v in row.items() if v} for row in rows]
    assert sorted(map(sorted, (r.items() for r in got))) == sorted(
        map(sorted, (r.items() for r in wanted))
    )
    only_in = {"ad_revenue_events": 11, "ecommerce_events": 12, "crashes": 11}
    assert bool(rows) == (only_in.get(resource, app) == app)


@pytest.fixture(scope="module")
def shared() -> Iterator[LogsClient]:
    """One sandbox whose clock stands still: a query is done at its second poll."""
    with open_logs(prepare_polls=1) as client:
        yield _Still(client.sandbox, client.http)


class _Still(LogsClient):
    def fetch(self, resource: str = "events", **parameters: Any) -> httpx.Response:
        self.ask(resource, **parameters)
        return self.ask(resource, **parameters)


def test_json_is_laid_out_as_the_vendor_does(shared: LogsClient) -> None:
    answer = shared.fetch(fields="event_name,city,event_name", limit=2)
    lines = answer.text.splitlines()
    assert lines[:3] == ["{", '"data" :', "["]
    assert lines[-2:] == ["]", "}"]
    first, second = parse_rows(answer)
    assert lines[3].count('"event_name":') == 2
    assert lines[3].endswith("},")
    assert list(first) == list(second) == ["event_name", "city"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "rows-number" not in answer.headers


def test_csv_has_the_names_asked_for_in_their_order(shared: LogsClient) -> None:
    answer = shared.fetch(file_format="csv", fields="event_json,city,event_json", limit=40)
    assert answer.content.startswith(b"event_json,city,event_json\n")
    assert answer.content.endswith(b"\n")
    assert b'"{""' in answer.content
    with_bom = shared.fetch(file_format="csv", fields="city", use_utf8_bom="true")
    assert with_bom.content.startswith(b"\xef\xbb\xbfcity\n")


def test_gzip_only_on_request(shared: LogsClient) -> None:
    shared.fetch()
    plain = shared.ask(headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert shared.ask().headers["content-encoding"] == "gzip"
    assert shared.ask().content == plain.content


def test_fields_filter_and_limit(shared: LogsClient) -> None:
    names = {row["event_name"] for row in shared.rows(fields="event_name")}
    name = min(names)
    found = shared.rows(fields="city,event_name", event_name=name)
    assert {row["event_name"] for row in found} == {name}
    assert len(shared.rows(fields="city", event_name=name, limit=1)) == 1
    assert len(shared.rows(fields="city", event_name=name)) == len(found)
    plans = {row["plan"] for row in shared.rows("profiles_v2", fields="profile_id,plan")}
    assert plans == {"free", "plus", ""}
    assert shared.rows("profiles", fields="plan")


def test_parts_are_files_of_their_own_and_make_the_whole() -> None:
    with open_logs(prepare_polls=1, rows_number=True) as logs:
        whole = [logs.ask(), logs.ask()][1]
        logs.ask(parts_count=3, part_number=0)
        parts = [logs.ask(parts_count=3, part_number=n) for n in range(3)]
        assert list(chain(*map(parse_rows, parts))) == parse_rows(whole)
        numbers = [int(part.headers["rows-number"]) for part in parts]
        assert numbers == [len(parse_rows(part)) for part in parts]
        assert sum(numbers) == int(whole.headers["rows-number"])
        logs.ask(parts_count=2, part_number=1, file_format="csv")
        second = logs.ask(parts_count=2, part_number=1, file_format="csv")
        assert second.text.splitlines()[0] == ",".join(field_names("events")[:3])


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"fields": "event_name,nonsense"}, "Unknown field: nonsense"),
        ({"fields": ""}, "Parameter fields is required"),
        ({"plan": "free"}, "Unknown parameter: plan"),
        ({"date_since": "02.03.2026"}, "Invalid value of parameter date_since: 02.03.2026"),
        ({"date_until": "2026-02-30"}, "Invalid value of parameter date_until: 2026-02-30"),
        ({"date_until": "2026-03-01 00:00:00"}, "is after date_until"),
        ({"date_dimension": "sent"}, "Invalid value of parameter date_dimension: sent"),
        ({"limit": "many"}, "Invalid value of parameter limit: many"),
        ({"parts_count": 2, "part_number": 2}, "must be less than parts_count"),
        ({"use_utf8_bom": "maybe"}, "Invalid value of parameter use_utf8_bom: maybe"),
        ({"application_id": ""}, "Parameter application_id is required"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    shared: LogsClient, parameters: dict[str, Any], text: str
) -> None:
    answer = shared.ask(**parameters)
    assert (answer.status_code, text in answer.text) == (400, True)


def test_dates_are_needed_but_for_snapshots(shared: LogsClient) -> None:
    path, query = f"{EXPORT}/events.json", "application_id=11&fields=city"
    assert shared.http.get(f"{path}?{query}").text == "Parameter date_since is required"
    for name, field in (("push_tokens", "token"), ("profiles_v2", "profile_id")):
        asked = f"{EXPORT}/{name}.json?application_id=11&fields={field}"
        assert [shared.http.get(asked).status_code for _ in range(2)] == [202, 200]


def test_tokens_and_rights(logs: LogsClient) -> None:
    with open_http(logs.sandbox, "wrong") as stranger:
        assert stranger.get(f"{EXPORT}/events.json?application_id=11").status_code == 401
    assert logs.ask(application_id=13).status_code == 403
    assert logs.ask(application_id=99).status_code == 404
    assert logs.http.get(f"{EXPORT}/payments.json?application_id=11").status_code == 404
    assert logs.http.get(f"{EXPORT}/events.xml?application_id=11").status_code == 404
    assert logs.http.get("/management/v1/logsapi/status").json() == {"status": "enabled"}
    apps = logs.http.get("/management/v1/applications").json()["applications"]
    assert {app["id"]: app["time_zone_name"] for app in apps}[11] == "Asia/Kolkata"


def test_active_queries_and_cancel(logs: LogsClient) -> None:
    asked = logs.ask("events", "csv")
    logs.ask("clicks")
    running, waiting = logs.active()
    assert (running["entity"], running["output_format"], running["status"]) == (2, 0, 1)
    assert (waiting["entity"], waiting["output_format"], waiting["status"]) == (0, 1, 0)
    assert len(running["request_id"]) >= 18
    assert running["query"] == asked.request.url.query.decode()
    assert running["create_time"] == "2026-03-02 12:00:00"
    cancel = f"{EXPORT}/{running['request_id']}/cancel?application_id=11"
    done = "The request has already been completed and cannot be canceled."
    scheduled = logs.http.post(cancel).json()
    assert scheduled == {"message": "Request cancellation has been scheduled."}
    assert logs.http.post(cancel).json() == {"message": done}
    assert logs.http.post(f"{EXPORT}/1/cancel?application_id=11").status_code == 404
    assert [query["entity"] for query in logs.active()] == [0]
    assert logs.ask("events", "csv").text == ADDED
    by_endpoint = logs.sandbox.requests()["by_endpoint"]
    assert by_endpoint == {"export": 3, "active_queries": 2, "cancel": 3}


def test_calls_of_july_2026_can_be_missing() -> None:
    with open_logs(has_active_queries=False) as logs:
        assert logs.http.get(f"{EXPORT}/get_active_queries?application_id=11").status_code == 404
        assert logs.http.post(f"{EXPORT}/1/cancel?application_id=11").status_code == 404


@pytest.mark.parametrize(("code", "retry_after"), [(429, 0), (420, 60)])
def test_the_daily_quota(code: int, retry_after: int) -> None:
    with open_logs(requests_per_day=2, throttle_code=code, retry_after_s=retry_after) as logs:
        answers = [logs.ask() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, code]
        wanted = str(retry_after) if retry_after else None
        assert answers[2].headers.get("retry-after") == wanted
        assert logs.http.get("/management/v1/applications").status_code == 200
        logs.sandbox.clock.advance(13 * 3600)
        assert logs.ask().status_code == 200


def test_rows_can_be_made_up() -> None:
    with open_logs(EMPTY, prepare_polls=1) as logs:
        since = 1_772_400_000
        rows = [
            {"event_name": f"e{n}", "event_receive_timestamp": str(since + n)} for n in range(3)
        ]
        logs.sandbox.add_export(11, "events", since=since, until=since + 2, rows=rows)
        wanted: dict[str, Any] = {"fields": "event_name,city", "date_dimension": "receive"} | ALL
        logs.ask(**wanted)
        assert parse_rows(logs.ask(**wanted)) == [
            {"event_name": f"e{n}", "city": ""} for n in range(3)
        ]
        truth = logs.sandbox.logs_truth(11, "events")
        assert [row["received_at"] for row in truth["rows"]] == [since, since + 1, since + 2]


def test_a_file_on_disk_is_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress(b"event_name\n" + b"x\n" * 200_000))
    with open_logs(EMPTY, prepare_polls=1) as logs:
        body = {"app": 11, "resource": "events", "path": str(path), "rows_number": 200_000}
        assert logs.http.post("/_sandbox/exports", json=body).json() == {"added": True}
        logs.ask(file_format="csv", fields="event_name")
        answer = logs.ask(file_format="csv", fields="event_name")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["rows-number"] == "200000"
        assert len(parse_rows(answer)) == 200_000
        plain = {"Accept-Encoding": "identity"}
        assert logs.ask(file_format="csv", fields="event_name", headers=plain).text == answer.text
        wrong = logs.http.post("/_sandbox/exports", json=body | {"body": "x"})
        assert "one of rows" in wrong.json()["error"]


def test_a_shape_of_the_scenario_holds_for_exports() -> None:
    shape = FileShape(json_layout="spread", final_newline=False, newline="crlf")
    with open_logs(prepare_polls=1, shape=shape, has_charset=False) as logs:
        logs.ask(file_format="csv")
        answer = logs.ask(file_format="csv")
        assert b"\r\n" in answer.content
        assert not answer.content.endswith(b"\n")
        assert answer.headers["content-type"] == "text/csv"


def test_controls_over_http(logs: LogsClient) -> None:
    logs.ask()
    assert logs.http.get("/_sandbox/queue/11").json() == logs.sandbox.queue(11)
    foreign = {"count": 1, "seconds": 5}
    queue = logs.http.post("/_sandbox/queue/11", json=foreign).json()
    assert [query["is_foreign"] for query in queue["queries"]] == [False, True]
    assert logs.http.get("/_sandbox/log_requests").json() == logs.sandbox.log_requests()
    truth = logs.http.get("/_sandbox/truth/appmetrica_logs/11/clicks").json()
    assert truth == json.loads(json.dumps(logs.sandbox.logs_truth(11, "clicks")))
    unknown = logs.http.get("/_sandbox/truth/appmetrica_logs/11/payments")
    assert (unknown.status_code, "is none of" in unknown.text) == (400, True)
    logs.http.delete("/_sandbox/requests")
    assert logs.sandbox.log_requests()["exports"] == []


def test_the_environment_points_at_the_logs_api(logs: LogsClient) -> None:
    own = {
        name.rpartition("_LOGS__")[2]: text
        for name, text in logs.sandbox.env.items()
        if "_LOGS__" in name
    }
    assert own == {
        "BASE_URL": logs.sandbox.url,
        "TOKEN": "sandbox-read-token",
        "APPLICATION_IDS": "11,12",
        "START": "2026-03-01",
    }


def test_both_ends_of_a_day_are_in_it() -> None:
    midnight = 1_772_389_800  # 2026-03-02 00:00:00 in Kolkata
    moments = [midnight - 1, midnight, midnight + 86_399, midnight + 86_400]
    with open_logs(EMPTY, prepare_polls=1) as logs:
        rows = [
            {"city": str(n), "event_receive_timestamp": str(at)} for n, at in enumerate(moments)
        ]
        logs.sandbox.add_export(11, "events", rows=rows)
        wanted: dict[str, Any] = {"fields": "city", "date_dimension": "receive"} | DAY
        logs.ask(**wanted)
        assert [row["city"] for row in parse_rows(logs.ask(**wanted))] == ["1", "2"]
