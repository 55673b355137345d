"""Files: from hosts that are allowed, without the key, whole or not at all."""

import gzip
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stamina

from connector.clock import SimulatedClock
from connector.errors import (
    ConfigError,
    DownloadError,
    JobExpiredError,
    NetworkError,
    ServerError,
)
from connector.http import ApiClient, Retry
from connector.sources.shortkit.files import Files, check_link, is_usable
from connector.sources.shortkit.shortkit_settings import SOURCE
from connector.spool import Spool
from connector.unpack import list_parts, open_unpacked
from tests.unit.sources.test_shortkit_settings import TOKEN, make_settings
from tests.unit.sources.video_vendor import LOST, Answer, VideoVendor, serve

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TEXT = b'{"event":"like","timestamp":"2026-03-09T10:00:00Z"}\n' * 50
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.5"


@dataclass
class Desk:
    """A vendor's file host on loopback, a spool, and files fetched into it."""

    vendor: VideoVendor
    spool: Spool
    client: ApiClient

    def fetch(self, *links: str, hosts: str = "", **changes: Any) -> Path:
        settings = make_settings(download_hosts=hosts or self.host, **changes)
        return Files(self.client, settings).fetch("unit", links, self.spool, "exp_1")

    @property
    def host(self) -> str:
        return self.vendor.url.removeprefix("http://")

    def left(self) -> list[str]:
        return [path.name for path in self.spool.folder.iterdir()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve(SimulatedClock(NOW)) as vendor, stamina.set_testing(True, attempts=3, cap=True):
        client = ApiClient(
            source=SOURCE,
            base_url=vendor.url,
            headers={},
            secrets=(TOKEN,),
            follows_redirects=False,
            retry=Retry(3),
        )
        yield Desk(vendor, Spool(tmp_path / "spool"), client)
        client.close()


def unpack(path: Path) -> bytes:
    parts = []
    for part in list_parts(path):
        with open_unpacked(part) as stream:
            parts.append(stream.read())
    return b"".join(parts)


def test_a_file_is_fetched_without_the_key(desk: Desk) -> None:
    path = desk.fetch(desk.vendor.put("data.jsonl.gz", TEXT))
    assert path.suffix == ".gz"
    assert unpack(path) == TEXT
    (asked,) = desk.vendor.asked
    assert asked.path == "/files/data.jsonl.gz?sig=secret"
    assert "authorization" not in asked.headers
    assert asked.headers["accept-encoding"] == "identity"
    assert TOKEN not in str(asked.headers)


@pytest.mark.parametrize(
    ("body", "more", "suffix"),
    [
        (TEXT, {}, ".txt"),
        (gzip.compress(TEXT), {"Content-Type": "application/json"}, ".gz"),
        (gzip.compress(TEXT[:520]) + gzip.compress(TEXT[520:]), {}, ".gz"),
        (gzip.compress(TEXT), {"Content-Encoding": "gzip"}, ".gz"),
        (gzip.compress(gzip.compress(TEXT)), {"Content-Encoding": "gzip"}, ".gz"),
        (gzip.compress(gzip.compress(TEXT)), {}, ".gz"),
    ],
    ids=["plain named gz", "gzip", "members", "encoded", "twice", "twice, not told"],
)
def test_what_is_packed_is_found_by_its_first_bytes(
    desk: Desk, body: bytes, more: dict[str, str], suffix: str
) -> None:
    link = desk.vendor.put("data.jsonl.gz", b"")
    desk.vendor.spoil("GET /files", (200, more, body))
    path = desk.fetch(link)
    assert path.suffix == suffix
    assert unpack(path) == TEXT
    assert desk.left() == [path.name]


@pytest.mark.parametrize("body", [b"", gzip.compress(b"")], ids=["nothing", "packed nothing"])
def test_an_empty_file_is_one(desk: Desk, body: bytes) -> None:
    link = desk.vendor.put("data.jsonl.gz", b"")
    desk.vendor.spoil("GET /files", (200, {}, body))
    assert unpack(desk.fetch(link)) == b""


def test_several_files_are_parts_in_their_order(desk: Desk) -> None:
    links = [desk.vendor.put(f"{name}.gz", name.encode()) for name in "cab"]
    path = desk.fetch(*links)
    assert path.is_dir()
    assert unpack(path) == b"cab"
    assert desk.left() == [path.name]


CUT = gzip.compress(TEXT)[:-9]
BROKEN: list[Answer] = [
    (200, {}, CUT),
    (200, {}, gzip.compress(TEXT)[:-1] + b"x"),
    (200, {}, b"<html><body>Sign in</body></html>"),
    (200, {"Content-Length": "5000"}, TEXT),
    (200, {"Content-Encoding": "br"}, TEXT),
    (200, {}, gzip.compress(gzip.compress(TEXT)[:-9])),
    LOST,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_is_not_whole_is_fetched_again(desk: Desk, broken: Answer) -> None:
    link = desk.vendor.put("data.jsonl.gz", TEXT)
    desk.vendor.spoil("GET /files", broken, broken)
    assert unpack(desk.fetch(link)) == TEXT
    assert len(desk.vendor.asked) == 3
    assert len(desk.left()) == 1


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_is_never_whole_is_none(desk: Desk, broken: Answer) -> None:
    links = [desk.vendor.put(name, TEXT) for name in ("first.gz", "second.gz")]
    desk.vendor.spoil("GET /files/second", *[broken] * 9)
    with pytest.raises((DownloadError, NetworkError)) as caught:
        desk.fetch(*links)
    assert desk.left() == []
    assert "sig=secret" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_that_died_is_told_at_once(desk: Desk, status: int) -> None:
    link = desk.vendor.put("data.jsonl.gz", TEXT)
    desk.vendor.spoil("GET /files", (status, {}, b"<Error>Request has expired</Error>"))
    with pytest.raises(JobExpiredError) as caught:
        desk.fetch(link)
    assert caught.value.job_id == "exp_1"
    assert len(desk.vendor.asked) == 1
    assert "sig=secret" not in str(caught.value)
    assert "sources.shortkit.token" not in str(caught.value)


def test_a_server_that_fails_is_asked_again(desk: Desk) -> None:
    link = desk.vendor.put("data.jsonl.gz", TEXT)
    desk.vendor.spoil("GET /files", (500, {}, b""), (429, {"Retry-After": "0"}, b""))
    assert unpack(desk.fetch(link)) == TEXT
    desk.vendor.spoil("GET /files", *[(503, {}, b"")] * 9)
    with pytest.raises(ServerError):
        desk.fetch(link)
    assert len(desk.left()) == 1


def lead(to: str, status: int = 302) -> Answer:
    return status, {"Location": to}, b""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_allowed_host_is_followed(desk: Desk, status: int) -> None:
    link = desk.vendor.put("real.gz", TEXT)
    desk.vendor.spoil("GET /files/link", lead("/files/other", status), lead(link, status))
    desk.vendor.spoil("GET /files/other", lead(link, status))
    assert unpack(desk.fetch(f"{desk.vendor.url}/files/link")) == TEXT
    assert [asked.path for asked in desk.vendor.asked] == [
        "/files/link",
        "/files/other",
        "/files/real.gz?sig=secret",
    ]
    assert not any("authorization" in asked.headers for asked in desk.vendor.asked)


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:1/metadata",
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/x",
        "//evil.example/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_elsewhere_is_refused(desk: Desk, to: str) -> None:
    with serve(SimulatedClock(NOW)) as other:
        to = to.replace("127.0.0.1:1", other.url.removeprefix("http://"))
        desk.vendor.spoil("GET /files", lead(to))
        with pytest.raises((ConfigError, NetworkError)) as caught:
            desk.fetch(f"{desk.vendor.url}/files/link")
        assert other.asked == []
    assert len(desk.vendor.asked) == 1
    if isinstance(caught.value, ConfigError):
        assert "Nothing was sent there" in str(caught.value)
    assert desk.left() == []


def test_redirects_end(desk: Desk) -> None:
    desk.vendor.spoil("GET /files", *[lead("/files/again")] * 99)
    with pytest.raises(DownloadError, match="leads on and on"):
        desk.fetch(f"{desk.vendor.url}/files/link")
    assert len(desk.vendor.asked) == 3 * 5


def test_a_redirect_to_nowhere_is_no_file(desk: Desk) -> None:
    desk.vendor.spoil("GET /files", *[(302, {}, b"")] * 9)
    with pytest.raises(DownloadError, match="redirects to nowhere"):
        desk.fetch(f"{desk.vendor.url}/files/link")


@pytest.mark.parametrize("hosts", ["exports.example.com", "127.0.0.1:1", "localhost", "127.0.0.2"])
def test_a_host_that_is_not_named_is_never_asked(desk: Desk, hosts: str) -> None:
    link = desk.vendor.put("data.jsonl.gz", TEXT)
    with pytest.raises(ConfigError) as caught:
        desk.fetch(link, hosts=hosts)
    assert desk.vendor.asked == []
    text = str(caught.value)
    assert f"from http://{desk.host}" in text
    assert f"sources.shortkit.download_hosts ({hosts})" in text
    assert "sig=secret" not in text
    assert not is_usable(link, make_settings(download_hosts=hosts))


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every host is found at these addresses."""

    def find(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", find)


DEFAULT = "https://exports.shortkit.dev/exp_1/data.jsonl.gz?sig=secret"


@pytest.mark.parametrize(
    ("hosts", "link"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/x"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/x"),
        ("files.example.com", "https://files.example.com/x"),
        ("files.example.com", "https://FILES.example.com:8443/x"),
        ("FILES.example.com:443", "https://files.example.com/x"),
        ("files.example.com:80", "http://files.example.com/x"),
        ("a.example,[::1]:9", "http://a.example/x"),
        ("exports.shortkit.dev", "http://exports.shortkit.dev/x"),
    ],
)
def test_a_host_that_is_named_may_be_anywhere(
    monkeypatch: pytest.MonkeyPatch, hosts: str, link: str
) -> None:
    resolve(monkeypatch, PRIVATE)
    check_link(link, make_settings(download_hosts=hosts))


@pytest.mark.parametrize(
    "link",
    [
        "https://exports.shortkit.dev.evil.example/x",
        "https://evil.example/exports.shortkit.dev",
        "https://evil.example?exports.shortkit.dev",
        "https://exports.shortkit.dev@evil.example/x",
        "https://user:pass@exports.shortkit.dev/x",
        "https://user@exports.shortkit.dev/x",
        "https://:pass@exports.shortkit.dev/x",
        "https://exports.shortkit.dev\\@evil.example/x",
        "https://sub.exports.shortkit.dev/x",
        "https://93.184.216.34/x",
        "ftp://exports.shortkit.dev/x",
        "file:///etc/passwd",
        "//exports.shortkit.dev/x",
        "exports.shortkit.dev/x",
        "data.jsonl.gz",
        "",
        "https://",
        "https://exports.shortkit.dev:99999/x",
        "https://exports.shortkit.dev:x/x",
        "https://[::1/x",
        "https://[exports.shortkit.dev]/x",
        "http://exports.shortkit.dev/x",
        " https://exports.shortkit.dev/x",
        "https://exports.short\nkit.dev/x",
        "https://exports.shortkit.dev/x y",
        "https://exports.shortkit.dev/\x00",
        "https://exports.shortkit.dev/é",
        "https://exports\uff0eshortkit.dev/x",
        "https://exports.shortkit.dev./x",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    resolve(monkeypatch, PUBLIC)
    with pytest.raises(ConfigError) as caught:
        check_link(link, make_settings())
    assert "sources.shortkit.download_hosts" in str(caught.value)
    assert "Nothing was sent there" in str(caught.value)
    assert "pass@" not in str(caught.value)
    assert not is_usable(link, make_settings())


@pytest.mark.parametrize(
    "addresses",
    [
        [PRIVATE],
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["192.168.1.1"],
        ["172.16.0.1"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["::1"],
        ["fe80::1%eth0"],
        ["fc00::1"],
        ["::ffff:10.0.0.5"],
        ["::ffff:127.0.0.1"],
        [PUBLIC, PRIVATE],
        ["64:ff9b::10.0.0.5", PRIVATE],
    ],
)
def test_the_vendors_own_host_must_be_public(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    resolve(monkeypatch, *addresses)
    with pytest.raises(ConfigError) as caught:
        check_link(DEFAULT, make_settings())
    assert "leads into a private network" in str(caught.value)
    assert "sig=secret" not in str(caught.value)
    assert not is_usable(DEFAULT, make_settings())


@pytest.mark.parametrize("addresses", [[PUBLIC], ["2606:2800:220:1:248:1893:25c8:1946", PUBLIC]])
def test_the_vendors_own_host_is_taken_where_it_is_public(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    resolve(monkeypatch, *addresses)
    check_link(DEFAULT, make_settings())
    check_link(DEFAULT.replace("exports", "Exports"), make_settings())
    assert is_usable(DEFAULT, make_settings())


def test_a_host_that_cannot_be_found_is_asked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_args: Any, **_options: Any) -> list[Any]:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with pytest.raises(NetworkError, match=r"exports\.shortkit\.dev cannot be found"):
        check_link(DEFAULT, make_settings())
    assert not is_usable(DEFAULT, make_settings())
