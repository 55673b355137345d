"""Rows of the seconds next to a unit's bounds are left to its neighbours, and nothing else is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.decode import Options, Package, decode_file
from connector.errors import DownloadError
from tests.unit.decode.samples import (
    LOAD_ID,
    NOW,
    Result,
    decode,
    read_result,
    write_json,
    write_parts,
)
from tests.unit.decode.tracker_files import (
    LOWER_AT,
    LOWER_S,
    TABLE,
    UPPER_S,
    make_hour,
    write_lines,
    write_times,
)


def cut(folder: Path, data: bytes, *, cut_by: str = "tsInsert") -> Result:
    return decode(folder, data, table=TABLE, unit=make_hour(cut_by=cut_by))


def test_rows_of_the_seconds_beside_the_bounds_are_left_out(tmp_path: Path) -> None:
    data = write_times(LOWER_S - 1, LOWER_S, UPPER_S - 1, UPPER_S, LOWER_S - 1, LOWER_S + 9)
    result = cut(tmp_path, data)
    assert result.column("event_name") == ["r1", "r2", "r5"]
    assert result.column("_row") == [1, 2, 5]
    decoded = result.decoded
    assert (decoded.rows, decoded.file_rows, decoded.cut_rows) == (3, 3, 3)


def test_rows_within_the_bounds_are_all_kept(tmp_path: Path) -> None:
    result = cut(tmp_path, write_times(LOWER_S, UPPER_S - 1))
    assert (len(result.rows), result.decoded.cut_rows) == (2, 0)


def test_every_row_of_neighbouring_units_is_in_one_of_them(tmp_path: Path) -> None:
    moments = [UPPER_S - 1, UPPER_S, UPPER_S, UPPER_S - 1]
    first = cut(tmp_path, write_times(*moments))
    hour = timedelta(hours=1)
    unit = replace(make_hour(), lower_at=LOWER_AT + hour, upper_at=LOWER_AT + 2 * hour)
    second = decode(tmp_path, write_times(*moments), table=TABLE, unit=unit)
    assert sorted(first.column("_row") + second.column("_row")) == [0, 1, 2, 3]


def test_nothing_is_cut_where_the_unit_names_no_field(tmp_path: Path) -> None:
    result = cut(tmp_path, write_times(LOWER_S - 9, UPPER_S + 9, "x"), cut_by="")
    assert (len(result.rows), result.decoded.cut_rows) == (3, 0)


def test_unit_may_be_empty_and_may_be_cut_to_nothing(tmp_path: Path) -> None:
    assert cut(tmp_path, write_times()).decoded.file_rows == 0
    assert cut(tmp_path, b"").decoded.file_rows == 0
    result = cut(tmp_path, write_times(UPPER_S, UPPER_S))
    assert (result.rows, result.decoded.file_rows, result.decoded.cut_rows) == ([], 0, 2)


def test_rejects_keep_the_place_they_have_in_the_file(tmp_path: Path) -> None:
    lines = [
        f"{LOWER_S - 1},broken,[",
        f"{LOWER_S},5,[]",
        f"{UPPER_S},x",
        f"{LOWER_S},bad,[]",
        f"{UPPER_S},worse,[]",
    ]
    result = cut(tmp_path, write_lines("tsInsert,idApp,tags", lines))
    assert result.column("_row") == [1, 3]
    assert sorted(result.places()) == [("cell", 3, 5, 69), ("row", None, 4, 56)]
    assert [row["value"] for row in result.quarantine if row["kind"] == "cell"] == ["bad"]
    decoded = result.decoded
    assert (decoded.rejected_cells, decoded.rejected_rows, decoded.cut_rows) == (1, 1, 2)
    assert decoded.file_rows == 3


def test_ordinals_go_on_over_parts_that_were_cut(tmp_path: Path) -> None:
    parts = [
        write_times(LOWER_S - 1, LOWER_S),
        write_times(UPPER_S),
        write_lines("eventName,idApp,tsInsert", [f"e,bad,{LOWER_S}"]),
    ]
    with_app = [part.replace(b"\n", b",\n").replace(b"Name,", b"Name,idApp") for part in parts[:2]]
    path = write_parts(tmp_path, *with_app, parts[2])
    package = Package(LOAD_ID, tmp_path, NOW)
    result = read_result(decode_file(path, make_hour(), TABLE, Options(), package))
    assert result.column("_row") == [1, 3]
    assert result.column("event_name") == ["r1", "e"]
    assert result.places() == [("cell", 3, 2, 25)]
    assert result.decoded.cut_rows == 2


def test_json_is_cut_too(tmp_path: Path) -> None:
    rows = [{"tsInsert": str(at), "eventName": "e"} for at in (LOWER_S - 1, LOWER_S, UPPER_S)]
    result = cut(tmp_path, write_json("lines", rows))
    assert (result.column("_row"), result.decoded.cut_rows) == ([1], 2)


@pytest.mark.parametrize(
    ("moments", "said"),
    [
        ((LOWER_S - 2, LOWER_S), "tsInsert of 1 of 2 rows lies outside the interval"),
        ((UPPER_S + 1, LOWER_S, UPPER_S + 99), "tsInsert of 2 of 3 rows lies outside the interval"),
        ((LOWER_S, "0"), "tsInsert of 1 of 2 rows cannot be read, so its rows cannot be cut by it"),
        ((LOWER_S, "2026-03-01 10:00:00"), "tsInsert of 1 of 2 rows cannot be read"),
        (("", LOWER_S - 2), "1 of 2 rows lies outside .* and tsInsert of 1 of 2 rows cannot be"),
    ],
)
def test_row_that_belongs_to_no_neighbour_refuses_the_file(
    tmp_path: Path, moments: tuple[int | str, ...], said: str
) -> None:
    with pytest.raises(DownloadError, match=said):
        cut(tmp_path, write_times(*moments))
    assert list(tmp_path.glob("*.parquet")) == []


def test_the_refusal_says_what_cannot_be_done(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        cut(tmp_path, write_times(0, UPPER_S + 1))
    assert str(caught.value).startswith("unit 7/sample/1772366100/3: tsInsert of 1 of 2 rows lies")
    with pytest.raises(DownloadError, match="by more than a second, so its rows cannot be cut"):
        cut(tmp_path, write_times(1))


@pytest.mark.parametrize("cut_by", ["tsInsert", "eventName", "tsNothing"])
def test_file_without_the_time_to_cut_by_is_refused(tmp_path: Path, cut_by: str) -> None:
    data = write_lines("idApp,eventName", ["1,2", "3,4"])
    with pytest.raises(DownloadError, match=f"{cut_by} of 2 of 2 rows cannot be read"):
        cut(tmp_path, data, cut_by=cut_by)
