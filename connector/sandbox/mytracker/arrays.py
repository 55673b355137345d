"""Array cells: bracketed lists of single-quoted texts with backslash escapes, as in exports seen."""

import json
from collections.abc import Iterable
from typing import Any

_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        "\n": "\\n",
        "\t": "\\t",
        "\r": "\\r",
        "\b": "\\b",
        "\f": "\\f",
        "\0": "\\0",
    }
)


def write_array(texts: Iterable[str]) -> str:
    r"""The literal of a list of texts: `['a','it\'s']`; `[]` for none."""
    return "[" + ",".join(f"'{text.translate(_ESCAPES)}'" for text in texts) + "]"


def split_attributes(text: str) -> tuple[list[str], list[str]]:
    """Names and values of an event's attributes, pair by pair; what is no object is one `text`."""
    if not text:
        return [], []
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return ["text"], [text]
    if not isinstance(pairs, _Pairs):
        return ["text"], [text]
    return [name for name, _ in pairs], [_write_value(value) for _, value in pairs]


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in their order, repeated names kept."""


def _write_value(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Pairs):
        value = {name: _write_value(inner) for name, inner in value}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
