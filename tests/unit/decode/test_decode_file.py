"""A file as a whole: system columns, drift, event times, quarantine, spilling."""

import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.decode import (
    QUARANTINE_SCHEMA,
    Options,
    Package,
    decode_file,
    read_names,
    remove_spills,
    spill,
    stamped_schema,
)
from connector.errors import DownloadError
from connector.fields import parse_tables
from connector.naming import to_snake_case
from tests.unit.decode.samples import (
    DECLARED,
    LOAD_ID,
    NOW,
    TABLE,
    decode,
    make_unit,
    read_result,
)

CONTRACT_COLUMNS = [
    "unit",
    "_row",
    "table_name",
    "kind",
    "file_line",
    "byte_offset",
    "field_name",
    "value",
    "raw",
    "reason",
    "quarantined_at",
    "_dlt_load_id",
]


@pytest.mark.parametrize(
    ("data", "received_from"), [(b"name\na\nb\n", "csv"), (b'[{"name":"a"},{"name":"b"}]', "json")]
)
def test_every_row_says_where_it_came_from(tmp_path: Path, data: bytes, received_from: str) -> None:
    result = decode(tmp_path, data)
    for ordinal, row in enumerate(result.rows):
        assert row["_row"] == ordinal
        assert row["_unit"] == make_unit().id
        assert row["_application_id"] == "7"
        assert row["_received_from"] == received_from
        assert row["_dlt_load_id"] == LOAD_ID
    assert list(result.rows[0]) == stamped_schema(TABLE).names


def test_application_id_of_the_vendor_is_not_doubled(tmp_path: Path) -> None:
    declared = DECLARED + 'application_id = { type = "bigint" }\n'
    table = parse_tables(tomllib.loads(declared), "sample")["sample"]
    row = decode(tmp_path, b"name,application_id,_application_id\na,8,9\n", table=table).rows[0]
    assert row["application_id"] == 8
    assert "_application_id" not in row
    assert row["x_application_id"] == "9"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("NewField", "new_field"),
        ("_unit", "x_unit"),
        ("_row", "x_row"),
        ("_dlt_load_id", "x_dlt_load_id"),
        ("_dlt_id", "x_dlt_id"),
        ("Event JSON", "x_event_json"),
        ("Amount", "x_amount"),
        ("", "unnamed"),
        ("%", "x"),
        ("имя", "x"),
    ],
)
def test_unknown_field_becomes_a_text_column_that_takes_no_others_place(
    tmp_path: Path, name: str, column: str
) -> None:
    data = f"name,amount,{name}\nkept,1,new\n".encode()
    result = decode(tmp_path, data)
    assert result.rows[0][column] == "new"
    assert (result.rows[0]["name"], result.rows[0]["amount"]) == ("kept", 1)
    assert result.rows[0]["_unit"] == make_unit().id
    assert result.decoded.drift == {name}
    assert to_snake_case(column) == column


def test_unknown_fields_that_would_share_a_column_get_one_each(tmp_path: Path) -> None:
    row = decode(tmp_path, b"name,newField,new_field,NewField\na,1,2,3\n").rows[0]
    columns = ("new_field", "x_new_field", "x_x_new_field")
    assert [row[column] for column in columns] == ["1", "2", "3"]


def test_unknown_field_keeps_its_column_in_every_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.decode.json_records.BATCH_ROWS", 1)
    monkeypatch.setattr("connector.unpack.BLOCK_BYTES", 10)
    data = b'{"name":"a","newField":"1"}\n{"new_field":"2","newField":"3"}\n{"new_field":"4"}\n'
    result = decode(tmp_path, data)
    assert [row.get("new_field") for row in result.rows] == ["1", "3", None]
    assert [row.get("x_new_field") for row in result.rows] == [None, "2", "4"]


def test_json_column_absent_from_some_batches_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.decode.json_records.BATCH_ROWS", 1)
    monkeypatch.setattr("connector.unpack.BLOCK_BYTES", 10)
    unit = make_unit("name", "amount", "price")
    data = b'{"name":"a"}\n{}\n{"unknown":"x"}\n{"amount":"1"}\n'
    result = decode(tmp_path, data, unit=unit)
    assert result.decoded.missing == {"price"}
    assert result.decoded.drift == {"unknown"}
    assert len(result.rows) == 4


