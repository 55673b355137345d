"""Field tables: what the packaged one holds, what a wrong one is told, what is derived from it."""

import dataclasses
import tomllib
from typing import get_args

import pytest

from connector.errors import FieldTableError
from connector.fields import (
    Field,
    FieldType,
    Payload,
    Role,
    Table,
    load_tables,
    parse_tables,
)

STREAM_FIELDS = {
    "event": 42,
    "installation": 53,
    "session_start": 38,
    "session_end": 38,
    "push_token": 37,
    "crash": 40,
    "error": 39,
    "click": 28,
    "revenue": 47,
    "ecommerce": 79,
    "ad_revenue": 46,
    "attributed_event": 135,
    "deeplink": 43,
}
WITHOUT_APPLICATION_ID = {"revenue", "ecommerce", "ad_revenue", "deeplink"}
TYPES = get_args(FieldType)
STREAM = load_tables("appmetrica_stream")
STREAM_TABLES = list(STREAM.values())


def parse(toml: str) -> Table:
    """The only table of a fields.toml written in a test."""
    (table,) = parse_tables(tomllib.loads(toml), "mytracker").values()
    return table


def parse_one_field(declaration: str) -> Field:
    return parse(f'[tables.t]\ncursor = "c"\n[tables.t.fields]\nidApp = {declaration}').fields[0]


def test_stream_has_the_thirteen_data_types_with_every_field_the_vendor_lists() -> None:
    assert {name: len(table.fields) for name, table in STREAM.items()} == STREAM_FIELDS
    assert sum(STREAM_FIELDS.values()) == 665


def test_stream_adds_the_application_id_only_where_the_vendor_gives_none() -> None:
    without = {name for name, table in STREAM.items() if not table.has_application_id}
    assert without == WITHOUT_APPLICATION_ID
    for name, table in STREAM.items():
        assert ("_application_id" in table.system_columns) == (name in without)


@pytest.mark.parametrize("table", STREAM_TABLES, ids=lambda table: table.name)
def test_table_is_complete(table: Table) -> None:
    assert table.source == "appmetrica_stream"
    assert table.endpoint == table.name
    assert (table.axis, table.cursor) == ("window", "update_timestamp")
    assert table.doc.endswith(".")
    assert table.field(table.event_time).type == "timestamp"
    assert table.receive_time == "" or table.field(table.receive_time).type == "timestamp"


@pytest.mark.parametrize("table", STREAM_TABLES, ids=lambda table: table.name)
def test_field_is_complete(table: Table) -> None:
    for field in table.fields:
        assert field.doc, field.name
        assert field.type in TYPES
        assert field.is_nullable, "the stream spells absence as an empty cell in every field"
        if field.type == "timestamp":
            assert field.unit == "s", field.name
            assert field.alias.endswith("_at"), field.name
        if field.type == "datetime_app_tz":
            assert field.unit == "app time zone", field.name


@pytest.mark.parametrize("table", STREAM_TABLES, ids=lambda table: table.name)
def test_ids_that_exceed_int64_and_money_never_become_numbers_that_lose_digits(
    table: Table,
) -> None:
    for field in table.fields:
        if field.name.endswith("_id") and field.name != "application_id":
            assert field.is_text or field.type == "array_json", field.name
        if "price" in field.name and field.name.endswith(("_value", "_price")):
            assert field.type == "decimal", field.name


def test_personal_data_is_marked() -> None:
    personal = {field.name for table in STREAM_TABLES for field in table.fields if field.is_pii}
    assert {
        "profile_id",
        "appmetrica_device_id",
        "installation_id",
        "google_aid",
        "ios_ifa",
        "ios_ifv",
        "windows_aid",
        "huawei_oaid",
        "android_id",
        "device_ipv6",
        "click_ipv6",
        "install_ipv6",
        "token",
    } <= personal


def test_a_field_means_the_same_in_every_table() -> None:
    seen: dict[str, Field] = {}
    for table in STREAM_TABLES:
        for field in table.fields:
            known = seen.setdefault(field.name, field)
            assert dataclasses.replace(known, alias="") == dataclasses.replace(field, alias="")


def test_declared_keys_reach_the_field() -> None:
    field = parse_one_field(
        '{ as = "app", type = "timestamp", unit = "ms", null = false, pii = true, '
        'since = "2026-01", doc = "d" }'
    )
    assert field == Field(
        name="idApp",
        column="id_app",
        alias="app",
        type="timestamp",
        unit="ms",
        is_nullable=False,
        is_pii=True,
        since="2026-01",
        doc="d",
    )


