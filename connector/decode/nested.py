"""An object within a row: whole in JSON, in CSV flattened into columns, which make the object again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import to_text
from connector.decode.records import Records

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
        given[self.field] = self._to_objects(members)
        return Records(tuple(given), tuple(given.values()), records.rows)

    def _tell_apart(self, name: str, given: Mapping[str, pa.Array]) -> tuple[pa.Array, pa.Array]:
        """A column under one name: the cells of the rows' own field, and those of the member."""
        column = given[name]
        events = next((given[key] for key in self.event if key in given), None)
        if events is None:
            return column, pa.nulls(len(column), column.type)
        names = pa.array(sorted(self.members_of[name])).cast(events.type)
        is_member = pc.is_in(events, value_set=names)
        nothing = pa.scalar(None, column.type)
        return pc.if_else(is_member, nothing, column), pc.if_else(is_member, column, nothing)

    def _to_objects(self, members: list[tuple[str, pa.Array]]) -> pa.Array:
        """The texts of the objects; NULL where no member has a value."""
        first, *others = (self._to_member(name, column) for name, column in members)
        has_none = reduce(pc.and_, map(pc.is_null, others), pc.is_null(first))
        first = pc.if_else(has_none, "", first)  # Arrow leaves out a row whose parts are all skipped
        joined = pc.binary_join_element_wise(first, *others, ",", null_handling="skip")
        texts = pc.binary_join_element_wise("{", joined, "}", "")
        return pc.if_else(has_none, pa.scalar(None, pa.string()), texts)

    def _to_member(self, name: str, column: pa.Array) -> pa.Array:
        text, _ = to_text(column, name, pa.array(range(len(column)), pa.int64()))
        kind = self.kinds.get(name, "text")
        quoted = _quote(text)
        value = quoted
        if kind == "number":
            value = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, quoted)
        elif kind == "boolean":
            flags = pa.array(["true", "false"])
            lower = pc.utf8_lower(text)
            value = pc.if_else(pc.is_in(lower, value_set=flags), lower, quoted)
        elif kind == "json":
            value = pa.array([_keep_json(cell) for cell in text.to_pylist()], pa.string())
        return pc.binary_join_element_wise(json.dumps(name) + ":", value, "")


def _quote(text: pa.Array) -> pa.Array:
    """Each text as a JSON string."""
    is_plain = pc.all(pc.match_substring_regex(text, _PLAIN), min_count=0).as_py()
    if is_plain:
        return pc.binary_join_element_wise('"', text, '"', "")
    cells = [
        None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in text.to_pylist()
    ]
    return pa.array(cells, pa.string())


def _keep_json(cell: str | None) -> str | None:
    """A cell that is JSON as it is, another one as a JSON string."""
    if cell is None:
        return None
    try:
        json.loads(cell)
    except ValueError:
        return json.dumps(cell, ensure_ascii=False)
    return cell
