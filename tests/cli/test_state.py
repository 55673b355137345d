"""state show, reset, export, import."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SOURCE, TOKEN, World, call


def test_show_tells_cursors_and_journal(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    part = call("state", "show", "--json").json["sources"][SOURCE]
    assert set(part["cursors"]["event"]) == {"event_timestamp", "update_timestamp"}
    assert part["requests_today"]["data"] == 1
    assert "update_timestamp" in call("state", "show").stdout


def test_show_before_anything_makes_no_warehouse(places: Path) -> None:
    assert call("state", "show", "--json").json["sources"][SOURCE]["cursors"] == {}
    assert not (places / "warehouse.duckdb").exists()


def test_reset_asks_first(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    said = call("state", "reset", SOURCE, "--json")
    assert said.exit_code == 2
    assert "--yes" in said.json["error"]
    assert call("sync", "--json").json["sources"][SOURCE]["units_loaded"] == 0


def test_reset_loads_again_what_is_there_and_keeps_what_is_not(world: World) -> None:
    gone, there = world.put_rows(0, 2), world.put_rows(1, 3)
    call("sync")
    world.change(
        f"UPDATE appmetrica_stream.units SET unit = 'expired' WHERE unit = '{gone}';"
        f"UPDATE appmetrica_stream.event SET _unit = 'expired' WHERE _unit = '{gone}'"
    )
    call("sync")
    assert call("state", "reset", SOURCE, "--table", "event", "--yes", "--json").json["units"] == 3
    assert call("state", "reset", SOURCE, "--yes", "--json").json["units"] == 0
    assert call("verify").exit_code == 0
    report = call("sync", "--json").json["sources"][SOURCE]
    assert (report["units_loaded"], report["rows_loaded"]) == (2, 5)
    assert call("verify", "--json").json["rows"] == 7
    rows = world.ask("SELECT _unit, count(*) FROM appmetrica_stream.event GROUP BY 1 ORDER BY 1")
    assert dict(rows) == {gone: 2, there: 3, "expired": 2}


@pytest.mark.parametrize("words", [("acme",), (SOURCE, "--table", "nonsense")])
def test_reset_of_what_is_not_there_is_a_configuration_error(
    world: World, words: tuple[str, ...]
) -> None:
    world.put_rows(0, 2)
    call("sync")
    assert call("state", "reset", *words, "--yes", "--json").exit_code == 2


def test_export_holds_no_secret_and_import_restores_it_elsewhere(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    file = world.home.parent / "state.json"
    assert call("state", "export", file).exit_code == 0
    assert TOKEN not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    other = ("--warehouse", file.parent / "n.duckdb", "--home", file.parent / "n")
    said = call("state", "import", file, "--yes", "--json", *other)
    assert said.exit_code == 0
    assert said.json["cursors"] == 1
    for key in ("cursors", "requests_today"):
        before = call("state", "show", "--json").json["sources"][SOURCE][key]
        assert call("state", "show", "--json", *other).json["sources"][SOURCE][key] == before
    assert call("sync", "--json", *other).json["sources"][SOURCE]["rows_loaded"] == 2
    assert call("verify", *other).exit_code == 0


def test_export_to_standard_output_is_one_object(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    plain = json.loads(call("state", "export").stdout)
    assert call("state", "export", "--json").json["cursors"] == plain["cursors"]


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"format": "other", "version": 1}'])
def test_import_of_something_else_is_refused(places: Path, text: str) -> None:
    file = places / "state.json"
    file.write_text(text, encoding="utf-8")
    said = call("state", "import", file, "--yes", "--json")
    assert said.exit_code == 2
    assert "state.json" in said.json["error"] or "state export" in said.json["error"]


def test_import_asks_first(world: World) -> None:
    file = world.home.parent / "state.json"
    call("state", "export", file)
    assert "--yes" in call("state", "import", file, "--json").json["error"]
