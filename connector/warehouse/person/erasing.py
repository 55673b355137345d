"""Erasing a person: at the vendor, in every table, in every file; each step once, whenever killed.

Linked devices are asked for first, because afterwards nobody knows them. What the vendor refuses
changes nothing here. From the moment the vendor has erased, tombstones stand against older files.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connector.clock import Clock, RealClock
from connector.decode.erased import DEVICE, USER, digest_id
from connector.errors import ConnectorError, ModelError
from connector.journal import Journal
from connector.warehouse.changes import create_state, load_built
from connector.warehouse.home import hold_home
from connector.warehouse.person.certificate import Certificate, make_certificate, write_certificate
from connector.warehouse.person.cleaning import clean_databases, clean_pipelines, clean_spool
from connector.warehouse.person.ownership import (
    Person,
    add_ids,
    find_ids,
    find_raw_tables,
    find_shared,
    make_person,
)
from connector.warehouse.person.published import remake_published
from connector.warehouse.person.removal import Held, count_held, remove_rows
from connector.warehouse.person.requests import (
    Erasure,
    commit_erasure,
    open_erasure,
    save_erasure,
)
from connector.warehouse.person.rewriting import rewrite_warehouse
from connector.warehouse.person.tombstones import add_tombstones, make_salt
from connector.warehouse.person.vendor import PersonApi, fetch_document, open_vendor
from connector.warehouse.person.verifying import verify_person
from connector.warehouse.runner import run_models
from connector.warehouse.settings import Settings
from connector.warehouse.store import open_warehouse
from connector.warehouse.swap import transaction

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an erasure would find now: the person's ids, and what is held of them by table. Devices
    that only the vendor knows are not among them.
    """

    person: Person
    held: tuple[Held, ...]
    models: tuple[str, ...]


def preview_erasure(settings: Settings, user_id: str) -> DryRun:
    """Look, and change nothing. Raises ConfigError where the id is nobody's."""
    person = make_person(user_id)
    with closing(open_warehouse(settings, read_only=True)) as connection:
        tables = find_raw_tables(connection)
        known = add_ids(person, find_ids(connection, tables, person))
        known = find_shared(connection, tables, known)
        held = count_held(connection, tables, known)
        return DryRun(known, tuple(held), _list_stored(connection))


def _list_stored(connection: DuckDBPyConnection) -> tuple[str, ...]:
    """The stored models, which are built anew without the person."""
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = 'ops' AND table_name = 'model_state'"
    ).fetchall()
    if not there[0][0]:
        return ()
    return tuple(
        name for name, built in load_built(connection).items() if built.kind in {"table", "by_day"}
    )


@dataclass(slots=True)
class _Work:
    """One call of `erase_person`: what its steps share."""

    settings: Settings
    user_id: str
    clock: Clock
    journal: Journal
    vendor: PersonApi | None
    tell: Tell

    @contextmanager
    def warehouse(self) -> Iterator[DuckDBPyConnection]:
        """The warehouse, open for as short as can be."""
        with closing(open_warehouse(self.settings)) as connection:
            yield connection

    def commit(self, erasure: Erasure) -> Erasure:
        """Save the erasure's state."""
        with self.warehouse() as connection:
            return commit_erasure(connection, erasure)


def erase_person(
    settings: Settings,
    user_id: str,
    *,
    clock: Clock | None = None,
    max_wait_s: float = 3600.0,
    tell: Tell = lambda _text: None,
) -> Certificate:
    """Erase the person everywhere, or go on where a killed call was; the certificate of it.

    Raises AuthError before anything is deleted where the vendor refuses, StillWaitingError where its
    export of the person takes longer than `max_wait_s`, ModelError where a model cannot be built:
    the same call then goes on. `tell` is told of each step.
    """
    make_person(user_id)  # ConfigError where it is nobody
    open_warehouse(settings, read_only=True).close()  # or where there is nothing to erase from
    clock = clock or RealClock()
    with (
        hold_home(settings) as journal,
        open_vendor(settings, journal, clock, max_wait_s) as vendor,
    ):
        work = _Work(settings, user_id, clock, journal, vendor, tell)
        with work.warehouse() as connection:
            digest = digest_id(make_salt(connection), USER, user_id)
            erasure = commit_erasure(connection, open_erasure(connection, digest, clock.now()))
        try:
            return _take_steps(work, erasure)
        except duckdb.Error as error:
            raise ConnectorError(
                f"the warehouse could not do it: {error}. What is done is kept; run the same command"
                " again, and it goes on from there."
            ) from error


