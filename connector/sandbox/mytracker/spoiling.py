"""Files spoiled in the making: heads lost, several gzip members, arrays and moments gone odd."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from connector.sandbox.appmetrica_stream.content import Content
from connector.sandbox.faults import Fault

_ARRAYS: Mapping[str, tuple[str, str]] = {
    "awkward": (
        r"['a, b','it\'s','back\\slash','new\nline','tab\tand \"quotes\"','odd \q','nil\0',7]",
        r"['1','[2]','\'','','юникод 🥾','\\n','x,y',-1.5]",
    ),
    "unequal": ("['a','b','c']", "['1']"),
    "bad": ("['a','b", "['a' 'b']"),
}


def spoil_content(content: Content, faults: Sequence[Fault]) -> None:
    """Change the rows of an export the ways its faults ask for."""
    for fault in faults:
        act = _ACTS.get(fault.kind)
        if act is not None:
            act(content, fault.params)


def pack_part(body: bytes, number: int, faults: Sequence[Fault]) -> bytes:
    """The gzip file of one part's CSV."""
    members = 1
    for fault in faults:
        if fault.kind == "raw_no_header" and int(fault.params["part"]) in {number, -1}:
            body = body.partition(b"\n")[2]
        if fault.kind == "raw_members":
            members = max(1, int(fault.params["members"]))
    step = max(1, -(-len(body) // members))
    pieces = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
    return b"".join(gzip.compress(piece, 1, mtime=0) for piece in pieces)


def _set_arrays(content: Content, params: Mapping[str, object]) -> None:
    row, cells = int(str(params["row"])), _ARRAYS[str(params["form"])]
    if -len(content.rows) <= row < len(content.rows):
        for name, text in zip(("params.name", "params.value"), cells, strict=True):
            if name in content.schema.field_names:
                content.rows[row][content.schema.field_names.index(name)] = text


def _write_dates(content: Content, params: Mapping[str, object]) -> None:
    selectors = params["selectors"]
    assert isinstance(selectors, list | tuple)
    for name in selectors:
        if name not in content.schema.field_names:
            continue
        place = content.schema.field_names.index(name)
        for row in content.rows:
            if row[place].isdecimal():
                moment = datetime.fromtimestamp(int(row[place]), UTC)
                row[place] = moment.strftime("%Y-%m-%d %H:%M:%S")


_ACTS: Mapping[str, Callable[[Content, Mapping[str, object]], None]] = {
    "raw_arrays": _set_arrays,
    "raw_text_dates": _write_dates,
}
