"""The emulated video export over real sockets: keys, rules, life of jobs, files, persons, controls."""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connector.sandbox import Sandbox, default_scenario
from tests.integration.shortkit_client import (
    EMPTY,
    EXPORT,
    FIRST,
    LAST,
    NO_LIMITS,
    NOW,
    ShortKitClient,
    error_of,
    in_order,
    open_videos,
    unpack,
)

QUALITY = {"rebuffer", "qualityChange", "error"}


@pytest.fixture
def videos() -> Iterator[ShortKitClient]:
    """A sandbox of a test's own; an export takes a minute of its clock."""
    with open_videos() as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[ShortKitClient]:
    """One sandbox that does not mind how often it is asked."""
    with open_videos(**NO_LIMITS) as client:
        yield client


def test_an_export_is_made_polled_and_downloaded(videos: ShortKitClient) -> None:
    created = videos.create("events", "quality", key="k1")
    assert created.status_code == 201
    body = created.json()
    job = body["data"]["jobId"]
    assert job.startswith("exp_")
    assert body["meta"]["requestId"].startswith("req_")
    assert body["data"]["status"] == "queued"
    assert body["data"]["createdAt"] == "2026-03-05T12:00:00Z"
    assert body["data"]["estimatedCompletion"] == "2026-03-05T12:01:00Z"
    videos.sandbox.clock.advance(30)
    assert videos.state(job)["status"] == "processing"
    assert videos.state(job)["progress"] == 50
    state = videos.finish(job)
    assert state["status"] == "complete"
    assert state["completedAt"] == "2026-03-05T12:01:00Z"
    assert state["expiresAt"] == "2026-03-12T12:01:00Z"
    answer = videos.http.get(state["downloadUrl"])
    assert answer.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in answer.headers
    lines = unpack(answer.content).split(b"\n")[:-1]
    rows = [json.loads(line) for line in lines]
    assert len(rows) == state["rowCount"] > 1000
    assert in_order(rows) == in_order(videos.truth("events", "quality"))


def test_rows_are_those_of_the_first_pages(shared: ShortKitClient) -> None:
    rows = shared.rows("events", "quality")
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    seen = Counter(row["event"] for row in rows)
    assert {"impression", "playStart", "watchProgress", "completion", "swipe", *QUALITY} <= set(
        seen
    )
    assert {"feedEntry", "feedExit", "like", "share", "save", "interaction"} <= set(seen)
    for row in rows:
        assert FIRST <= row["timestamp"][:10] <= LAST
        assert len(row["timestamp"]) == 20
        assert row["userId"]
        assert row["sessionId"].startswith("ses_")
        assert row["deviceType"] in {"ios", "android", "web"}
        assert ("currentTime" in row) == (row["event"] in QUALITY)
        if row["event"] == "swipe":
            assert row["contentId"] == row["data"]["toContentId"]
    assert {row["deviceType"] for row in rows} == {"ios", "android", "web"}
    equal = Counter(json.dumps(row, sort_keys=True) for row in rows)
    assert max(equal.values()) > 1


def test_ads_are_told_by_one_of_two_families_of_events(shared: ShortKitClient) -> None:
    rows = shared.rows("ads")
    assert in_order(rows) == in_order(shared.truth("ads"))
    seen = Counter(row["event"] for row in rows)
    assert {"impression", "completion", "click", "adRequest", "adImpression"} <= set(seen)
    filled = sum(row["event"] == "adRequest" and row["data"]["filled"] for row in rows)
    assert seen["impression"] + seen["adImpression"] == filled
    mixed = shared.rows("events", "ads")
    assert len(mixed) == len(rows) + len(shared.truth("events"))


@pytest.mark.parametrize("header", ["bare", "data"])
def test_csv_has_the_same_cells_under_either_header(header: str) -> None:
    with open_videos(csv_header=header, newline="crlf") as client:
        body = unpack(client.download(client.ask("quality", format="csv")).content)
        assert body.count(b"\r\n") >= 10
        cells = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        truth = client.truth("quality")
        prefix = "data." if header == "data" else ""
        assert list(cells[0])[:8] == [
            *("event", "contentId", "userId", "timestamp", "sessionId", "deviceType"),
            *("deviceId", "country"),
        ]
        stalls = [row for row in truth if row["event"] == "rebuffer"]
        own = [row[f"{prefix}duration"] for row in cells if row["event"] == "rebuffer"]
        assert own == [str(row["data"]["duration"]) for row in stalls]
        assert len(cells) == len(truth)
        texts = {row[f"{prefix}errorMessage"] for row in cells if row["event"] == "error"}
        assert texts == {r["data"]["errorMessage"] for r in truth if r["event"] == "error"}


