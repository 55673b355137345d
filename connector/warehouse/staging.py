"""Field tables -> `sql/staging`: one generated view per raw table, and the ledger's live units.

The one rule about which rows count stands in `stg_<source>__units`: a unit's newest ledger row
among the loads that finished. Every other staging view joins its raw table to it on unit and load
id, so a row of a superseded or unfinished load is seen nowhere.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from connector.fields import JSON_TYPES, SYSTEM_TYPES, Field, Role, Table, load_tables
from connector.warehouse.ledger_columns import LEDGER_DOCS, LEDGER_TABLES
from connector.warehouse.payload_columns import payload_columns, payload_rows, read_raw

__all__ = ["LEDGER_TABLES", "raw_schema", "render_staging", "source_names", "write_staging"]

_RESERVED = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column"
    " constraint create default deferrable desc describe distinct do else end except false fetch for"
    " foreign from group having in initially intersect into lambda lateral leading limit not null"
    " offset on only or order pivot placing primary qualify references returning select show some"
    " summarize symmetric table then to trailing true union unique unpivot using variadic when where"
    " window with"
)
_KEYWORDS = frozenset(_RESERVED.split())  # words no column can be called without quotes


@cache
def source_names() -> tuple[str, ...]:
    """Sources that declare a field table, sorted."""
    folders = files("connector").joinpath("sources").iterdir()
    return tuple(sorted(path.name for path in folders if path.joinpath("fields.toml").is_file()))


def raw_schema(source: str, tables: Mapping[str, Table] | None = None) -> dict[str, dict[str, str]]:
    """Raw tables of a source, data and ledger: table -> column -> DuckDB type.

    `tables` are the source's tables where its settings add to the declared ones.
    """
    known = load_tables(source) if tables is None else tables
    raw = {table.name: _raw_columns(table) for table in known.values()}
    return raw | {name: dict(columns) for name, columns in LEDGER_TABLES.items()}


def _raw_columns(table: Table) -> dict[str, str]:
    columns = {field.column: field.sql_type for field in table.fields}
    for name in table.system_columns:
        columns[name] = "BIGINT" if SYSTEM_TYPES[name] == "bigint" else "VARCHAR"
    return columns | {"_dlt_load_id": "VARCHAR"}


def render_staging(source: str, tables: Mapping[str, Table] | None = None) -> dict[str, str]:
    """File name -> SQL of every staging view of `source`.

    `tables` are the source's tables where its settings add to the declared ones.
    """
    known = list((load_tables(source) if tables is None else tables).values())
    rendered = {
        "units": _render_units(source),
        "quarantine": _render_quarantine(source),
        "row_counts": _render_row_counts(source, [table.name for table in known]),
    }
    rendered |= {table.name: _render_table(table) for table in known}
    if any(table.payloads for table in known):
        rendered["payloads"] = _render_payloads(source, known)
    return {f"stg_{source}__{name}.sql": text for name, text in rendered.items()}


def write_staging(root: Path) -> list[Path]:
    """Writes `<root>/staging` for all sources, removes files of tables gone; changed paths."""
    folder = root / "staging"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        name: text for source in source_names() for name, text in render_staging(source).items()
    }
    stale = [path for path in folder.glob("*.sql") if path.name not in wanted]
    for path in stale:
        path.unlink()
    changed = [
        folder / name
        for name, text in wanted.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]
    for path in changed:
        path.write_text(wanted[path.name], encoding="utf-8", newline="\n")
    return stale + changed


def _render_table(table: Table) -> str:
    columns = [("u.application_id", "application_id", "vendor's app id")]
    played = {role.alias for role in table.roles if role.selector}
    for field in table.fields:
        columns.extend(column for column in _staging_columns(field) if column[1] not in played)
    columns.extend(_role_column(table, role) for role in table.roles)
    columns.extend(payload_columns(table))
    columns += [
        ("u.available_at", "available_at", "when the vendor last offered the unit, UTC"),
        ("r._unit", "_unit", "unit of work that brought the row"),
        ("r._row", "_row", "ordinal of the row in its unit, 0-based"),
        ("r._received_from", "_received_from", "file format and part"),
        ("r._dlt_load_id", "_dlt_load_id", "load that brought the row"),
    ]
    return (
        _header(
            f"{table.doc.rstrip('.')}: live rows of the raw table.",
            "raw row",
            "_unit, _row",
            table.source,
        )
        + _select(columns)
        + read_raw(table)
        + _join_units(table.source, "r._unit", "r._dlt_load_id")
    )


def _staging_columns(field: Field) -> Iterator[tuple[str, str, str]]:
    """(expression, name, comment) of the staging columns of one field; none for local times."""
    if field.type == "datetime_app_tz" or field.name == "application_id":
        return
    doc = field.doc.replace("\n", " ")
    if field.type == "timestamp":
        doc = doc.replace(", unix seconds", "").replace("unix seconds of ", "")
    unit = {"s": "UTC", "ms": "UTC", "us": "UTC", "iso": "UTC"}.get(field.unit, field.unit)
    if field.type != "timestamp":
        unit = field.unit
    doc = f"{doc}, {unit}" if unit and unit not in doc else doc
    if not field.is_text:
        yield f"r.{_quote(field.column)}", field.alias, doc
        return
    text = f"nullif(r.{_quote(field.column)}, '')"
    if field.absent:
        text = f"nullif({text}, '{field.absent}')"
    if field.type in JSON_TYPES:
        yield f"as_json({text})", field.alias, f"{doc}; NULL where it is not valid JSON"
        yield text, f"{field.alias}_text", "the exact text the vendor sent"
    else:
        yield text, field.alias, doc


def _role_column(table: Table, role: Role) -> tuple[str, str, str]:
    """(expression, name, comment) of what the settings say a field means; NULL where they do not."""
    unit = f", {role.unit}" if role.unit else ""
    if not role.selector:
        doc = f"{role.doc}{unit}; NULL until the setting roles names a selector"
        return f"CAST(NULL AS {role.sql_type})", role.alias, doc
    played = f"r.{_quote(table.field(role.selector).column)}"
    cast = (
        f"as_decimal({played})" if role.type == "decimal" else f"CAST({played} AS {role.sql_type})"
    )
    return cast, role.alias, f"{role.doc}{unit}: {role.selector}"


def _render_units(source: str) -> str:
    columns = [(name, name, LEDGER_DOCS[name]) for name in LEDGER_TABLES["units"]]
    columns.insert(
        -1,
        (
            "coalesce(vendor_updated_at, upper_at)",
            "available_at",
            "when the vendor last offered the unit, UTC",
        ),
    )
    return (
        _header(
            "The live units: the newest ledger row of each, among finished loads.",
            "unit",
            "unit",
            source,
        )
        + f"""\
