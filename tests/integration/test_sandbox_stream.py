"""The emulated Data Stream API over real sockets: endpoints, rights, limits, spoiled answers."""

import csv
import gzip
import io
import json
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.errors import ConfigError
from connector.sandbox import App, Population, Sandbox, Scenario, Stream, StreamType, serve

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCENARIO = Scenario(
    seed=5,
    clock="simulated",
    start=START,
    history_days=0.25,
    apps=(
        App(11, "Game", "Asia/Kolkata"),
        App(12, "Shop", genre="shop", access="read"),
        App(13, "Not mine", access="none"),
    ),
    population=Population(devices=400, warmup_days=10),
    stream=Stream(types={"deeplink": StreamType(export_format="json")}),
)
DATA = "/datastream/v1/application/11/data"
STATUS = "/datastream/v1/application/11/status"
SETTINGS = "/management/v1/application/11/datastream/settings"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(SCENARIO) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """One running sandbox for all tests that leave its clock and windows alone."""
    shared.reset_requests()
    yield shared
    shared.remove_faults()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with make_client(sandbox, sandbox.scenario.read_token) as client:
        yield client


def make_client(sandbox: Sandbox, token: str) -> httpx.Client:
    headers = {"Authorization": f"OAuth {token}"}
    return httpx.Client(base_url=sandbox.url, headers=headers, timeout=10, verify=False)


def address(window: int, data_type: str = "event") -> dict[str, str | int]:
    return {"data_type": data_type, "stream_window_timestamp": window}


def ask(
    client: httpx.Client, window: int, data_type: str = "event", app: int = 11
) -> httpx.Response:
    path = f"/datastream/v1/application/{app}/data"
    return client.get(path, params=address(window, data_type))


def newest(sandbox: Sandbox, data_type: str = "event") -> int:
    return sandbox.window_at(-1, 11, data_type)


