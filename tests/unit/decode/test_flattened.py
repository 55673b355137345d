"""CSV whose header has the object's members as columns of their own, in either style: rows are those
of the same file in JSON.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decode import stamped_schema
from connector.errors import DownloadError
from tests.unit.decode.samples import write_csv
from tests.unit.decode.video_files import Videos, decode, make_unit, tables

AT = "2026-01-15T10:00:00Z"
STYLES = pytest.mark.parametrize("prefix", ["", "data."])
Row = dict[str, str | None]


def write(*rows: Mapping[str, str | None]) -> bytes:
    """The rows as CSV with every column any of them has."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    return write_csv(header, [[row.get(name) for name in header] for row in rows])


def row(event: str, prefix: str = "", /, **members: str | None) -> Row:
    return {"event": event, "timestamp": AT} | {
        f"{prefix}{name}": value for name, value in members.items()
    }


def objects(found: Videos, table: str = "events") -> list[Any]:
    rows = sorted(found.rows[table], key=lambda row: row["_row"])
    return [None if row["data"] is None else json.loads(row["data"]) for row in rows]


@STYLES
def test_members_make_the_object_again(tmp_path: Path, prefix: str) -> None:
    data = write(
        row("impression", prefix, position="0") | {"userId": "u1"},
        row("playStart", prefix, startupTime="120", rendition="720p", autoplay="true"),
        row("completion", prefix, watchTime="12.50", looped="False"),
        row("like", prefix),
    )
    found = decode(tmp_path, data)
    assert objects(found) == [
        {"position": 0},
        {"startupTime": 120, "rendition": "720p", "autoplay": True},
        {"watchTime": 12.5, "looped": False},
        None,
    ]
    assert found.data()[2] == '{"watchTime":12.50,"looped":false}'
    assert found.rows["events"][0]["user_id"] == "u1"
    assert found.decoded.drift == set()
    assert found.quarantine == []


@STYLES
def test_duration_is_a_number_of_either_event(tmp_path: Path, prefix: str) -> None:
    data = write(
        row("watchProgress", prefix, duration="60.5"), row("rebuffer", prefix, duration="1200")
    )
    found = decode(tmp_path, data)
    assert objects(found) == [{"duration": 60.5}]
    assert objects(found, "quality") == [{"duration": 1200}]


def test_bare_current_time_is_the_events_or_the_rows_own(tmp_path: Path) -> None:
    data = write(
        row("watchProgress", currentTime="7.5"),
        row("rebuffer", currentTime="8.5"),
        row("like", currentTime="9.5"),
    )
    found = decode(tmp_path, data)
    assert objects(found) == [{"currentTime": 7.5}, None]
    assert [one["current_time"] for one in found.rows["events"]] == [None, 9.5]
    assert objects(found, "quality") == [None]
    assert [one["current_time"] for one in found.rows["quality"]] == [8.5]


def test_current_time_of_row_and_member_side_by_side(tmp_path: Path) -> None:
    rebuffer = row("rebuffer", currentTime="1.5") | {"data.currentTime": "2.5"}
    progress = row("watchProgress", currentTime="3.5") | {"data.currentTime": None}
    found = decode(tmp_path, write(rebuffer, progress))
    assert objects(found, "quality") == [{"currentTime": 2.5}]
    assert [one["current_time"] for one in found.rows["quality"]] == [1.5]
    assert objects(found) == [{"currentTime": 3.5}]


@pytest.mark.parametrize("name", ["type", "event"])
def test_whichever_name_the_event_has_decides_row_by_row(tmp_path: Path, name: str) -> None:
    other = {"event": "type", "type": "event"}[name]
    rows: list[Row] = [
        {other: None, name: "watchProgress", "timestamp": AT, "currentTime": "1.5"},
        {other: "watchProgress", name: None, "timestamp": AT, "currentTime": "2.5"},
        {other: None, name: "rebuffer", "timestamp": AT, "currentTime": "3.5"},
    ]
    found = decode(tmp_path, write(*rows))
    assert objects(found) == [{"currentTime": 1.5}, {"currentTime": 2.5}]
    assert [one["current_time"] for one in found.rows["quality"]] == [3.5]


