"""How an id may be spelled in a file, and finding it in text and bytes."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

SHORTEST_BYTES = 6
"""Shorter ids are not looked for in binary files, where texts stand one after the other without an
edge: by chance they stand in any of them.
"""
SHORTEST_DIGITS = 12
"""The same of ids that are numbers."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EDGE = (
    r"""[\s"'`,;:|&=<>{}()\[\]\\/\x00]"""  # around a cell, a JSON text or number, a part of a URL
)


@cache
def spell(value: str) -> tuple[str, ...]:
    """The id as it came, as JSON, CSV and URLs escape it, and a UUID in both cases."""
    escaped = json.dumps(value)[1:-1]
    found = [value, escaped, _upper_escapes(escaped), json.dumps(value, ensure_ascii=False)[1:-1]]
    found += [escaped.replace("/", "\\/"), value.replace('"', '""'), _quote_url(value)]
    if _UUID.fullmatch(value):
        found += [value.lower(), value.upper()]
    return tuple(dict.fromkeys(found))


def _upper_escapes(escaped: str) -> str:
    return re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), escaped)


def _quote_url(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def to_pattern(values: Iterable[str]) -> str:
    """A regular expression, for RE2 and Python alike, of the ids as whole words."""
    return f"(^|{_EDGE})({_join(values)})($|{_EDGE})"


def _join(values: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(text) for value in values for text in spell(value)}))


def is_telling(value: str) -> bool:
    """True for an id that does not stand in a binary file by chance."""
    shortest = SHORTEST_DIGITS if value.isdigit() else SHORTEST_BYTES
    return len(_encode(value)) >= shortest


@dataclass(frozen=True, slots=True)
class Needles:
    """Ids to look for in bytes: any of `parts`, and where there are `words` between edges only."""

    parts: tuple[bytes, ...]
    words: re.Pattern[bytes] | None

    def find_in(self, blocks: Iterable[bytes]) -> bool:
        """True where the stream holds one of them, also across blocks."""
        reach = max(map(len, self.parts), default=0) + 2
        tail = b"\n"
        for block in blocks:
            here = tail + block
            if self._find(here):
                return True
            tail = here[-reach:]
        return self._find(tail + b"\n")

    def _find(self, block: bytes) -> bool:
        is_there = any(part in block for part in self.parts)
        return is_there and (self.words is None or self.words.search(block) is not None)


def make_needles(values: Iterable[str], *, is_binary: bool = False) -> Needles:
    """The ids as bytes; in a binary file anywhere, but only those that are telling."""
    wanted = sorted(value for value in set(values) if is_telling(value) or not is_binary)
    parts = tuple(sorted({_encode(text) for value in wanted for text in spell(value)}))
    words = re.compile(_encode(f"{_EDGE}({_join(wanted)}){_EDGE}")) if wanted else None
    return Needles(parts, None if is_binary else words)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
