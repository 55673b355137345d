"""AppMetrica and MyTracker over one product: rows meet by their keys, numbers stay apart."""

from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from connector.warehouse.first_report import report_tables
from connector.warehouse.runner import run_models
from tests.unit.warehouse.raw_warehouse import (
    TRACKER,
    RawUnit,
    Row,
    at,
    copy_warehouse,
    load_units,
    rows_of,
)

APP_MAP = """\
source,source_app_id,app_group,name,time_zone,revenue_currency
appmetrica,10,game,Game,,
mytracker,7,game,Game,,
"""
TITLE = "Attribution: AppMetrica against MyTracker"


def tracked(moment: str, **values: Any) -> Row:
    return {"id_app": 7, "id_device": "1", "ts_event": at(moment), "ts_insert": at(moment)} | values


def unit_of(table: str, *rows: Row) -> RawUnit:
    return RawUnit(table, table, rows, app=None, source=TRACKER, axis="availability")


def installed(
    device: str, ad_id: str | None, partner: str, moment: str = "2024-05-01 10:00"
) -> Row:
    times = dict.fromkeys(("install_timestamp", "install_receive_timestamp"), at(moment))
    own = {"appmetrica_device_id": device, "installation_id": device, "google_aid": ad_id}
    return times | own | {"publisher_name": partner, "version": 1, "sign": 1}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("two")
    (folder / "app_map.csv").write_text(APP_MAP, encoding="utf-8")
    connection = copy_warehouse(folder / "warehouse.duckdb")
    units = [
        RawUnit(
            "i",
            "installation",
            [
                installed("a", "G1", "VK Ads"),
                installed("b", "G2", ""),
                installed("c", None, "", "2024-05-02 10:00"),
            ],
        ),
        unit_of(
            "installs",
            tracked("2024-05-01 10:00", advertising_id="g1", id_partner_title="vk ads"),
            tracked(
                "2024-05-01 10:05", id_device="2", advertising_id="g2", id_partner_title="Other"
            ),
            tracked("2024-05-01 09:55", id_device="3", id_partner_title="Organic"),
            tracked("2024-05-02 10:00", id_device="4", id_partner_title="Organic"),
        ),
        unit_of("sessions", tracked("2024-05-01 11:00", duration=60)),
        unit_of("custom_events", tracked("2024-05-01 11:00", event_name="level")),
        unit_of("payments", tracked("2024-05-01 11:00", is_verified=1)),
        unit_of("test_payments", tracked("2024-05-01 11:00")),
        unit_of("ad_monetization", tracked("2024-05-01 11:00", id_device="9")),
        unit_of("deeplinks", tracked("2024-05-01 11:00")),
        unit_of("user_payments", tracked("2024-05-01 11:00")),
    ]
    load_units(connection, "1700000000.1", units)
    report = run_models(connection, seeds=Path(folder), check=True)
    assert [result.error for result in report.models if result.error] == []
    return connection


@pytest.mark.parametrize(
    "model", ["event", "session", "install", "payment", "ad_revenue", "deeplink"]
)
def test_rows_of_both_vendors_are_of_an_app_and_a_device_that_are_there(
    connection: DuckDBPyConnection, model: str
) -> None:
    lost = (
        f"SELECT count(*) FROM core.{model} AS r LEFT JOIN core.app AS a USING (app_key)"
        " LEFT JOIN core.device AS d ON r.device_key = d.device_key"
        " WHERE a.app_key IS NULL OR d.device_key IS NULL OR a.app_key <> d.app_key"
    )
    found = f"SELECT count(*) FROM core.{model} WHERE source = 'mytracker'"
    assert rows_of(connection, lost) == [(0,)]
    assert rows_of(connection, found)[0][0] > 0


def test_the_same_product_has_a_row_a_vendor_never_added(connection: DuckDBPyConnection) -> None:
    found = rows_of(
        connection,
        "SELECT a.source, sum(d.active_devices), sum(d.installs) FROM mart.app_daily AS d"
        " JOIN core.app AS a USING (app_key) GROUP BY ALL ORDER BY ALL",
    )
    assert found == [("appmetrica", 0, 3), ("mytracker", 2, 4)]
    assert rows_of(connection, "SELECT activity, dau FROM mart.active_users") == [
        ("any_activity", 2)
    ]


def test_payments_by_user_are_not_counted_again(connection: DuckDBPyConnection) -> None:
    kinds = rows_of(connection, "SELECT kind FROM core.payment ORDER BY ALL")
    assert kinds == [("purchase",), ("test",)]


def test_the_first_report_counts_verdicts_and_tells_the_vendors_apart(
    connection: DuckDBPyConnection,
) -> None:
    tables = {table.title: table for table in report_tables(connection)}
    verdicts = next(table for title, table in tables.items() if title.startswith(TITLE))
    assert verdicts.rows == (
        ("game", "other_partner", 1, 0.5, 300),
        ("game", "same", 1, 0.5, 0),
    )
    assert tables["Active users"].rows == (
        ("Game (MyTracker)", at("2024-05-01 00:00").date(), 2, 2, 2, 2, 1.0, "any_activity"),
    )
    assert tables["Top events"].rows == (("Game (MyTracker)", "level", 1, 1),)
    unbridgeable = "SELECT vendor, installs, unbridgeable FROM ops.unbridgeable ORDER BY ALL"
    assert rows_of(connection, unbridgeable) == [("appmetrica", 3, 1), ("mytracker", 4, 2)]


def test_lateness_and_the_accounts_hold_mytracker_too(connection: DuckDBPyConnection) -> None:
    tables = rows_of(
        connection,
        "SELECT DISTINCT table_name FROM mart.lateness WHERE source = 'mytracker' ORDER BY ALL",
    )
    assert [name for (name,) in tables] == [
        "ad_revenue",
        "deeplink",
        "event",
        "installation",
        "payment",
        "session_start",
    ]
    for model in ("reconciliation", "freshness"):
        counted = f"SELECT count(*) FROM ops.{model} WHERE source = 'mytracker'"
        assert rows_of(connection, counted) == [(8,)]
    assert rows_of(connection, "SELECT DISTINCT difference FROM ops.reconciliation") == [(0,)]
