"""Array cells: what stands in them, and that they can be read back by their grammar."""

import pytest

from connector.sandbox.mytracker.arrays import split_attributes, write_array
from connector.sandbox.population.vocabulary import AWKWARD_NUL_PAYLOAD, AWKWARD_PAYLOADS

_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


def read(literal: str) -> list[str]:
    """A strict reader, written from the grammar."""
    assert (literal[0], literal[-1]) == ("[", "]")
    found, place, end = [], 1, len(literal) - 1
    while place < end:
        assert literal[place] == "'"
        place, text = place + 1, ""
        while literal[place] != "'":
            if literal[place] == "\\":
                place += 1
                text += _ESCAPED.get(literal[place], literal[place])
            else:
                text += literal[place]
            place += 1
        found.append(text)
        place += 1
        assert literal[place] in ",]"
        place += literal[place] == ","
    return found


@pytest.mark.parametrize(
    ("texts", "literal"),
    [
        ([], "[]"),
        ([""], "['']"),
        (["a", "line1\nline2", "it's, ok"], r"['a','line1\nline2','it\'s, ok']"),
        (["back\\slash", 'a "quote"', "nul\0"], r"""['back\\slash','a "quote"','nul\0']"""),
    ],
)
def test_lists_are_written_as_exports_have_them(texts: list[str], literal: str) -> None:
    assert write_array(texts) == literal
    assert read(literal) == texts


@pytest.mark.parametrize("text", [*AWKWARD_PAYLOADS, AWKWARD_NUL_PAYLOAD])
def test_awkward_payloads_survive(text: str) -> None:
    names, values = split_attributes(text)
    assert len(names) == len(values)
    assert read(write_array(names)) == names
    assert read(write_array(values)) == values


def test_attributes_keep_their_order_their_digits_and_their_doubles() -> None:
    text = '{"dup":1,"dup":18446744073709551616,"x":1.50,"ok":true,"in":{"a":[1]},"no":null}'
    names, values = split_attributes(text)
    assert names == ["dup", "dup", "x", "ok", "in", "no"]
    assert values == ["1", "18446744073709551616", "1.50", "true", '{"a":"[\\"1\\"]"}', "null"]
    assert split_attributes("no object") == (["text"], ["no object"])
    assert split_attributes("") == ([], [])
