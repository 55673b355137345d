"""Settings of a source: every form a list may have, and errors that say where to set what."""

from typing import Any

import pytest

from connector.errors import ConfigError
from connector.settings import Section


def section(**values: Any) -> Section:
    return Section("vendor", values)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["1", "2"], ("1", "2")),
        ([1, 2], ("1", "2")),
        ((1, 2), ("1", "2")),
        ('["1", 2]', ("1", "2")),
        ("[1,2]", ("1", "2")),
        ("1,2", ("1", "2")),
        (" 1 , 2 ,", ("1", "2")),
        ("1", ("1",)),
        (1, ("1",)),
        ([], ()),
        ("", ()),
        ("[]", ()),
        (None, ()),
    ],
)
def test_list_may_be_toml_json_or_commas(value: object, names: tuple[str, ...]) -> None:
    assert section(tables=value).names("tables") == names


@pytest.mark.parametrize("value", ["[1", "[oops]", 1.5, True])
def test_what_is_no_list_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"sources\.vendor\.tables is .*list"):
        section(tables=value).names("tables")


def test_ids_are_numeric_and_each_counts_once() -> None:
    assert section(ids="3,1,3").numeric_ids("ids") == ("3", "1")


@pytest.mark.parametrize("value", [None, "", [], "1,abc", ["٣"], "-1", "1.5"])
def test_ids_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"sources\.vendor\.ids "):
        section(ids=value).numeric_ids("ids")


@pytest.mark.parametrize("value", [10, "10", 10.0, " 10 ", 1, 60])
def test_number_within_its_bounds_is_taken(value: Any) -> None:
    assert section(minutes=value).number("minutes", 1, 60) == float(value)


@pytest.mark.parametrize("value", [0, 61, "ten", None, "", "nan", [10]])
def test_number_out_of_bounds_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"sources\.vendor\.minutes is "):
        section(minutes=value).number("minutes", 1, 60)


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), ("true", True), ("1", True), (1, True), (False, False), ("False", False)],
)
def test_flag_is_read(value: object, *, flag: bool) -> None:
    assert section(on=value).flag("on") is flag


@pytest.mark.parametrize("value", ["yes", None, 2, ""])
def test_flag_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="must be true or false"):
        section(on=value).flag("on")


def test_choice_is_one_of_those_allowed() -> None:
    assert section(layout="lines").choice("layout", "auto", "lines") == "lines"
    with pytest.raises(ConfigError, match="must be one of auto, lines"):
        section(layout="columns").choice("layout", "auto", "lines")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_text_may_not_be_empty(value: object) -> None:
    with pytest.raises(ConfigError, match="is not set"):
        section(base_url=value).text("base_url")
    assert section(base_url=" x ").text("base_url") == "x"


@pytest.mark.parametrize(
    ("key", "file"),
    [("token", "secrets.toml"), ("secret_key", "secrets.toml"), ("base_url", "config.toml")],
)
def test_refusal_says_where_to_set_it(key: str, file: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section().text(key)
    text = str(caught.value)
    for part in (f"sources.vendor.{key}", f".dlt/{file}", "[sources.vendor]"):
        assert part in text
    assert f"SOURCES__VENDOR__{key.upper()}" in text
    assert caught.value.exit_code == 2
