"""Each fault of the emulated video export at least once, over real sockets."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from connector.sandbox.video_fault_kinds import VIDEO_KINDS
from tests.integration.shortkit_client import (
    EMPTY,
    FIRST,
    LAST,
    NO_LIMITS,
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
    with open_videos(**NO_LIMITS) as client:
        yield client


@pytest.fixture
def quick(shared: ShortKitClient) -> Iterator[ShortKitClient]:
    """Never throttled; no test leaves a fault to the next."""
    yield shared
    shared.sandbox.remove_faults()


def spoiled(client: ShortKitClient, kind: str, *types: str, **keys: Any) -> list[dict[str, Any]]:
    """The rows of an export of its own, with one fault set while it is made."""
    client.sandbox.add_fault(kind, **keys)
    return client.rows(*(types or ("ads",)))


def statuses(client: ShortKitClient, job: str, polls: int) -> list[str]:
    return [client.state(job)["status"] for _ in range(polls)]


def check_row(line: bytes) -> None:
    """ValueError unless a line is a JSON object."""
    try:
        is_row = isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        is_row = False
    if not is_row:
        raise ValueError("no row")


def test_every_fault_is_tried_here() -> None:
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - this file
        text = file.read()
    assert [kind.name for kind in VIDEO_KINDS if f'"{kind.name}"' not in text] == []


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("video_queued", {}, "queued"),
        ("video_status", {"status": "archiving"}, "archiving"),
        ("never_ready", {}, "processing"),
        ("stuck", {}, "processing"),
    ],
)
def test_an_export_does_not_come_to_an_end(
    quick: ShortKitClient, kind: str, params: dict[str, Any], status: str
) -> None:
    quick.sandbox.add_fault(kind, endpoint="video_create", polls=2, **params)
    job = quick.ask("ads")
    quick.sandbox.clock.advance(7200)
    assert statuses(quick, job, 3) == [status, status, "complete"]
    quick.sandbox.add_fault(kind, endpoint="video_create", data_type="quality", **params)
    job = quick.ask("quality")
    quick.sandbox.clock.advance(7 * 3600)
    assert set(statuses(quick, job, 4)) == {status}
    assert quick.cancel(job).status_code == 200


def test_progress_goes_backwards(quick: ShortKitClient) -> None:
    quick.sandbox.add_fault("progress_backwards", endpoint="video_create", polls=3)
    job = quick.ask("ads")
    assert [quick.state(job).get("progress") for _ in range(4)] == [70, 50, 30, None]


def test_an_export_fails_once_or_always(quick: ShortKitClient) -> None:
    quick.sandbox.add_fault("video_failed", data_type="ads")
    found = [quick.finish(quick.ask("ads")) for _ in range(2)]
    assert [state["status"] for state in found] == ["failed", "complete"]
    assert found[0]["error"]["code"] == "INTERNAL_ERROR"
    quick.sandbox.add_fault("video_failed", times=-1, data_type="events")
    assert {quick.finish(quick.ask())["status"] for _ in range(3)} == {"failed"}
    assert quick.finish(quick.ask("quality"))["status"] == "complete"


def test_somebody_cancels_an_export(quick: ShortKitClient) -> None:
    quick.sandbox.add_fault("video_cancelled")
    assert [quick.finish(quick.ask("ads"))["status"] for _ in range(2)] == ["cancelled", "complete"]


def test_another_client_takes_the_places(videos: ShortKitClient) -> None:
    videos.sandbox.add_fault("foreign_video_jobs", count=3, seconds=300)
    assert error_of(videos.create()) == (429, "RATE_LIMITED")
    videos.sandbox.clock.advance(300)
    assert videos.create().status_code == 201
    refused = videos.sandbox.shortkit_requests()["refused"]
    assert [item["code"] for item in refused] == [429]


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_the_answer_to_a_create_is_lost(videos: ShortKitClient, is_idempotent: bool) -> None:
    videos.sandbox.add_fault("video_create_lost", is_idempotent=is_idempotent)
    with pytest.raises(httpx.TransportError):
        videos.create("ads", key="k1")
    again = videos.create("ads", key="k1").json()["data"]["jobId"]
    jobs = [job["id"] for job in videos.sandbox.shortkit_jobs()["jobs"]]
    assert len(jobs) == (1 if is_idempotent else 2)
    assert again == jobs[-1]
    videos.sandbox.add_fault("video_create_lost", how="html")
    page = videos.create("quality", key="k2")
    assert (page.status_code, page.text[:6]) == (502, "<html>")
    listed = videos.send("GET", "/v1/analytics/exports").json()["data"]
    assert len(listed) == len(jobs) + 1
    assert videos.sandbox.shortkit_requests()["by_code"]["video_create 0"] == 1


@pytest.mark.parametrize("wait", ["7", ""])
def test_a_request_is_throttled(quick: ShortKitClient, wait: str) -> None:
    quick.sandbox.add_fault("video_throttled", endpoint="video_status", retry_after=wait, times=2)
    job = quick.ask("ads")
    answers = [quick.get(job) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers.get("retry-after") == (wait or None)
    assert error_of(answers[0]) == (429, "RATE_LIMITED")


def test_the_quota_of_the_month_is_used_up(videos: ShortKitClient) -> None:
    videos.sandbox.add_fault("video_quota", endpoint="video_create")
    answer = videos.create("ads")
    assert error_of(answer) == (429, "QUOTA_EXCEEDED")
    assert answer.headers["x-ratelimit-reset"] == "1775001600"
    assert "retry-after" not in answer.headers
    assert error_of(videos.get("exp_1")) == (429, "QUOTA_EXCEEDED")
    videos.sandbox.move_clock({"set": "2026-04-01T00:00:00Z"})
    assert videos.create("ads").status_code == 201


@pytest.mark.parametrize(
    ("error", "code"),
    [("KEY_REVOKED", 401), ("KEY_EXPIRED", 401), ("ENVIRONMENT_MISMATCH", 403), ("FORBIDDEN", 403)],
)
def test_the_key_is_revoked_in_the_middle_of_a_run(
    quick: ShortKitClient, error: str, code: int
) -> None:
    quick.sandbox.add_fault("video_denied", error=error, nth=3)
    job = quick.ask("ads")
    assert quick.get(job).status_code == 200
    assert {error_of(quick.get(job)) for _ in range(3)} == {(code, error)}


def test_status_faults_speak_the_envelope(quick: ShortKitClient) -> None:
    quick.sandbox.add_fault("status", endpoint="shortkit", code=503, retry_after="5")
    answer = quick.create("ads")
    assert error_of(answer) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["retry-after"] == "5"
    quick.sandbox.add_fault("status", endpoint="video_list", code=500, body="html")
    assert "<html>" in quick.send("GET", "/v1/analytics/exports").text
    quick.sandbox.add_fault("reset", endpoint="video_erase")
    with pytest.raises(httpx.TransportError):
        quick.send("DELETE", "/v1/users/u1")
    quick.sandbox.add_fault("slow", endpoint="video_person", seconds=0.01)
    assert quick.send("POST", "/v1/users/u1/export").status_code == 404


@pytest.mark.parametrize("code", [403, 404, 410])
@pytest.mark.parametrize("on_get", ["new", "same", "expired"])
def test_a_link_is_dead(quick: ShortKitClient, code: int, on_get: str) -> None:
    quick.sandbox.add_fault("video_link_dead", code=code, on_get=on_get)
    job = quick.ask("ads")
    link = quick.finish(job)["downloadUrl"]
    assert quick.state(job)["downloadUrl"] == link
    assert quick.http.get(link).status_code == code
    state = quick.state(job)
    if on_get == "expired":
        assert state == {"jobId": job, "status": "expired"}
    else:
        assert (state["downloadUrl"] == link) == (on_get == "same")
        assert quick.http.get(state["downloadUrl"]).status_code == (
            200 if on_get == "new" else code
        )
    assert quick.download(quick.ask("ads")).status_code == 200


def test_a_link_dies_after_a_download_or_a_while(quick: ShortKitClient) -> None:
    quick.sandbox.add_fault("video_link_dead", downloads=1, seconds=60)
    link = quick.finish(quick.ask("ads"))["downloadUrl"]
    assert [quick.http.get(link).status_code for _ in range(2)] == [200, 200]
    quick.sandbox.clock.advance(60)
    assert quick.http.get(link).status_code == 403


@pytest.mark.parametrize(
    ("to", "host"),
    [
        ("private", "http://10.20.30.40"),
        ("other", "https://files.example.net"),
        ("http://169.254.169.254", "http://169.254.169.254"),
    ],
)
def test_a_link_leads_elsewhere(quick: ShortKitClient, to: str, host: str) -> None:
    quick.sandbox.add_fault("video_link_host", to=to)
    assert quick.finish(quick.ask("ads"))["downloadUrl"].startswith(f"{host}/exp_")


def test_a_download_is_redirected(quick: ShortKitClient) -> None:
    link = quick.finish(quick.ask("ads"))["downloadUrl"]
    whole = quick.http.get(link).content
    for to, start in (
        ("api", quick.sandbox.url),
        ("private", "http://10.20.30.40"),
        ("other", "https://files.example.net"),
        ("own", "/moved/exp_"),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
    ):
        quick.sandbox.add_fault("video_redirect", to=to)
        answer = quick.http.get(link)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(start)
        if to in {"api", "own"}:
            quick.sandbox.add_fault("video_redirect", to=to, code=307)
            assert quick.http.get(link, follow_redirects=True).content == whole


def test_gzip_files_of_other_shapes(quick: ShortKitClient) -> None:
    whole = quick.truth("ads")
    assert in_order(spoiled(quick, "video_members", members=5)) == in_order(whole)
    body = quick.download(quick.ask("ads")).content
    assert body.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") == 5
    quick.sandbox.remove_faults()
    quick.sandbox.add_fault("video_plain")
    state = quick.finish(quick.ask("ads"))
    assert state["downloadUrl"].split("?")[0].endswith(".jsonl.gz")
    assert quick.http.get(state["downloadUrl"]).content.startswith(b'{"event"')


@pytest.mark.parametrize("is_packed_twice", [False, True])
def test_a_gzip_file_with_a_content_encoding(quick: ShortKitClient, is_packed_twice: bool) -> None:
    quick.sandbox.add_fault("video_encoding", is_packed_twice=is_packed_twice)
    answer = quick.download(quick.ask("ads"))
    assert answer.headers["content-encoding"] == "gzip"
    assert (answer.content[:2] == b"\x1f\x8b") == is_packed_twice
    assert len(unpack(answer.content).splitlines()) == len(quick.truth("ads"))


def test_no_ranges(quick: ShortKitClient) -> None:
    link = quick.finish(quick.ask("ads"))["downloadUrl"]
    quick.sandbox.add_fault("video_no_ranges")
    answer = quick.http.get(link, headers={"Range": "bytes=10-"})
    assert answer.status_code == 200
    assert "accept-ranges" not in answer.headers


def test_a_download_breaks_off(quick: ShortKitClient) -> None:
    link = quick.finish(quick.ask("ads"))["downloadUrl"]
    whole = quick.http.get(link).content
    quick.sandbox.add_fault("cut", endpoint="video_file", at_bytes=500)
    with pytest.raises(httpx.TransportError):
        quick.http.get(link)
    rest = quick.http.get(link, headers={"Range": "bytes=500-"})
    assert whole[:500] + rest.content == whole
    quick.sandbox.add_fault("cut", endpoint="shortkit", at_bytes=500, framing="clean")
    assert quick.http.get(link).content == whole[:500]
    quick.sandbox.add_fault("gzip_no_trailer", endpoint="video_file")
    body = quick.http.get(link).content
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(body)
    assert not unpacker.eof


@pytest.mark.parametrize("form", ["urls", "files"])
def test_several_files(quick: ShortKitClient, form: str) -> None:
    quick.sandbox.add_fault("video_files", form=form, files=3)
    state = quick.finish(quick.ask("ads"))
    assert "downloadUrl" not in state
    links = state["downloadUrls"] if form == "urls" else [file["url"] for file in state["files"]]
    lines = [line for link in links for line in unpack(quick.http.get(link).content).splitlines()]
    assert len(links) == 3
    assert len(lines) == state["rowCount"] == len(quick.truth("ads"))


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_of_any_size(quick: ShortKitClient, form: str) -> None:
    once = quick.finish(quick.ask("ads", format=form))
    body = unpack(quick.http.get(once["downloadUrl"]).content)
    quick.sandbox.add_fault("video_copies", copies=40)
    state = quick.finish(quick.ask("ads", format=form))
    assert state["rowCount"] == 40 * once["rowCount"]
    answer = quick.http.get(state["downloadUrl"])
    head = body.partition(b"\n")[0] + b"\n" if form == "csv" else b""
    assert gzip.decompress(answer.content) == head + body.removeprefix(head) * 40


@pytest.mark.parametrize("form", ["file", "no_url", "404"])
def test_an_empty_day_is_spelled_otherwise(form: str) -> None:
    with open_videos(EMPTY) as client:
        client.sandbox.add_fault("video_empty", form=form)
        state = client.finish(client.ask())
        assert state["rowCount"] == 0
        assert ("downloadUrl" in state) == (form != "no_url")
        codes = [client.http.get(url).status_code for url in [state.get("downloadUrl")] if url]
        assert codes == {"file": [200], "no_url": [], "404": [404]}[form]


@pytest.mark.parametrize("form", ["bare", "data"])
def test_either_header_of_a_csv(quick: ShortKitClient, form: str) -> None:
    quick.sandbox.add_fault("video_csv_header", form=form)
    head = quick.lines("ads", format="csv")[0].decode().split(",")
    assert ("data.adId" in head) == (form == "data")
    assert ("adId" in head) == (form == "bare")


@pytest.mark.parametrize(
    ("how", "start"),
    [("broken", b'{"event"'), ("scalar", b"42"), ("array", b"[1,2]"), ("blank", b"")],
)
def test_lines_that_are_no_rows(quick: ShortKitClient, how: str, start: bytes) -> None:
    truth = len(quick.truth("ads"))
    quick.sandbox.add_fault("video_line", how=how, row=3)
    job = quick.ask("ads")
    state = quick.finish(job)
    lines = unpack(quick.http.get(state["downloadUrl"]).content).split(b"\n")[:-1]
    assert len(lines) == state["rowCount"] == truth
    assert lines[3].startswith(start)
    for number, line in enumerate(lines):
        if number != 3:
            check_row(line)
    with pytest.raises(ValueError, match="no row"):
        check_row(lines[3])


def test_lines_that_break_naive_readers(quick: ShortKitClient) -> None:
    rows = spoiled(quick, "video_line", how="breaks", all_rows=True)
    assert {row["data"]["note"] for row in rows} == {"one\u2028two\u2029three\u0085four"}
    quick.sandbox.remove_faults()
    rows = spoiled(quick, "video_line", how="long", row=-1, size=5_000_000)
    assert len(rows[-1]["data"]["note"]) == 5_000_000
    quick.sandbox.remove_faults()
    quick.sandbox.add_fault("video_line", how="utf8", row=1)
    assert b"\xff\xc3" in quick.lines("ads")[1]
    assert b"\xff\xc3" in quick.lines("ads", format="csv")[2]
    quick.sandbox.add_fault("video_line", how="broken", row=2)
    lines = quick.lines("ads", format="csv", eventTypes=None)
    assert lines[3].count(b",") > lines[0].count(b",")


def test_the_names_of_the_later_pages(quick: ShortKitClient) -> None:
    rows = spoiled(quick, "video_names", "events", "quality", every=2)
    assert all(("type" in row) == (number % 2 == 0) for number, row in enumerate(rows))
    later = [row for row in rows if "type" in row]
    assert all({"user_id", "session_id", "device_id"} <= set(row) for row in later)
    swipe = next(row for row in later if row["type"] == "swipe")
    assert "watchTimeOnPrevious" in swipe["data"]
    progress = next(row for row in later if row["type"] == "watchProgress")
    assert progress["data"]["currentBitrate"] > 100_000
    quick.sandbox.remove_faults()
    rows = spoiled(quick, "video_names", "events", "quality", every=1, units=True)
    shares = [r["data"]["percentComplete"] for r in rows if r["type"] == "watchProgress"]
    assert max(shares) <= 1
    bits = {r["data"]["currentBitrate"] for r in rows if r["type"] == "watchProgress"}
    assert bits <= {800, 1400, 2500, 5000}
    stalls = [row["data"] for row in rows if row["type"] == "rebuffer"]
    assert all("rebufferDurationMs" in data for data in stalls)
    ads = spoiled(quick, "video_names", every=1)
    assert all("slotId" in row["data"] for row in ads)


def test_keys_nobody_knows(quick: ShortKitClient) -> None:
    rows = spoiled(quick, "video_unknown", name="sandboxEvent")
    assert {row["event"] for row in rows} == {"sandboxEvent"}
    assert {row["sandboxColumn"] for row in rows} == {"new"}
    assert rows[0]["data"]["sandboxNovelty"] == {"level": 1}


def test_the_row_count_is_wrong_or_absent(quick: ShortKitClient) -> None:
    truth = len(quick.truth("ads"))
    quick.sandbox.add_fault("video_row_count", off_by=-1, times=1)
    quick.sandbox.add_fault("video_row_count", absent=True, nth=2)
    assert quick.finish(quick.ask("ads"))["rowCount"] == truth - 1
    assert "rowCount" not in quick.finish(quick.ask("ads"))


def test_far_fewer_rows_the_second_time(quick: ShortKitClient) -> None:
    truth = len(quick.truth("ads"))
    quick.sandbox.add_fault("video_fewer", share=0.6, nth=2, times=1)
    counts = [quick.finish(quick.ask("ads"))["rowCount"] for _ in range(3)]
    assert counts == [truth, int(truth * 0.4), truth]


def test_rows_outside_the_days_asked_for(quick: ShortKitClient) -> None:
    asked = {"startDate": "2026-03-03", "endDate": "2026-03-03"}
    quick.sandbox.add_fault("video_outside", days=1)
    days = {row["timestamp"][:10] for row in quick.rows("ads", **asked)}
    assert days == {FIRST, "2026-03-03", LAST}
    quick.sandbox.remove_faults()
    quick.sandbox.add_fault("video_end_exclusive")
    assert quick.rows("ads", **asked) == []
    days = {row["timestamp"][:10] for row in quick.rows("ads")}
    assert days == {FIRST, "2026-03-03"}


def test_ads_in_a_file_of_events(quick: ShortKitClient) -> None:
    rows = spoiled(quick, "video_mixed", "events")
    assert in_order(rows) == in_order(quick.truth("events", "quality", "ads"))


def test_rows_are_late_from_the_future_or_of_nobody(videos: ShortKitClient) -> None:
    before = videos.sandbox.shortkit_truth("ads", FIRST, LAST)["rows"]
    videos.sandbox.add_fault("video_late", every=2, hours=48)
    delayed = videos.sandbox.shortkit_truth("ads", FIRST, LAST)["rows"]
    assert len(before) * 0.2 < len(delayed) < len(before)
    assert len(videos.rows("ads")) == len(delayed)
    videos.sandbox.clock.advance(48 * 3600)
    assert len(videos.rows("ads")) >= len(before)
    videos.sandbox.clock.advance(-48 * 3600)
    videos.sandbox.remove_faults()
    videos.sandbox.add_fault("video_future", every=3, hours=2)
    rows = videos.sandbox.shortkit_truth("ads", FIRST, LAST)["rows"]
    ahead = [
        datetime.fromisoformat(row["values"]["timestamp"]).timestamp() - row["received_at"]
        for row in rows
    ]
    assert 7190 < max(ahead) <= 7200
    assert 0.2 < sum(seconds > 7000 for seconds in ahead) / len(ahead) < 0.5
    assert in_order(videos.rows("ads")) == in_order([row["values"] for row in rows])
    videos.sandbox.remove_faults()
    videos.sandbox.add_fault("video_anonymous", every=2)
    assert {"anonymous"} < {row["userId"] for row in videos.rows("ads")}


@pytest.mark.parametrize("lags", [False, True])
def test_a_person_is_erased_while_an_export_is_made(videos: ShortKitClient, lags: bool) -> None:
    user = videos.truth()[0]["userId"]
    if lags:
        videos.sandbox.add_fault("video_erasure_lag")
    job = videos.ask()
    videos.sandbox.clock.advance(10)
    assert videos.send("DELETE", f"/v1/users/{user}").status_code == 200
    body = unpack(videos.download(job).content)
    assert (user.encode() in body) == lags
    assert user.encode() not in unpack(videos.download(videos.ask()).content) or lags
