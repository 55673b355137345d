"""The home folder: one run at a time, its journal, and the inbox that others write meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from filelock import FileLock, Timeout

from connector.errors import BusyError
from connector.inbox import FILE_NAME, Inbox
from connector.journal import Journal
from connector.warehouse.settings import Settings


def open_inbox(settings: Settings) -> Inbox:
    """What vendors announced by themselves; an empty one where nobody ever listened."""
    path = settings.home / FILE_NAME
    return Inbox(path if path.exists() else None)


@contextmanager
def hold_home(settings: Settings) -> Iterator[Journal]:
    """The journal of a home that nobody else is using; BusyError when somebody is."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(settings.home / "lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another run is using the home folder {settings.home}: wait until it has ended, or"
            " give this one a home and a warehouse of its own (--home, --warehouse). Nothing was"
            " changed."
        ) from None
    with ExitStack() as stack:
        stack.callback(lock.release)
        yield stack.enter_context(closing(Journal(settings.journal)))
