"""What the vendor does for one person: hand out what it holds of them, and erase it.

Source: the vendor's pages on user data, February 2026, withdrawn since. The path for polling and the
shape of the file were never told: the path is a setting, and the file is taken as it comes. No text
that leaves this module holds the person's id.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connector.context import ApiContext
from connector.errors import (
    ApiError,
    ConnectorError,
    JobExpiredError,
    JobFailedError,
    NotFoundError,
    RequestError,
)
from connector.http import ApiClient, Retry
from connector.jobs import Ready, Waiting, await_job
from connector.sources.shortkit.calls import Calls, data_of, make_client
from connector.sources.shortkit.export import read_job_id, read_state
from connector.sources.shortkit.files import Files
from connector.sources.shortkit.shortkit_settings import SOURCE, ShortkitSettings, read_settings
from connector.spool import Spool
from connector.units import Unit

PERSON = "person"
_MASK = "{userId}"


@dataclass(slots=True)
class PersonJob:
    """The export of one person, as `await_job` asks for it."""

    calls: Calls
    settings: ShortkitSettings
    user: str  # as a part of a path
    is_unknown: bool = False
    links: tuple[str, ...] = ()

    def find(self, unit: Unit) -> str | None:  # noqa: ARG002 - the vendor lists no such jobs
        """None: a request whose answer was lost is sent again, which costs nothing but a file."""
        return None

    def create(self, unit: Unit) -> str:  # noqa: ARG002 - there is one job a person
        """Ask for the export; the new job's id. NotFoundError where the vendor knows no such user."""
        path = self.settings.path("person_export", user=self.user)
        answer = self.calls.repeat(lambda: self.calls.send("POST", path))
        if job_id := read_job_id(data_of(answer), self.settings):
            return job_id
        raise RequestError(
            f"{SOURCE}: the answer to a request for a person's export names no job", source=SOURCE
        )

    def poll(self, job_id: str) -> Waiting | Ready:
        """The export's state; see `JobApi.poll`."""
        state = read_state(data_of(self._look(job_id)))
        match state.state:
            case "running":
                return Waiting(state.progress)
            case "unknown":
                return Waiting(state.progress, strange=state.status or "(none)")
            case "done":
                self.links = state.links
                return Ready(state.links)
            case "expired":
                raise JobExpiredError(
                    f"{SOURCE}: the person's export {job_id} has died", job_id=job_id
                )
            case _:
                raise JobFailedError(
                    f"{SOURCE}: the person's export {job_id} has the status {state.status!r}",
                    job_id=job_id,
                )

    def _look(self, job_id: str) -> Mapping[str, Any]:
        """By the path for persons, and where there is none by that for all exports."""
        job = quote(job_id, safe="")
        with suppress(
            RequestError
        ):  # the path was never published: a vendor may refuse it in any way
            return self.calls.read(self.settings.path("person_poll", user=self.user, job=job))
        try:
            return self.calls.read(self.settings.path("status", job=job))
        except NotFoundError as error:
            text = f"{SOURCE}: it knows no person's export {job_id}"
            raise JobExpiredError(text, job_id=job_id) from error

    def cancel(self, job_id: str) -> None:
        """Nothing: the vendor tells of no way to take it back."""


@dataclass(slots=True)
class People:
    """The vendor's calls for persons, with one secret key; close it when done."""

    settings: ShortkitSettings
    context: ApiContext
    spool: Spool
    source: str = SOURCE
    _client: ApiClient = field(init=False, repr=False)
    _keyless: ApiClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self._client = make_client(settings, connections=1)
        self._keyless = ApiClient(
            source=SOURCE,
            base_url=settings.base_url,
            headers={},
            secrets=(settings.token,),
            connections=1,
            timeout_s=settings.timeout_s,
            follows_redirects=False,
            retry=Retry(settings.retries + 1),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._keyless.close()

    @property
    def _calls(self) -> Calls:
        return Calls(self._client, self.context, self.settings.retries)

    def export_person(self, user_id: str) -> Path | None:
        """The file of what the vendor holds of the person, in the spool: the caller removes it. None
        where it knows no such user.

        Raises StillWaitingError where the time for waiting is over: the next call goes on.
        """
        unit = self._make_unit(user_id)
        job = PersonJob(self._calls, self.settings, quote(user_id, safe=""))
        with _unnamed(user_id):
            try:
                for attempt in range(1, self.settings.patience.creations + 1):
                    ready = await_job(job, unit, self.context, self.settings.patience)
                    job_id = (self.context.journal.job(unit.id) or ("",))[0]
                    self.context.journal.forget_job(unit.id)
                    try:
                        return self._download(unit, job_id, ready.places)
                    except JobExpiredError:
                        if attempt == self.settings.patience.creations:
                            raise
            except NotFoundError:
                self.context.journal.forget_job(unit.id)
                return None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _make_unit(self, user_id: str) -> Unit:
        """What the journal remembers the job by: no id, and of no source that is synced."""
        now = self.context.clock.now()
        digest = sha256(f"{self.settings.base_url} {user_id}".encode()).hexdigest()
        return Unit(
            id=f"{PERSON}/{digest}",
            source=PERSON,
            table=PERSON,
            application_id=self.settings.application_id,
            axis=PERSON,
            lower_at=now,
            upper_at=now,
            remote_id="",
        )

    def _download(self, unit: Unit, job_id: str, links: tuple[str, ...]) -> Path:
        if not links:
            return self.spool.store_nothing(unit.id)
        return Files(self._keyless, self.settings).fetch(unit.id, links, self.spool, job_id)

    def erase_person(self, user_id: str) -> str:
        """Erase the person at the vendor, for good; what it answered. A user it does not know is
        erased already. AuthError where the key may not do that.
        """
        path = self.settings.path("person_erase", user=quote(user_id, safe=""))
        with _unnamed(user_id):
            try:
                self._calls.repeat(lambda: self._calls.send("DELETE", path, is_told=False))
            except NotFoundError as error:
                return f"already gone ({error.status})"
        return "erased"


def make_people(values: Mapping[str, Any], context: ApiContext, spool: Spool) -> People:
    """The calls of these settings; raises ConfigError naming the first one that is wrong."""
    return People(read_settings(values), context, spool)


@contextmanager
def _unnamed(user_id: str) -> Iterator[None]:
    """Errors that pass through do not tell the id."""
    try:
        yield
    except ConnectorError as error:
        for spelled in sorted({quote(user_id, safe=""), user_id}, key=len, reverse=True):
            error.args = tuple(_hide(str(item), spelled) for item in error.args)
            if isinstance(error, ApiError):
                error.url = _hide(error.url, spelled)
        raise


def _hide(text: str, user: str) -> str:
    """The id where it stands in a path; a short one may stand in any word."""
    return text.replace(f"/users/{user}", f"/users/{_MASK}").replace(f"{user!r}", _MASK)
