"""An id is found however a file spells it, and is not found in a longer one."""

import re
from collections.abc import Iterable
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.warehouse.person.spellings import make_needles, spell, to_pattern

UUID = "a1b2c3d4-1111-4222-8333-444455556666"
SPELLED = [
    ("player-1", '{"userId":"player-1"}'),
    ("player-1", "a,player-1,b"),
    ("player-1", "player-1"),
    ("player-1", "https://h/users/player-1/export"),
    ("42", '{"userId": 42}'),
    ("ключ", '{"userId":"\\u043a\\u043b\\u044e\\u0447"}'),
    ("ключ", '{"userId":"\\u043A\\u043B\\u044E\\u0447"}'),
    ("ключ", '{"userId":"ключ"}'),
    ("ключ", "/users/%D0%BA%D0%BB%D1%8E%D1%87"),
    ("a/b", '{"userId":"a\\/b"}'),
    ('say "x"', '"say ""x""",1'),
    ('say "x"', '{"userId":"say \\"x\\""}'),
    ("a.b*c", '"a.b*c"'),
    (UUID, f'"{UUID.upper()}"'),
]
OTHERS = [
    ("player-1", '"player-12"'),
    ("player-1", '"player-1-2"'),
    ("player-1", '"a-player-1"'),
    ("42", "1423,4.42,142"),
    ("a.b*c", '"aXbbbc"'),
    ("u1", '"u1@example.com"'),
]


def finds(pattern: str, text: str) -> bool:
    """What Python and DuckDB both say."""
    with duckdb.connect() as connection:
        sql = "SELECT regexp_matches($1, $2)"
        ((by_duckdb,),) = connection.execute(sql, [text, pattern]).fetchall()
    assert by_duckdb == (re.search(pattern, text) is not None)
    return bool(by_duckdb)


@pytest.mark.parametrize(("value", "text"), SPELLED)
def test_an_id_is_found_as_files_spell_it(value: str, text: str) -> None:
    assert finds(to_pattern([value]), text)
    assert make_needles([value]).find_in([text.encode()])


@pytest.mark.parametrize(("value", "text"), OTHERS)
def test_a_longer_id_is_another_one(value: str, text: str) -> None:
    assert not finds(to_pattern([value]), text)
    assert not make_needles([value]).find_in([text.encode()])


def test_in_a_binary_file_words_have_no_edges() -> None:
    needles = make_needles(["player-1", "42", "123456"], is_binary=True)
    assert needles.find_in([b"\0\0player-1player-7"])
    assert not needles.find_in([b"\0\x0042 123456"])  # these may stand anywhere by chance


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[low:high] for low, high in pairwise(edges)]


@given(
    st.sampled_from([value for value, _ in SPELLED]),
    st.text('ab",{}: ', max_size=20),
    st.text('ab",{}: ', max_size=20),
    st.lists(st.integers(0, 100), max_size=6),
)
def test_blocks_make_no_difference(value: str, before: str, after: str, places: list[int]) -> None:
    data = f'{before}"{value}"{after}'.encode()
    assert make_needles([value]).find_in(cut(data, places))
    assert make_needles(["player-77"]).find_in(cut(data, places)) is False


@given(st.text(min_size=1, max_size=8))
def test_any_text_is_found_as_itself(value: str) -> None:
    assert value in spell(value)
    assert re.search(to_pattern([value]), f'"{value}"')


def test_nothing_is_found_where_nothing_is_looked_for() -> None:
    assert not make_needles([]).find_in([b"anything", b""])
