"""Lists as MyTracker writes them become the JSON they say, or stay the text they are."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decode.cast import cast_column
from connector.decode.literals import cast_literals, read_literal, read_literals
from tests.unit.decode.samples import decode, write_csv
from tests.unit.decode.tracker_files import TABLE

NAME, VALUE, TAGS = (TABLE.field(name) for name in ("params.name", "params.value", "tags"))
ESCAPES = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\t": r"\t", "\r": r"\r", "\0": r"\0", '"': r"\""}
LITERALS = [
    ("[]", "[]"),
    ("['']", '[""]'),
    ("['a']", '["a"]'),
    (r"['a','line1\nline2','it\'s, ok']", '["a","line1\\nline2","it\'s, ok"]'),
    ("['a,b','[c]']", '["a,b","[c]"]'),
    ("['привет','\u2028']", '["привет","\u2028"]'),
    ("['say \"hi\"']", '["say \\"hi\\""]'),
    (r"['\"']", '["\\""]'),
    (r"['\b\f\0\t\r']", '["\\b\\f\\u0000\\t\\r"]'),
    (r"['\x41\\n']", '["x41\\\\n"]'),
    ("['two\nlines\x01']", '["two\\nlines\\u0001"]'),
    ("['\x00']", '["\\u0000"]'),
    ("[1,-2.50,3e5,18446744073709551615]", "[1,-2.50,3e5,18446744073709551615]"),
    ("['a',1,'2']", '["a",1,"2"]'),
    ("[0]", "[0]"),
]
NO_LITERALS = [
    "a",
    "[",
    "]",
    "[a]",
    "['a'",
    "'a']",
    "['a]",
    "['a',]",
    "[,'a']",
    "['a''b']",
    "['it's']",
    r"['a\']",
    "['a' ,'b']",
    "['a', 'b']",
    " ['a']",
    "['a'] ",
    "['a']\n",
    '["a"]',
    "[[1]]",
    "[007]",
    "[1.]",
    "[+1]",
    "[0x10]",
    "[1 2]",
    "[NULL]",
    "{}",
    "['a'],['b']",
    "['" + "[" * 5000,
]


def cast(**columns: list[str | None]) -> tuple[dict[str, list[Any]], list[tuple[Any, ...]]]:
    """What becomes of columns of literals, and (row, field, value, reason) of the rejects."""
    fields = {"name": NAME, "value": VALUE, "tags": TAGS}
    given = {fields[key]: pa.array(cells, pa.string()) for key, cells in columns.items()}
    count = len(next(iter(columns.values())))
    arrays, rejects = cast_literals(given, pa.array(range(100, 100 + count), pa.int64()))
    told = [(reject.row, reject.field, reject.value.decode(), reject.reason) for reject in rejects]
    return {name: array.to_pylist() for name, array in arrays.items()}, told


def render(items: list[str]) -> str:
    """A list as MyTracker writes it."""
    texts = ["".join(ESCAPES.get(character, character) for character in item) for item in items]
    return "[" + ",".join(f"'{text}'" for text in texts) + "]"


@pytest.mark.parametrize(("text", "array"), LITERALS)
def test_literal_becomes_compact_json(text: str, array: str) -> None:
    assert cast(tags=[text]) == ({"tags": [array]}, [])
    assert json.loads(array) is not None


@pytest.mark.parametrize("text", NO_LITERALS)
def test_what_is_no_literal_stays_the_text_it_was_and_is_a_reject(text: str) -> None:
    told = [(101, "tags", text, "is no list")]
    assert cast(tags=["['b']", text, None]) == ({"tags": ['["b"]', text, None]}, told)


def test_no_cell_and_the_empty_text_are_no_lists_and_no_rejects() -> None:
    assert cast(tags=[None, ""]) == ({"tags": [None, ""]}, [])
    assert cast(tags=[]) == ({"tags": []}, [])


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")))))
def test_list_that_was_rendered_is_read_again(lists: list[list[str]]) -> None:
    arrays, rejects = cast(tags=[render(items) for items in lists])
    assert [json.loads(array) for array in arrays["tags"]] == lists
    assert rejects == []


PIECES = st.sampled_from(
    ["'", "''", "[", "]", ",", "','", "a", "\\", '"', "1", "-", "\n", "é", " "]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(st.lists(TEXTS | TEXTS.map(lambda text: f"['{text}']") | st.none(), max_size=8))
def test_columns_and_single_cells_are_read_alike(cells: list[str | None]) -> None:
    texts = pa.array([None, *cells], pa.string())[1:]  # a slice, as the readers give
    literals = read_literals(texts)
    found = zip(cells, literals.arrays.to_pylist(), literals.lengths.to_pylist(), strict=True)
    for cell, array, length in found:
        if not cell:
            assert (array, length) == (cell, 0)
        else:
            assert (array, length) == (read_literal(cell) or (cell, -1))
            assert length == -1 or len(json.loads(array)) == length


def test_pairs_of_unequal_length_keep_their_texts_and_are_one_reject() -> None:
    arrays, rejects = cast(
        name=["['a','b']", "['a']", r"['\'']", "[]", None, "['a']"],
        value=["['1']", "['1']", "[1,2]", "['1']", "['1']", None],
        tags=["['x']", "['y','z']", "[]", "[]", "[]", "[]"],
    )
    assert arrays == {
        "params_name": ["['a','b']", '["a"]', r"['\'']", "[]", None, "['a']"],
        "params_value": ["['1']", '["1"]', "[1,2]", "['1']", "['1']", None],
        "tags": ['["x"]', '["y","z"]', "[]", "[]", "[]", "[]"],
    }
    said = "has no pairs: {} in params.name, {} in params.value"
    assert rejects == [
        (100, "params.name", "['a','b']", said.format(2, 1)),
        (102, "params.name", r"['\'']", said.format(1, 2)),
        (103, "params.name", "[]", said.format(0, 1)),
        (104, "params.name", "", said.format(0, 1)),
        (105, "params.name", "['a']", said.format(1, 0)),
    ]


def test_half_of_a_pair_that_is_no_list_is_a_reject_once() -> None:
    arrays, rejects = cast(name=["['a"], value=["['1','2']"])
    assert arrays == {"params_name": ["['a"], "params_value": ['["1","2"]']}
    assert rejects == [(100, "params.name", "['a", "is no list")]


def test_half_of_a_pair_that_was_not_asked_for_is_compared_with_nothing() -> None:
    assert cast(name=["['a']"]) == ({"params_name": ['["a"]']}, [])


def test_literal_is_not_put_right_without_its_row() -> None:
    cells, rows = pa.array(["['a']", None, ""]), pa.array([0, 1, 2], pa.int64())
    typed, rejects = cast_column(cells, NAME, rows)
    assert typed.to_pylist() == ["['a']", None, ""]
    assert [(reject.row, reject.reason) for reject in rejects] == [
        (0, "is read with its whole row only")
    ]


def test_literals_of_a_file_are_loaded_and_quarantined_with_their_place(tmp_path: Path) -> None:
    rows = [
        ["5", "['a','b']", r"['it\'s, ok','2']"],
        ["6", "['a','b']", "['1']"],
        ["7", "", ""],
        ["8", "[]", "['x"],
    ]
    data = write_csv(["idApp", "params.name", "params.value"], rows)
    result = decode(tmp_path, data, table=TABLE)
    assert result.column("params_name") == ['["a","b"]', "['a','b']", None, "[]"]
    assert result.column("params_value") == ['["it\'s, ok","2"]', "['1']", None, "['x"]
    assert result.column("tags") == [None] * 4
    told = {(row["_row"], row["field_name"], row["file_line"]) for row in result.quarantine}
    assert told == {(1, "params.name", 3), (3, "params.value", 5)}
    assert result.decoded.rejected_cells == 2
    assert result.decoded.rejected_rows == 0


def test_literal_with_bad_utf8_is_read_with_the_bytes_replaced(tmp_path: Path) -> None:
    result = decode(tmp_path, b"idApp,tags\n1,['\xff']\n", table=TABLE)
    assert result.column("tags") == ['["\ufffd"]']
    assert [row["reason"] for row in result.quarantine] == ["is not valid UTF-8"]
