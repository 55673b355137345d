from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from connector.errors import UnknownColumnError
from connector.warehouse.runner import ModelReport, ModelResult, run_models
from tests.unit.warehouse.model_files import write_model
from tests.unit.warehouse.raw_warehouse import (
    RawUnit,
    at,
    load_units,
    open_warehouse,
    rows_of,
)


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return open_warehouse()


def statuses(report: ModelReport) -> dict[str, str]:
    return {result.name: result.status for result in report.models}


def test_an_empty_warehouse_gets_all_relations_and_a_second_run_builds_none(
    connection: DuckDBPyConnection,
) -> None:
    first = run_models(connection)
    assert first.exit_code == 0
    assert set(statuses(first).values()) == {"built"}
    second = run_models(connection)
    assert statuses(second) == dict.fromkeys(statuses(first), "skipped")
    assert second.seconds < 1
    assert rows_of(connection, "SELECT count(*) FROM mart.app_daily") == [(0,)]


def test_only_what_new_rows_can_change_is_built(warehouse: DuckDBPyConnection) -> None:
    connection = warehouse
    load_units(connection, "1700000000.0", [RawUnit("u0", "event", [])])
    run_models(connection)
    rows = [{"crash_name": "x", "crash_timestamp": at("2024-05-01 10:00")}]
    load_units(connection, "1700000000.1", [RawUnit("u1", "crash", rows)])
    report = run_models(connection)
    built = {name for name, status in statuses(report).items() if status == "built"}
    assert built == {
        "core.app",
        "core.crash",
        "core.session_activity",
        "mart.app_daily",
        "ops.coverage",
        "ops.left_out",
        "ops.reconciliation",
        "ops.stream_gap",
    }


def test_a_load_that_brought_nothing_new_builds_nothing_readers_see(
    warehouse: DuckDBPyConnection,
) -> None:
    connection = warehouse
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", [])])
    run_models(connection)
    load_units(connection, "1700000000.2", [RawUnit("u2", "event", [])])
    built = {name for name, status in statuses(run_models(connection)).items() if status == "built"}
    assert built == {"core.app", "ops.coverage", "ops.reconciliation", "ops.stream_gap"}


