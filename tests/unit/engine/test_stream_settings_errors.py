"""Settings of AppMetrica Data Stream: each wrong one is refused by its name and place."""

from typing import Any

import pytest

from connector.api import ApiContext
from connector.decode import Options
from connector.errors import ConfigError
from connector.sources.appmetrica_stream import make_api, make_options
from connector.sources.appmetrica_stream.api import MOST_PARALLEL, check_tables

GOOD: dict[str, Any] = {
    "base_url": "https://api.appmetrica.yandex.com",
    "token": "t",
    "application_ids": "11,12",
    "tables": None,
    "settle_minutes": 10,
    "parallel": 8,
    "timeout_seconds": 60,
    "throttle_codes": (420, 429),
    "download_empty": True,
    "schema_split": "true",
    "json_layout": "auto",
    "empty_text": "null",
}


@pytest.mark.parametrize(
    "ids", ["11,12", '["11", "12"]', "[11, 12]", [11, 12], ["11", "12"], (11, "12")]
)
def test_applications_may_be_a_list_json_or_commas(ids: object) -> None:
    api = make_api(GOOD | {"application_ids": ids}, ApiContext())
    assert api.application_ids == ("11", "12")
    api.close()


@pytest.mark.parametrize("tables", ["click,event", ["event", "click"], '["event","click"]'])
def test_tables_may_be_a_list_json_or_commas(tables: object) -> None:
    api = make_api(GOOD | {"tables": tables}, ApiContext())
    assert api.tables == ("event", "click")
    api.close()


@pytest.mark.parametrize("tables", [None, "", []])
def test_no_tables_means_all_thirteen(tables: Any) -> None:
    assert len(check_tables(tables)) == 13


def test_settings_reach_the_api() -> None:
    api = make_api(
        GOOD | {"throttle_codes": "420", "parallel": "3", "download_empty": "false"}, ApiContext()
    )
    assert (api.throttle_codes, api.parallel, api.download_empty) == ((420,), 3, False)
    assert api.settle.total_seconds() == 600
    assert api.schema_split
    api.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_url", ""),
        ("base_url", "http://api.appmetrica.yandex.com"),
        ("token", ""),
        ("token", None),
        ("application_ids", ""),
        ("application_ids", "abc"),
        ("application_ids", "[11"),
        ("tables", "event,unknown"),
        ("settle_minutes", "ten"),
        ("settle_minutes", -1),
        ("parallel", 0),
        ("parallel", MOST_PARALLEL + 1),
        ("timeout_seconds", 0),
        ("download_empty", "maybe"),
        ("schema_split", None),
    ],
)
def test_wrong_setting_is_refused_by_its_name_and_place(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        make_api(GOOD | {key: value}, ApiContext())
    text = str(caught.value)
    assert f"sources.appmetrica_stream.{key}" in text
    assert ".dlt/secrets.toml" in text if key == "token" else ".dlt/config.toml" in text
    assert f"SOURCES__APPMETRICA_STREAM__{key.upper()}" in text


@pytest.mark.parametrize(("key", "value"), [("json_layout", "columns"), ("empty_text", "drop")])
def test_wrong_way_to_read_files_is_refused(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"sources.appmetrica_stream.{key} is '{value}'"):
        make_options(GOOD | {key: value})


def test_way_to_read_files_is_a_setting() -> None:
    assert make_options(GOOD) == Options()
    chosen = make_options(GOOD | {"json_layout": "lines", "empty_text": "keep"})
    assert chosen == Options(json_layout="lines", keep_empty=True)