WITH finished AS (
  SELECT load_id FROM {source}._dlt_loads WHERE status = 0
),

ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY unit ORDER BY _dlt_load_id DESC) AS age_rank
  FROM {source}.units
  WHERE _dlt_load_id IN (SELECT load_id FROM finished)
)

"""
        + _select(columns)
        + "FROM ranked\nWHERE age_rank = 1\n"
    )


def _render_quarantine(source: str) -> str:
    columns = [("u.application_id", "application_id", LEDGER_DOCS["application_id"])]
    columns += [(f"q.{name}", name, LEDGER_DOCS[name]) for name in LEDGER_TABLES["quarantine"]]
    return (
        _header("Cells and records of live units that did not fit.", "cell or record", "", source)
        + _select(columns)
        + f"FROM {source}.quarantine AS q\n"
        + _join_units(source, "q.unit", "q._dlt_load_id")
    )


def _render_row_counts(source: str, tables: list[str]) -> str:
    union = "\n  UNION ALL\n".join(
        f"  SELECT _unit, count(*) AS found FROM stg.stg_{source}__{table} GROUP BY _unit"
        for table in tables
    )
    columns = [
        ("_unit", "unit", LEDGER_DOCS["unit"]),
        ("CAST(sum(found) AS BIGINT)", "found_rows", "live rows of the unit, counted in raw"),
    ]
    return (
        _header("Rows found in the raw tables, by unit.", "unit with rows", "unit", source)
        + f"WITH counted AS (\n{union}\n)\n\n"
        + _select(columns)
        + "FROM counted\nGROUP BY _unit\n"
    )


def _render_payloads(source: str, tables: list[Table]) -> str:
    rows = ",\n".join("  ('{}')".format("', '".join(row)) for row in payload_rows(tables))
    columns = [
        ("table_name", "table_name", "raw table"),
        ("name", "name", "event"),
        ("payload_key", "payload_key", "key within its `data`"),
        ("column_name", "column_name", "column of the staging view that takes it"),
        ("nullif(sent_unit, '')", "sent_unit", "unit it is sent in; NULL where it has none"),
    ]
    return (
        _header(
            "The keys within `data` that columns of staging take.",
            "table, event and key",
            "table_name, name, payload_key",
            source,
        )
        + _select(columns)
        + f"FROM (\n  VALUES\n{rows}\n) AS p(table_name, name, payload_key, column_name, sent_unit)\n"
    )


def _header(doc: str, grain: str, key: str, source: str) -> str:
    key_line = f"-- key: {key}\n" if key else ""
    return (
        f"-- {doc}\n-- grain: {grain}\n{key_line}-- kind: view\n"
        f"-- generated: from connector/sources/{source}/fields.toml by `connector docs`\n"
    )


def _select(columns: list[tuple[str, str, str]]) -> str:
    lines = []
    for number, (expression, name, doc) in enumerate(columns, start=1):
        comma = "," if number < len(columns) else ""
        same = expression.rpartition(".")[2] == _quote(name)
        lines.append(f"  {expression}{'' if same else f' AS {_quote(name)}'}{comma} -- {doc}\n")
    return "SELECT\n" + "".join(lines)


def _quote(name: str) -> str:
    """The name of a column as SQL takes it: a selector of the settings may be any word."""
    return f'"{name}"' if name in _KEYWORDS else name


def _join_units(source: str, unit: str, load_id: str) -> str:
    return (
        f"INNER JOIN stg.stg_{source}__units AS u\n"
        f"  ON {unit} = u.unit AND {load_id} = u._dlt_load_id\n"
    )