def test_a_changed_file_builds_the_model_and_only_what_its_rows_change(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    run_models(connection, root=tmp_path)
    write_model(tmp_path, "core.a", "SELECT 2 - 1 AS x")
    assert statuses(run_models(connection, root=tmp_path)) == {
        "core.a": "built",
        "core.b": "skipped",
    }
    write_model(tmp_path, "core.a", "SELECT 2 AS x")
    assert statuses(run_models(connection, root=tmp_path)) == {"core.a": "built", "core.b": "built"}
    assert rows_of(connection, "FROM core.b") == [(2,)]


def test_a_changed_view_builds_the_tables_over_it(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x", kind="view")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    run_models(connection, root=tmp_path)
    write_model(tmp_path, "core.a", "SELECT 2 AS x", kind="view")
    run_models(connection, root=tmp_path)
    assert rows_of(connection, "FROM core.b") == [(2,)]


def test_a_failed_audit_leaves_what_readers_see_and_stops_descendants(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    for name in ("core.a", "core.b"):
        write_model(tmp_path, name, "SELECT 1 AS x", header=("key: x",))
    write_model(tmp_path, "mart.c", "SELECT x FROM core.a")
    write_model(tmp_path, "mart.d", "SELECT x FROM core.b")
    run_models(connection, root=tmp_path)
    bad = "SELECT 2 AS x UNION ALL SELECT 2 AS x"
    write_model(tmp_path, "core.a", bad, header=("key: x",))
    write_model(tmp_path, "core.b", "SELECT 3 AS x", header=("key: x",))
    report = run_models(connection, root=tmp_path)
    assert report.exit_code == 6
    assert statuses(report) == {
        "core.a": "failed",
        "core.b": "built",
        "mart.c": "skipped",
        "mart.d": "built",
    }
    assert rows_of(connection, "SELECT * FROM core.a, mart.c, mart.d") == [(1, 1, 3)]
    assert "core.a" in next(r.error for r in report.models if r.name == "mart.c")


def test_a_failed_model_is_tried_again_and_the_rest_stays_as_built(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT CAST('no' AS INTEGER) AS x FROM core.a")
    first = run_models(connection, root=tmp_path)
    assert first.exit_code == 5
    second = run_models(connection, root=tmp_path)
    assert statuses(second) == {"core.a": "skipped", "core.b": "failed"}
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    assert run_models(connection, root=tmp_path).exit_code == 0


def test_nothing_runs_when_a_name_is_wrong(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT y FROM core.a")
    with pytest.raises(UnknownColumnError):
        run_models(connection, root=tmp_path)
    assert rows_of(
        connection, "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'core'"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ("not_null(y)", "not_null"),
        ("unique(x)", "unique"),
        ("relationship(x, core.parent)", "relationship"),
        ("positive", "positive"),
    ],
)
def test_every_kind_of_audit_finds_its_rows(
    connection: DuckDBPyConnection, tmp_path: Path, audit: str, said: str
) -> None:
    write_model(tmp_path, "core.parent", "SELECT 1 AS id", header=("key: id",))
    write_model(
        tmp_path,
        "core.a",
        "SELECT x, y FROM (VALUES (-1, 1), (-1, NULL)) AS t(x, y)",
        header=(f"audits: {audit}",),
    )
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "positive.sql").write_text(
        "SELECT x FROM core.a WHERE x < 0", encoding="utf-8"
    )
    report = run_models(connection, root=tmp_path)
    assert report.exit_code == 6
    assert said in next(result.error for result in report.models if result.name == "core.a")


def test_a_view_whose_audit_fails_is_there_to_look_at(warehouse: DuckDBPyConnection) -> None:
    connection = warehouse
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", [{}], declared=2)])
    report = run_models(connection)
    assert report.exit_code == 6
    assert rows_of(connection, "SELECT unit, difference FROM ops.reconciliation") == [("u1", 1)]
    assert statuses(run_models(connection))["ops.reconciliation"] == "failed"
    load_units(connection, "1700000000.2", [RawUnit("u1", "event", [{}, {}])])
    assert run_models(connection).exit_code == 0


def test_select_builds_the_named_models_and_what_they_lack(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    write_model(tmp_path, "core.c", "SELECT x FROM core.b")
    write_model(tmp_path, "core.d", "SELECT 1 AS x")
    assert set(statuses(run_models(connection, root=tmp_path, select=("b",)))) == {
        "core.a",
        "core.b",
    }
    report = run_models(connection, root=tmp_path, select=("b+",), full_refresh=True)
    assert statuses(report) == {"core.b": "built", "core.c": "built"}
    assert statuses(run_models(connection, root=tmp_path)) == {
        "core.a": "skipped",
        "core.b": "skipped",
        "core.c": "skipped",
        "core.d": "built",
    }


def test_a_relation_that_was_dropped_or_is_of_another_kind_is_made_again(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    run_models(connection, root=tmp_path)
    connection.execute("DROP TABLE core.a")
    run_models(connection, root=tmp_path)
    write_model(tmp_path, "core.a", "SELECT 1 AS x", kind="view")
    run_models(connection, root=tmp_path)
    write_model(tmp_path, "core.a", "SELECT 2 AS x")
    run_models(connection, root=tmp_path)
    assert rows_of(connection, "FROM core.a") == [(2,)]


def test_readers_of_another_connection_see_all_or_nothing(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    run_models(connection, root=tmp_path)
    write_model(tmp_path, "core.a", "SELECT 2 AS x")
    seen: list[object] = []
    reader = connection.cursor()

    def look(_: ModelResult) -> None:
        seen.append(rows_of(reader, "SELECT * FROM core.a, core.b"))

    run_models(connection, root=tmp_path, progress=look)
    assert seen == [[(2, 1)], [(2, 2)]]


def test_check_names_the_model_and_how_many_rows_differ(warehouse: DuckDBPyConnection) -> None:
    connection = warehouse
    rows = [{"event_name": name, "event_timestamp": at("2024-05-01 10:00")} for name in "ab"]
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", rows)])
    assert run_models(connection, check=True).exit_code == 0
    connection.execute("DELETE FROM core.event WHERE name = 'a'")
    report = run_models(connection, check=True)
    assert report.exit_code == 6
    wrong = [result for result in report.models if result.status == "failed"]
    assert [result.name for result in wrong] == ["core.event"]
    assert "0 of its 1 rows are not in the rebuild, 1 of the rebuild's 2" in wrong[0].error
    assert rows_of(
        connection, "SELECT count(*) FROM duckdb_schemas() WHERE schema_name LIKE 'scratch%'"
    ) == [(0,)]


def test_a_model_whose_file_is_gone_is_no_longer_reported(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    gone = write_model(tmp_path, "core.b", "SELECT 1 AS x")
    run_models(connection, root=tmp_path)
    gone.unlink()
    run_models(connection, root=tmp_path)
    assert statuses(run_models(connection, root=tmp_path)) == {"core.a": "skipped"}


def test_the_report_is_json(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    report = run_models(connection, root=tmp_path).to_json()
    assert report["ok"] is True
    assert report["exit_code"] == 0
    assert report["models"]["core.a"]["status"] == "built"
    assert report["models"]["core.a"]["rows"] == 1