def _take_steps(work: _Work, erasure: Erasure) -> Certificate:
    if erasure.is_before("collected"):
        erasure = _collect(work, erasure)
    if erasure.is_before("confirmed"):
        erasure = _ask_vendor(work, erasure)
    if erasure.is_before("deleted"):
        erasure = _delete(work, erasure)
    if erasure.is_before("cleaned"):
        erasure = _clean(work, erasure)
    return _finish(work, erasure)


def _collect(work: _Work, erasure: Erasure) -> Erasure:
    """The devices that the vendor knows to be the person's."""
    work.tell("asking for the person's devices")
    with fetch_document(work.vendor, work.user_id) as document:
        devices = document.devices
    source = work.vendor.source if work.vendor else ""
    person = add_ids(make_person(work.user_id), {(source, DEVICE, each) for each in devices})
    facts = {"linked_devices": len(devices), "not_reached": document.not_reached}
    return work.commit(replace(erasure.reach("collected", **facts), person=person))


def _ask_vendor(work: _Work, erasure: Erasure) -> Erasure:
    """The vendor erases first: what it refuses changes nothing here."""
    answer = "not asked"
    if work.vendor is not None:
        work.tell(f"asking {work.vendor.source} to erase the person")
        answer = work.vendor.erase_person(work.user_id)
    confirmed = replace(erasure, confirmed_at=work.clock.now())
    return work.commit(confirmed.reach("confirmed", vendor_answer=answer))


def _delete(work: _Work, erasure: Erasure) -> Erasure:
    """Tombstones and the deletion of raw rows, in one transaction."""
    work.tell("deleting rows")
    with work.warehouse() as connection, transaction(connection):
        tables = find_raw_tables(connection)
        known = add_ids(erasure.person, find_ids(connection, tables, make_person(work.user_id)))
        person = find_shared(connection, tables, known)
        digests = add_tombstones(connection, person.pairs(), erasure.moment)
        held = [asdict(item) for item in remove_rows(connection, tables, person)]
        erasure = replace(erasure, person=person).reach("deleted", rows=held, digests=digests)
        save_erasure(connection, erasure)
    return erasure


def _clean(work: _Work, erasure: Erasure) -> Erasure:
    """Everything that was made of the rows, and what lies beside the warehouse."""
    facts: dict[str, Any] = {}
    texts = sorted(set[str]().union(*erasure.person.ids.values()))
    with work.warehouse() as connection:
        work.tell("building the models anew")
        facts["models"] = _rebuild_models(connection, work.settings)
        facts["published"] = remake_published(work.settings, connection)
        work.tell("cleaning spool, journal and working folders")
        facts["files"] = clean_spool(work.settings, work.journal, texts)
        facts["working_folders"] = clean_pipelines(work.settings, texts)
        facts["journal_rows"] = clean_databases(work.settings, texts)
        return commit_erasure(connection, erasure.reach("cleaned", **facts))


def _rebuild_models(connection: DuckDBPyConnection, settings: Settings) -> list[str]:
    """The stored models, built anew from what is left; none where none was ever built."""
    if not (names := _list_stored(connection)):
        return []
    create_state(connection)
    report = run_models(connection, full_refresh=True, seeds=settings.seeds)
    failed = [result for result in report.models if result.error and result.kind != "view"]
    if failed:  # a view holds no rows, whatever is wrong with it
        raise ModelError(
            f"{failed[0].name} still holds the person, because it cannot be built anew:"
            f" {failed[0].error}. Make it right and run the same command again: it goes on from here.",
            model=failed[0].name,
        )
    return sorted(names)


def _finish(work: _Work, erasure: Erasure) -> Certificate:
    """Write the file anew, look whether anything is left, and say so."""
    work.tell("writing the warehouse file anew")
    before, after = rewrite_warehouse(work.settings)
    with work.warehouse() as connection:
        salt = make_salt(connection)
    done = erasure.reach("finished", bytes_before=before, bytes_after=after)
    work.tell("looking for what is left")
    check = verify_person(work.settings, work.user_id, erasure.person)
    made = make_certificate(done, salt, work.clock.now())
    made = made.with_check(check.findings, check.limits)
    path = write_certificate(work.settings, made)
    work.commit(replace(erasure, step="finished", facts={"certificate": made.to_json()}))
    return replace(made, path=path)
