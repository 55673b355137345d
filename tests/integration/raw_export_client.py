"""A plain client of the emulated raw export, and the small worlds it is tried on."""

import csv
import gzip
import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha1
from hmac import digest
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from connector.sandbox import App, MyTracker, Population, Sandbox, Scenario

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW = int(START.timestamp())
BARRIER = NOW - 3 * 3600 - 1
"""The last second whose rows may be asked for at the start."""

SCENARIO = Scenario(
    seed=5,
    clock="simulated",
    start=START,
    history_days=1.0,
    apps=(
        App(4_100_001, "Game", "Asia/Kolkata"),
        App(4_100_002, "Shop", "America/Sao_Paulo", "shop"),
        App(4_100_003, "Not mine", access="none"),
    ),
    population=Population(devices=500, warmup_days=10),
    mytracker=MyTracker(prepare_s=60),
)
EMPTY = replace(SCENARIO, population=Population(devices=0))
EXPORT = "/api/raw/v1/export"
COLUMNS = "idApp,idProfile,tsEvent,tsInsert"

Rows = list[dict[str, str]]
NO_QUOTAS: dict[str, Any] = {
    "requests_per_second": 0,
    "requests_per_minute": 0,
    "requests_per_hour": 0,
    "errors_per_minute": 0,
}


class RawClient:
    """Asks one sandbox as its user; every request is signed unless told otherwise."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http
        self.secret = sandbox.scenario.secret_key

    def sign(self, method: str, url: str, body: str = "") -> dict[str, str]:
        """The header of a request, by the vendor's recipe."""
        base = f"{method}&{quote(url, safe='-._~')}&{quote(body, safe='-._~')}"
        signature = b64encode(digest(self.secret.encode(), base.encode(), sha1)).decode()
        user = self.sandbox.scenario.api_user_id
        return {"Authorization": f"AuthHMAC {user}:{signature}"}

    def send(self, method: str, path: str, body: str = "", **headers: str) -> httpx.Response:
        """One signed request of a path with its query, or of a whole URL."""
        url = path if path.startswith("http") else self.sandbox.url + path
        signed = self.sign(method, url, body) | headers
        return self.http.request(method, url, content=body.encode(), headers=signed)

    def create(self, event: str = "installs", **parameters: Any) -> httpx.Response:
        """Ask for all rows there may be at the start; None leaves a parameter out."""
        values: dict[str, Any] = {
            "event": event,
            "selectors": COLUMNS,
            "tsFrom": 0,
            "tsTo": NOW,
            "availabilityTsFrom": 0,
            "availabilityTsTo": BARRIER,
            "timezone": "UTC",
        } | parameters
        given = {name: value for name, value in values.items() if value is not None}
        return self.send("POST", f"{EXPORT}/create.json?{urlencode(given, doseq=True)}")

    def ask(self, event: str = "installs", **parameters: Any) -> str:
        """The id of a new export."""
        answer = self.create(event, **parameters)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["idRawExport"])

    def get(self, number: str) -> httpx.Response:
        return self.send("GET", f"{EXPORT}/get.json?idRawExport={number}")

    def cancel(self, number: str) -> httpx.Response:
        return self.send("GET", f"{EXPORT}/cancel.json?idRawExport={number}")

    def state(self, number: str) -> dict[str, Any]:
        """What a poll tells, without the envelope."""
        answer = self.get(number)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def finish(self, number: str) -> dict[str, Any]:
        """The final state, the clock going on by a minute with each poll."""
        for _ in range(20):
            self.sandbox.clock.advance(60)
            state = self.state(number)
            if "progress" not in state:
                return state
        raise AssertionError(f"export {number} is not done")

    def links(self, number: str) -> list[str]:
        """The links of an export when it is done."""
        return [file["link"] for file in self.finish(number)["files"]]

    def download(self, link: str) -> httpx.Response:
        return self.send("GET", link)

    def texts(self, number: str) -> list[str]:
        """The CSV of each part."""
        return [
            gzip.decompress(self.download(link).content).decode() for link in self.links(number)
        ]

    def rows(self, event: str = "installs", **parameters: Any) -> Rows:
        """The rows of a new export, of all its parts."""
        texts = self.texts(self.ask(event, **parameters))
        return [row for text in texts for row in parse_csv(text)]


def parse_csv(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def detail(answer: httpx.Response) -> str:
    """The text of a refusal, checked for its envelope."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, 400)
    assert body["message"] == "Bad Request"
    return str(body["data"]["error"]["detail"])


def truth_of(sandbox: Sandbox, event: str, selectors: Sequence[str]) -> list[tuple[str, ...]]:
    """The rows that could be exported at the start, in the columns named, sorted."""
    return sorted(
        tuple(row["values"].get(name, "") for name in selectors)
        for row in sandbox.mytracker_truth(event)["rows"]
        if row["available_at"] <= BARRIER and row["occurred_at"] <= NOW
    )


def in_order(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(row[name] for name in names) for row in rows)


def path_of(link: str) -> str:
    return urlsplit(link).path


@contextmanager
def open_raw(scenario: Scenario = SCENARIO, **tracker: Any) -> Iterator[RawClient]:
    """A running sandbox and its client; keywords change the scenario's `MyTracker`."""
    chosen = replace(scenario, mytracker=replace(scenario.mytracker, **tracker))
    with Sandbox(chosen) as sandbox, httpx.Client(timeout=20, verify=False) as http:
        yield RawClient(sandbox, http)
