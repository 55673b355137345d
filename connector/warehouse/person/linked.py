"""Devices that a vendor's document names as a person's: a JSON object, JSON lines, or a zip of them.

The shape of the document is not documented, so names are looked for, at any depth: a text under a
name like `deviceId`, in a list under one like `linkedDeviceIds`, or the `id` of an object in such a
list. The document is read as it comes, in the memory of one value.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from connector.unpack import list_parts, open_unpacked

_NAMES = frozenset(
    {
        "anonymousid",
        "anonymousids",
        "deviceid",
        "deviceids",
        "devices",
        "linkeddeviceids",
        "linkeddevices",
    }
)
_TOKEN = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL
)  # a text may be cut by the end of the block
_BLOCK_BYTES = 1 << 20


@dataclass(slots=True)
class _Level:
    """One open object or list; `name` is what it stands under, `key` the name read last in it."""

    is_object: bool
    name: str
    key: str = ""
    is_key_due: bool = True


def list_devices(path: Path) -> set[str]:
    """The ids in a document, or a folder of parts; nothing where it is neither JSON nor zip."""
    found: set[str] = set()
    for part in list_parts(path):
        if zipfile.is_zipfile(part):
            found |= _list_zipped(part)
        else:
            with open_unpacked(part) as stream:
                found |= set(_scan(_read_tokens(stream), ""))
    return found


def _list_zipped(path: Path) -> set[str]:
    found: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if not item.is_dir():
                with archive.open(item) as stream:
                    found |= set(_scan(_read_tokens(stream), Path(item.filename).stem))
    return found


def _read_tokens(stream: IO[bytes]) -> Iterator[bytes]:
    """Marks, texts with their quotes, and other values; one that is cut by a block is read whole."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        buffer, end = rest + block, 0
        for found in _TOKEN.finditer(buffer):
            if found.end() == len(buffer) and found[0] not in b"{}[]:,":
                break  # it may go on in the next block
            end = found.end()
            yield found[0]
        rest = buffer[end:].lstrip()
    yield from (found[0] for found in _TOKEN.finditer(rest))


def _scan(tokens: Iterable[bytes], name: str) -> Iterator[str]:
    """The ids among the tokens; `name` is what the document itself is called."""
    levels = [_Level(is_object=False, name=name)]
    for token in tokens:
        level = levels[-1]
        match token:
            case b"{" | b"[":
                below = level.key if level.is_object else level.name
                levels.append(_Level(token == b"{", below))
            case b"}" | b"]":
                if len(levels) > 1:
                    levels.pop()
            case b",":
                level.is_key_due = True
            case b":":
                level.is_key_due = False
            case _ if level.is_object and level.is_key_due:
                level.key = _read(token)
            case _ if _names_device(level) and (value := _read(token)):
                yield value


def _names_device(level: _Level) -> bool:
    if not level.is_object:
        return _normalise(level.name) in _NAMES
    key = _normalise(level.key)
    return key in _NAMES or (key == "id" and _normalise(level.name) in _NAMES)


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _read(token: bytes) -> str:
    """A text; "" for anything else."""
    try:
        value = json.loads(token)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""
