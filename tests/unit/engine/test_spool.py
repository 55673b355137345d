"""What bears its final name in the spool is whole, and nobody else's to read."""

import gzip
import shutil
import stat
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConnectorError, DownloadError, NetworkError
from connector.spool import DISK_RESERVE_BYTES, Spool, fingerprint, size_of
from connector.unpack import list_parts
from tests.unit.engine.vendor import answer, connect, gzipped, serve

CSV = b"name,amount\n" + b"".join(b"%x,%d\n" % (pow(7, 90 + n), n) for n in range(900))
PACKED = gzip.compress(CSV)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def store(spool: Spool, raw: bytes, **options: Any) -> Path:
    """The file of this one answer."""
    with serve(raw) as vendor, connect(vendor.url) as client, client.stream("/data") as response:
        return spool.store("unit", response, **options)


def packed(body: bytes, **headers: str) -> bytes:
    return answer(body, 200, Content_Encoding="gzip", **headers)


def test_packed_body_is_kept_as_it_came(spool: Spool) -> None:
    path = store(spool, gzipped(CSV))
    assert path.suffix == ".gz"
    assert gzip.decompress(path.read_bytes()) == CSV
    assert list(spool.folder.iterdir()) == [path]


@pytest.mark.parametrize("encoding", ["", "identity", "IDENTITY"])
def test_plain_body_is_taken_though_gzip_was_asked_for(spool: Spool, encoding: str) -> None:
    headers = {"Content_Encoding": encoding} if encoding else {}
    path = store(spool, answer(CSV, 200, **headers))
    assert (path.suffix, path.read_bytes()) == (".txt", CSV)


def test_body_of_several_gzip_members_is_whole(spool: Spool) -> None:
    members = gzip.compress(CSV[:1000]) + gzip.compress(b"") + gzip.compress(CSV[1000:])
    assert gzip.decompress(store(spool, packed(members)).read_bytes()) == CSV


def test_whole_gzip_is_taken_though_its_length_was_announced_wrongly(spool: Spool) -> None:
    path = store(spool, packed(PACKED, Content_Length=str(len(CSV))))
    assert path.read_bytes() == PACKED


def test_body_in_chunks_is_taken(spool: Spool) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (PACKED[:100], PACKED[100:]))
    raw = answer(chunks + b"0\r\n\r\n", Content_Encoding="gzip", Transfer_Encoding="chunked")
    raw = raw.replace(b"Content-Length: %d\r\n" % (len(chunks) + 5), b"")
    assert store(spool, raw).read_bytes() == PACKED


def damage(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]


BROKEN = {
    "gzip cut": packed(PACKED[:-1]),
    "gzip without trailer": packed(PACKED[:-8]),
    "gzip cut in its head": packed(PACKED[:5]),
    "gzip cut in its second member": packed(PACKED + PACKED[:-9]),
    "checksum wrong": packed(damage(PACKED, len(PACKED) - 7)),
    "length wrong": packed(damage(PACKED, len(PACKED) - 2)),
    "stream damaged": packed(damage(PACKED, 40)),
    "garbage behind": packed(PACKED + b"garbage"),
    "not gzip at all": packed(CSV),
    "nothing in gzip": packed(gzip.compress(b"")),
    "nothing": answer(b""),
    "nothing though packed": packed(b""),
    "white space": answer(b" \r\n"),
    "cut": answer(CSV, 200, Content_Length=str(len(CSV) + 1)),
    "cut and packed": packed(PACKED[:500], Content_Length=str(len(PACKED))),
    "page": answer(b"  <!doctype html><html>sorry</html>"),
    "page behind a mark": answer(b"\xef\xbb\xbf<html>sorry</html>"),
    "packed page": gzipped(b"<html>sorry</html>"),
    "unknown encoding": answer(CSV, 200, Content_Encoding="br"),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_body_that_is_no_whole_file_leaves_nothing(spool: Spool, raw: bytes) -> None:
    with pytest.raises(DownloadError):
        store(spool, raw)
    assert list(spool.folder.iterdir()) == []


def test_connection_cut_before_the_answer_leaves_nothing(spool: Spool) -> None:
    with pytest.raises(NetworkError):
        store(spool, b"")
    assert list(spool.folder.iterdir()) == []


def test_page_is_quoted_and_the_address_shown_without_secrets(spool: Spool) -> None:
    raw = answer(b"<html>down for maintenance</html>")
    query = {"access_token": "hidden"}
    with (
        serve(raw) as vendor,
        connect(vendor.url) as client,
        client.stream("/data", params=query) as response,
        pytest.raises(DownloadError, match="down for maintenance") as caught,
    ):
        spool.store("unit", response)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("raw", [answer(b""), gzipped(b"")])
def test_body_may_be_empty_where_no_rows_are_declared(spool: Spool, raw: bytes) -> None:
    assert store(spool, raw, may_be_empty=True).exists()


def test_file_appears_under_its_name_only_when_it_is_whole(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.append([path.suffix for path in spool.folder.iterdir()])
        assert gzip.decompress(self.read_bytes()) == CSV
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    store(spool, gzipped(CSV))
    assert seen == [[".part"]]


def test_two_downloads_of_one_unit_do_not_share_a_file(spool: Spool) -> None:
    assert store(spool, gzipped(CSV)) != store(spool, gzipped(CSV))
    assert len(list(spool.folder.iterdir())) == 2


def test_spool_is_private(spool: Spool) -> None:
    path = store(spool, gzipped(CSV))
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_disk_without_room_is_told_before_the_download(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ["free"])  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(DISK_RESERVE_BYTES + 1000))
    spool.check_room(1000)
    with pytest.raises(ConnectorError, match=r"free some space or set connector\.home") as caught:
        spool.check_room(1001)
    assert type(caught.value) is ConnectorError
    assert caught.value.exit_code == 4


def test_files_nobody_knows_are_removed_and_nothing_else(spool: Spool) -> None:
    known = store(spool, gzipped(CSV))
    for name in ("left.part", "old.gz", "spill.0.parquet"):
        (spool.folder / name).touch()
    parts = spool.gather("unit", [store(spool, gzipped(CSV)), store(spool, gzipped(CSV))])
    forgotten = spool.gather("other", [store(spool, gzipped(CSV))])
    assert spool.remove_strangers({known, parts}) == 4
    assert sorted(spool.folder.iterdir()) == sorted([known, parts])
    assert not forgotten.exists()


def test_parts_of_a_unit_are_one_folder_in_their_order(spool: Spool) -> None:
    files = [store(spool, gzipped(CSV)), store(spool, answer(CSV, 200))]
    prints = [fingerprint(file) for file in files]
    size = sum(size_of(file) for file in files)
    folder = spool.gather("unit", files)
    assert [part.name for part in list_parts(folder)] == ["0000.gz", "0001.txt"]
    assert (size_of(folder), fingerprint(folder)) == (size, "/".join(prints))
    spool.keep("unit", folder)
    assert [path.name[:9] for path in spool.folder.iterdir()] == ["kept_unit"]


def test_fingerprint_tells_contents_apart_and_not_how_they_were_packed(spool: Spool) -> None:
    one, two = store(spool, gzipped(CSV)), store(spool, gzipped(CSV + b"1,2\n"))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(store(spool, gzipped(CSV)))
    assert fingerprint(store(spool, answer(CSV, 200))) != fingerprint(
        store(spool, answer(CSV + b"1,2\n", 200))
    )
