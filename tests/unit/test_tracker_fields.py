"""The field table of MyTracker: every event, what is known of it, and what is taken for granted."""

import re

import pytest

from connector.fields import Field, Table, load_families, load_tables
from connector.naming import to_snake_case

TRACKER = load_tables("mytracker")
TABLES = list(TRACKER.values())
DEVICE_EVENTS = {
    *("activities", "adMonetization", "appUpdates", "appleSKANpostbacks", "customEvents"),
    *("deeplinks", "deviceAuthorisations", "deviceRegistrations", "hits", "installs", "newDevices"),
    *("partnerSKANpostbacks", "payments", "reengagements", "reinstalls", "sessions"),
    *("testPayments", "trialPayments"),
}
USER_EVENTS = {
    *("userActivities", "userAdMonetization", "newUsers", "userAuthorisations"),
    *("userCustomEvents", "userDeeplinks", "userHits", "userPayments", "userReengagements"),
    *("userRegistrations", "userSessions", "userTrialPayments"),
}
PAYMENTS = {"payments", "userPayments", "testPayments", "trialPayments", "userTrialPayments"}
DEFAULTS = {
    "custom_events": 137,
    "installs": 16,
    "sessions": 7,
    "user_sessions": 5,
    "user_custom_events": 6,
    "activities": 7,
}
ZERO = "00000000-0000-0000-0000-000000000000"


def test_every_event_of_the_vendor_is_a_table() -> None:
    assert {table.endpoint for table in TABLES} == DEVICE_EVENTS | USER_EVENTS
    assert [table.name for table in TABLES] == [to_snake_case(table.endpoint) for table in TABLES]


def test_defaults_are_what_was_seen_of_the_very_event() -> None:
    assert {t.name: len(t.defaults) for t in TABLES if t.defaults} == DEFAULTS
    assert len(TRACKER["custom_events"].fields) == 137


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_is_complete(table: Table) -> None:
    assert (table.axis, table.cursor) == ("availability", "tsInsert")
    assert (table.event_time, table.receive_time) == ("tsEvent", "tsInsert")
    assert table.doc.endswith(".")
    assert {"idApp", "idCountry"} <= table.by_name.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_field_follows_its_family(table: Table) -> None:
    for field in table.fields:
        assert field.doc, field.name
        if re.match("ts[A-Z]", field.name):
            assert (field.type, field.unit, field.absent) == ("timestamp", "s", "0")
            assert field.alias.endswith("_at")
        if field.name.startswith("params."):
            assert field.type == "array_literal"
        if field.name.endswith("Title"):
            assert field.type == "text"


def test_ids_that_exceed_int64_or_begin_with_zeros_are_text() -> None:
    for name in ("idDevice", "idProfile", "SDKKey", "customUserId", "instanceId"):
        assert TRACKER["installs"].field(name).is_text


def test_ids_of_persons_are_personal_and_zeros_are_none() -> None:
    fields = TRACKER["custom_events"].fields
    assert {field.name for field in fields if field.absent == ZERO} == {
        *("advertisingId", "idfa", "iosVendorId", "oaid", "waid")
    }
    assert {field.name for field in fields if field.is_pii} == {
        *("advertisingId", "androidId", "customUserId", "idDevice", "idProfile", "idfa"),
        *("instanceId", "iosVendorId", "oaid", "waid"),
    }


def test_a_field_means_the_same_in_every_table() -> None:
    seen: dict[str, Field] = {}
    for table in TABLES:
        for field in table.fields:
            assert seen.setdefault(field.name, field) == field


def test_install_time_is_not_asked_of_installs() -> None:
    assert [table.name for table in TABLES if "tsInstall" not in table.by_name] == [
        "apple_ska_npostbacks",
        "installs",
        "partner_ska_npostbacks",
    ]


def test_payments_and_ads_have_roles() -> None:
    roles = {t.endpoint: [(r.name, r.alias, r.type) for r in t.roles] for t in TABLES if t.roles}
    assert roles.keys() == PAYMENTS | {"adMonetization", "userAdMonetization"}
    money = [("amount", "amount", "decimal"), ("currency", "currency", "text")]
    for endpoint, found in roles.items():
        assert found == money + (
            [
                ("product", "product", "text"),
                ("transaction", "transaction_id", "text"),
                ("quantity", "quantity", "decimal"),
            ]
            if endpoint in PAYMENTS
            else [
                ("network", "network", "text"),
                ("unit", "ad_unit", "text"),
                ("placement", "placement", "text"),
            ]
        )


def test_families_are_those_of_sources_that_declare_them() -> None:
    found = {family.name: family.type for family in load_families("mytracker")}
    assert found == {
        "id": "text",
        "ts": "timestamp",
        "dt": "date",
        "count": "bigint",
        "params.": "array_literal",
    }
    assert load_families("appmetrica_stream") == ()
