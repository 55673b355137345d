"""CSV as RFC 4180 says, and as vendors write it besides."""

from pathlib import Path

import pytest

from connector.decode import Options
from connector.errors import DownloadError
from tests.unit.decode.samples import decode, make_unit

KEEP = Options(keep_empty=True)


@pytest.mark.parametrize(
    "data",
    [
        b"name,amount\r\na,1\r\nb,2\r\n",
        b"name,amount\na,1\nb,2\n",
        b"name,amount\r\na,1\nb,2\r\n",
        b"name,amount\na,1\nb,2",
        b"name,amount\r\na,1\r\nb,2\r",
        b"\xef\xbb\xbfname,amount\na,1\nb,2\n",
        b'\xef\xbb\xbf"name","amount"\n"a","1"\n"b","2"\n',
        b"name,amount\n\na,1\n\r\n\nb,2\n\n",
    ],
    ids=["crlf", "lf", "mixed", "no-final-newline", "final-cr", "bom", "quoted", "blank-lines"],
)
def test_records_end_with_crlf_or_lf_and_the_last_one_need_not(tmp_path: Path, data: bytes) -> None:
    result = decode(tmp_path, data)
    assert result.column("name") == ["a", "b"]
    assert result.column("amount") == [1, 2]
    assert result.column("_row") == [0, 1]
    assert result.quarantine == []


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (b'"a ""quoted"" word"', 'a "quoted" word'),
        (b'"two\nlines"', "two\nlines"),
        (b'"two\r\nlines"', "two\r\nlines"),
        (b'"a\rb"', "a\rb"),
        ('"a\u2028b\u0085c\u2029d\x0be"'.encode(), "a\u2028b\u0085c\u2029d\x0be"),
        ("a\u2028b\u0085c".encode(), "a\u2028b\u0085c"),
        (b'","', ","),
        (b'""""', '"'),
        (b"a\x00b", "a\x00b"),
        (b'"\x00"', "\x00"),
        (b" padded ", " padded "),
        (b'in "the" middle', 'in "the" middle'),
        ("Привет, 😀".encode().replace(b",", b""), "Привет 😀"),
        (b'"{""k"":""a, b""}"', '{"k":"a, b"}'),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_cell_is_loaded_exactly(tmp_path: Path, cell: bytes, text: str, end: bytes) -> None:
    result = decode(tmp_path, end.join([b"name,amount", cell + b",1", b"next,2", b""]))
    assert result.column("name") == [text, "next"]
    assert result.quarantine == []


@pytest.mark.parametrize("empty", [b"", b'""'])
def test_empty_cell_is_null_quoted_or_not(tmp_path: Path, empty: bytes) -> None:
    result = decode(tmp_path, b"name,amount,price\n" + b",".join([empty] * 3) + b"\nx,1,2\n")
    assert result.column("name") == [None, "x"]
    assert result.column("amount") == [None, 1]
    assert result.quarantine == []


@pytest.mark.parametrize("empty", [b"", b'""'])
def test_empty_text_is_kept_where_that_is_set_and_other_types_are_null(
    tmp_path: Path, empty: bytes
) -> None:
    data = b"name,amount,new_field\n" + b",".join([empty] * 3) + b"\n"
    result = decode(tmp_path, data, options=KEEP)
    assert result.column("name") == [""]
    assert result.column("new_field") == [""]
    assert result.column("amount") == [None]
    assert result.quarantine == []


def test_of_a_header_name_that_occurs_twice_the_first_column_counts(tmp_path: Path) -> None:
    result = decode(tmp_path, b"name,amount,name\nfirst,1,second\n,2,second\n")
    assert result.column("name") == ["first", None]
    assert result.decoded.drift == set()


def test_blank_line_of_a_one_column_file_is_a_record(tmp_path: Path) -> None:
    result = decode(tmp_path, b"name\na\n\nb\n\n")
    assert result.column("name") == ["a", None, "b", None]
    assert result.column("_row") == [0, 1, 2, 3]


@pytest.mark.parametrize("data", [b"name,amount", b"name,amount\r\n", b"\xef\xbb\xbfname\n", b""])
def test_file_without_records_has_none(tmp_path: Path, data: bytes) -> None:
    result = decode(tmp_path, data)
    assert (result.decoded.file_rows, result.rows) == (0, [])


def test_columns_are_mapped_by_name_and_absent_ones_are_null(tmp_path: Path) -> None:
    unit = make_unit("name", "amount", "price")
    result = decode(tmp_path, b"amount,name\n5,x\n", unit=unit)
    assert result.rows[0]["name"] == "x"
    assert result.rows[0]["amount"] == 5
    assert result.rows[0]["price"] is None
    assert result.decoded.missing == {"price"}


def test_record_with_too_few_or_too_many_cells_is_rejected_with_its_place(tmp_path: Path) -> None:
    data = b'name,amount\n"a\nb",1\nshort\nc,3\nlong,4,"x\ny"\nd,5\n'
    result = decode(tmp_path, data)
    assert result.column("name") == ["a\nb", "c", "d"]
    assert result.column("_row") == [0, 2, 4]
    assert result.places() == [("row", None, 4, 20), ("row", None, 6, 30)]
    assert [row["raw"] for row in result.quarantine] == ["short\n", 'long,4,"x\ny"\n']
    assert "has 1 cells where the header has 2" in result.quarantine[0]["reason"]
    assert (result.decoded.rows, result.decoded.rejected_rows) == (3, 2)


def test_place_counts_the_byte_order_mark_and_a_header_of_several_lines(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfname,"amount\nnew"\nshort\nc,3\n'
    result = decode(tmp_path, data)
    assert result.places() == [("row", None, 3, data.index(b"short"))]


def test_bad_cell_is_placed_by_the_record_that_holds_it(tmp_path: Path) -> None:
    data = b'name,amount\n"a\nb",1\nc,x\nd,2\n'
    result = decode(tmp_path, data)
    assert result.places() == [("cell", 1, 4, data.index(b"c,x"))]
    assert result.quarantine[0]["raw"] == "c,x\n"
    assert result.column("amount") == [1, None, 2]


def test_carriage_return_outside_quotes_is_data_unless_a_newline_follows(tmp_path: Path) -> None:
    result = decode(tmp_path, b"name,amount\na,1\nb\rc\r,2\r\nd,3\n\r,4\n")
    assert result.column("name") == ["a", "b\rc\r", "d", "\r"]
    assert result.column("amount") == [1, 2, 3, 4]
    assert result.quarantine == []


@pytest.mark.parametrize("end", [b"\nc,3\n", b"", b"\n"])
def test_file_that_ends_inside_quotes_is_not_whole(tmp_path: Path, end: bytes) -> None:
    with pytest.raises(DownloadError, match="ends inside a quoted cell of the record in line 3"):
        decode(tmp_path, b'name,amount\na,1\n2,"b' + end)


@pytest.mark.parametrize(
    "text", [b"Internal server error", b"no,such,columns\n1,2,3\n", b"<html></html>", b"\n\n,"]
)
def test_text_that_is_no_table_is_never_read_as_data(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DownloadError, match="none of the columns"):
        decode(tmp_path, text)
