"""The files of a finished export: every part, verified, from hosts that are allowed.

Source page: tracker.my.com/docs/api/export-api/raw/get (files). Links have been on the vendor's own
host and on others; they die after about a day.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from connector.context import ApiContext
from connector.errors import ApiError, ConfigError, DownloadError, JobExpiredError
from connector.http import Response, check_base_url, find_redirect, redact_url
from connector.jobs import await_job
from connector.sources.mytracker.calls import SOURCE, Calls
from connector.sources.mytracker.export import ExportState
from connector.sources.mytracker.job import ExportJob
from connector.sources.mytracker.signing import AuthHMAC, origin_of
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.spool import Spool, read_head
from connector.units import Unit
from connector.unpack import list_parts

_OK, _REFUSED = 200, (400, 401, 403)
_GONE = (401, 403, 404, 410)
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_HOPS = 5
_HEADER_BYTES = 64 << 10
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PART = re.compile(r"\.(\d+)\.csv(?:\.gz)?$")


@dataclass(frozen=True, slots=True)
class Files:
    """Downloads with one pair of credentials."""

    calls: Calls
    auth: AuthHMAC
    settings: TrackerSettings
    context: ApiContext
    spool: Spool

    def fetch(self, job: ExportJob) -> Path:
        """The unit's verified file or folder of parts, once the vendor has made it. Where its links
        have died the state is asked for again, then the export.
        """
        unit, journal = job.unit, self.context.journal
        for attempt in range(1, self.settings.patience.creations + 1):
            known = journal.job(unit.id)
            if known and not job.is_usable(*known):
                journal.forget_job(unit.id)
            await_job(job, unit, self.context, self.settings.patience)
            try:
                return self._fetch_fresh(job)
            except JobExpiredError:
                journal.forget_job(unit.id)
                job.is_adopted = False
                if attempt == self.settings.patience.creations:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _fetch_fresh(self, job: ExportJob) -> Path:
        """The parts, by the links at hand; once more by new links where those have died. An export
        that was found in the queue and is another one is no better than one that is gone.
        """
        known = self.context.journal.job(job.unit.id)
        job_id = known[0] if known else ""
        try:
            path = self._fetch_parts(job.unit, job_id, job.state)
        except JobExpiredError:
            job.poll(job_id)
            path = self._fetch_parts(job.unit, job_id, job.state)
        if job.is_adopted and not _is_of(path, job.unit):
            self.spool.remove(path)
            raise JobExpiredError(f"{job_id} is not the export of {job.unit.id}", job_id=job_id)
        return path

    def _fetch_parts(self, unit: Unit, job_id: str, state: ExportState | None) -> Path:
        links = state.links if state else ()
        if not links:
            return self.spool.store_nothing(unit.id)
        _check_complete(unit, job_id, [link for link, _ in links])
        now = int(self.context.clock.now().timestamp())
        if any(expires is not None and expires <= now for _, expires in links):
            raise JobExpiredError(f"unit {unit.id}: its links have died", job_id=job_id)
        paths: list[Path] = []
        try:
            for link, _ in links:
                paths.append(self._fetch_part(unit, job_id, link))
        except BaseException:
            for path in paths:
                self.spool.remove(path)
            raise
        return paths[0] if len(paths) == 1 else self.spool.gather(unit.id, paths)

    def _fetch_part(self, unit: Unit, job_id: str, link: str) -> Path:
        try:
            for attempt in self.calls.client.attempts():
                with attempt:
                    return self._follow(unit, link)
        except ApiError as error:
            if error.status not in _GONE:
                raise
            raise JobExpiredError(f"unit {unit.id}: {error}", job_id=job_id) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _follow(self, unit: Unit, link: str) -> Path:
        """The file behind a link; each redirect is judged, and signed, by the host it leads to."""
        for _ in range(_MOST_HOPS):
            self._check_host(link)
            found = self._ask(unit, link)
            if isinstance(found, Path):
                return found
            link = found
        raise DownloadError(f"unit {unit.id}: {redact_url(link)} leads on and on")

    def _ask(self, unit: Unit, link: str) -> Path | str:
        """The file, or where the answer leads; signed and unsigned, whichever the host takes."""
        refusal: ApiError | None = None
        for is_signed in self._choose_signing(link):
            if self.settings.counts_downloads:
                self.calls.allowance.take()
            try:
                with self.calls.client.stream(
                    link,
                    kind="download",
                    accept=(_OK, *_REDIRECTS),
                    is_signed=is_signed,
                    headers={"Accept-Encoding": "identity"},  # it is a .gz file already
                ) as response:
                    return self._read(unit, response)
            except ApiError as error:
                if error.status not in _REFUSED:
                    raise
                refusal = error
        raise refusal or AssertionError("unreachable: every link is asked for once")

    def _read(self, unit: Unit, response: Response) -> Path | str:
        if response.status_code == _OK:
            path = self.spool.store(unit.id, response, may_be_empty=True)
            if path.stat().st_size:
                return path
            self.spool.remove(
                path
            )  # a gzip file of nothing has bytes: this was cut before the first
            raise DownloadError(
                f"unit {unit.id}: {redact_url(response.url)} is empty, no gzip file"
            )
        if target := find_redirect(response):
            return target
        raise DownloadError(f"{redact_url(response.url)} redirects to nowhere")

    def _choose_signing(self, link: str) -> Iterator[bool]:
        """Whether to sign, in the order to try. The vendor's own host wants it; a store of files
        elsewhere may refuse what it does not know.
        """
        is_own = origin_of(link) == origin_of(self.settings.base_url)
        match self.settings.sign_downloads:
            case "never":
                yield False
            case "always":
                self.auth.allow(link)
                yield True
            case _:
                yield is_own
                if not is_own:
                    self.auth.allow(link)
                    yield True

    def _check_host(self, link: str) -> None:
        """Raise ConfigError where files may not come from this host."""
        check_base_url(link, SOURCE)
        parts, own = urlsplit(link), urlsplit(self.settings.base_url)
        is_local = parts.hostname in _LOOPBACK and own.hostname in _LOOPBACK
        allowed = {own.netloc, *self.settings.file_hosts}
        if not is_local and parts.netloc not in allowed and parts.hostname not in allowed:
            raise ConfigError(
                f"{SOURCE}: files are to come from {parts.netloc}, which is not in"
                f" sources.{SOURCE}.file_hosts ({', '.join(sorted(allowed))}). If it is the vendor's,"
                " add it there, in .dlt/config.toml."
            )


def _check_complete(unit: Unit, job_id: str, links: Sequence[str]) -> None:
    """Raise JobExpiredError where the numbers of the parts show that one is missing."""
    found = [_PART.search(urlsplit(link).path) for link in links]
    numbers = sorted(int(part[1]) for part in found if part)
    if len(numbers) == len(links) and numbers != list(range(len(links))):
        raise JobExpiredError(
            f"unit {unit.id}: the vendor lists the parts {numbers}: some are missing", job_id=job_id
        )


def _is_of(path: Path, unit: Unit) -> bool:
    """True when a file has the columns that were asked for, or nothing at all."""
    head = read_head(list_parts(path)[0], _HEADER_BYTES).removeprefix(b"\xef\xbb\xbf")
    names = head.partition(b"\n")[0].strip().decode("utf-8", "replace").split(",")
    return not head or {name.strip('"') for name in names} == set(unit.field_names)