def test_spelling_of_no_value_reaches_the_field() -> None:
    assert parse_one_field('{ type = "text", absent = "0" }').absent == "0"
    assert parse_one_field('{ type = "text" }').absent == ""


def test_other_spellings_and_whose_id_it_is_reach_the_field() -> None:
    table = parse(
        '[tables.t]\ncursor = "c"\n[tables.t.fields]\n'
        'userId = { type = "text", aliases = ["user_id", "uid"], identifies = "user" }'
    )
    field = table.field("userId")
    assert (field.aliases, field.identifies) == (("user_id", "uid"), "user")
    assert [name for name in table.by_spelling if table.by_spelling[name] == field] == [
        *("user_id", "uid", "userId")
    ]


def test_every_id_of_a_person_says_whose_it_is() -> None:
    found: dict[str, set[str]] = {"user": set(), "device": set(), "advertising": set()}
    for source in ("appmetrica_stream", "appmetrica_logs", "mytracker", "shortkit"):
        for field in (field for table in load_tables(source).values() for field in table.fields):
            assert field.is_pii or not field.identifies
            if field.identifies:
                found[field.identifies].add(field.name)
    assert found == {
        "user": {"profile_id", "customUserId", "userId"},
        "device": {"appmetrica_device_id", "idDevice", "deviceId"},
        "advertising": {
            *("google_aid", "ios_ifa", "windows_aid", "huawei_oaid"),
            *("oaid", "advertisingId", "idfa", "waid"),
        },
    }


PAYLOADS = '[tables.t]\ncursor = "c"\n[tables.t.fields]\nid = {type = "text"}\n'


def test_payloads_are_read_event_by_event() -> None:
    table = parse(
        PAYLOADS
        + '[tables.t.payloads.stop]\nduration = { as = "stop_ms", type = "bigint", unit = "ms", '
        'aliases = ["durationMs", "length@s"], doc = "d" }\n'
        '[tables.t.payloads.play]\nduration = { type = "double", unit = "s" }'
    )
    stop, play = table.payloads
    assert stop == Payload(
        event="stop",
        name="duration",
        alias="stop_ms",
        type="bigint",
        unit="ms",
        aliases=(("durationMs", ""), ("length", "s")),
        doc="d",
    )
    assert (play.alias, play.unit, play.sql_type) == ("duration", "s", "DOUBLE")
    assert table.by_payload["stop", "duration"] == table.by_payload["stop", "length"] == stop
    assert table.by_payload["play", "duration"] == play


CHOSEN = '[tables.t]\ncursor = "c"\ndefaults = {}\n[tables.t.fields]\na = {{type = "text"}}\nb = {{type = "text"}}'


ROLE = '[tables.t]\ncursor = "c"\n[tables.t.roles]\nx'


@pytest.mark.parametrize(
    ("defaults", "names"), [('"all"', ("a", "b")), ('["b"]', ("b",)), ("[]", ())]
)
def test_defaults_are_names_of_fields(defaults: str, names: tuple[str, ...]) -> None:
    assert parse(CHOSEN.format(defaults)).defaults == names


def test_roles_are_declared_and_play_nothing_yet() -> None:
    table = parse(
        '[tables.t]\ncursor = "c"\n[tables.t.roles]\nunit = { as = "ad_unit", type = "text" }\n'
        'amount = { type = "decimal", unit = "u", doc = "d" }'
    )
    assert table.roles == (
        Role(name="unit", alias="ad_unit", type="text", unit="", doc=""),
        Role(name="amount", alias="amount", type="decimal", unit="u", doc="d"),
    )
    assert [(role.selector, role.sql_type) for role in table.roles] == [
        ("", "VARCHAR"),
        ("", "DECIMAL(38,9)"),
    ]


def test_keys_left_out_have_defaults() -> None:
    field = parse_one_field('{ type = "text" }')
    assert (field.alias, field.unit, field.since, field.doc) == ("id_app", "", "", "")
    assert field.is_nullable
    assert not field.is_pii


def test_table_keys_left_out_have_defaults() -> None:
    table = parse('axis = "day"\n[tables.installs]\ncursor = "tsInsert"')
    assert (table.endpoint, table.axis, table.event_time) == ("installs", "day", "")
    assert table.fields == ()


def test_own_fields_come_before_those_of_groups_in_the_order_of_include() -> None:
    table = parse(
        '[groups.a]\na = { type = "text" }\n[groups.b]\nb = { type = "text" }\n'
        '[tables.t]\ncursor = "c"\ninclude = ["b", "a"]\n[tables.t.fields]\nown = {type = "text"}'
    )
    assert [field.name for field in table.fields] == ["own", "b", "a"]