@STYLES
@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("position", "12", "12"),
        ("position", "-0", "-0"),
        ("position", "1e5", "1e5"),
        ("position", "1.50", "1.50"),
        ("position", "13278911961594196248", "13278911961594196248"),
        ("position", "012", '"012"'),
        ("position", "+1", '"+1"'),
        ("position", ".5", '".5"'),
        ("position", "NaN", '"NaN"'),
        ("position", "1\n", '"1\\n"'),
        ("looped", "TRUE", "true"),
        ("looped", "false", "false"),
        ("looped", "1", '"1"'),
        ("rendition", "720p", '"720p"'),
        ("rendition", "12", '"12"'),
        ("rendition", 'a"b\\c\td\ne', '"a\\"b\\\\c\\td\\ne"'),
        ("rendition", "é\u2028\U0001f600", '"é\u2028\U0001f600"'),
        ("rendition", "\x01\x7f", '"\\u0001\x7f"'),
        ("value", '{"a":[1.10]}', '{"a":[1.10]}'),
        ("value", "1.10", "1.10"),
        ("value", "null", "null"),
        ("value", "on", '"on"'),
        ("value", '"on"', '"on"'),
        ("value", "{a}", '"{a}"'),
        ("value", "NaN", '"NaN"'),
        ("value", "[Infinity]", '"[Infinity]"'),
        ("value", "1 2", '"1 2"'),
        ("deviceInfo", '["x"]', '["x"]'),
    ],
)
def test_cells_are_spelled_as_the_members_type_has_it(
    tmp_path: Path, prefix: str, name: str, cell: str, value: str
) -> None:
    found = decode(tmp_path, write(row("like", prefix, **{name: cell}), row("like", prefix)))
    assert found.data() == [f'{{"{name}":{value}}}', None]
    json.loads(found.data()[0] or "", parse_constant=pytest.fail)


def test_cell_of_any_depth_is_text(tmp_path: Path) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    found = decode(tmp_path, write(row("interaction", value=deep)))
    assert objects(found) == [{"value": deep}]


def test_columns_nobody_knows_are_drift_and_with_the_prefix_members(tmp_path: Path) -> None:
    data = write(row("like", newThing="1") | {"data.other": "2", "data.": "3", "datax": "4"})
    found = decode(tmp_path, data)
    assert found.data() == ['{"other":"2","":"3"}']
    assert found.decoded.drift == {"newThing", "datax"}
    assert found.rows["events"][0]["new_thing"] == "1"


def test_aliases_of_members_are_members(tmp_path: Path) -> None:
    data = write(row("impression", positionInFeed="3"), row("rebuffer", rebufferDurationMs="40"))
    found = decode(tmp_path, data)
    assert objects(found) == [{"positionInFeed": 3}]
    assert objects(found, "quality") == [{"rebufferDurationMs": 40}]


def test_the_object_itself_may_be_a_column(tmp_path: Path) -> None:
    inner = '{"position": 1.10}'
    found = decode(tmp_path, write(row("impression", data=inner), row("like")))
    assert found.data() == [inner, None]
    both = write(row("impression", data=inner, position=None), row("impression", position="2"))
    assert decode(tmp_path, both).data() == [inner, '{"position":2}']


@STYLES
def test_bad_utf_8_is_kept_and_told(tmp_path: Path, prefix: str) -> None:
    data = write(row("like", prefix, rendition="bad", position="1"), row("like", prefix))
    found = decode(tmp_path, data.replace(b"bad", b'b"\xff"'.replace(b'"', b"'")))
    assert found.data() == ['{"rendition":"b\'\ufffd\'","position":1}', None]
    (reject,) = found.quarantine
    assert (reject["kind"], reject["field_name"], reject["_row"]) == ("cell", "data", 0)
    assert "b'\\xff'" in reject["value"]
    assert reject["file_line"] == 2
    assert reject["unit"] == "events/2026-01-15"


