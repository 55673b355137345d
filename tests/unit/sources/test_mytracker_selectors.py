"""Which columns the settings make of each event, and what a wrong setting is told."""

from typing import Any

import pytest

from connector.errors import ConfigError
from connector.fields import Table, load_tables
from connector.settings import Section
from connector.sources.mytracker.selectors import choose_tables, extend_tables, find_unknown

DECLARED = load_tables("mytracker")
MONEY = {
    "events": ["payments"],
    "selectors": {"payments": ["idApp", "tsEvent", "inventedAmount", "inventedCurrency"]},
    "roles": {"payments": {"amount": "inventedAmount", "currency": "inventedCurrency"}},
}


def make_section(**values: Any) -> Section:
    return Section("mytracker", values)


def choose(**values: Any) -> dict[str, Table]:
    return choose_tables(make_section(**values))


def extend(**values: Any) -> dict[str, Table]:
    return extend_tables(make_section(**values))


def names_of(table: Table) -> list[str]:
    return [field.name for field in table.fields]


def test_nothing_set_means_the_events_with_defaults_and_these() -> None:
    tables = choose()
    expected = {name: list(table.defaults) for name, table in DECLARED.items() if table.defaults}
    assert {name: names_of(table) for name, table in tables.items()} == expected
    assert set(expected) == {
        "activities",
        "custom_events",
        "installs",
        "sessions",
        "user_custom_events",
        "user_sessions",
    }


def test_selectors_replace_the_defaults_in_the_asked_order() -> None:
    table = choose(selectors={"installs": ["tsInsert", "idApp", "tsEvent"]})["installs"]
    assert names_of(table) == ["tsInsert", "idApp", "tsEvent"]
    assert [field.type for field in table.fields] == ["timestamp", "bigint", "timestamp"]
    assert (table.event_time, table.receive_time) == ("tsEvent", "tsInsert")


def test_times_that_are_not_selected_are_not_the_tables() -> None:
    table = choose()["activities"]
    assert (table.event_time, table.receive_time, table.cursor) == ("", "", "tsInsert")
    assert choose()["sessions"].event_time == "tsEvent"


@pytest.mark.parametrize(
    "settings",
    [
        {"events": ["userPayments"], "selectors": {"userPayments": ["idApp"]}},
        {"events": "user_payments", "selectors": '{"user_payments": "idApp"}'},
        {"events": '["user_payments"]', "selectors": {"userPayments": "idApp"}},
    ],
    ids=["vendor", "raw", "mixed"],
)
def test_event_is_named_as_the_vendor_or_the_table_is(settings: dict[str, Any]) -> None:
    assert {name: names_of(table) for name, table in choose(**settings).items()} == {
        "user_payments": ["idApp"]
    }


def test_events_are_those_named_in_the_order_of_the_field_table() -> None:
    assert list(choose(events=["sessions", "installs", "sessions"])) == ["installs", "sessions"]


@pytest.mark.parametrize(
    ("selector", "kind", "unit", "absent"),
    [
        ("idThing", "text", "", ""),
        ("tsThing", "timestamp", "s", "0"),
        ("dtThing", "date", "", ""),
        ("countThing", "bigint", "", ""),
        ("params.thing", "array_literal", "", ""),
        ("thing", "text", "", ""),
        ("tsunami", "text", "", ""),
        ("typedThing", "timestamp", "s", "0"),
        ("eventValue", "double", "", ""),
    ],
)
def test_type_of_a_selector(selector: str, kind: str, unit: str, absent: str) -> None:
    types = {"typedThing": "timestamp", "eventValue": "double"}
    table = choose(selectors={"customEvents": [selector]}, selector_types=types)["custom_events"]
    field = table.field(selector)
    assert (field.type, field.unit, field.absent) == (kind, unit, absent)


def test_a_time_that_is_loaded_as_text_is_no_time_of_the_table() -> None:
    settings: dict[str, Any] = {"selector_types": {"tsEvent": "text", "tsInsert": "text"}}
    for tables in (choose(**settings), extend(**settings)):
        assert (tables["installs"].event_time, tables["installs"].receive_time) == ("", "")


