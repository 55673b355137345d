"""Filters: which event takes them, how many values, what is refused and how that is said."""

from collections.abc import Mapping
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.settings import Section
from connector.sources.mytracker.filters import (
    LISTS,
    MOST_VALUES,
    SINGLES,
    Filters,
    read_filters,
    read_zone,
)

PAYMENTS = ("payments", "userPayments", "testPayments", "trialPayments", "userTrialPayments")
CUSTOM = ("customEvents", "userCustomEvents")
ADS = ("adMonetization", "userAdMonetization")
OTHERS = ("installs", "hits", "sessions", "userSessions", "activities")
EVENTS = (*PAYMENTS, *CUSTOM, *ADS, *OTHERS)
MANY = [str(number) for number in range(1, MOST_VALUES + 2)]


def read(*events: str, **values: Any) -> dict[str, Filters]:
    return read_filters(Section("mytracker", values), events or EVENTS)


def refuse(*events: str, **values: Any) -> str:
    """What a wrong filter is told."""
    with pytest.raises(ConfigError) as caught:
        read(*events, **values)
    return str(caught.value)


def events_with(found: Mapping[str, Filters], name: str) -> set[str]:
    return {event for event, filters in found.items() if name in filters}


def test_nothing_set_means_no_filter() -> None:
    assert read() == {event: {} for event in EVENTS}


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("isVerified", PAYMENTS),
        ("idPurchaseType", PAYMENTS),
        ("eventName", CUSTOM),
        ("idAdMediator", ADS),
        ("idSegment", ("hits", "installs")),
        *((name, EVENTS) for name in ("idAccount", "idProject", "idAd", "idCampaign")),
        *((name, EVENTS) for name in ("idCountry", "idPartner", "rooted")),
    ],
)
def test_filter_goes_to_the_events_that_take_it(name: str, events: tuple[str, ...]) -> None:
    found = read(filters={name: "1"})
    assert events_with(found, name) == set(events)
    assert all(found[event][name] == ("1",) for event in events)
    (first,) = events[:1]
    assert read(first, filters={first: {name: "1"}})[first] == {name: ("1",)}
    for other in set(EVENTS) - set(events):
        text = refuse(other, filters={other: {name: "1"}})
        assert f"does not go with {other}" in text
        assert events[0] in text
        assert f"{name} goes with" in refuse(other, filters={name: "1"})


def test_names_of_events_may_be_left_out() -> None:
    given = {"eventName": ["mt_login"], "eventNameInvert": 1}
    found = read("customEvents", "installs", filters=given)
    assert found["customEvents"] == {"eventName": ("mt_login",), "eventNameInvert": ("1",)}
    assert found["installs"] == {}


def test_every_documented_filter_is_known() -> None:
    documented = "idApp SDKKey idAccount idProject idAd idCampaign idCountry idPartner isVerified"
    documented += " idPurchaseType eventName eventNameInvert rooted idAdMediator idSegment"
    assert {*LISTS, *SINGLES} == set(documented.split())


def test_apps_are_of_every_event() -> None:
    found = read("installs", "payments", id_apps="1,454,1", sdk_keys=["00000000000000000007"])
    expected = {"idApp": ("1", "454"), "SDKKey": ("00000000000000000007",)}
    assert found == {"installs": expected, "payments": expected}


def test_filter_of_one_event_wins_over_that_of_all() -> None:
    given = {"idCountry": "188,200", "installs": {"idCountry": 643, "rooted": 2}}
    found = read("installs", "sessions", filters=given)
    assert found["installs"] == {"idCountry": ("643",), "rooted": ("2",)}
    assert found["sessions"] == {"idCountry": ("188", "200")}


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("188", ("188",)),
        (188, ("188",)),
        ("188, 200", ("188", "200")),
        ([188, "200", 188], ("188", "200")),
        ("[188, 200]", ("188", "200")),
    ],
)
def test_values_may_be_a_list_json_or_commas(value: object, values: tuple[str, ...]) -> None:
    assert read("installs", filters={"idCountry": value})["installs"]["idCountry"] == values


def test_filters_may_be_json() -> None:
    given = '{"idCountry": [188], "installs": {"rooted": 1}}'
    assert read("installs", filters=given)["installs"] == {"idCountry": ("188",), "rooted": ("1",)}


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("a, b", ("a, b",)),
        (["a, b", "a, b", "c"], ("a, b", "c")),
        ("Вход", ("Вход",)),
        (["12"], ("12",)),
    ],
)
def test_name_of_an_event_may_hold_commas(value: object, values: tuple[str, ...]) -> None:
    found = read("customEvents", filters={"eventName": value})
    assert found["customEvents"]["eventName"] == values


