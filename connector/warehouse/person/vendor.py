"""The vendors that hand out and erase what they hold of one person; of ours, ShortKit does."""

import importlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from connector.clock import Clock
from connector.context import ApiContext
from connector.errors import (
    DownloadError,
    JobError,
    JobTimeoutError,
    RequestError,
    StillWaitingError,
)
from connector.journal import Journal
from connector.spool import Spool
from connector.unpack import UnpackError
from connector.warehouse.person.linked import list_devices
from connector.warehouse.planning import quota_counter
from connector.warehouse.settings import Settings, configured_sources, resolve_source

SOURCE = "shortkit"
NOT_CONFIGURED = f"{SOURCE}: sources.{SOURCE}.token is not set, so the vendor was not asked"
UNKNOWN = f"{SOURCE}: the vendor knows no such user"


class PersonApi(Protocol):
    """What a vendor does for one person."""

    source: str

    def export_person(self, user_id: str) -> Path | None:
        """The file of what it holds; None where it knows no such user."""
        ...

    def erase_person(self, user_id: str) -> str:
        """Erase for good; what it answered."""
        ...


@contextmanager
def open_vendor(
    settings: Settings, journal: Journal, clock: Clock, max_wait_s: float
) -> Iterator[PersonApi | None]:
    """The vendor's calls for persons; None where it is not configured."""
    if SOURCE not in configured_sources():
        yield None
        return
    people = importlib.import_module(f"connector.sources.{SOURCE}.people")
    context = ApiContext(
        journal=journal,
        clock=clock,
        count=quota_counter(journal, SOURCE, clock),
        wait_until=clock.now() + timedelta(seconds=max_wait_s),
    )
    spool = Spool(settings.home / "spool")
    with closing(people.make_people(resolve_source(SOURCE), context, spool)) as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Document:
    """What a vendor handed out: a file, or folder of parts, None where there is none; the devices it
    names; what could not be had, and why.
    """

    path: Path | None
    not_reached: tuple[str, ...] = ()
    devices: frozenset[str] = frozenset()


@contextmanager
def fetch_document(vendor: PersonApi | None, user_id: str) -> Iterator[Document]:
    """The vendor's document on the person, on the disk as long as it is used.

    A vendor that cannot make it is noted; AuthError where it refuses, and what a later call may get
    is raised.
    """
    document = _fetch(vendor, user_id)
    try:
        yield document
    finally:
        if document.path is not None:
            Spool(document.path.parent).remove(document.path)


def _fetch(vendor: PersonApi | None, user_id: str) -> Document:
    if vendor is None:
        return Document(None, (NOT_CONFIGURED,))
    try:
        path = vendor.export_person(user_id)
    except (StillWaitingError, JobTimeoutError):
        raise
    except (JobError, DownloadError, RequestError) as error:
        return Document(None, (f"{vendor.source}: its export of the person failed: {error}",))
    return _read(path) if path else Document(None, (UNKNOWN,))


def _read(path: Path) -> Document:
    try:
        return Document(path, (), frozenset(list_devices(path)))
    except (*UnpackError, zipfile.BadZipFile, zlib.error) as error:
        text = f"{SOURCE}: the devices in its export of the person cannot be read: {error}"
        return Document(path, (text,))