def test_selector_of_a_role_for_money_is_exact() -> None:
    table = choose(**MONEY)["payments"]
    assert [field.type for field in table.fields] == ["bigint", "timestamp", "decimal", "text"]
    bound = {role.name: role.selector for role in table.roles}
    assert bound == {
        "amount": "inventedAmount",
        "currency": "inventedCurrency",
        "product": "",
        "transaction": "",
        "quantity": "",
    }


def test_extended_tables_are_all_declared_ones_where_nothing_is_set() -> None:
    assert extend() == DECLARED


def test_extended_tables_have_the_selectors_of_all_events_beside_their_own_fields() -> None:
    tables = extend(**MONEY | {"events": ["installs"]})
    payments = tables["payments"]
    assert list(tables) == list(DECLARED)
    assert names_of(payments) == [
        *names_of(DECLARED["payments"]),
        "inventedAmount",
        "inventedCurrency",
    ]
    assert (payments.event_time, payments.receive_time) == ("tsEvent", "tsInsert")
    assert tables["user_payments"] == DECLARED["user_payments"]


@pytest.mark.parametrize(
    ("selector", "alias"),
    [
        ("amount", "amount"),
        ("currency", "x_currency"),
        ("appId", "x_app_id"),
        ("availableAt", "x_available_at"),
        ("x.currency", "x_x_currency"),
    ],
)
def test_names_in_staging_never_meet(selector: str, alias: str) -> None:
    names = ["amount", "currency", "appId", "availableAt", "x.currency"]
    tables = extend(selectors={"payments": names}, roles={"payments": {"amount": "amount"}})
    table = tables["payments"]
    assert table.field(selector).alias == alias
    aliases = [field.alias for field in table.fields] + [role.alias for role in table.roles]
    assert len(set(aliases)) == len(aliases) - 1, "only the role and what plays it have one name"


def test_unknown_selectors_are_named_with_their_event() -> None:
    section = make_section(selectors={"installs": "idApp,newThing", "userPayments": ["isVerified"]})
    assert find_unknown(section) == [("installs", "newThing")]
    assert find_unknown(make_section()) == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"events": ["payments"]}, ("selectors.payments", "config.toml", "dictionary")),
        ({"events": ["installs"], "selectors": {"installs": []}}, ("selectors.installs",)),
        ({"events": ["install"]}, ("events", "install,", "installs", "userTrialPayments")),
        ({"selectors": {"launches": ["idApp"]}}, ("selectors", "launches", "sessions")),
        ({"roles": {"launches": {}}}, ("roles", "launches", "sessions")),
        ({"selectors": {"installs": ["idApp", "tsEvent", "idApp"]}}, ("idApp twice",)),
        ({"selectors": {"installs": ["a.b", "aB"]}}, ("installs", "aB", "a.b", "a_b")),
        ({"selectors": {"installs": ["id_app"]}}, ("id_app", "idApp")),
        ({"selectors": {"installs": ["_unit"]}}, ("_unit", "connector")),
        ({"selectors": {"installs": ["_dlt_id"]}}, ("_dlt_id", "connector")),
        ({"selectors": {"installs": 5.5}}, ("selectors", "5.5")),
        (
            {"selectors": {"userPayments": ["idApp"], "user_payments": ["tsEvent"]}},
            ("user_payments", "twice"),
        ),
        (MONEY | {"roles": {"payments": {"price": "inventedAmount"}}}, ("price", "amount")),
        (MONEY | {"roles": {"payments": {"amount": "other"}}}, ("other", "selectors.payments")),
        ({"roles": {"installs": {"amount": "tsEvent"}}}, ("installs", "no roles")),
        (MONEY | {"roles": {"payments": {"amount": "tsEvent"}}}, ("tsEvent", "timestamp")),
        (
            MONEY | {"selector_types": {"inventedAmount": "text"}},
            ("selector_types.inventedAmount", "decimal"),
        ),
        ({"selector_types": {"idApp": "money"}}, ("selector_types", "money", "decimal")),
    ],
)
def test_wrong_setting_is_named(settings: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(**settings)
    assert [part for part in named if part not in str(caught.value)] == []


def test_event_without_selectors_is_passed_over_where_it_is_not_named() -> None:
    assert "installs" not in choose(selectors={"installs": []})
    assert names_of(extend(selectors={"installs": []})["installs"])
