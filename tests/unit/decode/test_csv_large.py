"""CSV files of more than one block, gzip or not, and the exact reader where it takes over."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from connector.decode import csv
from connector.errors import DownloadError
from connector.unpack import BLOCK_BYTES, SMALL_BYTES
from tests.unit.decode.samples import decode

FILLER = b"x" * 90
ROWS = 2 * BLOCK_BYTES // 100  # about two blocks


def make_lines(count: int = ROWS) -> list[bytes]:
    return [b"name,amount\n", *(b"%s,%d\n" % (FILLER, number) for number in range(count))]


def make_noise(count: int) -> list[bytes]:
    """Lines that gzip cannot make small."""
    return [b"%x,%d\n" % (pow(3, 700 + number), number) for number in range(count)]


@pytest.mark.parametrize("size", [131_073, BLOCK_BYTES + 1])
def test_cell_larger_than_a_reader_expects_is_loaded_whole(tmp_path: Path, size: int) -> None:
    cell = b"y" * (size - 2) + b'""'
    result = decode(tmp_path, b'name,amount\na,1\n"' + cell + b'",2\nb,3\n')
    assert [len(name) for name in result.column("name")] == [1, size - 1, 1]
    assert result.column("amount") == [1, 2, 3]
    assert result.quarantine == []


@pytest.mark.parametrize("places", [[0], [5, 6, 7], [ROWS - 3], [100, ROWS // 2, ROWS - 1]])
def test_bad_records_anywhere_leave_all_others(tmp_path: Path, places: list[int]) -> None:
    lines = make_lines()
    for place in places:
        lines[place + 1] = b"broken\n"
    data = b"".join(lines)
    result = decode(tmp_path, data)
    good = [number for number in range(ROWS) if number not in places]
    assert result.column("amount") == good
    assert result.column("_row") == good
    offsets = [len(b"".join(lines[: place + 1])) for place in places]
    assert result.places() == [
        ("row", None, place + 2, offset) for place, offset in zip(places, offsets, strict=True)
    ]


@pytest.mark.parametrize(
    "oddity", [b'a"\rb"c', b'"quoted\rreturn"'], ids=["stray quotes", "quoted return"]
)
def test_return_after_the_first_block_neither_loses_nor_doubles_a_record(
    tmp_path: Path, oddity: bytes
) -> None:
    lines = make_lines()
    lines[ROWS - 10] = oddity + b",0\n"
    lines[ROWS - 5] = b"broken\n"
    result = decode(tmp_path, b"".join(lines))
    assert result.decoded.file_rows == ROWS
    ordinals = result.column("_row")
    assert ordinals == sorted(set(ordinals))
    assert [row["file_line"] for row in result.quarantine if row["raw"] == "broken\n"] == [ROWS - 4]


@pytest.mark.parametrize("split", [-2, -1, 0, 1])
def test_return_and_newline_may_lie_in_two_blocks(tmp_path: Path, split: int) -> None:
    first = b"name,amount\r\n"
    rest = BLOCK_BYTES + split - len(b",0\r\n")
    data = first + b"z" * rest + b",0\r\nb,1\r\n"
    data += make_lines(1000)[1].replace(b"\n", b"\r\n") * 1000
    header = csv.read_header(write(tmp_path, data))
    assert header is not None
    records = [*csv._read_fast(tmp_path / "file.txt", header, pa.string(), 0, keep_empty=False)]
    assert sum(len(item.rows) for item in records) == 1002


def write(folder: Path, data: bytes) -> Path:
    path = folder / "file.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("count", [20, 4000])
def test_gzip_of_several_members_is_read_to_its_end(tmp_path: Path, count: int) -> None:
    noise = make_noise(count)
    half = len(noise) // 2
    members = [b"name,amount\n", b"".join(noise[:half]), b"", b"".join(noise[half:])]
    result = decode(tmp_path, b"".join(gzip.compress(member, 1) for member in members))
    assert result.column("amount") == list(range(count))


@pytest.mark.parametrize("count", [20, 4000], ids=["small", "large"])
@pytest.mark.parametrize("cut", [1, 8, 9, 400])
def test_gzip_cut_short_is_told_and_nothing_of_it_is_loaded(
    tmp_path: Path, count: int, cut: int
) -> None:
    packed = gzip.compress(b"name,amount\n" + b"".join(make_noise(count)), 1)
    assert (len(packed) > SMALL_BYTES) == (count == 4000)
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        decode(tmp_path, packed[:-cut])


@pytest.mark.parametrize("count", [20, 4000], ids=["small", "large"])
def test_damaged_gzip_is_told(tmp_path: Path, count: int) -> None:
    packed = bytearray(gzip.compress(b"name,amount\n" + b"".join(make_noise(count)), 1))
    packed[-6] ^= 0xFF  # the checksum
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        decode(tmp_path, bytes(packed))


def test_gzip_cut_after_a_bad_record_is_told_by_the_exact_reader_too(tmp_path: Path) -> None:
    noise = make_noise(4000)
    noise[10] = b"broken\n"
    packed = gzip.compress(b"name,amount\n" + b"".join(noise), 1)
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        decode(tmp_path, packed[:-200])
