"""quarantine list and replay: nothing lost, nothing doubled, counters true."""

from tests.cli.conftest import SOURCE, World, call

GOOD_TIME = "2023-11-14 22:13:20+00"


def broken_json(world: World) -> str:
    """A window of JSON lines with a broken record between two good ones."""
    lines = ('{"event_name": "a"}', '{"event_name": broken', '{"event_name": "c"}')
    return world.put(1, "\n".join(lines) + "\n", 3, export_format="json")


def broken_cell(world: World) -> str:
    """A window of CSV whose second row has an event time that is none."""
    return world.put(0, "event_name,event_timestamp,event_json\na,1,\nb,noon,\n", 2)


def left(world: World) -> list[tuple[object, ...]]:
    return world.ask("SELECT unit, kind FROM appmetrica_stream.quarantine ORDER BY ALL")


def test_list_says_what_came_and_why(world: World) -> None:
    cell, row = broken_cell(world), broken_json(world)
    call("sync")
    said = call("quarantine", "list", "--json").json
    found = {(e["unit"], e["kind"], e["field_name"], e["value"]) for e in said["entries"]}
    assert found == {(cell, "cell", "event_timestamp", "noon"), (row, "row", None, None)}
    assert call("quarantine", "list", "--kind", "row", "--json").json["total"] == 1
    assert call("quarantine", "list", "--unit", cell, "--json").json["total"] == 1
    assert call("quarantine", "list", "--table", "crash", "--json").json["total"] == 0
    limited = call("quarantine", "list", "--limit", "1", "--json").json
    assert (limited["total"], len(limited["entries"])) == (2, 1)
    assert "noon" in call("quarantine", "list").stdout


def test_replay_of_what_still_does_not_fit_changes_nothing(world: World) -> None:
    broken_cell(world)
    broken_json(world)
    call("sync")
    before = left(world), world.ask("FROM appmetrica_stream.event ORDER BY ALL")
    part = call("quarantine", "replay", "--local", "--json").json["sources"][SOURCE]
    assert (part["cells"], part["rows"], part["cells_left"], part["rows_left"]) == (0, 0, 1, 1)
    assert (left(world), world.ask("FROM appmetrica_stream.event ORDER BY ALL")) == before


def test_cell_that_fits_by_now_goes_into_its_row(world: World) -> None:
    broken_cell(world)
    call("run")
    world.change("UPDATE appmetrica_stream.quarantine SET value = '1700000000'")
    part = call("quarantine", "replay", "--json").json["sources"][SOURCE]
    assert (part["cells"], part["cells_left"]) == (1, 0)
    assert left(world) == []
    (time,) = world.ask(
        "SELECT event_timestamp::VARCHAR FROM appmetrica_stream.event WHERE event_name = 'b'"
    )
    assert time == (GOOD_TIME,)
    assert world.ask("SELECT max_event_at::VARCHAR, event_days FROM appmetrica_stream.units") == [
        (GOOD_TIME, '["1970-01-01","2023-11-14"]')
    ]
    assert call("verify").exit_code == 0


def test_models_see_a_replay_and_a_second_one_does_nothing(world: World) -> None:
    broken_cell(world)
    call("run")
    world.change("UPDATE appmetrica_stream.quarantine SET value = '1700000000'")
    call("quarantine", "replay")
    assert call("model", "--check").exit_code == 0
    assert world.ask("SELECT count(*) FROM core.event WHERE occurred_at >= '2023-01-01'") == [(1,)]
    again = call("quarantine", "replay", "--json").json["sources"][SOURCE]
    assert (again["cells"], again["rows"]) == (0, 0)
    assert call("sync", "--json").json["sources"][SOURCE]["units_loaded"] == 0


def test_record_of_json_that_can_be_read_by_now_gets_its_own_ordinal(world: World) -> None:
    broken_json(world)
    call("sync")
    world.change(
        "UPDATE appmetrica_stream.quarantine"
        """ SET raw = '{"event_name": "b", "event_timestamp": "soon"}'"""
    )
    part = call("quarantine", "replay", "--json").json["sources"][SOURCE]
    assert (part["rows"], part["rows_left"], part["cells_left"]) == (1, 0, 1)
    rows = world.ask("SELECT _row, event_name FROM appmetrica_stream.event ORDER BY _row")
    assert rows == [(0, "a"), (1, "b"), (2, "c")]
    assert world.ask("SELECT loaded_rows, quarantined_rows FROM appmetrica_stream.units") == [
        (3, 0)
    ]
    (entry,) = call("quarantine", "list", "--json").json["entries"]
    assert (entry["kind"], entry["_row"], entry["value"]) == ("cell", 1, "soon")
    assert call("verify").exit_code == 0


def test_bytes_that_were_escaped_are_decoded_as_they_came(world: World) -> None:
    broken_json(world)
    call("sync")
    world.change(
        r"""UPDATE appmetrica_stream.quarantine SET raw = '{"event_name": "\xd0\xb6\\x41"}'"""
    )
    call("quarantine", "replay", "--local")
    rows = world.ask("SELECT event_name FROM appmetrica_stream.event WHERE _row = 1")
    assert rows == [("ж\\x41",)]


def test_records_of_csv_are_fetched_again_while_the_vendor_has_them(world: World) -> None:
    unit = world.put(0, "event_name,event_timestamp,event_json\na,1,\nb,2,,,\n", 2)
    call("sync")
    assert call("verify").exit_code == 0
    assert left(world) == [(unit, "row")]
    part = call("quarantine", "replay", "--json").json["sources"][SOURCE]
    assert (part["rows_left"], part["units_marked"], part["units_gone"]) == (1, [unit], [])
    world.put(0, "event_name,event_timestamp,event_json\na,1,\nb,2,\n", 2)
    assert call("sync", "--json").json["sources"][SOURCE]["rows_loaded"] == 2
    assert left(world) == []
    assert call("verify", "--json").json["rows"] == 2


def test_records_the_vendor_has_no_more_stay_and_are_named(world: World) -> None:
    unit = world.put(0, "event_name,event_timestamp,event_json\na,1,\nb,2,,,\n", 2)
    call("sync")
    world.sandbox.clock.advance(8 * 86_400)
    said = call("quarantine", "replay")
    assert said.exit_code == 0
    assert "the vendor has these no more" in said.stdout
    assert unit in said.stdout
    assert left(world) == [(unit, "row")]
    assert call("verify").exit_code == 0


def test_replay_without_a_warehouse_makes_none(world: World) -> None:
    assert call("quarantine", "replay", "--json").exit_code == 2
    assert not world.warehouse.exists()