def test_nothing_is_packed_unless_asked_for(shared: ShortKitClient) -> None:
    plain = shared.download(shared.ask("ads", compression="none"))
    assert plain.headers["content-type"] == "application/x-ndjson"
    assert plain.content == unpack(shared.download(shared.ask("ads")).content)


@pytest.mark.parametrize(
    ("filters", "key"),
    [("contentIds", "contentId"), ("userIds", "userId"), ("eventTypes", "event")],
)
def test_filters_keep_what_they_name(shared: ShortKitClient, filters: str, key: str) -> None:
    everything = shared.truth("events")
    wanted = sorted({row[key] for row in everything if key in row})[:2]
    rows = shared.rows("events", filters={filters: wanted})
    assert in_order(rows) == in_order([row for row in everything if row.get(key) in wanted])
    assert rows


def test_days_make_the_whole(shared: ShortKitClient) -> None:
    days = ["2026-03-02", "2026-03-03", "2026-03-04"]
    found = [row for day in days for row in shared.rows(startDate=day, endDate=day)]
    assert in_order(found) == in_order(shared.truth())


@pytest.mark.parametrize("clock", ["event", "received"])
def test_days_are_by_timestamp_or_by_receipt(clock: str) -> None:
    with open_videos(window_clock=clock, end_date="exclusive", viewers=0.6) as client:
        rows = client.rows(startDate="2026-03-03", endDate="2026-03-04")
        days = {row["timestamp"][:10] for row in rows}
        assert days == ({"2026-03-03"} if clock == "event" else {"2026-03-02", "2026-03-03"})


def test_late_rows_show_up_and_none_after_a_day(videos: ShortKitClient) -> None:
    before = len(videos.truth(until="2026-03-05", since="2026-03-03"))
    received = videos.sandbox.shortkit_truth("events")["rows"]
    assert all(row["received_at"] <= NOW for row in received)
    videos.sandbox.clock.advance(2 * 86_400)
    after = videos.sandbox.shortkit_truth("events", "2026-03-03", "2026-03-05")["rows"]
    stamps = [datetime.fromisoformat(row["values"]["timestamp"]).timestamp() for row in after]
    late = [row["received_at"] - at for row, at in zip(after, stamps, strict=True)]
    assert sum(at < NOW for at in stamps) > before
    assert 3600 < max(late) <= 86_400


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        ("sk_test_sandbox_key", (403, "ENVIRONMENT_MISMATCH")),
        ("pk_live_sandbox_key", (403, "FORBIDDEN")),
        ("sk_live_another", (401, "UNAUTHORIZED")),
        ("?", (401, "UNAUTHORIZED")),
    ],
)
def test_only_the_secret_key_of_the_environment_is_let_in(
    shared: ShortKitClient, key: str, refusal: tuple[int, str]
) -> None:
    header = {"Authorization": f"Bearer {key}"}
    for method, path in (
        ("POST", EXPORT),
        ("GET", f"{EXPORT}/exp_1"),
        ("GET", "/v1/analytics/exports"),
        ("DELETE", f"{EXPORT}/exp_1"),
        ("POST", "/v1/users/u1/export"),
        ("DELETE", "/v1/users/u1"),
    ):
        assert error_of(shared.send(method, path, **header)) == refusal


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"startDate": None}, "MISSING_PARAMETER", "startDate"),
        ({"startDate": "2026-3-2"}, "VALIDATION_ERROR", "startDate"),
        ({"endDate": "2026-03-01"}, "VALIDATION_ERROR", "endDate"),
        ({"endDate": "2026-04-01"}, "VALIDATION_ERROR", "endDate"),
        ({"dataTypes": ["views"]}, "INVALID_PARAMETER", "dataTypes"),
        ({"dataTypes": []}, "INVALID_PARAMETER", "dataTypes"),
        ({"format": "parquet"}, "INVALID_PARAMETER", "format"),
        ({"compression": "zstd"}, "INVALID_PARAMETER", "compression"),
        ({"filters": {"countries": ["DE"]}}, "INVALID_PARAMETER", "filters.countries"),
        ({"eventTypes": ["like"]}, "INVALID_PARAMETER", "eventTypes"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    shared: ShortKitClient, change: dict[str, Any], code: str, field: str
) -> None:
    answer = shared.create(**change)
    assert error_of(answer) == (400, code)
    assert answer.json()["error"]["details"]["field"] == field
    assert shared.create(endDate="2026-03-31").status_code == 201


