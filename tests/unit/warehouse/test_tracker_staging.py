"""Staging of a source whose columns and their meanings come from the settings."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.fields import load_tables
from connector.settings import Section
from connector.sources.mytracker.selectors import extend_tables
from connector.warehouse.staging import raw_schema, render_staging
from tests.unit.warehouse.raw_warehouse import open_warehouse, rows_of

SOURCE = "mytracker"
ZERO = "00000000-0000-0000-0000-000000000000"
MONEY: dict[str, Any] = {
    "selectors": {"payments": "idApp,tsEvent,amount,inventedCurrency,countGoods,order,unit.price"},
    "roles": {
        "payments": {"amount": "amount", "currency": "inventedCurrency", "quantity": "countGoods"}
    },
}
Row = dict[str, Any]


def open_staging(table: str, *rows: Row, **settings: Any) -> DuckDBPyConnection:
    """A warehouse with one loaded unit of `table`, and its staging views."""
    tables = extend_tables(Section(SOURCE, settings))
    connection = open_warehouse()
    connection.execute(f"CREATE SCHEMA {SOURCE}; CREATE SCHEMA stg")
    connection.execute("CREATE MACRO as_json(t) AS TRY_CAST(t AS JSON)")
    connection.execute("CREATE MACRO as_decimal(v) AS TRY_CAST(v AS DECIMAL(38, 9))")
    schema = raw_schema(SOURCE, tables)
    for name in (table, "units", "_dlt_loads"):
        listed = ", ".join(f'"{column}" {kind}' for column, kind in schema[name].items())
        connection.execute(f"CREATE TABLE {SOURCE}.{name} ({listed})")
    insert(connection, "_dlt_loads", {"load_id": "1.5", "status": 0})
    insert(connection, "units", {"unit": "u", "application_id": "", "_dlt_load_id": "1.5"})
    for number, row in enumerate(rows):
        insert(connection, table, row | {"_unit": "u", "_row": number, "_dlt_load_id": "1.5"})
    rendered = render_staging(SOURCE, tables)
    for name in ("units", table):
        text = rendered[f"stg_{SOURCE}__{name}.sql"]
        connection.execute(f"CREATE VIEW stg.stg_{SOURCE}__{name} AS {text}")
    return connection


def insert(connection: DuckDBPyConnection, table: str, row: Row) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" for _ in row)
    values = list(row.values())
    connection.execute(f"INSERT INTO {SOURCE}.{table} ({columns}) VALUES ({marks})", values)


def test_roles_are_null_until_somebody_says_which_selector_plays_them() -> None:
    connection = open_staging("payments", {"id_app": 5})
    found = "SELECT app_id, amount, currency, product, transaction_id, quantity"
    assert rows_of(connection, f"{found} FROM stg.stg_mytracker__payments") == [
        (5, None, None, None, None, None)
    ]
    described = connection.execute("DESCRIBE stg.stg_mytracker__payments").fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    assert [kinds[name] for name in ("amount", "quantity", "currency", "transaction_id")] == [
        "DECIMAL(38,9)",
        "DECIMAL(38,9)",
        "VARCHAR",
        "VARCHAR",
    ]


def test_roles_are_the_selectors_that_play_them() -> None:
    row = {
        "id_app": 5,
        "amount": Decimal("1.123456789"),
        "invented_currency": "RUB",
        "count_goods": 3,
        "order": "x",
        "unit_price": "9",
    }
    connection = open_staging("payments", row, **MONEY)
    found = rows_of(
        connection,
        'SELECT amount, currency, quantity, product, invented_currency, count_goods, "order", '
        "unit_price FROM stg.stg_mytracker__payments",
    )
    money = Decimal("1.123456789")
    assert found == [(money, "RUB", Decimal(3), None, "RUB", Decimal(3), "x", "9")]


def test_selector_may_be_a_word_of_sql() -> None:
    reserved = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    words = [word for (word,) in open_warehouse().execute(reserved).fetchall()]
    connection = open_staging(
        "installs", {word: word for word in words}, selectors={"installs": words}
    )
    listed = ", ".join(f'"{word}"' for word in words)
    assert rows_of(connection, f"SELECT {listed} FROM stg.stg_mytracker__installs") == [
        tuple(words)
    ]
    text = render_staging(
        SOURCE, extend_tables(Section(SOURCE, {"selectors": {"installs": words}}))
    )
    sql = text["stg_mytracker__installs.sql"]
    query = sqlglot.parse_one(sql, read="duckdb", into=exp.Select)
    assert set(words) <= {column.alias_or_name for column in query.selects}


def test_role_and_the_selector_of_its_name_are_one_column() -> None:
    text = render_staging(SOURCE, extend_tables(Section(SOURCE, MONEY)))[
        "stg_mytracker__payments.sql"
    ]
    assert text.count(" AS amount,") == 1
    assert "as_decimal(r.amount) AS amount, -- what was paid" in text


def test_raw_columns_are_those_of_the_settings_beside_the_declared_ones() -> None:
    schema = raw_schema(SOURCE, extend_tables(Section(SOURCE, MONEY)))
    declared = raw_schema(SOURCE)
    assert schema["installs"] == declared["installs"]
    assert set(schema["payments"].items()) - set(declared["payments"].items()) == {
        ("amount", "DECIMAL(38,9)"),
        ("invented_currency", "VARCHAR"),
        ("count_goods", "DECIMAL(38,9)"),
        ("order", "VARCHAR"),
        ("unit_price", "VARCHAR"),
    }


@pytest.mark.parametrize("settings", [{}, MONEY], ids=["declared", "chosen"])
def test_every_table_has_its_view_and_is_counted(settings: dict[str, Any]) -> None:
    rendered = render_staging(SOURCE, extend_tables(Section(SOURCE, settings)))
    assert len(rendered) == len(load_tables(SOURCE)) + 3
    counted = rendered["stg_mytracker__row_counts.sql"]
    for name in load_tables(SOURCE):
        assert f"FROM stg.stg_mytracker__{name} GROUP BY _unit" in counted
    if not settings:
        assert rendered == render_staging(SOURCE)


def test_lists_are_json_where_they_are_and_text_always() -> None:
    rows = [
        {"params_name": '["a"]', "params_value": '["1"]'},
        {"params_name": "['a','b']", "params_value": "['1']"},
        {"event_name": "bare"},
    ]
    connection = open_staging("custom_events", *rows)
    found = "SELECT params_name, params_name_text, params_value, params_value_text"
    assert rows_of(connection, f"{found} FROM stg.stg_mytracker__custom_events ORDER BY _row") == [
        ('["a"]', '["a"]', '["1"]', '["1"]'),
        (None, "['a','b']", None, "['1']"),
        (None, None, None, None),
    ]


def test_columns_have_the_names_of_the_house_and_no_value_is_null() -> None:
    row = {
        "sdk_key": "00012",
        "id_profile": "18446744073709551615",
        "ts_event": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "dt_event": date(2026, 3, 1),
        "advertising_id": ZERO,
        "idfa": "x",
        "id_country_iso_alpha2": "RU",
    }
    connection = open_staging("installs", row)
    found = rows_of(
        connection,
        "SELECT sdk_key, device_profile_id, CAST(occurred_at AS VARCHAR), event_on, advertising_id,"
        " idfa, country_code, clicked_at FROM stg.stg_mytracker__installs",
    )
    assert found == [
        (
            "00012",
            "18446744073709551615",
            "2026-03-01 10:00:00+00",
            date(2026, 3, 1),
            None,
            "x",
            "RU",
            None,
        )
    ]