def test_the_whole_stream_can_be_downloaded_as_the_status_says(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    status = client.get(STATUS).json()["status"]
    fields = {s["export_schema_id"]: s["field_names"] for s in status["export_fields"]}
    rows = 0
    for stream in status["streams"]:
        for window in stream["stream_windows"]:
            answer = ask(client, window["stream_window_timestamp"], stream["data_type"])
            assert answer.headers["content-encoding"] == "gzip"
            if stream["data_type"] == "deeplink":
                assert len(answer.json()["data"]) == window["event_count"]
                continue
            header, *lines = csv.reader(io.StringIO(answer.text, newline=""))
            assert header == fields[window["export_schema_id"]]
            assert len(lines) == window["event_count"]
            rows += len(lines)
    assert rows > 500
    assert {d["count"] for d in sandbox.requests()["downloads"]} == {1}


def test_applications_have_zones_and_leave_out_foreign_ones(client: httpx.Client) -> None:
    apps = client.get("/management/v1/applications").json()["applications"]
    assert [app["id"] for app in apps] == [11, 12]
    assert (apps[0]["time_zone_name"], apps[0]["time_zone_offset"]) == ("Asia/Kolkata", 19_800)


@pytest.mark.parametrize(
    ("headers", "path", "code"),
    [
        ({}, STATUS, 401),
        ({"Authorization": "OAuth wrong"}, STATUS, 401),
        ({"Authorization": "Bearer sandbox-read-token"}, STATUS, 401),
        ({}, f"{STATUS}?oauth_token=sandbox-read-token", 401),
        ({"Authorization": "OAuth sandbox-read-token"}, STATUS.replace("11", "13"), 403),
        ({"Authorization": "OAuth sandbox-read-token"}, STATUS.replace("11", "99"), 404),
    ],
)
def test_rights(sandbox: Sandbox, headers: dict[str, str], path: str, code: int) -> None:
    answer = httpx.get(sandbox.url + path, headers=headers)
    assert answer.status_code == code
    assert answer.json()["code"] == code


def test_settings_are_written_with_the_write_token_only() -> None:
    with Sandbox(SCENARIO) as sandbox, make_client(sandbox, "sandbox-read-token") as reader:
        body = reader.get(SETTINGS).json()
        event = next(e for e in body["settings"]["export_fields"] if e["data_type"] == "event")
        event["fields"] = ["event_name"]
        assert reader.post(SETTINGS, json=body).status_code == 403
        with make_client(sandbox, "sandbox-write-token") as writer:
            assert writer.post(SETTINGS, json=body).json() == body
            assert writer.post(SETTINGS, content=b"{").json()["errors"][0]["error_type"] == (
                "invalid_json"
            )
            assert writer.post(SETTINGS.replace("11", "12"), json=body).status_code == 403
        old = ask(reader, newest(sandbox)).text
        sandbox.clock.advance(3600)
        latest = sandbox.windows(11, "event")[-4]["stream_window_timestamp"]
        assert ask(reader, latest).text.splitlines()[0] == "event_name"
        assert ask(reader, newest(sandbox)).text == old


def test_an_unlisted_window_answers_404(sandbox: Sandbox, client: httpx.Client) -> None:
    window = newest(sandbox)
    assert ask(client, window + 1).status_code == 404
    assert ask(client, window + 30_000).status_code == 404
    assert ask(client, window, "weather").status_code == 404


def test_gzip_is_sent_only_when_asked_for(sandbox: Sandbox, client: httpx.Client) -> None:
    packed = ask(client, newest(sandbox))
    client.headers["Accept-Encoding"] = "identity"
    plain = ask(client, newest(sandbox))
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content


@pytest.mark.parametrize("body", ["json", "html", "text", "empty"])
@pytest.mark.parametrize("code", [200, 400, 401, 403, 404, 420, 429, 500, 503])
def test_any_code_with_any_body_on_request(
    sandbox: Sandbox, client: httpx.Client, code: int, body: str
) -> None:
    sandbox.add_fault("status", endpoint="data", code=code, body=body, retry_after=7)
    answer = ask(client, newest(sandbox))
    assert (answer.status_code, answer.headers["retry-after"]) == (code, "7")
    assert bool(answer.content) == (body != "empty")
    assert ask(client, newest(sandbox)).headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "cut", "at_bytes": 60},
        {"kind": "cut", "at_bytes": 60, "framing": "chunked"},
        {"kind": "gzip_wrong_length"},
        {"kind": "gzip_wrong_length", "off_by": 40},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_broken_transfer_is_seen_and_heals(
    sandbox: Sandbox, client: httpx.Client, fault: dict[str, Any]
) -> None:
    sandbox.add_fault(**fault, endpoint="data")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, newest(sandbox))
    assert ask(client, newest(sandbox)).status_code == 200


@pytest.mark.parametrize(
    "fault", [{"kind": "gzip_no_trailer"}, {"kind": "cut", "at_bytes": 60, "framing": "clean"}]
)
def test_a_gzip_body_can_end_too_early_without_a_broken_connection(
    sandbox: Sandbox, client: httpx.Client, fault: dict[str, Any]
) -> None:
    sandbox.add_fault(**fault)
    with client.stream("GET", DATA, params=address(newest(sandbox))) as answer:
        raw = b"".join(answer.iter_raw())
    with pytest.raises(EOFError):
        gzip.decompress(raw)