def test_the_later_envelope_of_errors() -> None:
    with open_videos(envelope="v2", create_code=200) as client:
        answer = client.create(format="xml")
        assert answer.json()["data"] is None
        (error,) = answer.json()["errors"]
        assert (error["code"], error["field"]) == ("invalid_request", "format")
        assert "request_id" in answer.json()["meta"]
        denied = client.send("GET", f"{EXPORT}/x", Authorization="Bearer no")
        assert denied.json()["errors"][0]["code"] == "invalid_api_key"
        assert client.get("exp_0").json()["errors"][0]["code"] == "not_found"
        assert client.create().status_code == 200


def test_a_key_gives_the_first_answer_again_for_a_day(videos: ShortKitClient) -> None:
    first = videos.create(key="k1")
    assert videos.create(key="k2").json()["data"]["jobId"] != first.json()["data"]["jobId"]
    videos.sandbox.clock.advance(86_399)
    assert videos.create(key="k1").json()["data"] == first.json()["data"]
    videos.sandbox.clock.advance(1)
    assert videos.create(key="k1").json()["data"]["jobId"] != first.json()["data"]["jobId"]
    creates = videos.sandbox.shortkit_requests()["creates"]
    assert [create["is_repeat"] for create in creates] == [False, False, True, False]
    assert {create["idempotency_key"] for create in creates} == {"k1", "k2"}


def test_without_support_a_key_means_nothing() -> None:
    with open_videos(has_idempotency=False) as client:
        assert client.create(key="k").json()["data"] != client.create(key="k").json()["data"]


@pytest.mark.parametrize("code", [429, 409])
def test_the_fourth_export_at_work_is_refused(code: int) -> None:
    with open_videos(full_code=code) as client:
        client.sandbox.add_foreign_video_jobs(2, 600)
        job = client.ask()
        answer = client.create()
        assert error_of(answer) == (code, "RATE_LIMITED" if code == 429 else "CONFLICT")
        assert answer.headers.get("retry-after") == ("30" if code == 429 else None)
        assert client.cancel(job).json()["data"] == {"jobId": job, "status": "cancelled"}
        assert client.state(job) == {"jobId": job, "status": "cancelled"}
        assert client.create().status_code == 201
        kinds = [job["kind"] for job in client.sandbox.shortkit_jobs()["jobs"]]
        assert kinds == ["foreign", "foreign", "client", "client"]
        assert client.sandbox.shortkit_requests()["most_running"] == 3


