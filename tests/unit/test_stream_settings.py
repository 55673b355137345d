"""Export settings as code: what is refused, what is sent, what differs."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.fields import load_tables
from connector.sources.appmetrica_stream.stream_settings import (
    find_changes,
    parse_desired,
    read_desired,
)

EXAMPLE = Path(__file__).parents[2] / "examples/stream-settings.toml"


def parse(block: str) -> dict[str, Any]:
    """The settings of application 1 with this block."""
    return parse_desired(tomllib.loads(f"[applications.1.data_types.{block}"), "test")["1"]


def test_example_is_right() -> None:
    (settings,) = read_desired(EXAMPLE).values()
    exported = {export["data_type"]: export for export in settings["export_fields"]}
    assert exported["installation"]["fields"] == list(
        load_tables("appmetrica_stream")["installation"].by_name
    )
    assert exported["attributed_event"]["event_attribution"] == "last_appmetrica"


def test_what_is_sent_is_what_the_vendor_documents() -> None:
    assert parse('event]\nfields = ["event_name"]\ninclude_events = ["Useful 1"]') == {
        "ui_checkbox_enabled": True,
        "export_fields": [
            {
                "data_type": "event",
                "enabled": True,
                "export_format": "csv",
                "fields": ["event_name"],
                "include_events": ["Useful 1"],
                "exclude_events": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("evnt]\nfields = ['a']", "unknown data type"),
        ("event]\nfields = ['event_name', 'nonsense']", "unknown fields: nonsense"),
        ("event]\nfields = ['event_name', 'event_name']", "names twice: event_name"),
        ("event]\nfields = 'some'", "fields must be a list"),
        ("event]\nfields = [1]", "fields must be a list"),
        ("event]\nformat = 'csv'", "fields is missing"),
        ("event]\nfields = 'all'\nformat = 'parquet'", "format 'parquet'"),
        ("event]\nfields = 'all'\ncolour = 'red'", "unknown key 'colour'"),
        ("event]\nfields = 'all'\nenabled = 'yes'", "enabled must be true or false"),
        ("event]\nfields = 'all'\nevent_attribution = 'last_appmetrica'", "attributed_event only"),
        ("attributed_event]\nfields = 'all'\nevent_attribution = 'x'", "event_attribution is none"),
        ("event]\nfields = 'all'\ninclude_events = ['a', 'a']", "include_events has names twice"),
    ],
)
def test_wrong_setting_is_named_with_its_place(block: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"applications\.1\.data_types") as caught:
        parse(block)
    assert said in str(caught.value)


def test_ten_thousand_event_names_are_the_most() -> None:
    names = [f"e{number}" for number in range(10_001)]
    block = {"fields": "all", "exclude_events": names[:10_000]}
    declared = {"applications": {"1": {"data_types": {"event": block}}}}
    assert parse_desired(declared, "test")
    block["exclude_events"] = names
    with pytest.raises(ConfigError, match="10,001 names"):
        parse_desired(declared, "test")


@pytest.mark.parametrize(
    "declared",
    [{}, {"applications": {}}, {"apps": {}}, {"applications": {"my-key": {}}}],
)
def test_document_without_applications_is_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="applications"):
        parse_desired(declared, "test")


def test_file_that_is_not_there_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_desired(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("= 1", encoding="utf-8")
    with pytest.raises(ConfigError, match="no TOML"):
        read_desired(tmp_path / "bad.toml")


def test_equal_settings_have_no_changes_whatever_the_order() -> None:
    one = parse('event]\nfields = ["event_name", "event_json"]')
    other = parse('event]\nfields = ["event_json", "event_name"]')
    assert find_changes(one, other) == []


def test_every_kind_of_change_is_told() -> None:
    old = parse('event]\nfields = ["event_name"]\nexclude_events = ["a"]')
    new = parse('event]\nfields = ["event_json"]\nformat = "json"\nenabled = false')
    found = [(c.kind, c.data_type, c.what, c.text) for c in find_changes(old, new)]
    assert found == [
        ("changed", "event", "enabled", "on -> off"),
        ("changed", "event", "export_format", "csv -> json"),
        ("added", "event", "fields", "event_json"),
        ("removed", "event", "fields", "event_name"),
        ("removed", "event", "exclude_events", "a"),
    ]
    assert [c.kind for c in find_changes({}, new)] == ["changed", "added"]
    assert [c.kind for c in find_changes(new, {})] == ["changed", "removed"]
