"""What exports hold arrives exactly: every event, every selector, typed as fields, roles and
families of names say.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import App, MyTracker, Population, Scenario
from connector.sandbox.mytracker.dictionary import events, sdk_key, selectors_of
from connector.sandbox.mytracker.environment import ROLES
from tests.integration.tracker_truth import TABLE_OF, TABLES, kind_of
from tests.integration.tracker_world import (
    GAME,
    GAME_ID,
    SHOP,
    SHOP_ID,
    TWO_APPS,
    TrackerWorld,
    open_hours,
    open_tracker,
    tracker_rows,
)

PEOPLE = Scenario(
    seed=5,
    clock="simulated",
    start=datetime(2026, 3, 10, 15, 10, tzinfo=UTC),
    history_days=1.5,
    apps=(App(GAME, "Game", "Asia/Kolkata"), App(SHOP, "Shop", genre="shop")),
    population=Population(devices=120, warmup_days=10, awkward_share=0.2),
    mytracker=MyTracker(prepare_s=5, rows_per_part=40),
)
MONEY = dict.fromkeys(("inventedAmount", "inventedQuantity", "inventedRevenue"), "decimal")
WHOLE_EVENTS = ("customEvents", "installs", "payments", "userSessions")
CORE = ("idApp", "tsEvent", "tsInsert", "idAdEventType", "tsAttr")
NO_GUID = "00000000-0000-0000-0000-000000000000"
Whole = tuple[TrackerWorld, dict[str, list[dict[str, Any]]]]


def choose(event: str) -> list[str]:
    """All selectors of a few events; of the others some, in turn, and those of their own."""
    names = selectors_of(event)
    if event in WHOLE_EVENTS:
        return list(names)
    own = [name for name in names if name.startswith("invented")]
    return list(dict.fromkeys([*CORE, *own, *names[events().index(event) % 9 :: 9]]))


def everything() -> dict[str, str]:
    """Settings that ask for every event, and say what money means."""
    of_payments = [event for event in events() if "ayments" in event]
    of_ads = [event for event in events() if "dMonetization" in event]
    roles = dict.fromkeys(of_payments, ROLES["payments"])
    roles |= dict.fromkeys(of_ads, ROLES["adMonetization"])
    return {
        "events": ",".join(events()),
        "selectors": json.dumps({event: choose(event) for event in events()}),
        "roles": json.dumps(roles),
        "slice_hours": "24",
        "start": "2026-03-09",
    }


SAMPLES = {
    "timestamp": "1773100800",  # 00:00 of the second day
    "date": "2026-03-10",
    "decimal": "12.345678901",
    "array_literal": "['a','b']",
}


def sample_row(event: str) -> dict[str, str]:
    """A row of an event that the population has none of."""
    kinds = {name: MONEY.get(name) or kind_of(name, event) for name in selectors_of(event)}
    return {name: SAMPLES.get(kind, "7") for name, kind in kinds.items()} | {"idApp": str(SHOP_ID)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Every event of two apps, loaded; and the raw tables."""
    with open_tracker(PEOPLE, tmp_path_factory.mktemp("whole"), **everything()) as world:
        for event in events():
            if not world.sandbox.mytracker_truth(event)["rows"]:
                world.sandbox.add_raw_export(event, rows=[sample_row(event)])
        world.quietly()
        yield world, world.found()


def test_every_row_of_every_event_is_there_once_and_exact(whole: Whole) -> None:
    world, found = whole
    world.check(types=MONEY)
    assert [table for table in TABLES if not found[table]] == []
    assert found["quarantine"] == []
    assert sum(len(found[table]) for table in TABLES) > 1_500


def test_ids_are_texts_money_is_decimal_and_nothing_is_null(whole: Whole) -> None:
    _, found = whole
    (payment, *_) = found["payments"]
    assert isinstance(payment["invented_amount"], Decimal)
    installs = found["installs"]
    assert max(int(row["id_device"]) for row in installs) > 2**63
    assert {(type(row["id_device"]), len(row["sdk_key"])) for row in installs} == {(str, 20)}
    assert {row["id_app"] for row in installs} == {GAME_ID, SHOP_ID}
    assert any(row["ts_click"] is None for row in installs)
    assert any(row["ts_click"] is not None for row in installs)
    assert NO_GUID in {row["idfa"] for row in installs}
    assert "[]" in {row["params_name"] for row in found["custom_events"]}


def test_staging_has_what_roles_mean_and_no_id_of_zeros(whole: Whole) -> None:
    world, found = whole
    payments, ads = world.stage("payments", "userAdMonetization")
    staged = {(row["_unit"], row["_row"]): row for row in payments}
    assert len(staged) == len(found["payments"]) > 0
    for raw in found["payments"]:
        row = staged[raw["_unit"], raw["_row"]]
        for role, selector in ROLES["payments"].items():
            name = "transaction_id" if role == "transaction" else role
            column = f"invented_{selector.removeprefix('invented').lower()}"
            assert row[name] == raw[column] is not None
        assert (row["device_id"], row["occurred_at"]) == (raw["id_device"], raw["ts_event"])
        assert NO_GUID not in {row["idfa"], row["advertising_id"], row["ios_vendor_id"]}
    assert {row["currency"] for row in ads} == {"USD"}
    assert all(row["amount"] is not None and row["ad_unit"] for row in ads)


