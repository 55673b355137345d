"""Reconciliation of every unit; nothing is taken on trust, rows are counted anew.

Four numbers of each unit are compared: rows the vendor declared, rows the ledger says were loaded
and quarantined, rows that stand in the raw tables, and records that stand in quarantine.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from connector.errors import AuditError
from connector.warehouse.staging import source_names

LEDGER = "units"
NAMED_UNITS = 5  # in the one sentence; the report names all

_EXPLAINED = {
    "declared": "the vendor declared {expected} rows, {found} were loaded, quarantined or erased",
    "rows": "the ledger says {expected} rows were loaded, {found} stand in the raw table",
    "quarantine": "the ledger says {expected} records were quarantined, {found} stand there",
    "twice": "the ledger has {found} rows for this unit where {expected} is due",
    "unfinished": "{found} rows belong to a load that never finished; the next sync undoes it",
    "unknown": "{found} rows belong to a unit the ledger does not know",
    "superseded": "{found} rows belong to an older load of this unit",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up; `kind` is a key of the sentences above."""

    source: str
    unit: str
    table_name: str
    kind: str
    expected: int
    found: int

    @property
    def text(self) -> str:
        """The difference in a sentence."""
        said = _EXPLAINED[self.kind].format(expected=self.expected, found=self.found)
        return f"{self.source}: {self.unit} ({self.table_name}): {said}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The account of a warehouse: units and live rows that were counted, and what differs."""

    units: int
    rows: int
    differences: tuple[Difference, ...]

    @property
    def exit_code(self) -> int:
        """0, or 6 when anything differs."""
        return AuditError.exit_code if self.differences else 0

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if not self.differences:
            return f"verified: {self.units:,} units, {self.rows:,} rows, no difference"
        names = list(dict.fromkeys(item.unit for item in self.differences))
        more = f" and {len(names) - NAMED_UNITS} more" if len(names) > NAMED_UNITS else ""
        return (
            f"{len(self.differences)} differences in {len(names)} of {self.units:,} units:"
            f" {', '.join(names[:NAMED_UNITS])}{more}"
        )

    def to_json(self) -> dict[str, Any]:
        """What `connector verify --json` prints."""
        return {
            "ok": not self.differences,
            "exit_code": self.exit_code,
            "units": self.units,
            "rows": self.rows,
            "differences": [asdict(item) | {"text": item.text} for item in self.differences],
        }


def verify(connection: DuckDBPyConnection, sources: Sequence[str] = ()) -> Verification:
    """Reconcile every unit of these sources (all, if none is named) with the rows there are."""
    units = rows = 0
    differences: list[Difference] = []
    for source in list_datasets(connection):
        if sources and source not in sources:
            continue
        account = _account_sql(
            source,
            raw_tables(connection, source),
            has_erased=_has_erased(connection, source),
        )
        counted = connection.execute(f"{account} SELECT count(*), sum(found) FROM live").fetchall()
        units += counted[0][0]
        rows += int(counted[0][1] or 0)
        found = connection.execute(f"{account} {_DIFFERENCES}").fetchall()
        differences += [Difference(source, *row) for row in found]
    return Verification(units, rows, tuple(differences))


def list_datasets(connection: DuckDBPyConnection) -> list[str]:
    """Sources that have a ledger in this warehouse."""
    rows = connection.execute(
        "SELECT table_schema FROM information_schema.tables WHERE table_name = ? ORDER BY 1",
        [LEDGER],
    ).fetchall()
    return [name for (name,) in rows if name in source_names()]


def raw_tables(connection: DuckDBPyConnection, source: str) -> list[str]:
    """Tables of a dataset that hold rows of units."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = ?"
        " AND column_name = '_unit' ORDER BY 1",
        [source],
    ).fetchall()
    return [name for (name,) in rows]


def _has_erased(connection: DuckDBPyConnection, source: str) -> bool:
    """False for a ledger of before people could be erased."""
    found = connection.execute(
        "SELECT 1 FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
        " AND column_name = 'erased_rows'",
        [source, LEDGER],
    ).fetchall()
    return bool(found)


def _account_sql(source: str, tables: Sequence[str], *, has_erased: bool) -> str:
    """The common table expressions `live` and `stray` of one source."""
    counts = [
        f"SELECT '{table}' AS table_name, _unit AS unit, _dlt_load_id AS load_id,"
        f' count(*) AS found FROM {source}."{table}" GROUP BY ALL'
        for table in tables
    ]
    counts.append("SELECT '', '', '', 0 WHERE false")
    return _ACCOUNT.format(
        source=source,
        counts=" UNION ALL ".join(counts),
        erased="coalesce(l.erased_rows, 0)" if has_erased else "0",
    )


# `live` are the units that count, with their numbers; `stray` are rows that belong to none of them.
_ACCOUNT = """
WITH finished AS (SELECT load_id FROM {source}._dlt_loads WHERE status = 0),
noted AS (SELECT *, _dlt_load_id IN (FROM finished) AS is_done FROM {source}.units),
ledger AS (
  SELECT *, count(*) OVER (PARTITION BY unit) AS times FROM noted WHERE is_done
  QUALIFY row_number() OVER (PARTITION BY unit ORDER BY _dlt_load_id DESC) = 1
),
raw AS ({counts}),
rejected AS (
  SELECT unit, _dlt_load_id AS load_id, any_value(table_name) AS table_name,
    count(*) AS found, count(*) FILTER (kind = 'row') AS records
  FROM {source}.quarantine GROUP BY ALL
),
live AS (
  SELECT l.unit, l.table_name, l.times,
    coalesce(l.declared_rows, l.file_rows) AS declared, l.loaded_rows, l.quarantined_rows,
    {erased} AS erased_rows,
    coalesce((SELECT sum(found) FROM raw AS r
      WHERE r.unit = l.unit AND r.load_id = l._dlt_load_id), 0)::BIGINT AS found,
    coalesce((SELECT sum(records) FROM rejected AS q
      WHERE q.unit = l.unit AND q.load_id = l._dlt_load_id), 0)::BIGINT AS records
  FROM ledger AS l
),
stray AS (
  SELECT s.unit, s.table_name, s.found, CASE
      WHEN s.load_id IS NULL OR s.load_id NOT IN (FROM finished) THEN 'unfinished'
      WHEN l.unit IS NULL THEN 'unknown' ELSE 'superseded' END AS kind
  FROM (
    SELECT table_name, unit, load_id, found FROM raw
    UNION ALL SELECT 'quarantine', unit, load_id, found FROM rejected
    UNION ALL SELECT 'units', unit, _dlt_load_id, 1 FROM noted WHERE NOT is_done
  ) AS s
  LEFT JOIN ledger AS l ON l.unit = s.unit
  WHERE l.unit IS NULL OR s.load_id IS DISTINCT FROM l._dlt_load_id
)
"""

_DIFFERENCES = """
SELECT unit, table_name, 'declared' AS kind, declared,
  loaded_rows + quarantined_rows + erased_rows FROM live
WHERE declared IS DISTINCT FROM loaded_rows + quarantined_rows + erased_rows
UNION ALL SELECT unit, table_name, 'rows', loaded_rows, found FROM live
WHERE loaded_rows IS DISTINCT FROM found
UNION ALL SELECT unit, table_name, 'quarantine', quarantined_rows, records FROM live
WHERE quarantined_rows IS DISTINCT FROM records
UNION ALL SELECT unit, table_name, 'twice', 1, times FROM live WHERE times <> 1
UNION ALL SELECT coalesce(unit, '(no unit)'), table_name, kind, 0, found FROM stray
ORDER BY 2, 1, 3
"""
