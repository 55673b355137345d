"""Settings of MyTracker: what is not set, and each wrong one refused by its name and place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.context import ApiContext
from connector.errors import ConfigError
from connector.sources.mytracker import make_api, make_options, make_tables, mytracker
from connector.sources.mytracker.tracker_settings import FILE_HOSTS, TrackerSettings, read_settings

KEY = "invented-secret-key"


def _list_defaults() -> dict[str, Any]:
    spec: Any = mytracker.ref.SPEC()
    return {name: getattr(spec, name) for name in spec.get_resolvable_fields()}


GIVEN: dict[str, Any] = {**_list_defaults(), "api_user_id": "77658", "secret_key": KEY}
"""The settings of somebody who has set nothing but the credentials."""


def make_settings(**changes: Any) -> TrackerSettings:
    return read_settings(GIVEN | changes)


def test_credentials_are_enough() -> None:
    settings = make_settings()
    assert (settings.base_url, settings.timezone) == ("https://tracker.my.com", "UTC")
    assert settings.file_hosts == FILE_HOSTS
    assert (settings.max_jobs, settings.hourly_request_cap, settings.retries) == (2, 600, 5)
    assert (settings.create_form, settings.sign_downloads) == ("query", "auto")
    assert settings.has_inclusive_bounds
    assert settings.counts_downloads
    assert (settings.cut_by_insert, settings.event_floor, settings.start) == ("auto", 0, None)
    assert settings.unknown_selectors == ()
    assert "custom_events" in settings.tables
    assert set(settings.filters) == set(settings.rules) == set(settings.tables)
    assert not any(settings.filters.values())


def test_exports_are_polled_as_the_contract_says() -> None:
    patience = make_settings().patience
    assert (patience.first_s, patience.most_s, patience.queue_full_s) == (15, 30, 60)
    assert (patience.deadline, patience.creations) == (timedelta(hours=3), 5)


def test_days_are_read_again_weekly_for_a_month_where_nothing_is_set() -> None:
    rules = make_settings().rules["custom_events"]
    assert rules.step == timedelta(hours=1)
    assert [look / timedelta(days=1) for look in rules.later] == [7, 14, 21, 28]


@pytest.mark.parametrize(
    ("changes", "table", "days"),
    [
        ({"future_sweep_days": 0}, "installs", []),
        ({"future_sweep_days": "10"}, "installs", [10, 20, 30]),
        ({"future_sweep_days": 0, "payments_reload_days": 3}, "installs", []),
        ({"future_sweep_days": 0, "installs_reload_days": 3}, "installs", [1, 2, 3]),
        ({"future_sweep_days": 0, "payments_reload_days": 30}, "payments", [1, 2, 4, 8, 16, 30]),
        ({"future_sweep_days": 7, "payments_reload_days": 8}, "user_trial_payments", None),
        ({"future_sweep_days": 0, "installs_reload_days": 3}, "payments", []),
    ],
)
def test_looks_go_by_event(changes: dict[str, Any], table: str, days: list[float] | None) -> None:
    selectors = {"payments": ["idApp"], "userTrialPayments": ["idApp"]}
    rules = make_settings(selectors=selectors, **changes).rules[table]
    expected = [1, 2, 4, 7, 8, 14, 21, 28] if days is None else days
    assert [look / timedelta(days=1) for look in rules.later] == expected


@pytest.mark.parametrize("user", ["77658", 77658, " 77658 "])
def test_user_is_a_number_however_it_is_written(user: object) -> None:
    assert make_settings(api_user_id=user).api_user_id == "77658"


@pytest.mark.parametrize(
    "given",
    [
        {"customEvents": ["idApp", "tsInsert"], "installs": "idApp,tsEvent"},
        '{"customEvents": ["idApp", "tsInsert"], "installs": "idApp,tsEvent"}',
        {"custom_events": '["idApp", "tsInsert"]', "installs": ["idApp", "tsEvent"]},
    ],
    ids=["table", "json", "mixed"],
)
def test_selectors_are_a_table_or_json(given: object) -> None:
    tables = make_settings(selectors=given, events="installs,customEvents").tables
    names = {name: [field.name for field in table.fields] for name, table in tables.items()}
    assert names == {"custom_events": ["idApp", "tsInsert"], "installs": ["idApp", "tsEvent"]}


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2026-03-10", datetime(2026, 3, 10, tzinfo=UTC)),
        ("2026-03-10T12:00:00+03:00", datetime(2026, 3, 10, 9, tzinfo=UTC)),
        ("1970-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("", None),
    ],
)
def test_start_is_a_date_or_a_moment(start: str, moment: datetime | None) -> None:
    assert make_settings(start=start).start == moment


@pytest.mark.parametrize(
    ("changes", "app"),
    [
        ({}, ""),
        ({"id_apps": "5"}, "5"),
        ({"id_apps": [5, 5]}, "5"),
        ({"id_apps": "5,6"}, ""),
        ({"id_apps": "5", "sdk_keys": "00000000000000000007"}, ""),
        ({"sdk_keys": "00000000000000000007"}, ""),
    ],
)
def test_rows_are_of_one_app_where_one_is_named(changes: dict[str, Any], app: str) -> None:
    assert make_settings(**changes).name_app("installs") == app


def test_unknown_selectors_are_kept_with_their_event() -> None:
    settings = make_settings(selectors={"installs": ["idApp", "newThing"]})
    assert settings.unknown_selectors == (("installs", "newThing"),)


def test_settings_never_show_the_key() -> None:
    settings = make_settings()
    assert KEY not in repr(settings)
    assert KEY not in f"{settings}"


SECRET, PLAIN = "secrets.toml", "config.toml"


@pytest.mark.parametrize(
    ("key", "value", "place", "said"),
    [
        ("api_user_id", None, SECRET, "is not set"),
        ("api_user_id", "", SECRET, "is not set"),
        ("api_user_id", "ann@example.com", SECRET, "no number"),
        ("api_user_id", "-5", SECRET, "no number"),
        ("api_user_id", "٥٥", SECRET, "no number"),
        ("secret_key", None, SECRET, "is not set"),
        ("secret_key", " ", SECRET, "is not set"),
        ("base_url", "", PLAIN, "is not set"),
        ("events", ["launches"], "", "launches"),
        ("events", 5.5, PLAIN, "no list"),
        ("selectors", "{", PLAIN, "no JSON object"),
        ("selectors", [1], PLAIN, "no table"),
        ("selectors", {"launches": ["a"]}, "", "launches"),
        ("selector_types", {"idApp": "money"}, "", "money"),
        ("selector_types", "x", PLAIN, "no JSON object"),
        ("roles", {"installs": {"amount": "x"}}, "", "installs"),
        ("roles", "[]x", PLAIN, "no JSON object"),
        ("id_apps", "MyApp", PLAIN, "'MyApp', which is no number"),
        ("sdk_keys", "0001,x", PLAIN, "'x', which is no number"),
        ("filters", "isVerified", PLAIN, "no JSON object"),
        ("filters", {"idThing": 1}, PLAIN, "no filter"),
        ("timezone", "Mars/Base", PLAIN, "no zone"),
        ("timezone", "", PLAIN, "is not set"),
        ("timezone", "../etc/passwd", PLAIN, "no zone"),
        ("start", "1969-12-31", PLAIN, "1970-01-01"),
        ("start", "yesterday", PLAIN, "ISO 8601"),
        ("slice_hours", 0, PLAIN, "between"),
        ("slice_hours", 25, PLAIN, "between"),
        ("slice_hours", "hourly", PLAIN, "no number"),
        ("poll_seconds", 0, PLAIN, "between"),
        ("poll_seconds", float("nan"), PLAIN, "between"),
        ("deadline_hours", 0, PLAIN, "between"),
        ("max_jobs", 0, PLAIN, "between"),
        ("max_jobs", 21, PLAIN, "between"),
        ("future_sweep_days", -1, PLAIN, "between"),
        ("future_sweep_days", 31, PLAIN, "between"),
        ("bounds", "open", PLAIN, "inclusive, exclusive"),
        ("cut_by_tsinsert", "always", PLAIN, "auto, never"),
        ("event_floor", -1, PLAIN, "between"),
        ("create_form", "get", PLAIN, "query, body"),
        ("file_hosts", 5.5, PLAIN, "no list"),
        ("sign_downloads", "yes", PLAIN, "auto, always, never"),
        ("count_downloads", "maybe", PLAIN, "true or false"),
        ("hourly_request_cap", 0, PLAIN, "between"),
        ("hourly_request_cap", 1001, PLAIN, "between"),
        ("retries", -1, PLAIN, "between"),
        ("timeout_seconds", 0, PLAIN, "between"),
    ],
)
def test_wrong_setting_is_refused_by_name_and_place(
    key: str, value: object, place: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_settings(**{key: value})
    text = str(caught.value)
    assert f"sources.mytracker.{key}" in text
    assert said in text
    assert place in text
    assert KEY not in text


@pytest.mark.parametrize(
    ("key", "table"), [("payments_reload_days", "payments"), ("installs_reload_days", "installs")]
)
@pytest.mark.parametrize("value", [-1, 91, "often"])
def test_wrong_number_of_days_is_refused(key: str, table: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"sources.mytracker.{key}"):
        make_settings(selectors={table: ["idApp"]}, **{key: value})


@pytest.mark.parametrize("url", ["http://tracker.my.com", "tracker.my.com", "ftp://127.0.0.1"])
def test_credentials_go_over_https_only(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.mytracker\.base_url"):
        make_api(GIVEN | {"base_url": url}, ApiContext())


def test_empty_text_is_null_or_kept() -> None:
    assert not make_options(GIVEN).keep_empty
    assert make_options(GIVEN | {"empty_text": "keep"}).keep_empty
    with pytest.raises(ConfigError, match="empty_text"):
        make_options(GIVEN | {"empty_text": "?"})


def test_tables_need_no_credentials() -> None:
    settings = {"selectors": {"payments": ["inventedAmount"]}}
    assert "inventedAmount" in make_tables(settings)["payments"].by_name
