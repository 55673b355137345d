"""run, sync, backfill, model, plan, status and verify against the sandbox."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import GAME, SOURCE, TOKEN, World, call


def test_sync_loads_what_there_is_and_then_nothing(world: World) -> None:
    world.put_rows(0, 3)
    world.put_rows(1, 4)
    first = call("sync", "--json")
    assert first.exit_code == 0
    part = first.json["sources"][SOURCE]
    assert (part["units_loaded"], part["rows_loaded"], part["units_failed"]) == (2, 7, 0)
    assert part["cursors"]["event"]
    assert call("sync", "--json").json["sources"][SOURCE]["units_loaded"] == 0


def test_json_of_run_has_the_keys_of_the_contract(world: World) -> None:
    world.put_rows(0, 3)
    said = call("run", "--json").json
    assert set(said) >= {"ok", "exit_code", "sources", "models", "seconds"}
    assert said["ok"] is True
    assert set(said["sources"][SOURCE]) >= {
        *("units_loaded", "units_failed", "units_pending", "rows_loaded", "rows_quarantined"),
        *("bytes", "seconds", "cursors", "errors"),
    }
    assert said["models"]["mart.app_daily"]["status"] == "built"
    assert said["verify"]["differences"] == []


def test_run_prints_one_summary_and_logs_to_stderr(world: World) -> None:
    world.put_rows(0, 3)
    said = call("run")
    assert said.exit_code == 0
    assert "verified: 1 units, 3 rows, no difference" in said.stdout
    assert "[info] loaded" in said.stderr
    assert "[info]" not in said.stdout


def test_quiet_run_says_nothing_when_all_is_well(world: World) -> None:
    world.put_rows(0, 3)
    said = call("run", "--quiet")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "")


def test_max_units_leaves_the_rest_pending(world: World) -> None:
    for place in range(3):
        world.put_rows(place, 2)
    part = call("sync", "--max-units", "1", "--json").json["sources"][SOURCE]
    assert (part["units_loaded"], part["units_pending"]) == (1, 2)


def test_since_and_table_narrow_a_sync(world: World) -> None:
    world.put_rows(0, 2)
    world.put_rows(5, 2)
    since = world.sandbox.clock.now().replace(tzinfo=None).isoformat()
    assert call("sync", "--since", since, "--json").json["sources"][SOURCE]["units_loaded"] == 0
    other = call("sync", "--table", "crash", "--json").json["sources"][SOURCE]
    assert other["units_loaded"] == 0


def test_backfill_loads_a_range_again(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    words = ("--since", "2020-01-01", "--until", "2100-01-01", "--json")
    assert call("backfill", SOURCE, *words).json["sources"][SOURCE]["units_loaded"] == 1
    assert call("verify").exit_code == 0


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01"])
@pytest.mark.usefixtures("world")
def test_date_that_is_none_is_a_configuration_error(moment: str) -> None:
    said = call("sync", "--since", moment, "--json")
    assert said.exit_code == 2
    assert "--since" in said.json["error"]


@pytest.mark.usefixtures("world")
def test_unknown_source_is_a_configuration_error() -> None:
    said = call("sync", "acme", "--json")
    assert said.exit_code == 2
    assert SOURCE in said.json["error"]


@pytest.mark.usefixtures("world")
def test_wrong_token_is_refused_by_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__TOKEN", "some-other-token")
    said = call("sync", "--json")
    assert said.exit_code == 3
    assert "sources.appmetrica_stream.token" in said.json["sources"][SOURCE]["errors"][0]
    assert "some-other-token" not in said.stdout + said.stderr


def test_file_that_stays_broken_fails_by_name_and_the_rest_is_loaded(world: World) -> None:
    good = world.put_rows(0, 2)
    bad = world.put(1, "event_name,event_timestamp,event_json\na,1,b\n", 5)
    said = call("sync", "--json")
    part = said.json["sources"][SOURCE]
    assert said.exit_code == 4
    assert (part["units_loaded"], part["units_failed"]) == (1, 1)
    assert any(bad in error for error in part["errors"])
    status = call("status", "--json").json
    assert [f["unit"] for f in status["sources"][SOURCE]["failures"]] == [bad]
    assert world.ask("SELECT unit FROM appmetrica_stream.units") == [(good,)]


def test_plan_says_what_is_due_and_loads_nothing(world: World) -> None:
    world.put_rows(0, 3)
    said = call("plan", "--json")
    plan = said.json["sources"][SOURCE]
    assert (plan["units_due"], plan["rows_due"], plan["quota_per_day"]) == (1, 3, 50_000)
    (table,) = plan["tables"]
    assert table["columns"] == ["event_name", "event_timestamp", "event_json"]
    assert not world.warehouse.exists() or call("verify", "--json").json["units"] == 0
    shown = call("plan").stdout
    assert "event" in shown
    assert "requests to come" in shown


def test_plan_exits_7_when_data_is_lost(world: World) -> None:
    world.put_rows(0, 2)
    lost = world.put_rows(1, 3)
    call("sync", "--max-units", "1")
    world.sandbox.clock.advance(8 * 86_400)
    said = call("plan", "--json")
    assert said.exit_code == 7
    assert said.json["sources"][SOURCE]["gone"] == [lost]
    assert lost in call("plan").stdout


def test_status_shows_freshness_runs_and_quota(world: World) -> None:
    world.put_rows(0, 3)
    call("sync")
    said = call("status", "--json")
    assert said.exit_code == 0
    (table,) = said.json["tables"]
    assert (table["application_id"], table["table_name"], table["rows"]) == (str(GAME), "event", 3)
    assert table["lag_s"] > 3600
    assert said.json["sources"][SOURCE]["requests_today"]["data"] == 1
    assert [run["exit_code"] for run in said.json["runs"]] == [0]
    assert "Last runs" in call("status").stdout


def test_status_before_anything_was_loaded(places: Path) -> None:
    said = call("status", "--json")
    assert said.exit_code == 2
    assert "connector sync" in said.json["error"]
    assert list(places.iterdir()) == []


def test_verify_finds_what_does_not_add_up(world: World) -> None:
    one, two = world.put_rows(0, 3), world.put_rows(1, 3)
    call("sync")
    assert call("verify", "--json").json == {
        "ok": True,
        "exit_code": 0,
        "units": 2,
        "rows": 6,
        "differences": [],
    }
    world.change(f"DELETE FROM appmetrica_stream.event WHERE _unit = '{one}' AND _row = 1")
    world.change(f"UPDATE appmetrica_stream.units SET declared_rows = 9 WHERE unit = '{two}'")
    said = call("verify", "--json")
    found = {(item["unit"], item["kind"]) for item in said.json["differences"]}
    assert (said.exit_code, found) == (6, {(one, "rows"), (two, "declared")})
    shown = call("verify")
    assert one in shown.stdout
    assert "the vendor declared 9 rows, 3 were loaded" in shown.stdout


STRAYS = {
    "UPDATE appmetrica_stream.event SET _unit = 'stranger' WHERE _row = 0": "unknown",
    "UPDATE appmetrica_stream.event SET _dlt_load_id = '99' WHERE _row = 0": "unfinished",
    "UPDATE appmetrica_stream._dlt_loads SET status = 1": "unfinished",
    "INSERT INTO appmetrica_stream._dlt_loads (load_id, status, inserted_at)"
    " VALUES ('0', 0, now()); UPDATE appmetrica_stream.event SET _dlt_load_id = '0' WHERE _row = 0": "superseded",
    "INSERT INTO appmetrica_stream.units FROM appmetrica_stream.units": "twice",
    "INSERT INTO appmetrica_stream.event FROM appmetrica_stream.event": "rows",
    "INSERT INTO appmetrica_stream.quarantine (unit, kind, _dlt_load_id)"
    " SELECT unit, 'row', _dlt_load_id FROM appmetrica_stream.units": "quarantine",
}


def test_verify_finds_rows_that_belong_to_nothing(world: World) -> None:
    world.put_rows(0, 3)
    call("sync")
    for number, (change, kind) in enumerate(STRAYS.items()):
        copy = world.warehouse.with_name(f"{number}.duckdb")
        shutil.copy(world.warehouse, copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute(change)
        said = call("verify", "--json", "--warehouse", copy)
        assert said.exit_code == 6
        assert kind in {item["kind"] for item in said.json["differences"]}, change


def test_model_builds_checks_and_names_an_unknown_model(world: World) -> None:
    world.put_rows(0, 3)
    call("sync")
    assert call("model", "--json").json["models"]["core.event"]["rows"] == 3
    assert call("model", "--check").exit_code == 0
    assert call("model", "--select", "core.event+", "--full-refresh").exit_code == 0
    wrong = call("model", "--select", "core.nonsense", "--json")
    assert wrong.exit_code == 2
    assert "core.nonsense" in wrong.json["error"]


def test_model_without_a_warehouse_makes_none(places: Path) -> None:
    assert call("model", "--json").exit_code == 2
    assert list(places.iterdir()) == []


def test_no_secret_in_any_output_or_file(world: World) -> None:
    world.put_rows(0, 2)
    world.put(1, "no file at all", 1)
    said = [call(verb) for verb in ("run", "plan", "status", "verify", "doctor")]
    said += [call("--json", *verb) for verb in (("run",), ("state", "export"), ("doctor",))]
    texts = [one.stdout + one.stderr for one in said]
    assert [text for text in texts if TOKEN in text] == []
    files = [path for path in world.home.parent.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
