import json
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from connector.errors import ConfigError
from connector.fields import load_tables
from connector.warehouse.runner import run_models
from connector.warehouse.staging import raw_schema
from connector.warehouse.tables import changed_tables, known_tables
from tests.unit.warehouse.raw_warehouse import (
    LOGS,
    SOURCE,
    TRACKER,
    RawUnit,
    at,
    load_units,
    open_warehouse,
    rows_of,
    run_all,
)

PAID = "SELECT amount, currency, order_id, quantity FROM core.payment ORDER BY _row"


def set_values(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    for key, value in values.items():
        monkeypatch.setenv(f"SOURCES__MYTRACKER__{key.upper()}", json.dumps(value))


def pay_by(monkeypatch: pytest.MonkeyPatch, **roles: str) -> None:
    """Selectors of payments with invented money, of which these play roles."""
    selectors = ["idApp", "tsEvent", "paidSum", "paidNet", "paidIn", "number"]
    set_values(monkeypatch, selectors={"payments": selectors}, roles={"payments": roles})


def test_tables_of_a_source_without_settings_are_the_declared_ones() -> None:
    for source in (SOURCE, LOGS, TRACKER):
        assert known_tables(source) is load_tables(source)
    assert changed_tables() == ()


def test_settings_add_columns_and_meanings_without_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pay_by(monkeypatch, amount="paidSum")
    ((source, tables),) = changed_tables()
    payments = next(table for table in tables if table.name == "payments")
    assert source == TRACKER
    assert payments.field("paidSum").type == "decimal"
    assert payments.field("paidIn").type == "text"


def test_a_wrong_setting_stops_the_models_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_values(monkeypatch, roles={"payments": {"profit": "paidSum"}})
    connection = open_warehouse()
    with pytest.raises(ConfigError, match="profit"):
        run_models(connection)
    assert rows_of(connection, "FROM duckdb_tables()") == []


def test_a_role_of_the_settings_is_the_money_of_the_models_and_a_changed_one_rebuilds_them(
    monkeypatch: pytest.MonkeyPatch, warehouse: DuckDBPyConnection
) -> None:
    connection = warehouse
    pay_by(monkeypatch, amount="paidSum", currency="paidIn", transaction="number")
    fill_payments(connection)
    run_all(connection, check=True)
    assert rows_of(connection, PAID) == [(5, "USD", "n1", None), (7, "USD", "n2", None)]
    assert rows_of(connection, "SELECT sum(in_app_revenue) FROM mart.app_daily") == [(12,)]
    pay_by(monkeypatch, amount="paidNet", currency="paidIn", transaction="number")
    report = run_all(connection, check=True)
    built = {result.name for result in report.models if result.status == "built"}
    assert rows_of(connection, PAID) == [(4, "USD", "n1", None), (6, "USD", "n2", None)]
    assert "core.payment" in built
    assert not built & {"core.event", "core.install", "core.session"}
    assert {result.status for result in run_all(connection).models} == {"skipped"}


def fill_payments(connection: DuckDBPyConnection) -> None:
    """Raw payments as the settings of `pay_by` load them."""
    ((_, tables),) = changed_tables()
    columns = raw_schema(TRACKER, {table.name: table for table in tables})["payments"]
    for name, kind in columns.items():
        connection.execute(
            f'ALTER TABLE {TRACKER}.payments ADD COLUMN IF NOT EXISTS "{name}" {kind}'
        )
    row = {"id_app": 7, "id_device": "1", "ts_event": at("2024-05-01 10:00")}
    rows = [
        row | {"paid_sum": 5, "paid_net": 4, "paid_in": "usd", "number": "n1"},
        row | {"paid_sum": 7, "paid_net": 6, "paid_in": "usd", "number": "n2"},
    ]
    load_units(connection, "1700000000.1", [RawUnit("p", "payments", rows, source=TRACKER)])
