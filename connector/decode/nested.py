"""An object within a row: whole in JSON, in CSV flattened into columns, which make the object again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import to_text
from connector.decode.records import Records, Reject

Kind = Literal["text", "number", "boolean", "json"]
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_PLAIN = r'^[^"\\\x00-\x1f]*$'


@dataclass(frozen=True, slots=True)
class Nested:
    """`field` holds the object; `kinds` are its known members. In CSV a member stands under its name
    alone, or after `field` and a dot. `own` are all names of the row's own fields, of which `numbers`
    may be numbers in JSON. A name that is both the row's and a member's is the member's in rows whose
    event, under one of the names `event`, is in `members_of`.
    """

    field: str
    kinds: Mapping[str, Kind]
    own: frozenset[str]
    numbers: frozenset[str]
    members_of: Mapping[str, frozenset[str]]
    event: tuple[str, ...]

    def fold(self, records: Records) -> Records:
        """The records with the object in place of its members; as they are where there is none."""
        prefix = f"{self.field}."
        given = dict(zip(records.names, records.columns, strict=True))
        members: list[tuple[str, pa.Array]] = []
        for name in records.names:
            if name.startswith(prefix):
                members.append((name.removeprefix(prefix), given.pop(name)))
            elif name in self.members_of and name in self.own:
                own, inner = self._tell_apart(name, given)
                given[name] = own
                members.append((name, inner))
            elif name in self.kinds and name not in self.own:
                members.append((name, given.pop(name)))
        if not members:
            return records
        objects = self._to_objects(members)
        if self.field in given:  # the object itself is there, too
            objects = pc.coalesce(given[self.field].cast(pa.binary()), objects.cast(pa.binary()))
        given[self.field] = objects
        return Records(tuple(given), tuple(given.values()), records.rows)

    def _tell_apart(self, name: str, given: Mapping[str, pa.Array]) -> tuple[pa.Array, pa.Array]:
        """A column under one name: the cells of the rows' own field, and those of the member."""
        column = given[name]
        events = [given[key].cast(pa.binary()) for key in self.event if key in given]
        if not events:
            return column, pa.nulls(len(column), column.type)
        names = pa.array(sorted(self.members_of[name])).cast(pa.binary())
        is_member = pc.is_in(pc.coalesce(*events), value_set=names)
        nothing = pa.scalar(None, column.type)
        return pc.if_else(is_member, nothing, column), pc.if_else(is_member, column, nothing)

    def _to_objects(self, members: list[tuple[str, pa.Array]]) -> pa.Array:
        """The texts of the objects; NULL where no member has a value. Where a cell is no UTF-8 they are
        bytes, which whoever casts them finds out.
        """
        made = [self._to_member(name, column) for name, column in members]
        kind = pa.string() if all(pa.types.is_string(one.type) for one in made) else pa.binary()
        first, *others = (one.cast(kind) for one in made)
        opening, comma, closing, empty = (pa.scalar(text, kind) for text in ("{", ",", "}", ""))
        has_none = reduce(pc.and_, map(pc.is_null, others), pc.is_null(first))
        # Arrow leaves out a row whose parts are all skipped
        first = pc.if_else(has_none, empty, first)
        joined = pc.binary_join_element_wise(first, *others, comma, null_handling="skip")
        texts = pc.binary_join_element_wise(opening, joined, closing, empty)
        return pc.if_else(has_none, pa.scalar(None, kind), texts)

    def _to_member(self, name: str, column: pa.Array) -> pa.Array:
        text, broken = to_text(column, name, pa.array(range(len(column)), pa.int64()))
        kind = self.kinds.get(name, "text")
        value = quoted = _quote(text)
        if kind == "number":
            value = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, quoted)
        elif kind == "boolean":
            flags = pa.array(["true", "false"])
            lower = pc.utf8_lower(text)
            value = pc.if_else(pc.is_in(lower, value_set=flags), lower, quoted)
        elif kind == "json":
            value = pa.array([_keep_json(cell) for cell in text.to_pylist()], pa.string())
        member = pc.binary_join_element_wise(json.dumps(name) + ":", value, "")
        return _put_bytes(member, json.dumps(name), broken) if broken else member


def _put_bytes(member: pa.Array, key: str, broken: Sequence[Reject]) -> pa.Array:
    """The members, as bytes, with the cells that are no UTF-8 as they came."""
    cells = member.cast(pa.binary()).to_pylist()
    for reject in broken:
        text = f"{key}:{_spell(reject.value.decode('utf-8', 'surrogateescape'))}"
        cells[reject.row or 0] = text.encode("utf-8", "surrogateescape")
    return pa.array(cells, pa.binary())


def _quote(text: pa.Array) -> pa.Array:
    """Each text as a JSON string."""
    is_plain = pc.all(pc.match_substring_regex(text, _PLAIN), min_count=0).as_py()
    if is_plain:
        return pc.binary_join_element_wise('"', text, '"', "")
    cells = [None if cell is None else _spell(cell) for cell in text.to_pylist()]
    return pa.array(cells, pa.string())


def _spell(cell: str) -> str:
    return json.dumps(cell, ensure_ascii=False)


def _keep_json(cell: str | None) -> str | None:
    """A cell that is JSON as it is, another one as a JSON string."""
    if cell is None:
        return None
    try:
        json.loads(cell, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _spell(cell)
    return cell


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
