"""A model file: one SELECT under a header, in a folder that says its schema.

The `--` lines on top are its documentation:

    -- One sentence that says what a row tells.
    -- grain: one session
    -- key: session_key
    -- kind: table                       (view, table or by_day)
    -- days_after: 29                    (by_day: a day's rows also depend on so many days before it)
    -- audits: not_null(app_key), relationship(app_key, core.app)

Trailing `-- text` in the last select documents a column. A CSV in `sql/seeds` is a table of texts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from connector.errors import ModelError
from connector.warehouse.dialect import (
    Functions,
    expand_functions,
    parse_query,
    read_tables,
    relation_name,
)

if TYPE_CHECKING:
    from sqlglot import exp

    from connector.warehouse.analysis import Column

Kind = Literal["view", "table", "by_day"]
SCHEMAS: Mapping[str, str] = {
    "seeds": "seed",
    "staging": "stg",
    "core": "core",
    "marts": "mart",
    "ops": "ops",
}
"""Folder under `sql/` -> schema in the warehouse."""

_HEADER_KEYS = frozenset({"grain", "key", "kind", "days_after", "audits", "generated"})
_AUDIT = re.compile(r"(\w+)(?:\(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class ModelText:
    """A model as it is written: its name, the file it stands or belongs in, its SQL."""

    name: str
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class AuditCall:
    """One audit of a header: `not_null(app_key)` -> name and arguments."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One file of `sql/`; `reads` are relations of its query, `after` those of its audits."""

    name: str
    path: Path
    text: str
    kind: Kind
    doc: str
    grain: str
    key: tuple[str, ...]
    days_after: int
    audits: tuple[AuditCall, ...]
    query: "exp.Query"
    reads: frozenset[str]
    after: frozenset[str]
    columns: tuple["Column", ...] = ()

    @property
    def schema(self) -> str:
        """Schema of the relation."""
        return self.name.partition(".")[0]

    @property
    def is_stored(self) -> bool:
        """True where the relation holds rows of its own."""
        return self.kind != "view"

    @property
    def has_day(self) -> bool:
        """True where there is a column `day`, by which changes are followed."""
        return any(column.name == "day" for column in self.columns)


def parse_audit(path: Path, functions: Functions) -> "exp.Query":
    """The query of a file of `sql/audits`, house functions expanded."""
    text = path.read_text(encoding="utf-8")
    name = f"audits/{path.name}"
    return expand_functions(parse_query(text, name), functions, name, text)


def parse_model(
    written: ModelText, functions: Functions, queries: Mapping[str, "exp.Query"]
) -> Model:
    """The model of one text; `queries` are the audits by name. Its columns come later."""
    name, text = written.name, written.text
    doc, header = _parse_header(text, name)
    if header.get("kind") not in get_args(Kind):
        raise ModelError(f"{name}:1: `-- kind:` is one of {get_args(Kind)}", model=name, line=1)
    query = expand_functions(parse_query(text, name), functions, name, text)
    audits = tuple(
        AuditCall(match[1], tuple(part.strip() for part in (match[2] or "").split(",") if part))
        for match in _AUDIT.finditer(header.get("audits", ""))
    )
    return Model(
        name=name,
        path=written.path,
        text=text,
        kind=cast("Kind", header["kind"]),
        doc=doc,
        grain=header.get("grain", ""),
        key=tuple(part.strip() for part in header.get("key", "").split(",") if part.strip()),
        days_after=int(header.get("days_after", "0")),
        audits=audits,
        query=query,
        reads=frozenset(relation_name(table) for table in read_tables(query)),
        after=frozenset(_audit_reads(audits, queries)) - {name},
    )


def _parse_header(text: str, name: str) -> tuple[str, dict[str, str]]:
    """The sentence and the keys of the `--` lines a model file starts with."""
    doc: list[str] = []
    header: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        key, colon, value = line[2:].strip().partition(":")
        if colon and key in _HEADER_KEYS:
            header[key] = value.strip()
        elif header:
            raise ModelError(
                f"{name}:{number}: unknown header key {key!r}", model=name, line=number, column=1
            )
        else:
            doc.append(line[2:].strip())
    return " ".join(doc), header


def _audit_reads(audits: Iterable[AuditCall], queries: Mapping[str, "exp.Query"]) -> Iterable[str]:
    for audit in audits:
        if audit.name == "relationship":
            yield audit.args[1]
        elif audit.name in queries:
            yield from (relation_name(table) for table in read_tables(queries[audit.name]))


def render_seed(file: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A CSV as the text of a model: every column text, empty cells NULL."""
    head = f"-- Seed {file}: kept by hand.\n-- grain: line\n-- kind: table\n"
    columns = [f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in names]
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows if row)
    nothing = f"({', '.join(['NULL'] * len(names))})"
    where = "" if rows else " WHERE FALSE"
    alias = ", ".join(f'"{name}"' for name in names)
    return (
        f"{head}SELECT {', '.join(columns)} FROM (VALUES {values or nothing}) AS t({alias}){where}"
    )


def _literal(cell: str) -> str:
    return "'{}'".format(cell.replace("'", "''")) if cell else "NULL"
