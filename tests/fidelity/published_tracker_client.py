"""The vendor's own client of MyTracker's export API, unmodified but for the host, against the sandbox.

PyPI `mytracker-export-api` (MIT), by the vendor. Run by `make fidelity` only, which installs it.
"""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from connector.sandbox import App, MyTracker, Population, Sandbox, Scenario
from connector.sandbox.mytracker.dictionary import selectors_of

EVENTS = [
    "activities",
    "adMonetization",
    "customEvents",
    "deeplinks",
    "installs",
    "payments",
    "sessions",
    "userPayments",
]
APPS = (App(4_000_011, "Game"), App(4_000_012, "Shop", genre="shop"))
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOMORROW_S = (START + timedelta(hours=12)).timestamp()
SCENARIO = Scenario(
    clock="simulated",
    start=START,
    history_days=1.0,
    apps=APPS,
    population=Population(devices=800, warmup_days=10),
    # The client polls by the machine's clock, and this one stands still: all would be one second.
    mytracker=MyTracker(
        prepare_s=0, rows_per_part=500, requests_per_second=0, requests_per_minute=0
    ),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SCENARIO) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    """PyPI `mytracker-export-api`; its links are those of the answers, only the API's are its own."""
    return make_client(sandbox, SCENARIO)


def make_client(sandbox: Sandbox, scenario: Scenario) -> Any:
    published = import_module("mytracker_export_api")
    client = published.MyTracker(scenario.api_user_id, scenario.secret_key)
    for name in ("CREATE_RAW_DATA_URL", "GET_RAW_DATA_URL", "CANCEL_RAW_DATA_URL"):
        own = getattr(client, name)
        setattr(client, name, own.replace("https://tracker.my.com", sandbox.url))
    return client


def ask_for(event: str, **more: Any) -> dict[str, Any]:
    """The parameters of a request for all there is of an event, every selector of it."""
    return {
        "event": event,
        "selectors": ",".join(selectors_of(event)),
        "dateFrom": "1970-01-01",
        "dateTo": f"{START:%Y-%m-%d}",
        "timezone": "UTC",
        "idApp": "11,12",
    } | more


def find_truth(sandbox: Sandbox, event: str) -> list[dict[str, str]]:
    """The rows that happened between these dates, as texts; absent ones are empty."""
    return [
        {name: row["values"].get(name, "") for name in selectors_of(event)}
        for row in sandbox.mytracker_truth(event)["rows"]
        if 0 <= row["occurred_at"] < TOMORROW_S
    ]


def count(rows: list[dict[str, str]]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(row.items()) for row in rows)


@pytest.mark.parametrize("event", EVENTS)
def test_the_vendors_client_gets_every_row(sandbox: Sandbox, client: Any, event: str) -> None:
    answer = client.get_raw_data(ask_for(event), return_df=False)
    rows: list[dict[str, str]] = []
    for file in answer["data"]["files"]:
        body = gzip.decompress(client._send_request(file["link"], "GET").content).decode()
        rows += csv.DictReader(io.StringIO(body, newline=""))
    truth = find_truth(sandbox, event)
    lengths = len(rows), len(truth)
    assert lengths[0] == lengths[1] > 10
    found, wanted = count(rows), count(truth)
    assert found - wanted == wanted - found == Counter()


def test_the_vendors_client_makes_a_frame_of_all_parts(sandbox: Sandbox, client: Any) -> None:
    sandbox.add_fault("never_ready", endpoint="create", polls=1, times=1)  # it waits 4 s then
    asked = ask_for("customEvents") | {"idApp[]": [11, 12]}
    del asked["idApp"]
    frame = client.get_raw_data(asked)
    truth = find_truth(sandbox, "customEvents")
    assert len(frame) == len(truth) > SCENARIO.mytracker.rows_per_part
    assert list(frame.columns) == list(selectors_of("customEvents"))
    assert sorted(frame["idDevice"]) == sorted(int(row["idDevice"]) for row in truth)
    assert set(frame["params.name"]) == {row["params.name"] for row in truth}


@pytest.mark.parametrize(
    ("kind", "declared", "said"),
    [
        ("raw_user_error", {}, "Too many lines in export"),
        ("raw_cancelled", {}, "The request was canceled"),
        ("raw_quota", {"endpoint": "get"}, "Too many requests"),
        ("raw_forgotten", {}, "could not be found"),
    ],
)
def test_the_vendors_client_knows_the_answers_that_are_no_file(
    sandbox: Sandbox, client: Any, kind: str, declared: dict[str, Any], said: str
) -> None:
    error = import_module("mytracker_export_api").MyTrackerError
    sandbox.add_fault(kind, **{"times": 1} | declared)
    with pytest.raises(error, match=said):
        client.get_raw_data(ask_for("installs"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"selectors": "idApp,nonsense"}, "Argument 'selectors' is invalid"),
        ({"event": "installations"}, "must be in set of allowed tables"),
        ({"dateFrom": ""}, "Argument 'dateFrom' is expected but not set"),
    ],
)
def test_the_vendors_client_reports_the_refusal(
    client: Any, more: dict[str, str], said: str
) -> None:
    error = import_module("mytracker_export_api").MyTrackerError
    with pytest.raises(error, match=said):
        client.get_raw_data(ask_for("installs") | more)


def test_the_vendors_client_is_refused_with_another_key(sandbox: Sandbox) -> None:
    error = import_module("mytracker_export_api").MyTrackerError
    client = make_client(sandbox, replace(SCENARIO, secret_key="another"))
    with pytest.raises(error, match="Access denied"):
        client.get_raw_data(ask_for("installs"))
