"""What is derived from a field table: column names, Arrow, dlt and SQL types, system columns."""

import tomllib
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention
from hypothesis import given
from hypothesis import strategies as st

from connector.fields import (
    SYSTEM_TYPES,
    TEXT_TYPES,
    FieldType,
    Table,
    arrow_schema,
    arrow_type,
    dlt_columns,
    load_tables,
    parse_tables,
)
from connector.naming import to_snake_case

TYPES = get_args(FieldType)
STREAM = load_tables("appmetrica_stream")
STREAM_TABLES = list(STREAM.values())


def vendor_names() -> st.SearchStrategy[str]:
    """camelCase, PascalCase, ACRONYMs, snake_case, digits, and what a header may hold besides."""
    word = st.from_regex(r"[A-Z]{0,4}[a-z]{0,6}[0-9]{0,2}", fullmatch=True)
    joint = st.sampled_from(["", "_", "__", " ", "-", ".", "+", "@", "*", "|", "é", "/"])
    return st.lists(st.tuples(word, joint), min_size=1, max_size=5).map(
        lambda parts: "".join(word + joint for word, joint in parts)
    )


@given(vendor_names().filter(str.strip))
def test_columns_are_named_as_dlt_names_them(name: str) -> None:
    assert to_snake_case(name) == NamingConvention().normalize_identifier(name)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("SDKKey", "sdk_key"),
        ("idApp", "id_app"),
        ("tsEvent", "ts_event"),
        ("paramsName", "params_name"),
        ("event_name", "event_name"),
        ("ecom_screen_category_path_10", "ecom_screen_category_path_10"),
        ("2ndLaunch", "_2nd_launch"),
        ("a__b", "a_b"),
        ("total_", "totalx"),
    ],
)
def test_column_of(name: str, column: str) -> None:
    assert to_snake_case(name) == column


@given(vendor_names().filter(str.strip))
def test_naming_a_column_again_changes_nothing(name: str) -> None:
    assert to_snake_case(to_snake_case(name)) == to_snake_case(name)


def table_of_every_type() -> Table:
    """A table with one field of each type, called after it."""
    fields = "\n".join(f'f_{kind} = {{ type = "{kind}", doc = "a {kind}" }}' for kind in TYPES)
    toml = f'[tables.t]\ncursor = "c"\n[tables.t.fields]\n{fields}'
    return parse_tables(tomllib.loads(toml), "mytracker")["t"]


DLT_TO_ARROW = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "decimal": pa.decimal128(38, 9),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}


@pytest.mark.parametrize("kind", TYPES)
def test_arrow_dlt_and_sql_types_agree(kind: FieldType) -> None:
    table = table_of_every_type()
    hint = dlt_columns(table)[f"f_{kind}"]
    assert DLT_TO_ARROW[hint["data_type"]] == arrow_type(kind)
    held = duckdb.arrow(pa.table({"x": pa.array([None], arrow_type(kind))}))
    assert str(held.types[0]) == table.field(f"f_{kind}").sql_type


@pytest.mark.parametrize("kind", TYPES)
def test_text_types_are_kept_as_they_came(kind: FieldType) -> None:
    field = table_of_every_type().field(f"f_{kind}")
    assert field.is_text == (kind in TEXT_TYPES) == (field.sql_type == "VARCHAR")


def test_dlt_hints_hold_precision_zone_and_description() -> None:
    hints = dlt_columns(table_of_every_type())
    expected: dict[str, Any] = {
        "name": "f_decimal",
        "data_type": "decimal",
        "nullable": True,
        "description": "a decimal",
        "precision": 38,
        "scale": 9,
    }
    assert hints["f_decimal"] == expected
    assert hints["f_timestamp"]["timezone"] is True
    assert hints["f_timestamp"]["precision"] == 6


@pytest.mark.parametrize("table", STREAM_TABLES, ids=lambda table: table.name)
def test_arrow_schema_and_dlt_hints_list_the_same_columns(table: Table) -> None:
    names = arrow_schema(table).names
    assert names == list(dlt_columns(table))
    assert names == [field.column for field in table.fields] + list(table.system_columns)
    assert len(set(names)) == len(names)


def test_system_columns_have_their_types() -> None:
    schema = arrow_schema(STREAM["revenue"])
    assert set(STREAM["revenue"].system_columns) == set(SYSTEM_TYPES)
    assert schema.field("_row").type == pa.int64()
    assert schema.field("_unit").type == pa.string()


def test_drifted_columns_are_text_between_the_known_and_the_system_columns() -> None:
    schema = arrow_schema(STREAM["click"], drifted=("new_column",))
    known = len(STREAM["click"].fields)
    assert schema.names[known] == "new_column"
    assert schema.field("new_column").type == pa.string()
    assert schema.names[known + 1 :] == list(STREAM["click"].system_columns)
