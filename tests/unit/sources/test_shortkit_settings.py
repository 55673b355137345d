"""Settings of ShortKit: what is not set, each wrong one refused by its name, the quota's arithmetic."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.context import ApiContext
from connector.errors import ConfigError
from connector.sources.shortkit import make_api, make_options, make_tables, shortkit
from connector.sources.shortkit.shortkit_settings import (
    DOWNLOAD_HOSTS,
    PATHS,
    Group,
    ShortkitSettings,
    read_settings,
)

TOKEN = "sk_test_1a2b_invented-secret-key"


def _list_defaults() -> dict[str, Any]:
    spec: Any = shortkit.ref.SPEC()
    return {name: getattr(spec, name) for name in spec.get_resolvable_fields()}


GIVEN: dict[str, Any] = {**_list_defaults(), "token": TOKEN}
"""The settings of somebody who has set nothing but the token."""

VIDEOS, ADS = Group(("events", "quality")), Group(("ads",))


def make_settings(**changes: Any) -> ShortkitSettings:
    return read_settings(GIVEN | changes)


def test_a_token_is_enough() -> None:
    settings = make_settings()
    assert settings.base_url == "https://api.shortkit.dev/v1"
    assert settings.application_id == "shortkit"
    assert settings.data_types == ("events", "quality", "ads")
    assert settings.groups == (VIDEOS, ADS)
    assert settings.scheduled == VIDEOS
    assert (settings.format, settings.compression, settings.start) == ("jsonl", "gzip", None)
    assert (settings.lookback_days, settings.settle) == (2, timedelta(hours=2))
    assert (settings.zone.key, settings.is_end_inclusive) == ("UTC", True)
    assert (settings.max_days, settings.retention_days) == (30, 90)
    assert (settings.max_jobs, settings.daily_jobs, settings.reserve_jobs) == (3, 20, 2)
    assert (settings.runs_per_day, settings.least_share) == (1, 0.95)
    assert (settings.filters, settings.paths) == ({}, PATHS)
    assert (settings.download_hosts, settings.names_hosts) == (DOWNLOAD_HOSTS, False)
    assert (settings.retries, settings.timeout_s, settings.job_id_field) == (5, 60, "jobId")
    assert settings.windows_by_event


def test_jobs_are_polled_as_the_contract_says() -> None:
    patience = make_settings().patience
    assert (patience.first_s, patience.most_s, patience.queue_full_s) == (5, 30, 10)
    assert (patience.deadline, patience.stuck) == (timedelta(hours=6), timedelta(hours=6))
    assert (patience.creations, patience.again_s) == (2, 600)
    patience = make_settings(poll_seconds=0.1, deadline_hours=1, retry_failed_seconds=0).patience
    assert (patience.first_s, patience.again_s) == (0.1, 0)
    assert patience.most_s == pytest.approx(0.6)
    assert patience.deadline == timedelta(hours=1)


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (None, (VIDEOS, ADS)),
        ("", (VIDEOS, ADS)),
        (["quality", "events"], (VIDEOS,)),
        ("ads", (ADS,)),
        ('["ads", "quality"]', (Group(("quality",)), ADS)),
        ("events,events", (Group(("events",)),)),
    ],
)
def test_ads_are_always_a_job_of_their_own(given: object, groups: tuple[Group, ...]) -> None:
    settings = make_settings(data_types=given)
    assert settings.groups == groups
    assert [group.name for group in groups] == ["+".join(group.tables) for group in groups]
    assert set(settings.data_types) == {table for group in groups for table in group.tables}


@pytest.mark.parametrize(
    ("given", "group"),
    [(None, VIDEOS), ("events", Group(("events",))), (["quality", "events"], VIDEOS), ("ads", ADS)],
)
def test_the_schedule_exports_one_group(given: object, group: Group) -> None:
    assert make_settings(scheduled_data_types=given).scheduled == group


@pytest.mark.parametrize(
    "given",
    [
        {"content_ids": ["c1", "c2"], "event_types": "like,swipe", "user_ids": []},
        '{"content_ids": ["c1", "c2"], "event_types": ["like", "swipe"]}',
    ],
)
def test_filters_are_a_table_or_json(given: object) -> None:
    filters = {"contentIds": ("c1", "c2"), "eventTypes": ("like", "swipe")}
    assert make_settings(filters=given).filters == filters


def test_paths_are_changed_one_by_one() -> None:
    settings = make_settings(paths={"status": "/jobs/{job}"})
    assert settings.path("status", job="exp_1") == "/jobs/exp_1"
    assert settings.path("create") == "/analytics/export"
    assert settings.path("person_poll", user="u1", job="j") == "/users/u1/export/j"


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2026-03-10", datetime(2026, 3, 10, tzinfo=UTC)),
        ("2026-03-10T12:00:00+03:00", datetime(2026, 3, 10, 9, tzinfo=UTC)),
        ("", None),
    ],
)
def test_start_is_a_date_or_a_moment(start: str, moment: datetime | None) -> None:
    assert make_settings(start=start).start == moment


def test_hosts_that_are_named_may_be_anywhere() -> None:
    settings = make_settings(download_hosts="127.0.0.1:8080, Files.Example.com")
    assert settings.names_hosts
    assert settings.download_hosts == ("127.0.0.1:8080", "Files.Example.com")


def test_windows_by_time_of_receipt_are_single_days() -> None:
    settings = make_settings(window_clock="received")
    assert (settings.max_days, settings.jobs_per_run) == (1, 6)
    assert not settings.windows_by_event
    assert make_options(GIVEN | {"window_clock": "received"}).day_rows == _day_rows(trusts=True)


def _day_rows(*, trusts: bool) -> object:
    options = make_options(GIVEN).day_rows
    assert options
    assert not options.trusts_window
    return type(options)(options.tables, trusts, options.least_share)


# 18 jobs of the day are there to be planned with: 20 less the 2 that are kept
@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        ({}, 2),
        ({"runs_per_day": 9}, 2),
        ({"lookback_days": 30}, 4),
        ({"lookback_days": 29, "runs_per_day": 9}, 2),
        ({"data_types": "ads", "runs_per_day": 18}, 1),
        ({"max_days": 1}, 6),
        ({"max_days": 1, "runs_per_day": 3}, 6),
        ({"max_days": 2, "runs_per_day": 4}, 4),
        ({"runs_per_day": 10, "reserve_jobs": 0}, 2),
        ({"runs_per_day": 24, "daily_jobs": 50}, 2),
    ],
)
def test_jobs_of_a_day_are_enough(changes: dict[str, Any], jobs: int) -> None:
    assert make_settings(**changes).jobs_per_run == jobs


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"runs_per_day": 24},
            "is 24: each run asks for 2 groups x 1 windows of the 3 newest days = 2 jobs, 24 runs",
        ),
        (
            {"runs_per_day": 24},
            "make 48 a day, and the vendor takes 20, of which 2 are kept for retries. 9 runs a day",
        ),
        ({"runs_per_day": 10}, "10 runs make 20 a day"),
        ({"runs_per_day": 3, "lookback_days": 30, "max_days": 10}, "2 groups x 4 windows"),
        ({"runs_per_day": 19, "data_types": "ads"}, "1 groups x 1 windows"),
        ({"window_clock": "received", "runs_per_day": 4}, "2 groups x 3 windows"),
        ({"lookback_days": 9, "window_clock": "received"}, "= 20 jobs, 1 runs make 20 a day"),
        ({"daily_jobs": 3}, "= 2 jobs, 1 runs make 2 a day, and the vendor takes 3"),
        ({"daily_jobs": 2, "reserve_jobs": 9}, "0 runs a day fit"),
    ],
)
def test_a_schedule_that_breaks_the_quota_is_refused_with_the_arithmetic(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_settings(**changes)
    assert "sources.shortkit.runs_per_day" in str(caught.value)
    assert said in str(caught.value)


def test_settings_never_show_the_token() -> None:
    settings = make_settings()
    assert TOKEN not in repr(settings)
    assert TOKEN not in f"{settings}"


SECRET, PLAIN = "secrets.toml", "config.toml"


@pytest.mark.parametrize(
    ("key", "value", "place", "said"),
    [
        ("token", None, SECRET, "is not set"),
        ("token", " ", SECRET, "is not set"),
        ("base_url", "", PLAIN, "is not set"),
        ("application_id", "", PLAIN, "is not set"),
        ("data_types", "views", PLAIN, "'views'; there is: events, quality, ads"),
        ("data_types", 5.5, PLAIN, "no list"),
        ("format", "parquet", PLAIN, "jsonl, csv"),
        ("format", None, PLAIN, "jsonl, csv"),
        ("compression", "zip", PLAIN, "gzip, none"),
        ("filters", {"countries": ["DE"]}, PLAIN, "'countries'; there is: content_ids"),
        ("filters", "{", PLAIN, "no JSON object"),
        ("filters", {"user_ids": 1.5}, "", "no list"),
        ("start", "yesterday", PLAIN, "ISO 8601"),
        ("lookback_days", -1, PLAIN, "between"),
        ("lookback_days", 31, PLAIN, "between"),
        ("lookback_days", "two", PLAIN, "no number"),
        ("settle_hour", -1, PLAIN, "between"),
        ("settle_hour", 48, PLAIN, "between"),
        ("zone", "Mars/Base", PLAIN, "no IANA zone"),
        ("zone", "../etc/passwd", PLAIN, "no IANA zone"),
        ("zone", "", PLAIN, "is not set"),
        ("end_date", "open", PLAIN, "inclusive, exclusive"),
        ("window_clock", "device", PLAIN, "event, received"),
        ("retry_failed_seconds", -1, PLAIN, "between"),
        ("poll_seconds", 0, PLAIN, "between"),
        ("poll_seconds", float("nan"), PLAIN, "between"),
        ("deadline_hours", 0, PLAIN, "between"),
        ("max_days", 0, PLAIN, "between"),
        ("max_days", 367, PLAIN, "between"),
        ("retention_days", 0, PLAIN, "between"),
        ("max_jobs", 0, PLAIN, "between"),
        ("max_jobs", 21, PLAIN, "between"),
        ("daily_jobs", 0, PLAIN, "between"),
        ("reserve_jobs", -1, PLAIN, "between"),
        ("runs_per_day", 0, PLAIN, "between"),
        ("runs_per_day", 1441, PLAIN, "between"),
        ("least_share", 1.5, PLAIN, "between"),
        ("least_share", "most", PLAIN, "no number"),
        ("download_hosts", 5.5, PLAIN, "no list"),
        ("job_id_field", "", PLAIN, "is not set"),
        ("paths", {"delete": "/x"}, PLAIN, "'delete'; there is: create, status"),
        ("paths", {"status": "/x/{id}"}, PLAIN, "its places are {job} and {user}"),
        ("paths", {"status": "/x/{"}, PLAIN, "its places are {job} and {user}"),
        ("paths", "[]x", PLAIN, "no JSON object"),
        ("scheduled_data_types", "events,ads", PLAIN, "cannot be told apart"),
        ("scheduled_data_types", "views", PLAIN, "'views'"),
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
    assert f"sources.shortkit.{key}" in text
    assert said in text
    assert place in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"units": {"percentComplete": "share"}}, "sources.shortkit.units says 'share'"),
        ({"units": {"duration": "s"}}, "sources.shortkit.units names duration"),
        ({"units": "x"}, "sources.shortkit.units"),
        ({"empty_text": "?"}, "sources.shortkit.empty_text"),
        ({"window_clock": "?"}, "sources.shortkit.window_clock"),
        ({"least_share": 2}, "sources.shortkit.least_share"),
    ],
)
def test_what_concerns_files_is_checked_where_they_are_read(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_options(GIVEN | changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://api.shortkit.dev/v1", "api.shortkit.dev", "ftp://127.0.0.1"]
)
def test_the_token_goes_over_https_only(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.shortkit\.base_url"):
        make_api(GIVEN | {"base_url": url}, ApiContext())


def test_an_api_has_the_tables_that_are_asked_for() -> None:
    api = make_api(GIVEN | {"data_types": "ads,events"}, ApiContext())
    assert (api.tables, api.application_ids, api.parallel) == (("events", "ads"), ("shortkit",), 3)
    assert api.redact(f"said {TOKEN}") == "said ***"
    api.close()


def test_empty_text_is_null_or_kept() -> None:
    assert not make_options(GIVEN).keep_empty
    assert make_options(GIVEN | {"empty_text": "keep"}).keep_empty


@pytest.mark.parametrize("name", ["event", "type", "eventName"])
def test_the_event_has_the_name_that_is_set_first_and_the_others_after(name: str) -> None:
    changes = {"event_name_field": name}
    field = make_tables(changes)["quality"].by_name[name]
    assert (field.name, field.column) == (name, "event")
    assert {field.name, *field.aliases} == {name, "event", "type"}
    options = make_options(GIVEN | changes)
    assert options.nested
    assert options.nested.event[0] == name
    assert set(options.nested.event) == {name, "event", "type"}
    assert options.nested.own >= {name, "event", "type", "contentId", "content_id"}
    assert "data" not in options.nested.own


def test_tables_need_no_token() -> None:
    tables = make_tables({"units": {"percentComplete": "ratio"}})
    (payload,) = (item for item in tables["events"].payloads if item.name == "percentComplete")
    assert payload.sent_unit == "ratio"
