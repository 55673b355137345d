"""A unit that came in several files is one unit; files that do not belong together are none."""

from pathlib import Path

import pytest

from connector.decode import Options, Package, decode_file, read_names
from connector.errors import DownloadError
from connector.unpack import list_parts
from tests.unit.decode.samples import (
    LOAD_ID,
    NOW,
    TABLE,
    Result,
    make_unit,
    read_result,
    write_parts,
)

EXACT = Options(exact_header=True)


def decode_parts(
    folder: Path, *parts: bytes, options: Options | None = None, asked: tuple[str, ...] = ()
) -> Result:
    path = write_parts(folder, *parts)
    package = Package(LOAD_ID, folder, NOW)
    unit = make_unit(*asked)
    return read_result(decode_file(path, unit, TABLE, options or Options(), package))


def test_parts_are_the_files_of_a_folder_by_name(tmp_path: Path) -> None:
    path = write_parts(tmp_path, b"b", b"a", b"c")
    assert [part.name for part in list_parts(path)] == ["0000.txt", "0001.gz", "0002.txt"]
    single = path / "0000.txt"
    assert list_parts(single) == [single]


def test_parts_of_csv_are_read_as_one_file(tmp_path: Path) -> None:
    result = decode_parts(
        tmp_path,
        b"name,amount,event_timestamp,new\na,1,0,x\nb,2,,\n",
        b"name,amount,event_timestamp,new\nc,3,86400,y",
        b"name,amount,event_timestamp,new\n",
        b"\xef\xbb\xbfname,amount,event_timestamp,new\r\nd,4,172800,\r\n",
    )
    assert result.column("name") == ["a", "b", "c", "d"]
    assert result.column("_row") == [0, 1, 2, 3]
    assert result.column("_received_from") == ["csv 1/4", "csv 1/4", "csv 2/4", "csv 4/4"]
    assert result.decoded.file_rows == 4
    assert result.decoded.drift == {"new"}
    assert result.decoded.event_days == {"1970-01-01", "1970-01-02", "1970-01-03"}
    assert result.decoded.format == "csv"


def test_parts_of_json_are_read_as_one_document(tmp_path: Path) -> None:
    result = decode_parts(
        tmp_path,
        b'{\n"data" :\n[\n{"name":"a"},\n{"name":"b","amount":null},\n]\n}',
        b'{\n"data" :\n[\n]\n}\n',
        b'{"data":[{"name":"c","unheard":"x"}]}',
        asked=("name", "amount", "price"),
    )
    assert result.column("name") == ["a", "b", "c"]
    assert result.column("_row") == [0, 1, 2]
    assert result.column("_received_from") == ["json 1/3", "json 1/3", "json 3/3"]
    assert result.decoded.drift == {"unheard"}
    assert result.decoded.missing == {"price"}


def test_single_file_in_a_folder_is_no_part(tmp_path: Path) -> None:
    result = decode_parts(tmp_path, b"name,amount\na,x\n")
    assert result.column("_received_from") == ["csv"]
    assert [reject["reason"] for reject in result.quarantine] == ["is no bigint"]


@pytest.mark.parametrize(
    ("parts", "places"),
    [
        (
            (b"name,amount\na,1\nb,x\n", b"name,amount\nbroken\nc,y\n", b"name,amount\nd,4\n"),
            [
                ("cell", 1, 3, 16, "is no bigint (part 1/3)"),
                ("cell", 3, 3, 19, "is no bigint (part 2/3)"),
                ("row", None, 2, 12, "has 1 cells where the header has 2 (part 2/3)"),
            ],
        ),
        (
            (
                b'[\n{"name":"a","amount":"1"},\n{"name":"b","amount":"x"}]',
                b'[\nnull,\n{"name":"c","amount":"y"}]',
                b'[{"name":"d","amount":"4"}]',
            ),
            [
                ("cell", 1, 3, 29, "is no bigint (part 1/3)"),
                ("cell", 3, 3, 8, "is no bigint (part 2/3)"),
                ("row", None, 2, 2, "is no JSON object (part 2/3)"),
            ],
        ),
    ],
    ids=["csv", "json"],
)
def test_rejects_lie_in_their_part(
    tmp_path: Path, parts: tuple[bytes, ...], places: list[tuple[object, ...]]
) -> None:
    result = decode_parts(tmp_path, *parts)
    keys = ("kind", "_row", "file_line", "byte_offset", "reason")
    found = [tuple(reject[key] for key in keys) for reject in result.quarantine]
    assert sorted(found, key=str) == places
    assert result.column("_row") == [0, 1, 3, 4]
    assert (result.decoded.rejected_rows, result.decoded.file_rows) == (1, 5)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (b"name,price\na,1\n", "column 2 is 'price', it should be 'amount'"),
        (b"amount,name\n1,a\n", "column 1 is 'amount', it should be 'name'"),
        (b"name\na\n", "column 2 is missing, it should be 'amount'"),
        (b"name,amount,name\na,1,a\n", "column 3 is 'name', which should not be there"),
        (b"", "column 1 is missing"),
        (b'[{"name": "a"}]', "part 2/2 is json, part 1/2 csv"),
    ],
)
def test_parts_of_different_files_are_not_mixed(tmp_path: Path, other: bytes, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason):
        decode_parts(tmp_path, b"name,amount\na,1\n", other, options=EXACT)
    assert list(tmp_path.glob("*.parquet")) == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (b"name,price\na,1\n", "'amount' is missing, 'price' is new"),
        (b"name\na\n", "'amount' is missing"),
        (b"name,amount,name\na,1,a\n", "'name' is new"),
        (b"b,2\nc,3\n", "'name' is missing, 'amount' is missing, 'b' is new, '2' is new"),
        (b"amount\tname\n1\ta\n", "is missing"),
        (b'[{"name": "a"}]', "part 2/2 is json, part 1/2 csv"),
    ],
    ids=["other", "fewer", "twice", "no header", "one cell", "json"],
)
def test_parts_with_other_columns_are_refused_in_any_order(
    tmp_path: Path, other: bytes, reason: str
) -> None:
    with pytest.raises(DownloadError, match=reason):
        decode_parts(tmp_path, b"name,amount\na,1\n", other)
    assert list(tmp_path.glob("*.parquet")) == []