def test_the_twenty_first_export_of_a_utc_day_is_refused() -> None:
    with open_videos(prepare_s=0) as client:
        for _ in range(20):
            client.ask("ads")
        answer = client.create("ads")
        assert error_of(answer) == (429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == str(12 * 3600)
        client.sandbox.clock.advance(12 * 3600)
        client.ask("ads")
        days = client.sandbox.shortkit_requests()["jobs_by_day"]
        assert days == {"2026-03-05": 20, "2026-03-06": 1}


def test_requests_are_counted_per_minute() -> None:
    with open_videos(requests_per_minute=3) as client:
        left = [client.get("x").headers["x-ratelimit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        answer = client.get("x")
        assert error_of(answer) == (429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "60"
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert answer.headers["x-ratelimit-reset"] == str(NOW + 60)
        client.sandbox.clock.advance(60)
        assert client.get("x").status_code == 404
        assert client.sandbox.shortkit_requests()["throttled"] == 1


def test_exports_are_listed_by_pages_newest_first(shared: ShortKitClient) -> None:
    made = [shared.ask("ads") for _ in range(5)][::-1]
    found: list[str] = []
    cursor = ""
    page: dict[str, Any] = {"data": [], "meta": {}}
    for _ in range(3):
        page = shared.send("GET", f"/v1/analytics/exports?limit=2&cursor={cursor}").json()
        found += [row["jobId"] for row in page["data"]]
        cursor = page["meta"].get("nextCursor", "")
    assert found[:5] == made
    row = page["data"][0]
    assert row["dateRange"] == {"start": FIRST, "end": LAST}
    assert not {"downloadUrl", "dataTypes"} & set(row)
    shared.cancel(made[2])
    listed = shared.send("GET", "/v1/analytics/exports?status=cancelled&limit=100").json()
    assert made[2] in {row["jobId"] for row in listed["data"]}
    assert listed["meta"]["total"] == len(listed["data"])
    assert "nextCursor" not in listed["meta"]
    assert error_of(shared.send("GET", "/v1/analytics/exports?limit=101"))[0] == 400


def test_what_is_done_cannot_be_cancelled(shared: ShortKitClient) -> None:
    job = shared.ask("ads")
    shared.finish(job)
    assert error_of(shared.cancel(job)) == (409, "CONFLICT")
    assert error_of(shared.cancel("exp_none")) == (404, "NOT_FOUND")
    assert error_of(shared.get("exp_none")) == (404, "NOT_FOUND")
    assert error_of(shared.send("GET", "/v1/nothing")) == (404, "NOT_FOUND")


def test_files_die_after_seven_days_and_take_no_key(videos: ShortKitClient) -> None:
    job = videos.ask("ads")
    url = videos.finish(job)["downloadUrl"]
    assert url.startswith(videos.sandbox.storage_url)
    assert url.split("?")[0].endswith(f"/{job}/data.jsonl.gz")
    refused = videos.http.get(url, headers={"Authorization": f"Bearer {videos.key}"})
    assert refused.status_code == 400
    assert videos.http.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert videos.http.get(url.split("?")[0]).status_code == 403
    videos.sandbox.clock.advance(7 * 86_400 - 31)
    assert videos.http.get(url).status_code == 200
    videos.sandbox.clock.advance(31)
    assert videos.http.get(url).status_code == 403
    assert videos.state(job) == {"jobId": job, "status": "expired"}
    downloads = videos.sandbox.shortkit_requests()["downloads"]
    assert [d["has_authorization"] for d in downloads] == [True, *[False] * 4]
    assert [d["code"] for d in downloads] == [400, 403, 403, 200, 403]


def test_files_are_given_by_ranges(shared: ShortKitClient) -> None:
    url = shared.finish(shared.ask("ads"))["downloadUrl"]
    whole = shared.http.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    rest = shared.http.get(url, headers={"Range": "bytes=100-"})
    assert rest.status_code == 206
    assert (
        rest.headers["content-range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    )
    assert whole.content[:100] + rest.content == whole.content
    piece = shared.http.get(url, headers={"Range": "bytes=5-9"})
    assert piece.content == whole.content[5:10]


def test_what_is_over_ninety_days_old_is_gone() -> None:
    with open_videos(retention_days=2) as client:
        assert {row["timestamp"][:10] for row in client.rows()} == {"2026-03-03", "2026-03-04"}
        kept = client.sandbox.shortkit_truth("events")["rows"]
        everything = client.sandbox.shortkit_truth("events", retention=False)["rows"]
        assert {row["day"] for row in everything} - {row["day"] for row in kept} == {
            "2026-03-01",
            "2026-03-02",
        }


@pytest.mark.parametrize("form", ["file", "no_url", "404"])
def test_an_export_without_rows(form: str) -> None:
    with open_videos(EMPTY, zero_rows=form) as client:
        state = client.finish(client.ask())
        assert state["rowCount"] == 0
        assert ("downloadUrl" in state) == (form != "no_url")
        if form != "no_url":
            answer = client.http.get(state["downloadUrl"])
            assert answer.status_code == (404 if form == "404" else 200)
            assert form == "404" or unpack(answer.content) == b""


@pytest.mark.parametrize("form", ["json", "zip"])
def test_a_person_is_exported(form: str) -> None:
    with open_videos(person_file=form) as client:
        row = next(r for r in client.truth() if r["deviceType"] == "web")
        path = f"/v1/users/{quote(row['userId'])}/export"
        created = client.send("POST", path).json()["data"]
        assert created["status"] == "processing"
        client.sandbox.clock.advance(60)
        (one, other) = (
            client.send("GET", f"{path}/{created['jobId']}").json()["data"],
            client.state(created["jobId"]),
        )
        assert one == other
        body = client.http.get(one["downloadUrl"]).content
        if form == "zip":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                events = [json.loads(line) for line in archive.open("events.jsonl")]
                devices = json.loads(archive.read("devices.json"))
        else:
            told = json.loads(body)
            assert told["profile"]["userId"] == row["userId"]
            assert set(told) == {
                *("profile", "events", "linkedDeviceIds", "experimentAssignments"),
            }
            events, devices = told["events"], told["linkedDeviceIds"]
        truth = [
            r
            for r in client.truth(
                "events", "quality", "ads", since="2026-03-01", until="2026-03-05"
            )
            if r["userId"] == row["userId"]
        ]
        assert in_order(events) == in_order(truth)
        assert devices == sorted({r["deviceId"] for r in truth})
        assert client.send("POST", "/v1/users/nobody/export").status_code == 404


@pytest.mark.parametrize("code", [200, 202, 204])
def test_a_person_is_erased_and_may_come_back(code: int) -> None:
    with open_videos(erase_code=code) as client:
        counts = Counter(row["userId"] for row in client.truth(until="2026-03-05"))
        client.sandbox.clock.advance(2 * 86_400)
        later = Counter(
            row["userId"] for row in client.truth(since="2026-03-06", until="2026-03-07")
        )
        client.sandbox.clock.advance(-2 * 86_400)
        user = next(user for user in counts if later[user])
        assert client.send("DELETE", f"/v1/users/{user}").status_code == code
        assert error_of(client.send("DELETE", f"/v1/users/{user}")) == (404, "NOT_FOUND")
        rows = client.rows("events", "quality")
        assert rows
        assert user not in {row["userId"] for row in rows}
        client.sandbox.clock.advance(2 * 86_400)
        back = client.rows(startDate="2026-03-02", endDate="2026-03-07")
        assert {r["timestamp"][:10] for r in back if r["userId"] == user} <= {
            "2026-03-05",
            "2026-03-06",
            "2026-03-07",
        }
        assert user in {row["userId"] for row in back}
        codes = [item["code"] for item in client.sandbox.shortkit_requests()["erasures"]]
        assert codes == [code, 404]


def test_a_file_made_before_an_erasure_still_has_the_person(shared: ShortKitClient) -> None:
    row = shared.truth()[-1]
    old, running = shared.ask(), shared.ask("quality", "events")
    url = shared.finish(old)["downloadUrl"]
    fresh = shared.ask()
    assert shared.sandbox.erase_person(row["userId"])["rows"] > 0
    assert row["userId"].encode() in unpack(shared.http.get(url).content)
    assert row["userId"].encode() not in unpack(shared.download(fresh).content)
    assert shared.state(running)["status"] == "complete"


def test_rows_may_be_made_up(shared: ShortKitClient) -> None:
    rows: list[dict[str, Any]] = [
        {"event": "like", "userId": "u1", "timestamp": "2026-02-01T10:00:00Z", "data": {}},
        {"type": "like", "user_id": "u2", "timestamp": "2026-02-02T10:00:00.25Z"},
        {"event": "like", "timestamp": "soon"},
    ]
    shared.sandbox.add_video_export("events", since="2026-02-01", until="2026-02-02", rows=rows)
    found = shared.rows(startDate="2026-02-01", endDate="2026-02-01")
    assert in_order(found) == in_order([rows[0], rows[2]])
    found = shared.rows(startDate="2026-02-01", endDate="2026-02-03")
    assert in_order(found) == in_order(rows)
    truth = shared.sandbox.shortkit_truth("events", "2026-02-02", "2026-02-02")["rows"]
    assert [row["day"] for row in truth] == [None, "2026-02-02"]
    shared.sandbox.erase_person("u1")
    found = shared.rows(startDate="2026-02-01", endDate="2026-02-03")
    assert in_order(found) == in_order(rows[1:])


def test_bodies_and_files_may_be_made_up(videos: ShortKitClient, tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    path.write_bytes(b'{"event":"like"}\n' * 3)
    add = videos.sandbox.add_video_export
    add("events", since="2026-02-01", until="2026-02-01", body=b"raw\n", row_count=7)
    add("quality", since="2026-02-02", until="2026-02-02", path=str(path))
    first = videos.finish(videos.ask(startDate="2026-02-01", endDate="2026-02-05"))
    assert first["rowCount"] == 7
    assert unpack(videos.http.get(first["downloadUrl"]).content) == b"raw\n"
    state = videos.finish(
        videos.ask("events", "quality", startDate="2026-02-02", endDate="2026-02-03")
    )
    assert "rowCount" not in state
    assert videos.http.get(state["downloadUrl"]).content == path.read_bytes()
    rest = videos.http.get(state["downloadUrl"], headers={"Range": "bytes=17-"})
    assert (rest.status_code, rest.content) == (206, path.read_bytes()[17:])
    assert videos.sandbox.shortkit_truth("events")["unread"] == 1


def test_controls_over_http(videos: ShortKitClient) -> None:
    url = f"{videos.sandbox.url}/_sandbox"
    body = {"data_type": "ads", "since": "2026-02-01", "rows": [{"event": "click"}]}
    assert videos.http.post(f"{url}/video_exports", json=body).json() == {"added": True}
    assert len(videos.http.get(f"{url}/truth/shortkit/ads").json()["rows"]) == 1
    wrong = videos.http.post(f"{url}/video_exports", json={"data_type": "views", "rows": []})
    assert wrong.status_code == 400
    jobs = videos.http.post(f"{url}/shortkit_jobs", json={"count": 5, "seconds": 60}).json()["jobs"]
    assert [job["kind"] for job in jobs] == ["foreign"] * 3
    assert videos.http.get(f"{url}/shortkit_requests").json()["most_running"] == 3
    user = videos.truth()[0]["userId"]
    assert videos.http.delete(f"{url}/shortkit_users/{user}").json()["rows"] > 0
    assert videos.http.delete(f"{url}/shortkit_users/{user}").status_code == 400
    playback = videos.http.get(f"{url}/truth/video?since={FIRST}&until={LAST}").json()["playback"]
    assert {cell["day"] for cell in playback} == {"2026-03-02", "2026-03-03", "2026-03-04"}


def test_the_numbers_of_playback_fit_the_rows(shared: ShortKitClient) -> None:
    truth = shared.sandbox.video_truth()
    rows = shared.truth("events", "quality", since="2026-03-01", until="2026-03-05")
    seen = Counter(row["event"] for row in rows)
    cells = truth["playback"]
    assert sum(cell["impressions"] for cell in cells) == seen["impression"]
    assert abs(sum(cell["completions"] for cell in cells) - seen["completion"]) <= 5
    assert sum(cell["rebuffers"] for cell in cells) == seen["rebuffer"]
    assert sum(cell["exits_before_start"] for cell in cells) > 0
    failures = sum(c["failures_before_start"] + c["failures_mid_stream"] for c in cells)
    assert abs(failures - seen["error"]) <= 2
    ads = Counter(
        row["event"] for row in shared.truth("ads", since="2026-03-01", until="2026-03-05")
    )
    assert sum(cell["clicks"] for cell in truth["ads"]) == ads["click"]


def test_the_demo_has_a_few_thousand_rows_a_day() -> None:
    with Sandbox(default_scenario()) as sandbox:
        own = {k: v for k, v in sandbox.env.items() if k.startswith("SOURCES__SHORTKIT__")}
        assert own["SOURCES__SHORTKIT__BASE_URL"] == f"{sandbox.url}/v1"
        assert own["SOURCES__SHORTKIT__DOWNLOAD_HOSTS"] in sandbox.storage_url
        assert float(own["SOURCES__SHORTKIT__POLL_SECONDS"]) < 1
        assert "shortkit,shortkit,merge-meadow,Merge Meadow,Europe/Moscow," in sandbox.app_map
        days = Counter(row["day"] for row in sandbox.shortkit_truth("events")["rows"])
        assert 1000 < max(days.values()) < 10_000
