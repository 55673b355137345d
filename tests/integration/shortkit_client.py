"""A plain client of the emulated video export, and the small worlds it is tried on."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from connector.sandbox import App, Population, Sandbox, Scenario, ShortKit

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
NOW = int(START.timestamp())
SCENARIO = Scenario(
    seed=5,
    clock="simulated",
    start=START,
    history_days=4.0,
    apps=(
        App(4_100_001, "Game", "Asia/Kolkata"),
        App(4_100_002, "Shop", "America/Sao_Paulo", "shop"),
    ),
    population=Population(devices=300, warmup_days=10),
    shortkit=ShortKit(prepare_s=60, viewers=0.2),
)
EMPTY = replace(SCENARIO, population=Population(devices=0))
NO_LIMITS: dict[str, Any] = {"places": 1000, "jobs_per_day": 0, "requests_per_minute": 0}
EXPORT = "/v1/analytics/export"
FIRST, LAST = "2026-03-02", "2026-03-04"

Rows = list[dict[str, Any]]


class ShortKitClient:
    """Asks one sandbox with its secret key; files are downloaded without it."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http
        self.key = sandbox.scenario.live_key

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request with the key."""
        sent = {"Authorization": f"Bearer {self.key}"} | headers
        content = b"" if body is None else json.dumps(body).encode()
        return self.http.request(method, self.sandbox.url + path, content=content, headers=sent)

    def create(self, *types: str, key: str = "", **parameters: Any) -> httpx.Response:
        """Ask for the settled days of the history; None leaves a parameter out."""
        values = {"startDate": FIRST, "endDate": LAST, "dataTypes": list(types or ("events",))}
        given = {name: v for name, v in (values | parameters).items() if v is not None}
        return self.send("POST", EXPORT, given, **({"Idempotency-Key": key} if key else {}))

    def ask(self, *types: str, **parameters: Any) -> str:
        """The id of a new export."""
        answer = self.create(*types, **parameters)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["jobId"])

    def get(self, number: str) -> httpx.Response:
        return self.send("GET", f"{EXPORT}/{number}")

    def cancel(self, number: str) -> httpx.Response:
        return self.send("DELETE", f"{EXPORT}/{number}")

    def state(self, number: str) -> dict[str, Any]:
        """What a poll tells, without the envelope."""
        answer = self.get(number)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def finish(self, number: str) -> dict[str, Any]:
        """The final state, the clock going on by half a minute with each poll."""
        for _ in range(20):
            self.sandbox.clock.advance(30)
            state = self.state(number)
            if "progress" not in state:
                return state
        raise AssertionError(f"export {number} is not done")

    def download(self, number: str, **headers: str) -> httpx.Response:
        """The file of an export when it is done."""
        return self.http.get(self.finish(number)["downloadUrl"], headers=headers)

    def lines(self, *types: str, **parameters: Any) -> list[bytes]:
        """The lines of a new export's file, cut at LF."""
        body = unpack(self.download(self.ask(*types, **parameters)).content)
        return body.split(b"\n")[:-1] if body else []

    def rows(self, *types: str, **parameters: Any) -> Rows:
        """The rows of a new export in JSON lines."""
        return [json.loads(line) for line in self.lines(*types, **parameters)]

    def truth(self, *types: str, since: str = FIRST, until: str = LAST) -> Rows:
        """What there is to be exported."""
        return [
            row["values"]
            for name in types or ("events",)
            for row in self.sandbox.shortkit_truth(name, since, until)["rows"]
        ]


def unpack(body: bytes) -> bytes:
    """The bytes of a file, found by its magic bytes to be a gzip file or not."""
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def in_order(rows: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal in the first envelope."""
    return answer.status_code, answer.json()["error"]["code"]


@contextmanager
def open_videos(scenario: Scenario = SCENARIO, **shortkit: Any) -> Iterator[ShortKitClient]:
    """A running sandbox and its client; keywords change the scenario's `ShortKit`."""
    chosen = replace(scenario, shortkit=replace(scenario.shortkit, **shortkit))
    with Sandbox(chosen) as sandbox, httpx.Client(timeout=20, verify=False) as http:
        yield ShortKitClient(sandbox, http)
