"""Clients others wrote for the real APIs, unmodified but for the host, against the sandbox.

Run by `make fidelity` only, which installs them: the name of this file keeps it out of the normal
run. They are no dependency of the package, not even an optional one: `appmetrica-logs-api` says
nothing about its licence.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from connector.sandbox import App, Logs, Population, Sandbox, Scenario

RESOURCES = [
    "clicks",
    "crashes",
    "deeplinks",
    "errors",
    "events",
    "installations",
    "postbacks",
    "profiles",
    "push_tokens",
    "revenue_events",
    "sessions_starts",
]
RANGE = {"date_from": datetime(1969, 1, 1), "date_to": datetime(2100, 1, 1)}  # noqa: DTZ001
SNAPSHOTS = {"profiles", "push_tokens"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    scenario = Scenario(
        clock="simulated",
        start=datetime(2026, 3, 2, 12, tzinfo=UTC),
        history_days=1.0,
        apps=(App(11, "Game", "Asia/Kolkata"),),
        population=Population(devices=500, warmup_days=10),
        logs=Logs(prepare_polls=2),
    )
    with Sandbox(scenario) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    """PyPI `appmetrica-logs-api`; it says `no-cache` at every poll."""
    published = import_module("appmetrica_logs_api")
    client = published.AppMetrica(sandbox.scenario.read_token, request_latency=0.01)
    client._api_endpoint = f"{sandbox.url}/logs/v1/export"
    return client


def find_truth(sandbox: Sandbox, resource: str, names: list[str]) -> Counter[tuple[str, ...]]:
    """The rows of the sandbox, cut down to these fields."""
    rows = sandbox.logs_truth(11, {"profiles": "profiles_v2"}.get(resource, resource))["rows"]
    return Counter(tuple(row["values"].get(name, "") for name in names) for row in rows)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("export_format", ["csv", "json"])
def test_a_published_client_gets_every_row(
    sandbox: Sandbox, client: Any, resource: str, export_format: str
) -> None:
    dates = {} if resource in SNAPSHOTS else RANGE
    got = client.export(resource, "11", export_format=export_format, **dates)
    if export_format == "csv":
        rows = list(csv.DictReader(io.StringIO(got.decode(), newline="")))
    else:
        rows = got["data"]
    observed = {"oaid", "touch_type", "original_device_model"}
    names = [name for name in rows[0] if name not in observed]
    assert len(names) > 15
    found = Counter(tuple(row[name] for name in names) for row in rows)
    truth = find_truth(sandbox, resource, names)
    assert found - truth == truth - found == Counter()


def test_a_published_client_reports_the_refusal(client: Any) -> None:
    errors = import_module("appmetrica_logs_api.exceptions")
    with pytest.raises(errors.AppmetricaApiError, match="Unknown field: nonsense"):
        client.export("events", "11", fields=["nonsense"], **RANGE)
