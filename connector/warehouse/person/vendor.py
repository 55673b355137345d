"""The vendors that hand out and erase what they hold of one person; of ours, ShortKit does."""

import importlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from connector.clock import Clock
from connector.context import ApiContext
from connector.journal import Journal
from connector.spool import Spool
from connector.warehouse.planning import quota_counter
from connector.warehouse.settings import Settings, configured_sources, resolve_source

SOURCE = "shortkit"
NOT_CONFIGURED = f"sources.{SOURCE}.token is not set: the vendor was not asked"


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