def test_gzip_can_be_withheld(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.add_fault("no_gzip")
    assert "content-encoding" not in ask(client, newest(sandbox)).headers


def test_a_body_can_stall(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.add_fault("stall", seconds=60, at_bytes=10)
    with pytest.raises(httpx.ReadTimeout):
        client.get(
            DATA,
            params=address(newest(sandbox)),
            timeout=0.1,
        )
    assert ask(client, newest(sandbox)).status_code == 200


def test_an_answer_can_be_slow(sandbox: Sandbox, client: httpx.Client) -> None:
    plain = ask(client, newest(sandbox))
    sandbox.add_fault("slow", endpoint="data", seconds=0.02, bytes_per_second=20_000)
    slow = ask(client, newest(sandbox))
    assert slow.content == plain.content
    assert slow.elapsed.total_seconds() >= 0.02


def test_a_redirect_leads_to_another_host_that_remembers_headers(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    plain = ask(client, newest(sandbox))
    sandbox.add_fault("redirect", code=307)
    answer = ask(client, newest(sandbox))
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(sandbox.storage_url)
    moved = httpx.get(answer.headers["location"])
    assert moved.content == plain.content
    (request,) = sandbox.requests()["storage"]
    assert "authorization" not in request["headers"]
    httpx.get(answer.headers["location"], headers={"Authorization": "OAuth leaked"})
    assert sandbox.requests()["storage"][1]["headers"]["authorization"] == "OAuth leaked"


def test_the_monthly_limit_is_over_on_the_first() -> None:
    march = replace(SCENARIO, start=datetime(2026, 3, 31, 22, tzinfo=UTC))
    with Sandbox(march) as sandbox, make_client(sandbox, "sandbox-read-token") as client:
        sandbox.add_fault("monthly_limit")
        assert ask(client, newest(sandbox)).status_code == 400
        assert client.get(STATUS).status_code == 200
        sandbox.move_clock({"set": "2026-04-01T00:00:01Z"})
        window = sandbox.windows(11, "event")[0]["stream_window_timestamp"]
        assert ask(client, window).status_code == 200


def test_more_than_ten_downloads_at_once_are_throttled(sandbox: Sandbox) -> None:
    window = newest(sandbox)
    sandbox.add_fault("slow", endpoint="data", seconds=0.4, times=10)
    with make_client(sandbox, "sandbox-read-token") as client, ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda _: ask(client, window).status_code, range(12)))
    assert sorted(codes) == [200] * 10 + [429] * 2
    assert sandbox.requests()["max_parallel_downloads"] > 10
    assert sandbox.requests()["by_code"] == {"data 200": 10, "data 429": 2}


def test_the_daily_quota_renews_at_midnight_gmt() -> None:
    stream = replace(SCENARIO.stream, requests_per_day=3, throttle_code=420, retry_after_s=60)
    with (
        Sandbox(replace(SCENARIO, stream=stream)) as sandbox,
        make_client(sandbox, "sandbox-read-token") as client,
    ):
        answers = [client.get(STATUS) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 420]
        assert answers[3].headers["retry-after"] == "60"
        sandbox.clock.advance(12 * 3600)
        assert client.get(STATUS).status_code == 200


def test_a_window_grows_between_download_and_the_next_status() -> None:
    with Sandbox(SCENARIO) as sandbox, make_client(sandbox, "sandbox-read-token") as client:
        window = newest(sandbox)
        sandbox.add_fault("grow_after_download", window=window, data_type="event", rows=2)
        first = ask(client, window).text
        before = len(sandbox.truth(11, "event")["rows"])
        second = ask(client, window).text
        third = ask(client, window).text
        assert second.startswith(first)
        assert second == third != first
        assert len(sandbox.truth(11, "event")["rows"]) == before


def test_every_control_has_an_endpoint() -> None:
    with Sandbox(SCENARIO) as sandbox, httpx.Client(base_url=sandbox.url) as control:
        assert control.get("/_sandbox/clock").json()["now"] == "2026-03-02T12:00:00+00:00"
        moved = control.post("/_sandbox/clock", json={"advance": 60}).json()
        assert moved["timestamp"] == START.timestamp() + 60
        fault = control.post("/_sandbox/faults", json={"kind": "cut", "window_index": -1}).json()
        assert control.get("/_sandbox/faults").json()["faults"][0]["id"] == fault["id"]
        assert control.delete(f"/_sandbox/faults/{fault['id']}").json() == {"removed": 1}
        assert control.delete("/_sandbox/faults").json() == {"removed": 0}
        windows = control.get("/_sandbox/windows/11/event").json()["windows"]
        window = windows[0]["stream_window_timestamp"]
        change = {"app": 11, "data_type": "event", "window": window, "add": 3}
        assert control.post("/_sandbox/windows/change", json=change).json() == {"changed": True}
        assert sandbox.windows(11, "event")[0]["event_count"] == windows[0]["event_count"] + 3
        truth = control.get("/_sandbox/truth/appmetrica_stream/11/event").json()
        assert truth == sandbox.truth(11, "event")
        days = control.get("/_sandbox/truth/population/11?zone=Asia/Kolkata").json()
        assert days == sandbox.daily_truth(11, "Asia/Kolkata")
        assert control.get("/_sandbox/requests").json()["total"] == 0
        assert control.delete("/_sandbox/requests").json() == {"reset": True}


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("faults", '{"kind": "boom"}', "boom"),
        ("faults", "[]", "object"),
        ("clock", '{"forward": 1}', "advance"),
        ("clock", '{"set": "noon"}', "noon"),
        ("windows", '{"app": 11, "data_type": "event", "window": 610}', "rows, body"),
        ("windows", '{"app": 11, "data_type": "evnt", "window": 610, "rows": []}', "evnt"),
        ("windows/change", '{"app": 11, "data_type": "event", "window": 610}', "add"),
    ],
)
def test_a_wrong_control_request_says_why(
    sandbox: Sandbox, path: str, body: str, text: str
) -> None:
    answer = httpx.post(f"{sandbox.url}/_sandbox/{path}", content=body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_a_made_up_window_replaces_the_invented_one() -> None:
    with Sandbox(SCENARIO) as sandbox, make_client(sandbox, "sandbox-read-token") as client:
        window = newest(sandbox)
        names = ["event_name", "event_timestamp"]
        made = sandbox.add_window(
            11, "event", window, field_names=names, rows=[["a", 1], {"event_name": "b"}]
        )
        assert ask(client, window).text == "event_name,event_timestamp\na,1\nb,\n"
        assert (made["event_count"], made["payload_bytes"]) == (2, 7)
        rows = [r for r in sandbox.truth(11, "event")["rows"] if r["window"] == window]
        assert [r["values"] for r in rows] == [
            {"event_name": "a", "event_timestamp": "1"},
            {"event_name": "b"},
        ]
        sandbox.add_window(11, "event", window + 7, body=b"event_name\n\xff\n", event_count=1)
        assert ask(client, window + 7).content == b"event_name\n\xff\n"
        assert sandbox.truth(11, "event")["unread"][0]["window"] == window + 7


def test_a_file_on_disk_is_served_as_it_is(tmp_path: Path) -> None:
    text = b"event_name,event_json\n" + b'x,"{""a"": 1}"\n' * 50_000
    path = tmp_path / "big.csv.gz"
    path.write_bytes(gzip.compress(text, 1))
    with Sandbox(SCENARIO) as sandbox, make_client(sandbox, "sandbox-read-token") as client:
        window = newest(sandbox)
        names = ["event_name", "event_json"]
        made = sandbox.add_window(
            11, "event", window, field_names=names, path=path, event_count=50_000
        )
        assert made["payload_bytes"] == len(text) - len("event_name,event_json\n")
        params = address(window)
        with client.stream("GET", DATA, params=params) as answer:
            assert b"".join(answer.iter_raw()) == path.read_bytes()
        plain = client.get(DATA, params=params, headers={"Accept-Encoding": "identity"})
        assert plain.content == text


def test_the_environment_points_at_the_sandbox(sandbox: Sandbox) -> None:
    own = {name: text for name, text in sandbox.env.items() if "_STREAM__" in name}
    assert own == {
        "SOURCES__APPMETRICA_STREAM__BASE_URL": sandbox.url,
        "SOURCES__APPMETRICA_STREAM__TOKEN": "sandbox-read-token",
        "SOURCES__APPMETRICA_STREAM__APPLICATION_IDS": "11,12",
    }
    assert json.loads(json.dumps(sandbox.describe()))["storage_url"] == sandbox.storage_url


def test_serve_runs_until_a_signal() -> None:
    seen: list[dict[str, Any]] = []

    def ready(description: dict[str, Any]) -> None:
        seen.append(description)
        assert httpx.get(f"{description['url']}/_sandbox/clock").status_code == 200
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    serve(SCENARIO, ready=ready)
    assert list(seen[0]) == ["url", "storage_url", "env"]
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(httpx.ConnectError):
        httpx.get(seen[0]["url"])


def test_a_taken_port_is_a_clear_error(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigError, match=f"port {port}"), Sandbox(SCENARIO, port=port):
        pass
    assert not [t for t in threading.enumerate() if t.name == "sandbox"][1:]


def test_a_sandbox_that_is_not_running_says_how_to_run_it() -> None:
    with pytest.raises(ConfigError, match="with Sandbox"):
        _ = Sandbox(SCENARIO).url


def test_without_aiohttp_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "connector.sandbox.server", raising=False)
    with (
        pytest.raises(ConfigError, match=r"app-analytics-connector\[sandbox\]"),
        Sandbox(SCENARIO),
    ):
        pass