def test_columns_in_which_parts_differ_are_told_up_to_some(tmp_path: Path) -> None:
    wide = ",".join(f"c{number}" for number in range(20)).encode()
    with pytest.raises(DownloadError, match=r"'c3' is new, and 16 more; parts"):
        decode_parts(tmp_path, b"name,amount\na,1\n", wide)


def test_columns_of_parts_are_found_by_their_names(tmp_path: Path) -> None:
    result = decode_parts(
        tmp_path,
        b"name,amount,new\na,1,x\n",
        b"new,amount,name\r\ny,2,b\r\n",
        b"amount,name,new\nbad,c,z",
    )
    assert result.column("name") == ["a", "b", "c"]
    assert result.column("amount") == [1, 2, None]
    assert result.column("new") == ["x", "y", "z"]
    assert result.places() == [("cell", 2, 2, 16)]


@pytest.mark.parametrize("empty", [b"", b"\n", b"name,amount\n", b"amount,name"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_part_without_rows_is_a_part(tmp_path: Path, empty: bytes, place: int) -> None:
    parts = [b"name,amount\na,1\n", b"name,amount\nb,bad\n"]
    parts.insert(place, empty)
    result = decode_parts(tmp_path, *parts, asked=("name", "amount", "price"))
    assert result.column("name") == ["a", "b"]
    assert result.column("_row") == [0, 1]
    assert [row["_row"] for row in result.quarantine] == [1]
    assert result.decoded.missing == {"price"}


def test_parts_that_are_all_empty_are_a_unit_without_rows(tmp_path: Path) -> None:
    assert decode_parts(tmp_path, b"", b"", asked=("name",)).decoded.file_rows == 0


@pytest.mark.parametrize("data", [b"name,7,0\nx,8,1\n", b"a,amount,0\n"])
def test_first_part_without_a_header_is_refused_even_with_a_field_for_a_cell(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(DownloadError, match=r"2 of the columns .* are no fields"):
        decode_parts(
            tmp_path,
            data,
            options=Options(guards_header=True),
            asked=("name", "amount", "event_timestamp"),
        )


@pytest.mark.parametrize(
    "broken", [b'{"data":[{"name":"b"},', b'{\n"data" :\n[\n{"name":"b"}\n]\n', b'[{"name":"b"}']
)
def test_part_that_is_not_whole_is_refused_with_the_others(tmp_path: Path, broken: bytes) -> None:
    with pytest.raises(DownloadError):
        decode_parts(tmp_path, b'{"data":[{"name":"a"}]}', broken)


def test_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="without files"):
        decode_parts(tmp_path)


def test_names_are_those_of_the_first_part(tmp_path: Path) -> None:
    assert read_names(write_parts(tmp_path, b"a,b\n1,2\n", b"b,a\n")) == ("a", "b")


def test_names_are_those_of_the_first_part_that_has_any(tmp_path: Path) -> None:
    assert read_names(write_parts(tmp_path, b"", b"a,b\n")) == ("a", "b")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"name,price\n", "column 2 is 'price', it should be 'amount'"),
        (b"amount,name\n", "column 1 is 'amount', it should be 'name'"),
        (b"name\n", "column 2 is missing"),
        (b"name,amount,new\n", "column 3 is 'new', which should not be there"),
        (b"Your query is added to the queue.", "column 1 is 'Your query"),
        (b"", "column 1 is missing"),
    ],
)
def test_header_other_than_the_one_asked_for_is_refused_where_that_is_set(
    tmp_path: Path, header: bytes, reason: str
) -> None:
    with pytest.raises(DownloadError, match=f"the header is not the one asked for: {reason}"):
        decode_parts(tmp_path, header, options=EXACT, asked=("name", "amount"))


def test_header_asked_for_is_taken_also_where_a_name_is_asked_for_twice(tmp_path: Path) -> None:
    asked = ("name", "amount", "name")
    data = b"\xef\xbb\xbfname,amount,name\r\na,1,b\r\n"
    assert decode_parts(tmp_path, data, options=EXACT, asked=asked).column("name") == ["a"]


def test_where_no_names_were_asked_for_any_header_is_exact(tmp_path: Path) -> None:
    assert decode_parts(tmp_path, b"name,new\na,b\n", options=EXACT).decoded.drift == {"new"}


def test_unknown_key_of_json_is_drift_also_where_headers_must_be_exact(tmp_path: Path) -> None:
    result = decode_parts(tmp_path, b'[{"new":"x","name":"a"}]', options=EXACT, asked=("name",))
    assert result.decoded.drift == {"new"}


@pytest.mark.parametrize(
    "sentence",
    [
        b"Wait for result",
        b"Wait for result. Progress is 94%.",
        b"Your query is added to the queue.\n",
        b"Your query is moved to the end of the queue due to provided Cache-Control restriction.",
    ],
)
def test_sentence_of_the_queue_is_no_data(tmp_path: Path, sentence: bytes) -> None:
    with pytest.raises(DownloadError, match="what came is not its file"):
        decode_parts(tmp_path, sentence)