def test_event_times_of_wrong_clocks_are_kept(tmp_path: Path) -> None:
    data = b"name,event_timestamp\na,0\nb,4070908799\nc,1772366400\nd,\ne,x\nf,1772366401\n"
    decoded = decode(tmp_path, data).decoded
    assert decoded.min_event_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert decoded.max_event_at == datetime(2098, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert decoded.event_days == {"1970-01-01", "2026-03-01", "2098-12-31"}


def test_file_without_event_times_has_no_days(tmp_path: Path) -> None:
    decoded = decode(tmp_path, b"name,event_timestamp\na,\n").decoded
    assert (decoded.min_event_at, decoded.max_event_at, decoded.event_days) == (None, None, set())


def test_quarantine_has_the_columns_of_the_contract() -> None:
    assert QUARANTINE_SCHEMA.names == CONTRACT_COLUMNS


def test_bad_cell_is_in_quarantine_as_it_came(tmp_path: Path) -> None:
    data = b"name,amount\r\nok,1\r\nn\x00l,b\xff\x00d\r\n"
    (cell, text) = sorted(decode(tmp_path, data).quarantine, key=lambda row: row["reason"])[::-1]
    assert text["reason"] == "is no bigint"
    assert cell == {
        "unit": make_unit().id,
        "_row": 1,
        "table_name": "sample",
        "kind": "cell",
        "file_line": 3,
        "byte_offset": 19,
        "field_name": "amount",
        "value": "b\\xff\\x00d",
        "raw": "n\\x00l,b\\xff\\x00d\r\n",
        "reason": "is not valid UTF-8",
        "quarantined_at": NOW,
        "_dlt_load_id": LOAD_ID,
    }


def test_unreadable_record_is_in_quarantine_whole(tmp_path: Path) -> None:
    (row,) = decode(tmp_path, b"name,amount\nb\xff\x00d\n").quarantine
    assert (row["kind"], row["_row"], row["field_name"], row["value"]) == ("row", None, None, None)
    assert (row["raw"], row["file_line"], row["byte_offset"]) == ("b\\xff\\x00d\n", 2, 12)


def test_rejects_beyond_those_that_are_located_are_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.decode.quarantine.LOCATED_REJECTS", 3)
    result = decode(tmp_path, b"name,amount\n" + b"a,x\n" * 5)
    assert sorted(row["_row"] for row in result.quarantine) == [0, 1, 2, 3, 4]
    assert {row["_row"] for row in result.quarantine if row["raw"]} == {0, 1, 2}


@pytest.mark.parametrize("memory_bytes", [0, 3000])
def test_what_outgrows_memory_is_the_same_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_bytes: int
) -> None:
    monkeypatch.setattr("connector.unpack.BLOCK_BYTES", 400)
    lines = [b'{"name": "%d", "amount": "x%d"}' % (number, number) for number in range(95)]
    lines[50] = b'{"name": "50", "drifted": "new"}'
    data = b"\n".join([*lines, b"broken"])
    expected = decode(tmp_path, data)
    real = spill.Spill

    def small(path: Path) -> spill.Spill:
        return real(path, memory_bytes)

    monkeypatch.setattr("connector.decode.decoder.Spill", small)
    package = Package(LOAD_ID, tmp_path, NOW)
    decoded = decode_file(tmp_path / "file.txt", make_unit(), TABLE, Options(), package)
    files = list(tmp_path.glob("*.parquet"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    spilled = [item.path for item in (*decoded.data.files, *decoded.quarantine.files)]
    assert sorted(spilled) == sorted(files)
    assert len(files) > 2
    result = read_result(decoded)
    assert result.rows == expected.rows
    assert result.quarantine == expected.quarantine
    assert list(tmp_path.glob("*.parquet")) == []


def test_failed_file_leaves_no_spill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = spill.Spill
    monkeypatch.setattr("connector.decode.decoder.Spill", lambda path: real(path, 0))
    monkeypatch.setattr("connector.decode.json_records.BATCH_ROWS", 1)
    with pytest.raises(DownloadError, match="not closed"):
        decode(tmp_path, b'[{"name":"a"},{"name":"b","amount":"x","new":"y"}')
    assert list(tmp_path.glob("*.parquet")) == []


def test_spills_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    for name in ("one-data.0.parquet", "other.gz"):
        (tmp_path / name).touch()
    remove_spills(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.gz"]


@pytest.mark.parametrize("data", [b"", b"\n", b" " * 200, b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_empty_file_has_no_rows(tmp_path: Path, data: bytes) -> None:
    result = decode(tmp_path, data)
    assert (result.decoded.file_rows, result.rows, result.quarantine) == (0, [], [])


def test_json_after_much_white_space_is_read(tmp_path: Path) -> None:
    assert decode(tmp_path, b" \n" * 100 + b'[{"name": "a"}]').column("name") == ["a"]


def test_missing_file_is_fetched_again(tmp_path: Path) -> None:
    package = Package(LOAD_ID, tmp_path, NOW)
    with pytest.raises(DownloadError):
        decode_file(tmp_path / "gone.gz", make_unit(), TABLE, Options(), package)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b")),
        (b'[{"a":1}]', ()),
        (b'{"a":1}', ()),
        (b"", ()),
        (b'"a\nb",\xff\n', ("a\nb", "\\xff")),
    ],
)
def test_names_of_a_file_are_read_without_its_records(
    tmp_path: Path, data: bytes, names: tuple[str, ...]
) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    assert read_names(path) == names


def test_names_of_a_broken_file_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(DownloadError):
        read_names(path)
