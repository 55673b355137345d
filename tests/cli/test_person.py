"""person export, erase, verify: what is said, and the exit codes."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.cli.person import mask_id
from connector.sandbox import ShortKit
from tests.cli.conftest import call
from tests.integration.person_world import (
    DEVICE,
    EMPTY,
    IDS,
    OTHER,
    SHARED_DEVICE,
    THEIR_EVENTS,
    THEIR_PAYMENTS,
    THEIR_VIEWS,
    USER,
    VIDEO,
    VIEWS,
    PersonWorld,
    open_person,
)

PROMPT = replace(EMPTY, shortkit=ShortKit(prepare_polls=1))  # the commands have the machine's clock
TABLES = {
    "appmetrica_stream.event": THEIR_EVENTS,
    "mytracker.custom_events": THEIR_PAYMENTS,
    "shortkit.events": THEIR_VIEWS,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that all there is was loaded into."""
    with open_person(tmp_path_factory.mktemp("loaded")) as world:
        return world.settings.warehouse


@pytest.fixture
def person(places: Path, loaded: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PersonWorld]:
    """The world that the environment points at."""
    with open_person(places, loaded, PROMPT) as world:
        world.set(VIDEO, poll_seconds="0.05")
        for key, value in (world.sandbox.env | world.env).items():
            monkeypatch.setenv(key, value)
        yield world


def test_a_dry_run_says_what_is_held_and_masks_the_devices(person: PersonWorld) -> None:
    said = call("person", "erase", USER, "--dry-run", "--json")
    assert said.exit_code == 0
    assert said.json["tables"] == TABLES
    assert said.json["rows"] == sum(TABLES.values())
    assert not any(one in said.stdout for one in IDS)
    shared = [item["id"] for item in said.json["devices"] if item["is_shared"]]
    assert shared == [mask_id(SHARED_DEVICE)]
    shown = call("person", "erase", USER, "--dry-run")
    assert "nothing was changed" in shown.stdout
    assert DEVICE not in shown.stdout
    assert person.count("shortkit.events") == len(VIEWS)


def test_erasing_is_refused_where_nobody_can_be_asked(person: PersonWorld) -> None:
    said = call("person", "erase", USER)
    assert said.exit_code == 2
    assert "--yes" in said.stderr
    assert person.count("shortkit.events") == len(VIEWS)
    assert person.sandbox.shortkit_requests()["erasures"] == []


def test_erase_then_verify(person: PersonWorld) -> None:
    assert call("person", "verify", USER, "--quiet").exit_code == 6
    said = call("person", "erase", USER, "--yes", "--json")
    assert (said.exit_code, said.json["ok"], said.json["left"]) == (0, True, [])
    assert not any(one in said.stdout + said.stderr for one in IDS)
    certificate = Path(said.json["certificate"])
    assert json.loads(certificate.read_text())["request_id"] == said.json["request_id"]
    for words in (["verify", USER], ["verify", "--certificate", str(certificate)]):
        found = call("person", *words, "--json")
        assert (found.exit_code, found.json["findings"]) == (0, [])
        assert found.json["limits"]
    assert call("verify").exit_code == 0
    assert call("person", "verify", OTHER, "--json").exit_code == 6
    assert person.count("shortkit.events") == len(VIEWS) - THEIR_VIEWS


def test_what_erase_says_to_people(person: PersonWorld) -> None:
    said = call("person", "erase", USER, "--yes")
    assert said.exit_code == 0
    for part in ("shortkit.events", "erased, 2 linked devices", "certificate: ", "not seen: "):
        assert part in said.stdout
    assert "deleting rows" in said.stderr
    assert person.files_with(*IDS) == []


def test_quietly(person: PersonWorld) -> None:
    said = call("person", "erase", USER, "--yes", "--quiet")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "")
    said = call("person", "verify", USER, "--quiet")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "")
    assert person.files_with(*IDS) == []


def test_export_writes_where_it_is_told(person: PersonWorld, places: Path) -> None:
    said = call("person", "export", USER, "--output", places / "theirs.zip", "--json")
    assert said.exit_code == 0
    assert said.json["rows"] == sum(TABLES.values())
    assert USER not in said.stdout
    assert "manifest.json" in zipfile.ZipFile(places / "theirs.zip").namelist()
    said = call("person", "export", USER)
    assert said.exit_code == 0
    (made,) = places.glob("person-*.zip")
    assert USER not in made.name
    assert person.count("shortkit.events") == len(VIEWS)


@pytest.mark.parametrize("verb", ["export", "erase", "verify"])
@pytest.mark.parametrize("nobody", ["anonymous", "ANONYMOUS", ""])
def test_nobody_is_refused(person: PersonWorld, verb: str, nobody: str) -> None:
    said = call("person", verb, nobody, "--json")
    assert said.exit_code == 2
    assert "is nobody" in said.json["error"]
    assert person.count("shortkit.events") == len(VIEWS)


def test_the_vendor_refuses(person: PersonWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHORTKIT__TOKEN", "sk_live_of_somebody_else")
    for words in (["erase", USER, "--yes"], ["export", USER]):
        said = call("person", *words, "--json")
        assert said.exit_code == 3
        assert "sources.shortkit.token" in said.json["error"]
        assert USER not in said.stdout + said.stderr
    assert person.count("shortkit.events") == len(VIEWS)


def test_the_vendor_takes_its_time(person: PersonWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    person.sandbox.add_fault("video_queued", endpoint="video_person")
    monkeypatch.setenv("SOURCES__SHORTKIT__POLL_SECONDS", "1")
    said = call("person", "erase", USER, "--yes", "--json", "--max-wait", "0")
    assert said.exit_code == 4
    assert USER not in said.stdout
    assert person.count("shortkit.events") == len(VIEWS)


def test_before_anything_was_loaded(places: Path) -> None:
    for words in (["erase", USER, "--dry-run"], ["export", USER], ["verify", USER]):
        said = call("person", *words)
        assert said.exit_code == 2
        assert "there is no warehouse" in said.stderr
    assert not (places / "warehouse.duckdb").exists()


def test_another_destination(person: PersonWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR__DESTINATION", "filesystem")
    said = call("person", "erase", USER, "--yes")
    assert said.exit_code == 2
    assert "connector.destination" in said.stderr
    assert person.sandbox.shortkit_requests()["erasures"] == []


def test_verify_wants_one_person(person: PersonWorld, places: Path) -> None:
    assert person.settings.warehouse.exists()
    assert call("person", "verify").exit_code == 2
    assert call("person", "verify", USER, "--certificate", "x.json").exit_code == 2
    for text, said in (("{}", "no certificate"), ("[", "no JSON")):
        (places / "x.json").write_text(text)
        found = call("person", "verify", "--certificate", "x.json")
        assert found.exit_code == 2
        assert said in found.stderr
    assert "cannot be read" in call("person", "verify", "--certificate", "y.json").stderr


def test_a_certificate_of_another_warehouse(
    person: PersonWorld, places: Path, loaded: Path
) -> None:
    certificate = call("person", "erase", USER, "--yes", "--json").json["certificate"]
    with open_person(places / "other", loaded, PROMPT) as other:
        warehouse = other.settings.warehouse
        said = call("person", "verify", "--certificate", certificate, "--warehouse", warehouse)
        assert said.exit_code == 2
        assert "another warehouse" in said.stderr
    assert person.count("shortkit.events") == len(VIEWS) - THEIR_VIEWS


def test_ids_are_masked() -> None:
    assert mask_id("13278911961594196248") == "13***48"
    assert mask_id("d1") == "***"
