"""What is odd inside a file: rows load all the same, and what cannot is kept in quarantine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from connector.sandbox import Population
from connector.warehouse.run_report import SourceReport
from tests.integration.stream_truth import Expected, Row, unit_id
from tests.integration.stream_warehouse import Snapshot, read_warehouse
from tests.integration.stream_world import APPS, GAME, PEOPLED, World, open_world

BUSY = replace(
    PEOPLED,
    apps=APPS[:1],
    population=Population(devices=400, warmup_days=10, awkward_share=0.1),
)
FAULTS: dict[str, list[dict[str, object]]] = {
    "bad_cells": [{"kind": "bad_cells", "row": 1}],
    "invalid_utf8": [{"kind": "invalid_utf8", "row": 2, "field": "event_name"}],
    "nul_byte": [{"kind": "nul_byte", "row": 0, "field": "event_json"}],
    "big_cell": [{"kind": "big_cell", "row": 1, "field": "event_json"}],
    "line_breaks": [{"kind": "line_breaks", "row": 1, "field": "event_name"}],
    "equal_rows": [{"kind": "equal_rows", "row": 1, "copies": 2}],
    "short_record": [{"kind": "broken_record", "row": 1, "how": "short"}],
    "long_record": [{"kind": "broken_record", "row": 0, "how": "long"}],
    "malformed_json_cell": [{"kind": "cells", "row": 0, "set": {"event_json": '{"a": [1,, '}}],
    "crlf": [
        {"kind": "file_shape", "newline": "crlf", "bom": True, "quoting": "all"},
        {"kind": "line_breaks", "row": 0, "field": "event_name"},
    ],
    "no_final_newline": [{"kind": "file_shape", "final_newline": False, "bom": True}],
    "json_line_cut": [
        {"kind": "file_shape", "export_format": "json", "json_layout": "lines"},
        {"kind": "broken_record", "row": 1, "how": "cut"},
        {"kind": "bad_cells", "row": 2},
    ],
    "json_no_object": [
        {"kind": "file_shape", "export_format": "json", "json_layout": "array"},
        {"kind": "broken_record", "row": 2, "how": "scalar"},
        {"kind": "nul_byte", "row": 0, "field": "event_json"},
    ],
    "json_invalid_utf8": [
        {"kind": "file_shape", "export_format": "json", "json_layout": "object"},
        {"kind": "invalid_utf8", "row": 0, "field": "event_name"},
    ],
}


@dataclass(frozen=True, slots=True)
class Odd:
    """A warehouse loaded from windows each of which has one odd thing; units by its name."""

    world: World
    report: SourceReport
    expected: Expected
    found: Snapshot
    units: dict[str, str]
    bodies: dict[str, bytes]

    def rows(self, name: str) -> list[Row]:
        """The rows loaded of a window, in order."""
        unit = self.units[name]
        return sorted(
            (row for row in self.found["event"] if row["_unit"] == unit), key=lambda r: r["_row"]
        )

    def quarantine(self, name: str) -> list[Row]:
        """What is in quarantine of a window."""
        return [row for row in self.found["quarantine"] if row["unit"] == self.units[name]]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    folder = tmp_path_factory.mktemp("odd")
    with open_world(BUSY, folder, tables="event,attributed_event") as world:
        sandbox = world.sandbox
        counted = [w for w in sandbox.windows(GAME, "event") if w["event_count"] >= 4]
        places = dict(zip(FAULTS, counted, strict=False))
        for name, faults in FAULTS.items():
            window = places[name]["stream_window_timestamp"]
            for fault in faults:
                sandbox.add_fault(**fault, app=GAME, data_type="event", window=window)  # type: ignore[arg-type]
        sandbox.add_fault("bad_cells", data_type="attributed_event", window_index=-4, app=GAME)
        units, bodies = {}, {}
        for name, listed in places.items():
            window = listed["stream_window_timestamp"]
            file = sandbox.stream.find_file(GAME, "event", window)
            assert file is not None
            units[name] = unit_id(GAME, "event", window, file.schema.id)
            bodies[name] = file.body
        report = world.sync()
        found = read_warehouse(world.settings.warehouse)
        yield Odd(world, report, world.truth(), found, units, bodies)


def test_every_odd_window_is_loaded_as_the_truth_says(odd: Odd) -> None:
    assert (odd.report.exit_code, odd.report.errors) == (0, [])
    odd.world.compare()
    assert set(odd.units.values()) <= {row["unit"] for row in odd.found["units"]}


def test_a_record_that_cannot_be_read_is_no_failure_but_is_counted(odd: Odd) -> None:
    assert odd.report.rows_quarantined == len(odd.expected.records) == 4
    assert odd.report.cells_quarantined == len(odd.expected.cells) > 10


@pytest.mark.parametrize("name", ["short_record", "long_record", "json_line_cut", "json_no_object"])
def test_an_unreadable_record_is_kept_whole_and_moves_no_ordinal(odd: Odd, name: str) -> None:
    (record,) = [row for row in odd.quarantine(name) if row["kind"] == "row"]
    (raw,) = [raw for unit, raw in odd.expected.records if unit == odd.units[name]]
    assert record["raw"].rstrip("\r\n") == raw.rstrip("\r\n")
    assert (record["_row"], record["table_name"]) == (None, "event")
    assert record["reason"]
    body, offset = odd.bodies[name], record["byte_offset"]
    assert body[offset:].startswith(raw.encode())
    assert record["file_line"] == body[:offset].count(b"\n") + 1
    ordinals = [row["_row"] for row in odd.rows(name)]
    broken = next(f["row"] for f in FAULTS[name] if f["kind"] == "broken_record")
    assert ordinals == [n for n in range(len(ordinals) + 1) if n != broken]


@pytest.mark.parametrize("name", ["bad_cells", "json_line_cut"])
def test_a_cell_that_does_not_fit_is_null_and_kept_as_it_came(odd: Odd, name: str) -> None:
    place = 1 if name == "bad_cells" else 2
    row = next(row for row in odd.rows(name) if row["_row"] == place)
    cells = {q["field_name"]: q for q in odd.quarantine(name) if q["kind"] == "cell"}
    assert row["event_timestamp"] is None
    assert cells["event_timestamp"]["value"] == "yesterday"
    assert cells["mcc"]["value"] == "many"
    assert {cell["_row"] for cell in cells.values()} == {place}
    body = odd.bodies[name]
    for cell in cells.values():
        raw = cell["raw"].encode()
        assert b"yesterday" in raw
        assert body[cell["byte_offset"] :].startswith(raw.rstrip(b"\r\n"))
        assert cell["file_line"] == body[: cell["byte_offset"]].count(b"\n") + 1


def test_cells_of_every_type_that_do_not_fit_are_kept(odd: Odd) -> None:
    values = {
        row["value"] for row in odd.found["quarantine"] if row["table_name"] == "attributed_event"
    }
    assert values >= {"12x", "many", "1,50", "yesterday", "31.12.", '["open'}


@pytest.mark.parametrize("name", ["invalid_utf8", "json_invalid_utf8"])
def test_bytes_that_are_no_utf8_are_replaced_and_kept(odd: Odd, name: str) -> None:
    (cell,) = odd.quarantine(name)
    row = next(row for row in odd.rows(name) if row["_row"] == cell["_row"])
    assert "��bad" in row["event_name"]
    assert cell["field_name"] == "event_name"
    assert cell["value"].endswith(r"\xff\xc3bad")
    assert r"\xff\xc3bad" in cell["raw"]


def test_nul_bytes_and_huge_cells_are_loaded_exactly(odd: Odd) -> None:
    assert odd.rows("nul_byte")[0]["event_json"].endswith("\x00nul")
    assert odd.rows("json_no_object")[0]["event_json"].endswith("\x00nul")
    assert odd.rows("big_cell")[1]["event_json"] == "x" * 1_000_000


@pytest.mark.parametrize(("name", "place"), [("line_breaks", 1), ("crlf", 0)])
def test_line_breaks_inside_a_cell_are_loaded_exactly(odd: Odd, name: str, place: int) -> None:
    text = "one\rtwo\nthree\r\nfour\u2028five\u0085six, end"
    assert odd.rows(name)[place]["event_name"] == text
    assert odd.quarantine(name) == []


def test_equal_rows_of_a_window_are_all_kept(odd: Odd) -> None:
    rows = odd.rows("equal_rows")
    same = [{k: v for k, v in rows[n].items() if k != "_row"} for n in (1, -2, -1)]
    assert same[0] == same[1] == same[2]


def test_malformed_json_in_a_payload_is_kept_exactly(odd: Odd) -> None:
    assert odd.rows("malformed_json_cell")[0]["event_json"] == '{"a": [1,, '
    assert odd.quarantine("malformed_json_cell") == []


def test_ids_beyond_signed_integers_are_kept_as_text(odd: Odd) -> None:
    ids = [row["appmetrica_device_id"] for row in odd.found["event"]]
    assert all(value.isdigit() for value in ids)
    assert any(int(value) > 2**63 for value in ids)
