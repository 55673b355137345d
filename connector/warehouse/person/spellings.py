"""How an id may be spelled in a file, and finding it in text and bytes."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

SHORTEST = 6
"""Ids of fewer bytes are looked for as whole words only: by chance they stand in any binary file."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EDGE = r"""[\s"'`,;:|&=<>{}()\[\]\\/]"""  # what stands around a cell, a JSON text or number, a URL part


@cache
def spell(value: str) -> tuple[str, ...]:
    """The id as it came, as JSON, CSV and URLs escape it, and a UUID in both cases."""
    escaped = json.dumps(value)[1:-1]
    found = [value, escaped, _upper_escapes(escaped), json.dumps(value, ensure_ascii=False)[1:-1]]
    found += [escaped.replace("/", "\\/"), value.replace('"', '""'), quote(value, safe="")]
    if _UUID.fullmatch(value):
        found += [value.lower(), value.upper()]
    return tuple(dict.fromkeys(found))


def _upper_escapes(escaped: str) -> str:
    return re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), escaped)


def to_pattern(values: Iterable[str]) -> str:
    """A regular expression, for RE2 and Python alike, of the ids as whole words."""
    words = sorted({re.escape(text) for value in values for text in spell(value)})
    return f"(^|{_EDGE})({'|'.join(words)})($|{_EDGE})"


@dataclass(frozen=True, slots=True)
class Needles:
    """Ids to look for in bytes. `words` are looked for between edges, `parts` anywhere."""

    parts: tuple[bytes, ...]
    words: re.Pattern[bytes] | None
    reach: int = field(default=0)  # bytes that the longest of them takes, edges included

    def find(self, block: bytes) -> bool:
        """True where the block holds one of them."""
        return any(part in block for part in self.parts) or (
            self.words is not None and self.words.search(block) is not None
        )

    def find_in(self, blocks: Iterable[bytes]) -> bool:
        """True where the stream holds one of them, also across blocks."""
        tail = b""
        for block in blocks:
            if self.find(tail + block):
                return True
            tail = (tail + block)[-self.reach :]
        return False


def make_needles(values: Iterable[str], *, is_binary: bool = False) -> Needles:
    """The ids as bytes. In text short ids are found as whole words; in a binary file, where words
    have no edges, they cannot be told from chance and are left out.
    """
    known = sorted(set(values))
    long = [value for value in known if len(value.encode("utf-8", "surrogatepass")) >= SHORTEST]
    parts = tuple(sorted({_encode(text) for value in long for text in spell(value)}))
    short = [] if is_binary else [value for value in known if value not in long]
    words = re.compile(_encode(to_pattern(short))) if short else None
    spelled = [len(_encode(text)) for value in known for text in spell(value)]
    return Needles(parts, words, max(spelled, default=0) + 2)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
