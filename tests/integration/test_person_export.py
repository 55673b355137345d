"""All that is held of a person in one zip, and nothing of anybody else."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from connector.errors import AuthError, ConfigError, ConnectorError, NetworkError
from connector.sandbox import ShortKit
from tests.integration.person_world import (
    EMPTY,
    EVENTS,
    GAID,
    OTHER,
    PAYMENTS,
    SHARED_DEVICE,
    START,
    STREAM,
    THEIR_EVENTS,
    THEIR_PAYMENTS,
    THEIR_VIEWS,
    USER,
    VIDEO,
    VIDEO_DEVICE,
    VIEWS,
    PersonWorld,
    event,
    open_person,
    view,
)

ROWS = {
    "appmetrica_stream.event.jsonl": THEIR_EVENTS,
    "mytracker.custom_events.jsonl": THEIR_PAYMENTS,
    "shortkit.events.jsonl": THEIR_VIEWS,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that all there is was loaded into."""
    with open_person(tmp_path_factory.mktemp("loaded")) as world:
        return world.settings.warehouse


@pytest.fixture
def world(tmp_path: Path, loaded: Path) -> Iterator[PersonWorld]:
    with open_person(tmp_path / "world", loaded) as opened:
        yield opened


def read(path: Path) -> dict[str, Any]:
    """The files of a zip: rows of those of lines, objects of those of JSON."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    return {
        name: [json.loads(line) for line in text.split("\n")[:-1]]
        if name.endswith(".jsonl")
        else json.loads(text)
        for name, text in texts.items()
    }


def test_every_row_of_the_person_and_no_other(world: PersonWorld, tmp_path: Path) -> None:
    done = world.export(tmp_path / "out.zip")
    found = read(done.path)
    rows = {name: len(item) for name, item in found.items() if name.endswith(".jsonl")}
    assert rows == ROWS
    assert set(found) - set(rows) == {"vendor/shortkit.json", "manifest.json"}
    assert OTHER not in json.dumps(found)
    assert sorted(row["_row"] for row in found["shortkit.events.jsonl"]) == [0, 1, 2, 3, 4]
    assert len(found["vendor/shortkit.json"]["events"]) == 2
    assert done.path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("*.part")) == []
    world.check_account()
    assert list((world.settings.home / "spool").iterdir()) == []


def test_values_are_as_the_warehouse_has_them(world: PersonWorld, tmp_path: Path) -> None:
    row = read(world.export(tmp_path / "out.zip").path)["appmetrica_stream.event.jsonl"][0]
    at = (START - timedelta(hours=2, seconds=-1)).isoformat().replace("+00:00", ".000000Z")
    assert row["event_timestamp"] == at
    assert row["appmetrica_device_id"] == str(EVENTS[0]["appmetrica_device_id"])
    assert row["event_json"] == '{"n": 1}'
    assert row["google_aid"] == GAID


def test_the_manifest_accounts_for_the_files(world: PersonWorld, tmp_path: Path) -> None:
    done = world.export(tmp_path / "out.zip")
    with zipfile.ZipFile(done.path) as archive:
        told = json.loads(archive.read("manifest.json"))
        for item in told["files"]:
            data = archive.read(item["name"])
            assert (len(data), sha256(data).hexdigest()) == (item["bytes"], item["sha256"])
    assert {item["name"]: item["rows"] for item in told["files"] if item["rows"]} == ROWS
    assert told["rows"] == sum(ROWS.values())
    assert told["person"]["user_id"] == USER
    assert told["person"]["ids"]["shortkit.device"] == [VIDEO_DEVICE, SHARED_DEVICE]
    assert told["not_reached"] == []
    assert USER not in json.dumps(done.to_json())


def test_a_user_the_vendor_does_not_know(world: PersonWorld, tmp_path: Path) -> None:
    world.sandbox.erase_person(USER)
    done = world.export(tmp_path / "out.zip")
    assert done.not_reached == ("shortkit: the vendor knows no such user",)
    assert read(done.path)["manifest.json"]["not_reached"] == list(done.not_reached)
    assert done.rows == sum(ROWS.values())


def test_without_the_vendor(world: PersonWorld, tmp_path: Path) -> None:
    world.set(VIDEO, token="")
    done = world.export(tmp_path / "out.zip")
    assert done.rows == sum(ROWS.values())
    assert "the vendor was not asked" in done.not_reached[0]


def test_somebody_nobody_knows(world: PersonWorld, tmp_path: Path) -> None:
    done = world.export(tmp_path / "out.zip", "player-unheard-of")
    assert [entry.name for entry in done.entries] == []
    assert read(done.path)["manifest.json"]["rows"] == 0


def test_a_zip_of_the_vendor_is_kept_as_it_came(tmp_path: Path, loaded: Path) -> None:
    zipped = replace(EMPTY, shortkit=ShortKit(prepare_s=1, person_file="zip"))
    with open_person(tmp_path / "world", loaded, zipped) as world:
        world.ask(f"DELETE FROM shortkit.events WHERE device_id = '{SHARED_DEVICE}' RETURNING 1")
        done = world.export(tmp_path / "out.zip")
        with zipfile.ZipFile(done.path) as archive, archive.open("vendor/shortkit.zip") as inner:
            assert "devices.json" in zipfile.ZipFile(inner).namelist()
            told = json.loads(archive.read("manifest.json"))
        assert SHARED_DEVICE in told["person"]["ids"]["shortkit.device"]


def test_the_path_for_polling_may_be_that_of_all_exports(
    world: PersonWorld, tmp_path: Path
) -> None:
    world.set(VIDEO, paths=json.dumps({"person_poll": "/users/{user}/no-such-path/{job}"}))
    assert "vendor/shortkit.json" in [e.name for e in world.export(tmp_path / "out.zip").entries]


def test_an_export_that_fails_is_told(world: PersonWorld, tmp_path: Path) -> None:
    world.sandbox.add_fault("video_failed", endpoint="video_person", times=100)
    done = world.export(tmp_path / "out.zip")
    assert done.rows == sum(ROWS.values())
    assert "its export of the person failed" in done.not_reached[0]


@pytest.mark.parametrize(
    "declared",
    [
        {"kind": "video_failed"},
        {"kind": "video_link_dead"},
        {"kind": "video_throttled", "times": 2},
    ],
)
def test_what_can_be_asked_for_again_is(
    world: PersonWorld, tmp_path: Path, declared: dict[str, Any]
) -> None:
    world.sandbox.add_fault(**declared, endpoint="video_person")
    done = world.export(tmp_path / "out.zip")
    assert done.not_reached == ()


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ({"kind": "reset", "times": 100}, NetworkError),
        ({"kind": "video_denied"}, AuthError),
        ({"kind": "video_link_host"}, ConfigError),
    ],
)
def test_what_the_vendor_does_wrong_names_nobody(
    world: PersonWorld, tmp_path: Path, declared: dict[str, Any], error: type[ConnectorError]
) -> None:
    world.sandbox.add_fault(**declared, endpoint="video_person")
    with pytest.raises(error) as raised:
        world.export(tmp_path / "out.zip")
    assert USER not in str(raised.value)
    assert not (tmp_path / "out.zip").exists()


def test_nobody_is_refused(world: PersonWorld, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is nobody"):
        world.export(tmp_path / "out.zip", "Anonymous")


def test_an_id_of_any_letters_is_asked_for_as_it_is(world: PersonWorld, tmp_path: Path) -> None:
    strange = "имя/с ?знаками=&#\"'%2F"
    world.put_views([*VIEWS, view(strange, "dev_of_the_strange", 30)])
    world.sync(VIDEO)
    done = world.export(tmp_path / "out.zip", strange)
    assert {entry.name: entry.rows for entry in done.entries} == {
        "vendor/shortkit.json": None,
        "shortkit.events.jsonl": 1,
    }
    assert world.erase(strange).left == ()
    assert world.files_with(strange, "dev_of_the_strange") == []
    assert world.count("shortkit.events") == len(VIEWS)


def test_cells_and_records_in_quarantine(world: PersonWorld, tmp_path: Path) -> None:
    world.put_events(
        1,
        [
            event(USER, "7", 9, event_timestamp="no time"),
            event(OTHER, "8", 9, event_timestamp="none"),
        ],
    )
    world.sync(STREAM)
    found = read(world.export(tmp_path / "out.zip").path)
    cells = found["appmetrica_stream.quarantine.jsonl"]
    assert [(cell["kind"], cell["value"]) for cell in cells] == [("cell", "no time")]
    assert len(PAYMENTS) == 3
