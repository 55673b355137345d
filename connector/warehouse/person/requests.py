"""An erasure under way, in the warehouse: what is done, so that a killed one goes on where it was.

Ids stand in it from when they were found until the rows are gone; the file that is written anew at
the end holds none. A finished one keeps its certificate.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from duckdb import DuckDBPyConnection

from connector.warehouse.person.ownership import NO_IDS, Person
from connector.warehouse.person.tombstones import make_salt, qualify
from connector.warehouse.swap import transaction

Step = Literal["asked", "collected", "confirmed", "deleted", "cleaned", "finished"]
STEPS: tuple[Step, ...] = ("asked", "collected", "confirmed", "deleted", "cleaned", "finished")
"""Asked for; linked devices known; the vendor has erased; rows are gone from raw; everything but the
file's dead bytes is gone; the file is written anew.
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `digest` is of the user id; `facts` go into the certificate; moments aware UTC."""

    request_id: str
    digest: str
    step: Step
    requested_at: datetime
    confirmed_at: datetime | None = None
    person: Person = NO_IDS
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """When the person was erased: what is newer is not theirs."""
        return (self.confirmed_at or self.requested_at).astimezone(UTC)

    def is_before(self, step: Step) -> bool:
        """True while this step is not reached."""
        return STEPS.index(self.step) < STEPS.index(step)

    def reach(self, step: Step, **facts: Any) -> "Erasure":
        """The erasure at a later step, with more facts."""
        return replace(self, step=step, facts={**self.facts, **facts})


def open_erasure(connection: DuckDBPyConnection, digest: str, now: datetime) -> Erasure:
    """The unfinished erasure of this person, or a new one, not saved yet."""
    _create_table(connection)
    rows = connection.execute(
        "SELECT request_id, step, requested_at, confirmed_at, ids, facts"
        f" FROM {qualify(connection)}.erasure WHERE digest = ? AND step <> 'finished'"
        " ORDER BY requested_at DESC LIMIT 1",
        [digest],
    ).fetchall()
    if not rows:
        return Erasure(uuid4().hex, digest, "asked", now)
    request_id, step, requested_at, confirmed_at, ids, facts = rows[0]
    return Erasure(
        request_id,
        digest,
        step,
        requested_at.astimezone(UTC),
        confirmed_at.astimezone(UTC) if confirmed_at else None,
        _parse_person(ids),
        json.loads(facts),
    )


def _create_table(connection: DuckDBPyConnection) -> None:
    make_salt(connection)
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {qualify(connection)}.erasure (request_id VARCHAR, digest VARCHAR,"
        " step VARCHAR, requested_at TIMESTAMPTZ, confirmed_at TIMESTAMPTZ, ids VARCHAR, facts VARCHAR)"
    )


def _parse_person(ids: str | None) -> Person:
    found = json.loads(ids) if ids else {"ids": {}, "shared": []}
    return Person(
        {kind: frozenset(values) for kind, values in found["ids"].items()},
        shared=frozenset(found["shared"]),
    )


def save_erasure(connection: DuckDBPyConnection, erasure: Erasure) -> None:
    """Save its state; from the step `cleaned` on without any id. Inside a transaction or not."""
    table = f"{qualify(connection)}.erasure"
    ids = None
    if erasure.is_before("cleaned"):
        person = erasure.person
        kinds = {kind: sorted(values) for kind, values in person.ids.items()}
        ids = json.dumps({"ids": kinds, "shared": sorted(person.shared)})
    connection.execute(f"DELETE FROM {table} WHERE request_id = ?", [erasure.request_id])
    connection.execute(
        f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            erasure.request_id,
            erasure.digest,
            erasure.step,
            erasure.requested_at,
            erasure.confirmed_at,
            ids,
            json.dumps(erasure.facts, default=str),
        ],
    )


def commit_erasure(connection: DuckDBPyConnection, erasure: Erasure) -> Erasure:
    """Save its state in a transaction of its own; the erasure."""
    with transaction(connection):
        save_erasure(connection, erasure)
    return erasure


def list_certificates(connection: DuckDBPyConnection, digest: str) -> list[dict[str, Any]]:
    """The certificates of finished erasures of this person."""
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = 'connector' AND table_name = 'erasure'"
    ).fetchall()
    if not there[0][0]:
        return []
    rows = connection.execute(
        f"SELECT facts FROM {qualify(connection)}.erasure WHERE digest = ? AND step = 'finished'"
        " ORDER BY requested_at",
        [digest],
    ).fetchall()
    return [json.loads(facts)["certificate"] for (facts,) in rows]
