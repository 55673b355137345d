"""A broken JSON record costs itself only; a document that is not whole is never taken for one."""

from pathlib import Path

import pytest

from connector import unpack
from connector.decode import Options, json_text
from connector.errors import DownloadError
from tests.unit.decode.samples import decode

LINES = Options(json_layout="lines")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"name": "x" "amount": 1}', "is no JSON"),
        (b'{"name": "x"', "is no JSON"),
        (b'{"name": "x', "is no JSON"),
        (b'{"name": "x, "amount": 1}', "is no JSON"),
        (b"{name: 1}", "is no JSON"),
        (b'{"name": "x"}}', "has more text after its JSON value"),
        (b'{"event_json": {"a": [1, {"b": 2}}, "name": "x"}', "is no JSON"),
        (b'{"name": "\\x"}', "is no JSON"),
        (b"nonsense", "is no JSON"),
        (b"5", "is no JSON object"),
        (b'"text"', "is no JSON object"),
        (b"null", "is no JSON object"),
        (b'[{"name": "x"}]', "is no JSON object"),
        (b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b'{"name": ' + b'{"a": ' * 3000 + b"1" + b"}" * 3001, "nested too deeply"),
    ],
)
@pytest.mark.parametrize(
    "frame",
    [
        (b"", b"\n", b"\n"),
        (b"[\n", b",\n", b"\n]\n"),
        (b"[\n  ", b",\n  ", b"\n]"),
        (b'{"data": [\n', b",\n", b'\n], "rows": 3}'),
        (b"[", b",", b"]"),
        (b'{"data":[', b", ", b"]}"),
    ],
    ids=["lines", "array", "indented", "object", "one-line-array", "one-line-object"],
)
def test_broken_record_is_rejected_with_its_place_and_no_other(
    tmp_path: Path, broken: bytes, reason: str, frame: tuple[bytes, bytes, bytes]
) -> None:
    opening, between, closing = frame
    good = [b'{"name": "a", "amount": 1}', b'{"name": "b", "amount": 2}']
    data = opening + between.join([good[0], broken, good[1]]) + closing
    options = Options() if opening else LINES
    result = decode(tmp_path, data, options=options)
    assert result.column("name") == ["a", "b"]
    assert result.column("_row") == [0, 2]
    (reject,) = result.quarantine
    assert reject["raw"] == broken.decode()
    assert reason in reject["reason"]
    at = data.index(good[0]) + len(good[0] + between)
    assert result.places() == [("row", None, 1 + data[:at].count(b"\n"), at)]
    assert (result.decoded.rows, result.decoded.rejected_rows) == (2, 1)


@pytest.mark.parametrize("block", [1, 2, 3, 5, 8, 13, 21, 34])
def test_broken_record_at_the_end_of_a_block_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", block)
    records = [b'{"name": "%d", "testids": [1]}' % number for number in range(9)]
    records[4] = b'{"name": "4, "testids": [1]}'
    result = decode(tmp_path, b"[" + b",".join(records) + b"]")
    assert result.column("_row") == [0, 1, 2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize("tail", [b"\n]", b"]", b"\n]\n\n"])
def test_last_record_may_be_broken_in_a_closed_array(tmp_path: Path, tail: bytes) -> None:
    result = decode(tmp_path, b'[{"name": "a"},\n{"name": "b, "event_json": {"x": [1' + tail)
    assert result.column("name") == ["a"]
    assert [row["file_line"] for row in result.quarantine] == [2]


@pytest.mark.parametrize(
    "data",
    [
        b'[{"name": "a"}',
        b'[{"name": "a"},',
        b'[{"name": "a"},{"testids": [1], "name": "b',
        b'[{"name": "a"},{"testids": [1], "event_json": {}',
        b'{"data": [{"name": "a"}',
        b'{"data": [{"name": "a"}]',
        b'{"data": [{"name": "a"}], "rows":',
        b'{"data": [{"name": "a"},{"testids": [1], "event_json": {}',
        b"[",
    ],
)
def test_document_that_is_not_closed_is_not_loaded(tmp_path: Path, data: bytes) -> None:
    layout = Options(json_layout="object" if data.startswith(b"{") else "array")
    for options in (Options(), layout):
        with pytest.raises(DownloadError):
            decode(tmp_path, data, options=options)


@pytest.mark.parametrize("rest", [b"x", b"]", b'[{"name": "b"}]', b'\n{"name": "b"}'])
def test_document_that_goes_on_after_its_end_is_not_loaded(tmp_path: Path, rest: bytes) -> None:
    with pytest.raises(DownloadError, match="goes on"):
        decode(tmp_path, b'[{"name": "a"}]' + rest)


@pytest.mark.parametrize("layout", ["array", "object"])
def test_document_of_another_layout_than_set_is_not_loaded(tmp_path: Path, layout: str) -> None:
    options = Options(json_layout=layout)  # type: ignore[arg-type]
    with pytest.raises(DownloadError, match="no array"):
        decode(tmp_path, b'{"name": "a"}\n{"name": "b"}\n', options=options)


@pytest.mark.parametrize(
    "data", [b'{"errors": [{"message": "no"}], "code": 400}', b'[{"message": "no"}]']
)
def test_json_that_is_no_table_is_never_read_as_data(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DownloadError, match="none of the columns"):
        decode(tmp_path, data)


def test_broken_record_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(json_text, "MOST_TEXT", 5000)
    path = tmp_path / "file.txt"
    rest = b",".join(b'{"amount": %d}' % number for number in range(2000))
    data = b'[{"name": "a"}, {"name": {"x": [[[' + rest + b"]"
    with pytest.raises(DownloadError, match="cannot be read on after line 1"):
        decode(tmp_path, data)
    assert path.stat().st_size > 20_000


def test_record_larger_than_a_block_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 100)
    data = b'[{"name": "a"}, {"name": "' + b"x" * 5000 + b'"}, {"name": "b"}]'
    assert [len(name) for name in decode(tmp_path, data).column("name")] == [1, 5000, 1]