def test_the_ledger_names_exports_and_days_and_the_cursor_their_end(whole: Whole) -> None:
    world, found = whole
    assert len(found["units"]) == 2 * len(TABLES)
    made = {made["id"]: made["event"] for made in world.creates()}
    for unit in found["units"]:
        assert (unit["axis"], unit["application_id"]) == ("availability", None)
        assert TABLE_OF[made[unit["remote_id"]]] == unit["table_name"]
        assert unit["lower_at"].hour == unit["lower_at"].minute == 0
    assert len({unit["remote_id"] for unit in found["units"]}) == len(found["units"])
    assert {unit["upper_at"].hour for unit in found["units"]} == {0, 12}
    report = world.sync()
    assert set(report.cursors.values()) == {"2026-03-10T12:00:00+00:00"}
    assert (report.units_loaded, report.units_pending, report.exit_code) == (0, 0, 0)
    assert world.sandbox.mytracker_requests()["throttled"] == 0


def test_what_is_published_is_asked_for_where_nothing_is_named(tmp_path: Path) -> None:
    scenario = replace(PEOPLE, apps=PEOPLE.apps[:1])
    env = {"events": "", "selectors": "", "roles": "", "start": "2026-03-10", "slice_hours": "24"}
    with open_tracker(scenario, tmp_path, **env, timezone="Asia/Tokyo") as world:
        world.quietly()
        defaults = {t.endpoint: t.defaults for t in TABLES.values() if t.defaults}
        assert {made["event"] for made in world.creates()} == set(defaults)
        assert len(defaults["customEvents"]) == 137
        world.set(selectors=json.dumps(defaults), events=",".join(defaults))
        world.check(zone="Asia/Tokyo")


def test_selectors_no_table_knows_are_typed_by_their_family_or_as_told(tmp_path: Path) -> None:
    extra = {
        "idThing": "00042",
        "tsPaid": "1773130000",
        "tsNever": "0",
        "dtPaid": "2026-03-10",
        "countOfThings": "12",
        "params.key": r"['it\'s',-1.5]",
        "surprise": "007",
        "price": "0.1",
        "idNumber": "18",
        "identity": "x",
    }
    told = {"price": "decimal", "idNumber": "bigint", "idDevice": "text"}
    with open_hours(tmp_path, 1, selector_types=json.dumps(told)) as world:
        rows = [row | extra for row in tracker_rows(world, 0, 3)]
        world.set(selectors=json.dumps({"customEvents": list(rows[0])}))
        world.put_rows(0, rows)
        world.quietly()
        world.check(types=told)
        assert sum("is in no table of the connector" in note for note in world.notes()) == len(
            extra
        )
        (row, *_) = world.found()["custom_events"]
        assert (row["id_thing"], row["ts_never"], row["surprise"]) == ("00042", None, "007")
        assert row["ts_paid"] == datetime.fromtimestamp(1773130000, UTC)
        assert (row["price"], row["id_number"]) == (Decimal("0.1"), 18)
        assert row["params_key"] == '["it\'s",-1.5]'


def test_equal_rows_in_one_second_are_all_kept(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2) as world:
        (row,) = tracker_rows(world, 0, 1)
        world.put_rows(0, [row] * 5)
        world.quietly()
        world.check()
        assert len(world.found()["custom_events"]) == 8
        assert len({row["_row"] for row in world.found()["custom_events"]}) == 5


FILTERS: dict[str, dict[str, Any]] = {
    "installs": {"idCampaign": ["11", "13"], "idSegment": "11"},
    "hits": {"idSegment": "12"},
    "sessions": {"rooted": "2"},
    "payments": {"isVerified": "1", "idPurchaseType": "2"},
    "userPayments": {"idPurchaseType": 6},
    "adMonetization": {"idAdMediator": "2"},
    "activities": {"idCountry": "11,12"},
    "userSessions": {"idPartner": ["12"]},
    "reinstalls": {"idAd": ["13"], "idAccount": "13"},
    "newDevices": {"idProject": [11]},
    "customEvents": {"eventName": ["11", "12, and more"]},
    "userCustomEvents": {"eventName": ["11", "12, and more"], "eventNameInvert": True},
}
CODES = {
    "rooted": ("1", "2", "0"),
    "isVerified": ("1", "1", "0"),
    "idPurchaseType": ("2", "1", "6"),
    "idAdMediator": ("1", "2", "3"),
    "eventName": ("11", "12, and more", "other"),
}


def keeps(event: str, values: Mapping[str, str]) -> bool:
    """True for a row that the filters of its event leave in."""
    filters = {name: value for name, value in FILTERS[event].items() if name != "eventNameInvert"}
    allowed = {
        name: value if name == "eventName" else [str(item) for item in _listed(value)]
        for name, value in filters.items()
    }
    is_named = all(values[name] in texts for name, texts in allowed.items())
    return is_named != ("eventNameInvert" in FILTERS[event])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else str(value).split(",")


def test_filters_of_every_kind_change_exactly_what_is_loaded(tmp_path: Path) -> None:
    selectors = {event: ["idApp", "SDKKey", "tsInsert", "idDevice"] for event in FILTERS}
    with open_hours(tmp_path, 1, TWO_APPS, filters=json.dumps(FILTERS)) as world:
        world.set(events=",".join(FILTERS), selectors=json.dumps(selectors))
        world.set(id_apps=str(GAME_ID), sdk_keys=sdk_key(SHOP_ID))
        for event, filters in FILTERS.items():
            own = [name for name in filters if name != "eventNameInvert"]
            rows = [
                row
                | {name: CODES.get(name, ("11", "12", "13"))[number] for name in own}
                | {"idApp": str(app), "SDKKey": sdk_key(app)}
                for app in (GAME_ID, SHOP_ID)
                for number, row in enumerate(tracker_rows(world, 0, 3))
            ]
            world.put_rows(0, rows, event)
        world.quietly()
        world.check(keep=keeps)
        assert all(0 < len(world.found()[TABLE_OF[event]]) < 6 for event in FILTERS)