@pytest.mark.parametrize(("value", "values"), [(True, ("1",)), (False, ("0",)), ("1", ("1",))])
def test_flag_may_be_true_or_false(value: object, values: tuple[str, ...]) -> None:
    found = read("payments", filters={"isVerified": value})
    assert found["payments"]["isVerified"] == values


@pytest.mark.parametrize(
    ("event", "given", "said"),
    [
        ("installs", {"idApp": 1}, ("idApp is given by sources.mytracker.id_apps",)),
        ("installs", {"SDKKey": 1}, ("SDKKey is given by sources.mytracker.sdk_keys",)),
        ("installs", {"installs": {"idApp": 1}}, ("sources.mytracker.id_apps",)),
        ("installs", {"country": 1}, ("country is no filter", "idCountry", "idSegment")),
        ("installs", {"tsFrom": 1}, ("tsFrom is no filter",)),
        ("installs", {"sessions": {"rooted": 1}}, ("sessions is no event that is loaded",)),
        ("installs", {"installs": {"country": 1}}, ("country is no filter",)),
        ("installs", {"idCountry": "Russia"}, ("idCountry has 'Russia', which is no number",)),
        ("installs", {"idCountry": [1, -2]}, ("'-2'",)),
        ("installs", {"idCountry": [1.5]}, ("'1.5'",)),
        ("installs", {"idCountry": "²"}, ("no number",)),
        ("installs", {"idCountry": []}, ("idCountry has no value",)),
        ("installs", {"idCountry": None}, ("idCountry has no value",)),
        ("installs", {"idCountry": 1.5}, ("idCountry",)),
        ("customEvents", {"eventName": " "}, ("eventName has no value",)),
        ("customEvents", {"eventName": ["", " "]}, ("eventName has no value",)),
        ("customEvents", {"eventNameInvert": 2}, ("eventNameInvert is 2", "0, 1")),
        ("payments", {"isVerified": [0, 1]}, ("isVerified takes one value, and has 2",)),
        ("payments", {"isVerified": 2}, ("isVerified is 2", "one of 0, 1")),
        ("payments", {"idPurchaseType": "1,2"}, ("idPurchaseType takes one value",)),
        ("hits", {"idSegment": "1,2"}, ("idSegment takes one value",)),
        ("installs", {"rooted": 3}, ("rooted is 3", "0, 1, 2")),
    ],
)
def test_wrong_filter_is_refused_by_name(
    event: str, given: dict[str, Any], said: tuple[str, ...]
) -> None:
    text = refuse(event, filters=given)
    assert [part for part in said if part not in text] == []
    assert "sources.mytracker." in text
    assert ".dlt/config.toml" in text
    assert "SOURCES__MYTRACKER__" in text


@pytest.mark.parametrize("key", ["id_apps", "sdk_keys"])
def test_wrong_app_names_the_key_it_stands_under(key: str) -> None:
    text = refuse("installs", **{key: "com.example.app"})
    assert f"sources.mytracker.{key}:" in text
    assert f"SOURCES__MYTRACKER__{key.upper()}" in text


@pytest.mark.parametrize("count", [MOST_VALUES - 1, MOST_VALUES, MOST_VALUES + 1, 2500])
@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"idApp", "SDKKey"}])
def test_long_lists_are_taken(name: str, count: int) -> None:
    values = [str(number) for number in range(count)]
    assert len(read("customEvents", filters={name: values})["customEvents"][name]) == count


def test_apps_named_in_two_ways_must_fit_into_one_export() -> None:
    short = MANY[:MOST_VALUES]
    assert len(read("installs", id_apps=short, sdk_keys=short)["installs"]["SDKKey"]) == MOST_VALUES
    assert "id_apps or sdk_keys, not both" in refuse("installs", id_apps=MANY, sdk_keys="1")
    text = refuse("installs", id_apps="1", sdk_keys=MANY)
    assert "sources.mytracker.sdk_keys: SDKKey has more than 999 values" in text
    assert len(read("installs", id_apps=MANY)["installs"]["idApp"]) == MOST_VALUES + 1


def test_events_that_are_left_out_must_fit_into_one_export() -> None:
    given = {"eventName": MANY, "eventNameInvert": 1}
    assert "eventName leaves out 1000 events" in refuse("customEvents", filters=given)
    assert read("customEvents", filters=given | {"eventNameInvert": 0})
    assert read("customEvents", filters=given | {"eventName": MANY[:MOST_VALUES]})


@pytest.mark.parametrize("name", ["UTC", "Europe/Moscow", "Asia/Yekaterinburg"])
def test_zone_of_days_is_one_there_is(name: str) -> None:
    assert read_zone(Section("mytracker", {"timezone": name})) == name
    with pytest.raises(ConfigError, match="timezone"):
        read_zone(Section("mytracker", {"timezone": f"{name}x"}))