def test_field_is_found_by_the_vendors_spelling() -> None:
    table = STREAM["event"]
    assert table.field("appmetrica_device_id").alias == "device_id"
    with pytest.raises(KeyError):
        table.field("device_id")


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('x = { type = "text", nul = true }', ("tables.t.x", "nul")),
        ('x = { type = "float" }', ("tables.t.x", "float")),
        ('x = { doc = "no type" }', ("tables.t.x", "None")),
        ('aB = { type = "text" }\na_b = { type = "text" }', ("tables.t", "column", "a_b")),
        ('a = { type = "text", identifies = "dog" }', ("tables.t.a", "identifies", "dog")),
        (
            'a = { type = "text", aliases = ["b"] }\nb = { type = "text" }',
            ("tables.t", "name", "'b'"),
        ),
        (
            'a = { type = "text", as = "z" }\nb = { type = "text", as = "z" }',
            ("tables.t", "alias", "z"),
        ),
    ],
    ids=[
        "unknown key",
        "unknown type",
        "no type",
        "same column",
        "whose id",
        "same spelling",
        "same alias",
    ],
)
def test_wrong_field_is_named(toml: str, named: tuple[str, ...]) -> None:
    with pytest.raises(FieldTableError) as caught:
        parse(f'[tables.t]\ncursor = "c"\n[tables.t.fields]\n{toml}')
    assert [part for part in named if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('[tables.t]\ncursor = "c"\ninclude = ["device"]', ("tables.t", "group", "device")),
        ('[tables.t]\ncursor = "c"\nevent_time = "at"', ("tables.t", "event_time", "at")),
        ('[tables.t]\ncursor = "c"\nreceive_time = "at"', ("tables.t", "receive_time", "at")),
        ('[tables.t]\ncursor = "c"\nincludes = ["a"]', ("tables.t", "includes")),
        ("[tables.t]", ("tables.t", "cursor")),
        ('[groups.g]\nx = { type = "uuid" }', ("groups.g.x", "uuid")),
        (CHOSEN.format('["a", "c"]'), ("tables.t", "defaults", "'c'")),
        (f'{ROLE} = {{ type = "uuid" }}', ("tables.t.roles.x", "uuid")),
        (f'{ROLE} = {{ type = "text", pii = true }}', ("tables.t.roles.x", "pii")),
        (
            f'{ROLE} = {{ type = "text" }}\n[tables.t.fields]\nx = {{ type = "text" }}',
            ("tables.t", "alias", "'x'"),
        ),
        (
            PAYLOADS + '[tables.t.payloads.e]\nx = { type = "uuid" }',
            ("tables.t.payloads.e.x", "uuid"),
        ),
        (PAYLOADS + "[tables.t.payloads.e]\nx = { pii = true }", ("tables.t.payloads.e.x", "pii")),
        (
            PAYLOADS + '[tables.t.payloads.e]\nx = { as = "id", type = "text" }',
            ("tables.t", "field and a payload", "'id'"),
        ),
        (
            PAYLOADS + '[tables.t.payloads.e]\nx = { type = "text" }\n'
            '[tables.t.payloads.f]\nx = { type = "double" }',
            ("tables.t", "differ", "'x'"),
        ),
        (
            PAYLOADS + '[tables.t.payloads.e]\nx = { type = "text" }\n'
            'y = { type = "text", aliases = ["x"] }',
            ("tables.t", "two payloads of e", "'x'"),
        ),
    ],
    ids=[
        "group",
        "event time",
        "receive time",
        "unknown key",
        "no cursor",
        "type in a group",
        "defaults",
        "type of a role",
        "key of a role",
        "role named as a field",
        "type of a payload",
        "key of a payload",
        "payload named as a field",
        "payloads of two types",
        "payloads of one key",
    ],
)
def test_wrong_table_is_named(toml: str, named: tuple[str, ...]) -> None:
    with pytest.raises(FieldTableError) as caught:
        parse(toml)
    assert [part for part in named if part not in str(caught.value)] == []


def test_field_of_a_group_and_of_the_table_may_not_be_the_same() -> None:
    with pytest.raises(FieldTableError, match=r"tables\.t.*'x'"):
        parse(
            '[groups.g]\nx = { type = "text" }\n'
            '[tables.t]\ncursor = "c"\ninclude = ["g"]\n[tables.t.fields]\nx = { type = "text" }'
        )


def test_source_without_a_field_table_is_named() -> None:
    with pytest.raises(FieldTableError, match="no_such_source"):
        load_tables("no_such_source")
