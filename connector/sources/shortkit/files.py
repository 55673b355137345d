"""The files of a finished export: verified, from hosts that are allowed, without the key.

Links are signed: an `Authorization` header is neither needed nor always forgiven. They die with the
file, after seven days at most.
"""

import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from connector.errors import ApiError, ConfigError, DownloadError, JobExpiredError, NetworkError
from connector.http import ApiClient, Response, find_redirect, redact_url
from connector.sources.shortkit.shortkit_settings import SOURCE, ShortkitSettings
from connector.spool import Spool, read_head
from connector.unpack import GZIP_MAGIC

_OK = 200
_GONE = (400, 401, 403, 404, 410)  # stores say 400, too, of a signature that has died
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_HOPS = 5
_PORTS = {"https": 443, "http": 80}
_PLAIN = re.compile(r"[!-\[\]-~]*")  # printable ASCII without blank and backslash


@dataclass(frozen=True, slots=True)
class Files:
    """Downloads by signed links, with a client that knows no key."""

    client: ApiClient
    settings: ShortkitSettings

    def fetch(self, name: str, links: Sequence[str], spool: Spool, job_id: str = "") -> Path:
        """The verified file, or folder of parts, behind the links; `name` is in errors.

        Raises JobExpiredError where a link has died, ConfigError at a host that is not allowed.
        """
        paths: list[Path] = []
        try:
            paths.extend(self._fetch_one(name, link, spool, job_id) for link in links)
        except BaseException:
            for path in paths:
                spool.remove(path)
            raise
        return paths[0] if len(paths) == 1 else spool.gather(name, paths)

    def _fetch_one(self, name: str, link: str, spool: Spool, job_id: str) -> Path:
        try:
            for attempt in self.client.attempts():
                with attempt:
                    return self._follow(name, link, spool)
        except ApiError as error:
            if error.status not in _GONE:
                raise
            raise JobExpiredError(f"{name}: {error}", job_id=job_id) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _follow(self, name: str, link: str, spool: Spool) -> Path:
        """The file behind a link; each host on the way is judged."""
        for _ in range(_MOST_HOPS):
            check_link(link, self.settings)
            with self.client.stream(
                link,
                kind="download",
                accept=(_OK, *_REDIRECTS),
                headers={"Accept-Encoding": "identity"},  # it is a .gz file already
            ) as response:
                if response.status_code == _OK:
                    return _store(name, response, spool)
                link = urljoin(link, find_redirect(response) or _refuse_redirect(response))
        raise DownloadError(f"{name}: {redact_url(link)} leads on and on")


def _refuse_redirect(response: Response) -> str:
    raise DownloadError(f"{redact_url(response.url)} redirects to nowhere")


def _store(name: str, response: Response, spool: Spool) -> Path:
    """The verified body. A gzip file that was packed once more for the way is unpacked once."""
    path = spool.store(name, response, may_be_empty=True, trusts_encoding=False)
    if path.suffix == ".gz" and read_head(path, len(GZIP_MAGIC)) == GZIP_MAGIC:
        return spool.unpack_once(name, path)
    return path


def check_link(link: str, settings: ShortkitSettings) -> None:
    """Raise ConfigError unless files may come from there: its host is named in `download_hosts`, and
    where the user did not name it but we do, the link is https and leads to public addresses.
    """
    parts, port = _split(link)
    host = (parts.hostname or "").lower()
    named = {name.lower() for name in settings.download_hosts}
    is_named = host in named or f"{host}:{port}" in named
    if not is_named or parts.scheme not in _PORTS or parts.username or parts.password:
        place = parts.netloc.rpartition("@")[2]
        origin = f"{parts.scheme}://{place}" if place else "a link without a host"
        raise ConfigError(
            f"{SOURCE}: a file is to come from {origin}, which"
            f" is not in sources.{SOURCE}.download_hosts ({', '.join(sorted(named))}). Nothing was sent"
            " there. If it is the vendor's, add it in .dlt/config.toml."
        )
    if not settings.names_hosts:
        _check_public(parts.scheme, host, port)


def _split(link: str) -> tuple[SplitResult, int]:
    """The parts of a link, and its port; empty where programs might read it differently."""
    with suppress(ValueError):
        parts = urlsplit(link if _PLAIN.fullmatch(link) else "")
        return parts, parts.port or _PORTS.get(parts.scheme, 0)
    return urlsplit(""), 0


def _check_public(scheme: str, host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NetworkError(
            f"{SOURCE}: {host} cannot be found: {error}. It is asked again by the next run.",
            source=SOURCE,
        ) from error
    addresses = {str(item[4][0]).partition("%")[0] for item in found}
    if scheme != "https" or not all(ip_address(address).is_global for address in addresses):
        raise ConfigError(
            f"{SOURCE}: a file is to come from {scheme}://{host}, which is not https or leads into a"
            f" private network. Nothing was sent there. If that is meant so, name {host} in"
            f" sources.{SOURCE}.download_hosts in .dlt/config.toml."
        )


def is_usable(link: str, settings: ShortkitSettings) -> bool:
    """True for a link that files may come from."""
    with suppress(ConfigError, NetworkError):
        check_link(link, settings)
        return True
    return False
