"""A plain client of the emulated Logs API, and the small worlds it is tried on."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from connector.fields import load_tables
from connector.sandbox import App, Logs, Population, Sandbox, Scenario

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCENARIO = Scenario(
    seed=5,
    clock="simulated",
    start=START,
    history_days=1.0,
    apps=(
        App(11, "Game", "Asia/Kolkata"),
        App(12, "Shop", "America/Sao_Paulo", "shop"),
        App(13, "Not mine", access="none"),
    ),
    population=Population(devices=500, warmup_days=10),
    logs=Logs(prepare_s=60),
)
EMPTY = replace(SCENARIO, population=Population(devices=0))
EXPORT = "/logs/v1/export"
ALL: dict[str, Any] = {"date_since": "2026-02-01 00:00:00", "date_until": "2026-03-30 23:59:59"}
DAY: dict[str, Any] = {"date_since": "2026-03-02 00:00:00", "date_until": "2026-03-02 23:59:59"}
ADDED = "Your query is added to the queue."
WAIT = "Wait for result"
MOVED = "Your query is moved to the end of the queue due to provided Cache-Control restriction."
FULL = (
    "There are already 3 enqueued queries for given application_id. Wait until they are completed."
)
NO_CACHE = {"Cache-Control": "no-cache"}

Rows = list[dict[str, str]]


def field_names(resource: str) -> list[str]:
    return [field.name for field in load_tables("appmetrica_logs")[resource].fields]


def parse_rows(response: httpx.Response) -> Rows:
    """The rows of a file, by its ending."""
    if ".json?" in str(response.url):
        return list(json.loads(response.content)["data"])
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


class LogsClient:
    """Asks one sandbox; every request of an export goes out with the same parameters."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http

    def ask(
        self,
        resource: str = "events",
        file_format: str = "json",
        headers: dict[str, str] | None = None,
        **parameters: Any,
    ) -> httpx.Response:
        """One request; fields are the first three known ones unless named."""
        known = field_names("profiles_v2" if resource == "profiles" else resource)
        values: dict[str, Any] = {
            "application_id": 11,
            "fields": ",".join(known[:3]),
            **DAY,
        } | parameters
        path = f"{EXPORT}/{resource}.{file_format}"
        return self.http.get(path, params=values, headers=headers)

    def fetch(self, resource: str = "events", **parameters: Any) -> httpx.Response:
        """Poll until the answer is no 202, the clock going on by a minute each time."""
        headers = parameters.pop("headers", None)
        answer = self.ask(resource, headers=headers, **parameters)
        for _ in range(20):
            if answer.status_code != 202:
                return answer
            self.sandbox.clock.advance(60)
            answer = self.ask(resource, **parameters)
        raise AssertionError(answer.text)

    def rows(self, resource: str = "events", **parameters: Any) -> Rows:
        """The rows of an export, all fields unless named."""
        fields = parameters.pop("fields", None) or ",".join(field_names(resource))
        answer = self.fetch(resource, fields=fields, **parameters)
        assert answer.status_code == 200, answer.text
        return parse_rows(answer)

    def active(self, app: int = 11) -> list[dict[str, Any]]:
        found = self.http.get(f"{EXPORT}/get_active_queries", params={"application_id": app})
        return list(found.json())


@contextmanager
def open_logs(scenario: Scenario = SCENARIO, **logs: Any) -> Iterator[LogsClient]:
    """A running sandbox and its client; keywords change the scenario's `Logs`."""
    chosen = replace(scenario, logs=replace(scenario.logs, **logs))
    with Sandbox(chosen) as sandbox, open_http(sandbox) as http:
        yield LogsClient(sandbox, http)


def open_http(sandbox: Sandbox, token: str = "sandbox-read-token") -> httpx.Client:
    headers = {"Authorization": f"OAuth {token}"}
    return httpx.Client(base_url=sandbox.url, headers=headers, timeout=20, verify=False)
