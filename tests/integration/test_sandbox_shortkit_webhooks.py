"""Scheduled exports of the emulated portal: webhooks, their signatures, tries and spoilings."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.sandbox.shortkit.signing import sign_webhook
from tests.integration.shortkit_client import NOW, ShortKitClient, in_order, open_videos, unpack

SECRET = b"whsec_sandbox"


class Receiver:
    """Keeps what it is sent; answers `codes` in turn, the last one from then on."""

    def __init__(self) -> None:
        self.codes = [200]
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.is_open = threading.Event()
        self.is_open.set()
        self.url = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    own = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            own.got.append((self.path, dict(self.headers), body))
            own.is_open.wait(10)
            self.send_response(own.codes.pop(0) if len(own.codes) > 1 else own.codes[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        own.url = f"http://127.0.0.1:{port}/hook"
        yield own


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def videos() -> Iterator[ShortKitClient]:
    with open_videos() as client:
        yield client


def test_the_vector_of_the_contract() -> None:
    headers = sign_webhook("A", "test-secret", b"{}", 1_700_000_000)
    assert headers == {
        "X-Shortform-Timestamp": "1700000000",
        "X-Shortform-Signature": "sha256="
        "87d3ed18b9b403e7da0fc3a3ae8b9394303805a049ea06f87c2ef4380b521fa9",
    }


def test_a_scheduled_export_is_announced(videos: ShortKitClient, receiver: Receiver) -> None:
    told = videos.sandbox.send_webhook(receiver.url)
    ((path, headers, body),) = receiver.got
    assert (told["status"], path) == (200, "/hook")
    stamp = headers["X-Shortform-Timestamp"]
    assert stamp == str(NOW)
    digits = hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Shortform-Signature"] == f"sha256={digits}"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Shortform-Delivery-ID"] == told["delivery_id"]
    event = json.loads(body)
    assert event["event"] == "export.ready"
    data = event["data"]
    assert data["exportId"] == told["export_id"] == "exp_daily_20260305"
    assert data["dateRange"] == {"start": "2026-03-04", "end": "2026-03-04"}
    assert data["expiresAt"] == "2026-03-12T12:00:00Z"
    rows = [
        json.loads(x) for x in unpack(videos.http.get(data["downloadUrl"]).content).splitlines()
    ]
    truth = videos.truth("events", "quality", since="2026-03-04")
    assert len(truth) == len(rows)
    assert videos.state(data["exportId"])["downloadUrl"] == data["downloadUrl"]
    assert videos.create().status_code == 201
    assert videos.sandbox.shortkit_requests()["jobs_by_day"] == {"2026-03-05": 1}


@pytest.mark.parametrize("recipe", ["B", "C", "D"])
def test_the_other_recipes(videos: ShortKitClient, receiver: Receiver, recipe: str) -> None:
    videos.sandbox.send_webhook(receiver.url, recipe=recipe, secret="whsec_old")
    ((path, headers, body),) = receiver.got
    digits = hmac.new(b"whsec_old", body, hashlib.sha256).hexdigest()
    signature = {"B": f"sha256={digits}", "C": digits, "D": None}[recipe]
    assert headers.get("X-Shortform-Signature") == signature
    assert path == ("/hook/whsec_old" if recipe == "D" else "/hook")
    stamp = {"B": str(NOW), "C": "2026-03-05T12:00:00Z", "D": None}[recipe]
    assert headers.get("X-Shortform-Timestamp") == stamp


def test_webhooks_are_spoiled_on_request(videos: ShortKitClient, receiver: Receiver) -> None:
    send = videos.sandbox.send_webhook
    first = send(receiver.url, start="2026-03-02", end="2026-03-03")
    assert first["export_id"] == "exp_weekly_20260304"
    again = send(receiver.url, export_id=first["export_id"], bad_signature=True)
    assert again["body"] == first["body"]
    assert again["delivery_id"] != first["delivery_id"]
    signatures = [told["headers"]["X-Shortform-Signature"] for told in (first, again)]
    assert signatures[0][:-1] == signatures[1][:-1]
    assert signatures[0] != signatures[1]
    stale = send(receiver.url, stale_s=301)
    assert stale["headers"]["X-Shortform-Timestamp"] == str(NOW - 301)
    videos.sandbox.clock.advance(60)
    replayed = send(receiver.url, export_id=stale["export_id"], replay=True)
    assert replayed["headers"] == stale["headers"]
    forged = send(receiver.url, forged_host="http://169.254.169.254")
    assert json.loads(forged["body"])["data"]["downloadUrl"].startswith("http://169.254.169.254/")
    assert forged["export_id"] == f"{stale['export_id']}_2"
    assert json.loads(send(receiver.url, event="content.ready")["body"])["event"] == "content.ready"
    assert send(receiver.url, body="{")["body"] == "{"
    assert receiver.got[-1][2] == b"{"
    spoiled = send(receiver.url, recipe="D", bad_signature=True)
    assert spoiled["url"].endswith("/whsec_sandboxx")
    assert len(videos.sandbox.shortkit_requests()["webhooks"]) == len(receiver.got)


def test_what_is_not_taken_is_sent_six_times(videos: ShortKitClient, receiver: Receiver) -> None:
    receiver.codes = [500, 302, 404, 503, 400, 500]
    run = videos.sandbox.run_schedule
    assert [told["status"] for told in run(receiver.url)] == [500]
    for wait_s, status in ((60, 302), (300, 404), (1800, 503), (7200, 400), (86_400, 500)):
        videos.sandbox.clock.advance(wait_s - 1)
        assert "exp_daily_20260305" not in {told["export_id"] for told in run(receiver.url)}
        videos.sandbox.clock.advance(1)
        sent = {told["export_id"]: told["status"] for told in run(receiver.url)}
        assert sent["exp_daily_20260305"] == status
    videos.sandbox.clock.advance(7 * 86_400)
    assert "exp_daily_20260305" not in {told["export_id"] for told in run(receiver.url)}


def test_a_schedule_goes_on_day_by_day(videos: ShortKitClient, receiver: Receiver) -> None:
    run = videos.sandbox.run_schedule
    sent = run(receiver.url, since="2026-03-02", is_reversed=True)
    assert [told["export_id"] for told in sent] == [
        "exp_daily_20260305",
        "exp_daily_20260304",
        "exp_daily_20260303",
    ]
    assert run(receiver.url) == []
    videos.sandbox.clock.advance(12 * 3600)
    assert run(receiver.url) == []
    videos.sandbox.clock.advance(3600)
    (told,) = run(receiver.url)
    link = json.loads(told["body"])["data"]["downloadUrl"]
    rows = [json.loads(line) for line in unpack(videos.http.get(link).content).split(b"\n")[:-1]]
    assert in_order(rows) == in_order(
        videos.truth("events", "quality", since="2026-03-05", until="2026-03-05")
    )


def test_nobody_listens_or_answers_in_time(videos: ShortKitClient, receiver: Receiver) -> None:
    assert videos.sandbox.send_webhook("http://127.0.0.1:9/hook")["status"] == 0
    receiver.is_open.clear()
    assert videos.sandbox.send_webhook(receiver.url, answer_s=0.05)["status"] == 0
    receiver.is_open.set()


def test_webhooks_over_the_controls(videos: ShortKitClient, receiver: Receiver) -> None:
    url = f"{videos.sandbox.url}/_sandbox"
    told = videos.http.post(f"{url}/webhooks", json={"url": receiver.url, "recipe": "C"}).json()
    assert told["status"] == 200
    sent = videos.http.post(f"{url}/schedule", json={"url": receiver.url}).json()["sent"]
    assert [item["status"] for item in sent] == [200]
    wrong = {"url": receiver.url, "recipe": "E"}
    assert videos.http.post(f"{url}/webhooks", json=wrong).status_code == 400


def test_webhooks_are_administered(videos: ShortKitClient, receiver: Receiver) -> None:
    made = videos.send("POST", "/v1/webhooks", {"url": receiver.url})
    assert made.status_code == 201
    hook = made.json()["data"]
    path = f"/v1/webhooks/{hook['id']}"
    assert "secret" not in videos.send("GET", path).json()["data"]
    changed = videos.send("PATCH", path, {"status": "paused"}).json()["data"]
    assert videos.send("GET", "/v1/webhooks").json()["data"] == [changed]
    rotated = videos.send("POST", f"{path}/rotate-secret").json()["data"]
    assert rotated["secret"] != hook["secret"]
    assert rotated["previousValidUntil"] == "2026-03-05T13:00:00Z"
    sent = videos.send("POST", f"{path}/test").json()["data"]
    assert sent["statusCode"] == 200
    _, headers, body = receiver.got[-1]
    signed = f"{NOW}.".encode() + body
    digits = hmac.new(rotated["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Shortform-Signature"] == f"sha256={digits}"
    assert videos.send("POST", f"{path}/deliveries/{sent['id']}/retry").status_code == 200
    assert receiver.got[-1][2] == body
    listed = videos.send("GET", f"{path}/deliveries").json()["data"]
    assert [post["event"] for post in listed] == ["webhook.test"] * 2
    assert videos.send("POST", "/v1/webhooks", {}).status_code == 400
    assert videos.send("POST", "/v1/webhooks", [1]).status_code == 400
    assert videos.send("DELETE", path).status_code == 204
    for method, rest in (
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", ""),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
        ("GET", "/deliveries"),
    ):
        assert videos.send(method, path + rest, {}).status_code == 404
