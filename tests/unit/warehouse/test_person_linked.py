"""The devices in a document whose shape nobody has told."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.warehouse.person import linked
from connector.warehouse.person.linked import list_devices

DOCUMENT: dict[str, Any] = {
    "profile": {"userId": "u1", "id": "no device", "note": 'a "linkedDeviceIds": ["no"] text'},
    "events": [
        {"event": "impression", "deviceId": "d1", "data": {"deviceType": "ios", "n": [1, 2.5]}},
        {"event": "like", "device_id": "d2", "data": None},
    ],
    "linkedDeviceIds": ["d3", "d\u043a4", 5, None, True],
    "linked_devices": [{"id": "d6", "name": "phone", "os": {"id": "no"}}, {"deviceId": "d7"}],
    "experimentAssignments": [{"id": "no", "variant": "a"}],
}
DEVICES = {"d1", "d2", "d3", "d\u043a4", "d6", "d7"}


def write(folder: Path, data: bytes, name: str = "document") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_json_object(tmp_path: Path, is_ascii: bool, indent: int | None) -> None:
    text = json.dumps(DOCUMENT, ensure_ascii=is_ascii, indent=indent)
    assert list_devices(write(tmp_path, text.encode())) == DEVICES
    assert list_devices(write(tmp_path, gzip.compress(text.encode()), "packed.gz")) == DEVICES


def test_json_lines(tmp_path: Path) -> None:
    lines = "".join(json.dumps(item) + "\n" for item in DOCUMENT["events"])
    assert list_devices(write(tmp_path, lines.encode())) == {"d1", "d2"}


def test_a_zip_of_files_where_names_of_files_tell(tmp_path: Path) -> None:
    path = tmp_path / "document.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export/devices.json", json.dumps(["d1", {"id": "d2"}]))
        archive.writestr("export/profile.json", json.dumps(DOCUMENT["profile"]))
        archive.writestr("export/events.jsonl", '{"deviceId":"d3"}\n{"deviceId":"d4"}\n')
        archive.writestr("experiments.json", json.dumps(["no"]))
    assert list_devices(path) == {"d1", "d2", "d3", "d4"}


def test_a_folder_of_parts(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f'{{"deviceId":"d{number}"}}'.encode(), f"{number:04}.txt")
    assert list_devices(tmp_path) == {"d0", "d1", "d2"}


@pytest.mark.parametrize("data", [b"", b"no JSON", b'{"deviceId": "cut', b"[]]]", b"\xff\xfe{}"])
def test_what_is_no_document_names_nobody(tmp_path: Path, data: bytes) -> None:
    assert list_devices(write(tmp_path, data)) == set()


class Cut:
    """A stream that gives these blocks."""

    def __init__(self, data: bytes, size: int) -> None:
        self._blocks = iter([data[at : at + size] for at in range(0, len(data), size)])

    def read(self, _size: int) -> bytes:
        return next(self._blocks, b"")


@given(st.integers(1, 40), st.booleans())
def test_blocks_make_no_difference(size: int, is_ascii: bool) -> None:
    data = json.dumps(DOCUMENT, ensure_ascii=is_ascii).encode()
    tokens = linked._read_tokens(Cut(data, size))  # type: ignore[arg-type]
    assert set(linked._scan(tokens, "")) == DEVICES
