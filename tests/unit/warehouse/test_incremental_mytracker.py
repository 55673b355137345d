"""The law, for MyTracker beside AppMetrica: any history of units gives what one full build gives."""

import random
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.warehouse.model_set import ModelSet
from connector.warehouse.models import load_graph, sql_root
from connector.warehouse.runner import run_models
from tests.unit.warehouse.raw_warehouse import (
    TRACKER,
    RawUnit,
    Row,
    at,
    copy_warehouse,
    forget_stored,
    load_units,
    rows_of,
)

APP_MAP = """\
source,source_app_id,app_group,name,time_zone,revenue_currency
appmetrica,10,game,Game,,
mytracker,7,game,Game,,
"""
DAYS = ("2024-05-01 23:50", "2024-05-02 00:10", "2024-05-09 12:00", "1970-01-01 00:00")
TABLES = (
    "installs",
    "reinstalls",
    "reengagements",
    "sessions",
    "custom_events",
    "payments",
    "test_payments",
    "ad_monetization",
    "activities",
    "deeplinks",
)
AD_IDS = ("G1", "g2", "00000000-0000-0000-0000-000000000000", None)


@st.composite
def tracker_rows(draw: st.DrawFn, table: str) -> Row:
    moment = draw(st.none() | st.sampled_from(DAYS).map(at))
    late = timedelta(hours=draw(st.sampled_from((1, 1, 200))))
    row: dict[str, Any] = {
        "id_app": draw(st.sampled_from((7, 8, None))),
        "id_app_title": draw(st.sampled_from(("Game", "Spiel", ""))),
        "id_device": draw(st.sampled_from(("1", "2", "0"))),
        "id_profile": draw(st.sampled_from(("11", "12", ""))),
        "ts_event": moment,
        "ts_insert": moment and draw(st.sampled_from((moment + late, None))),
        "advertising_id": draw(st.sampled_from(AD_IDS)),
        "id_os_title": draw(st.sampled_from(("Android", "iOS", ""))),
        "id_app_version_title": draw(st.sampled_from(("1.0", "1.1"))),
        "rooted": draw(st.sampled_from((0, 1, 2))),
    }
    if table == "sessions":
        row["duration"] = draw(st.sampled_from((-1, 0, 60, None)))
    if table in {"installs", "reinstalls", "reengagements"}:
        row["id_partner_title"] = draw(st.sampled_from(("Organic", "VK Ads", "")))
    if table == "custom_events":
        row |= {"event_name": "a", "params_name": '["x"]', "params_value": '["1"]'}
    return row


@st.composite
def units(draw: st.DrawFn) -> RawUnit:
    number = draw(st.integers(1, 2))
    if draw(st.integers(0, 4)) == 0:
        moment = draw(st.sampled_from(DAYS).map(at))
        install = {
            "appmetrica_device_id": draw(st.sampled_from(("a", "b"))),
            "installation_id": "i",
            "install_timestamp": moment,
            "install_receive_timestamp": moment,
            "google_aid": draw(st.sampled_from(AD_IDS)),
            "publisher_name": draw(st.sampled_from(("vk_ads", ""))),
            "version": 1,
            "sign": 1,
        }
        return RawUnit(f"installation/{number}", "installation", [install])
    table = draw(st.sampled_from(TABLES))
    rows = draw(st.lists(tracker_rows(table), max_size=3))
    app = draw(st.sampled_from(("7", None)))
    return RawUnit(f"{table}/{number}", table, rows, app=app, source=TRACKER, axis="availability")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an app_map that pairs the two apps."""
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "app_map.csv").write_text(APP_MAP, encoding="utf-8")
    return folder


def build(connection: DuckDBPyConnection, seeds: Path) -> None:
    report = run_models(connection, seeds=seeds)
    assert [result.error for result in report.models if result.error] == []


def contents(connection: DuckDBPyConnection, seeds: Path) -> dict[str, list[Any]]:
    models = load_graph(ModelSet(sql_root(), seeds)).models.values()
    stored = [model.name for model in models if model.is_stored]
    return {name: rows_of(connection, f"FROM {name} ORDER BY ALL") for name in stored}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=st.lists(st.lists(units(), min_size=1, max_size=8), min_size=2, max_size=3),
    seed=st.integers(0, 99),
)
def test_incremental_is_a_full_rebuild_for_late_resent_and_emptied_units(
    seeds: Path, history: list[list[RawUnit]], seed: int
) -> None:
    final = list({unit.unit: unit for package in history for unit in package}.values())
    random.Random(seed).shuffle(final)
    with TemporaryDirectory() as folder:
        step_by_step = copy_warehouse(Path(folder) / "steps.duckdb")
        for number, package in enumerate(history):
            newest = list({unit.unit: unit for unit in package}.values())
            load_units(step_by_step, f"170000000{number}.5", newest, append=number % 2 == 1)
            build(step_by_step, seeds)
        at_once = copy_warehouse(Path(folder) / "once.duckdb")
        forget_stored(at_once)
        load_units(at_once, "1700000000.5", final)
        build(at_once, seeds)
        assert contents(step_by_step, seeds) == contents(at_once, seeds)
        step_by_step.close()
        at_once.close()