@STYLES
def test_header_alone_has_no_rows(tmp_path: Path, prefix: str) -> None:
    found = decode(tmp_path, write(row("like", prefix, position="1")).splitlines()[0] + b"\n")
    assert (found.decoded.file_rows, found.counts()) == (0, {})


def test_columns_may_stand_in_any_order_and_rows_end_in_either_way(tmp_path: Path) -> None:
    data = b'position,timestamp,event\r\n0,%s,impression\r\n"1",%s,"like"\r\n' % (
        (AT.encode(),) * 2
    )
    found = decode(tmp_path, b"\xef\xbb\xbf" + data)
    assert objects(found) == [{"position": 0}, {"position": 1}]


def test_record_of_another_length_is_in_quarantine(tmp_path: Path) -> None:
    data = write(row("impression", position="1")) + b"impression\n" + AT.encode() + b",x\n"
    found = decode(tmp_path, data)
    assert [(one["kind"], one["file_line"]) for one in found.quarantine] == [("row", 3), ("row", 4)]
    assert found.counts() == {"events/2026-01-15": (1, 2, 0)}


@pytest.mark.parametrize(
    "first", [b"broken", b"[1]", b'"unclosed', b"\x00", b"\xff\xfe", b"a,b,c", b"null", b""]
)
def test_lines_whose_first_is_broken_are_lines_all_the_same(tmp_path: Path, first: bytes) -> None:
    good = b'{"event":"like","timestamp":"%s"}\n' % AT.encode()
    found = decode(tmp_path, first + b"\n" + good * 2)
    assert found.events() == {"events/2026-01-15": ["like", "like"]}
    assert len(found.quarantine) == bool(first)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"error":{"code":"x"}}\n', "none of the columns"),
        (b"code,message\n1,2\n", "no line of it is an object"),
        (b"upstream connect error", "no line of it is an object"),
        (b'"a" {}', "no line of it is an object"),
    ],
)
def test_what_has_no_field_of_a_row_is_no_file(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(DownloadError, match=said):
        decode(tmp_path, data)


def test_all_tables_have_the_same_columns() -> None:
    schemas = {name: stamped_schema(table) for name, table in tables().items()}
    assert set(schemas) == {"events", "quality", "ads"}
    assert schemas["quality"] == schemas["events"] == schemas["ads"]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "position": NUMBERS.map(str),
        "watchTime": NUMBERS.map(str) | CELLS,
        "looped": st.sampled_from(["true", "false", "x"]),
        "rendition": CELLS,
        "value": CELLS | st.sampled_from(["{}", "[1]", "null", '"a"']),
    },
)


@given(st.lists(MEMBERS, min_size=1, max_size=6), st.sampled_from(["", "data."]))
def test_whatever_is_in_the_cells_the_object_has_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], prefix: str
) -> None:
    data = write(*(row("like", prefix, **members) for members in rows))
    found = decode(tmp_path_factory.mktemp("file"), data, make_unit(1, "events"))
    assert len(found.data()) == len(rows)
    for text, members in zip(found.data(), rows, strict=True):
        filled = {name: cell for name, cell in members.items() if cell}
        assert (text is None) == (not filled)
        read = json.loads(text or "{}", parse_float=str, parse_int=str)
        assert list(read) == [name for name in read if name in filled]
        assert {name: to_cell(value) for name, value in read.items()} == {
            name: to_cell(json.loads(cell, parse_float=str, parse_int=str))
            if name == "value" and is_json(cell)
            else cell
            for name, cell in filled.items()
        }


def to_cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def is_json(cell: str) -> bool:
    try:
        json.loads(cell)
    except ValueError:
        return False
    return cell not in {"NaN", "Infinity", "-Infinity"}
