"""A person is erased in all sources at once, and nobody else is."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import AuthError, ConfigError, ConnectorError
from tests.integration.person_world import (
    DEVICE,
    EVENTS,
    GAID,
    IDS,
    OTHER,
    PAYMENTS,
    SHARED_DEVICE,
    STREAM,
    THEIR_EVENTS,
    THEIR_PAYMENTS,
    THEIR_VIEWS,
    TRACKER_DEVICE,
    USER,
    VIDEO,
    VIDEO_DEVICE,
    VIEWS,
    YESTERDAY,
    PersonWorld,
    event,
    open_person,
    view,
)

HELD = {
    ("appmetrica_stream", "event"): THEIR_EVENTS,
    ("mytracker", "custom_events"): THEIR_PAYMENTS,
    ("shortkit", "events"): THEIR_VIEWS,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that all there is was loaded into."""
    with open_person(tmp_path_factory.mktemp("loaded")) as world:
        return world.settings.warehouse


@pytest.fixture(scope="module")
def modelled(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all models built."""
    with open_person(tmp_path_factory.mktemp("modelled"), loaded) as world:
        world.model()
        return world.settings.warehouse


@pytest.fixture
def world(tmp_path: Path, loaded: Path) -> Iterator[PersonWorld]:
    with open_person(tmp_path / "world", loaded) as opened:
        yield opened


def held(world: PersonWorld) -> dict[tuple[str, str], int]:
    return {(item.dataset, item.table): item.rows for item in world.preview().held}


def test_a_dry_run_counts_and_changes_nothing(world: PersonWorld) -> None:
    before = world.settings.warehouse.read_bytes()
    world.sandbox.reset_requests()
    found = world.preview()
    assert {(item.dataset, item.table): item.rows for item in found.held} == HELD
    assert found.person.ids["shortkit.device"] == {VIDEO_DEVICE, SHARED_DEVICE}
    assert found.person.ids["mytracker.device"] == {TRACKER_DEVICE}
    assert found.person.ids["advertising"] == {GAID}
    assert found.person.shared == {SHARED_DEVICE}
    assert world.settings.warehouse.read_bytes() == before
    assert world.sandbox.shortkit_requests()["erasures"] == []
    assert world.sandbox.shortkit_requests()["person_exports"] == []


def test_no_byte_is_left_and_nobody_else_is_touched(tmp_path: Path, modelled: Path) -> None:
    with open_person(tmp_path / "world", modelled) as world:
        assert world.files_with(USER)
        done = world.erase()
        assert done.left == ()
        assert world.files_with(*IDS) == []
        assert world.search().findings == ()
        assert world.count("shortkit.events") == len(VIEWS) - THEIR_VIEWS
        assert world.count("shortkit.events", f"device_id = '{SHARED_DEVICE}'") == 1
        assert world.count("appmetrica_stream.event") == len(EVENTS) - THEIR_EVENTS
        assert world.count("mytracker.custom_events") == len(PAYMENTS) - THEIR_PAYMENTS
        world.check_account()
        world.model(check=True)
        requests = world.sandbox.shortkit_requests()
        assert [item["user"] for item in requests["erasures"]] == [USER]
        assert [item["user"] for item in requests["person_exports"]] == [USER]


def test_the_certificate_tells_what_was_done_and_no_id(world: PersonWorld) -> None:
    done = world.erase()
    assert done.path is not None
    assert done.path.stat().st_mode & 0o777 == 0o600
    text = done.path.read_text()
    assert not any(one in text for one in (*IDS, SHARED_DEVICE))
    told = json.loads(text)
    rows = {(item["dataset"], item["table"]): item["rows"] for item in told["deleted"]["rows"]}
    assert rows == HELD
    assert told["vendor"] == {"vendor_answer": "erased", "linked_devices": 2, "not_reached": []}
    assert told["left"] == []
    assert 0 < told["file"]["bytes_after"] <= world.settings.warehouse.stat().st_size


def test_what_stayed_with_the_vendor_does_not_come_back(world: PersonWorld) -> None:
    world.erase()
    report = world.sync(VIDEO).sources[
        VIDEO
    ]  # looks back on the days it has: devices' rows are there
    assert report.units_loaded > 0
    assert held(world) == {}
    world.check_account()
    assert world.count("shortkit.events") == len(VIEWS) - THEIR_VIEWS
    erased = world.ask("SELECT sum(erased_rows) FROM shortkit.units")
    assert erased == [(3,)]  # the vendor has taken the two of the user id itself


def test_an_older_file_brings_nobody_back(world: PersonWorld) -> None:
    world.erase()
    world.ask("UPDATE appmetrica_stream.units SET schema_id = 'reload:' || schema_id")
    world.sync(STREAM)
    assert world.count("appmetrica_stream.event") == len(EVENTS) - THEIR_EVENTS
    assert held(world) == {}
    world.check_account()


def test_an_id_that_is_given_to_somebody_else_loads_again(world: PersonWorld) -> None:
    world.erase()
    world.sandbox.clock.set(YESTERDAY + timedelta(days=3))
    newer = YESTERDAY + timedelta(days=2)
    world.put_views([*VIEWS, view(USER, "dev_of_the_next", 1, newer)])
    world.sync(VIDEO)
    assert world.count("shortkit.events", f"user_id = '{USER}'") == 1
    assert held(world) == {("shortkit", "events"): 1}
    world.check_account()
    assert world.search().exit_code == 6


def test_nobody_can_be_erased(world: PersonWorld) -> None:
    for nobody in ("", " ", "anonymous", "Anonymous"):
        with pytest.raises(ConfigError, match="is nobody"):
            world.erase(nobody)
    assert world.count("shortkit.events") == len(VIEWS)


def test_what_the_vendor_refuses_changes_nothing_here(world: PersonWorld) -> None:
    world.set(VIDEO, token="sk_live_of_somebody_else")
    with pytest.raises(AuthError):
        world.erase()
    assert held(world) == HELD
    del world.env["SOURCES__SHORTKIT__TOKEN"]
    assert world.erase().left == ()


def test_a_user_that_the_vendor_does_not_know_is_erased_here(world: PersonWorld) -> None:
    world.sandbox.erase_person(USER)
    done = world.erase()
    assert done.facts["vendor_answer"] == "already gone (404)"
    assert done.left == ()
    assert held(world) == {}


def test_without_the_vendor_the_warehouse_is_cleaned_all_the_same(world: PersonWorld) -> None:
    world.set(VIDEO, token="")
    done = world.erase()
    assert done.facts["vendor_answer"] == "not asked"
    assert "was not asked" in done.facts["not_reached"][0]
    assert held(world) == {}


def test_a_device_that_only_the_vendor_knows(world: PersonWorld) -> None:
    """The user's own rows are older than what was loaded; those of the device are not."""
    world.put_views(
        [*VIEWS, view("anonymous", "dev_of_long_ago", 20), view(USER, "dev_of_long_ago", 21)]
    )
    world.sync(VIDEO)
    world.ask(
        f"DELETE FROM shortkit.events WHERE user_id = '{USER}' AND device_id = 'dev_of_long_ago'"
    )
    world.ask(
        "UPDATE shortkit.units SET loaded_rows = loaded_rows - 1, declared_rows = NULL, file_rows = file_rows - 1 WHERE loaded_rows > 1"
    )
    assert held(world)["shortkit", "events"] == THEIR_VIEWS
    world.erase()
    assert world.count("shortkit.events", "device_id = 'dev_of_long_ago'") == 0


def test_models_that_cannot_be_built_anew_hold_it_up(tmp_path: Path, modelled: Path) -> None:
    wrong = tmp_path / "seeds"
    wrong.mkdir()
    (wrong / "app_map.csv").write_text("nothing,of,the,kind\n")
    with open_person(tmp_path / "world", modelled, seeds=wrong) as world:
        with pytest.raises(ConnectorError, match="app_map"):
            world.erase()
        assert world.ask("SELECT step FROM connector.erasure") == [("deleted",)]
        assert world.count("core.device", f"device_id = '{DEVICE}'") == 1
        world.settings = replace(world.settings, seeds=None)
        assert world.erase().left == ()
        assert world.files_with(*IDS) == []


def test_the_copy_for_readers_is_made_anew(tmp_path: Path, modelled: Path) -> None:
    copy = tmp_path / "world" / "readers.duckdb"
    with open_person(tmp_path / "world", modelled, publish=str(copy)) as world:
        world.ask(
            f"ATTACH '{copy}' AS readers; CREATE SCHEMA readers.core;"
            " CREATE TABLE readers.core.device AS FROM core.device;"
            f" CREATE TABLE readers.core.gone AS SELECT '{USER}' AS name; DETACH readers; SELECT 1"
        )
        copy.chmod(0o644)
        assert f"{copy.name}: {DEVICE}" in world.files_with(DEVICE)
        world.erase()
        assert world.files_with(*IDS) == []
        assert copy.stat().st_mode & 0o777 == 0o644


def test_spooled_and_kept_files_are_fetched_again(tmp_path: Path) -> None:
    with open_person(tmp_path / "world", keep_files=True) as world:
        assert any(name.startswith("kept_") for name in world.files_with(USER))
        done = world.erase()
        assert done.facts["files"] > 0
        assert world.files_with(*IDS) == []


def test_broken_records_of_the_person_go_too(world: PersonWorld) -> None:
    broken = f'{{"event":"impression","userId":"{USER}","timestamp":"2026-03-09T10:00:30Z"'
    kept = f'{{"event":"impression","userId":"{USER}-2","timestamp":"2026-03-09T10:00:31Z"'
    good = json.dumps(view(OTHER, None, 1))
    world.sandbox.shortkit.maker.made.clear()
    body = f"{good}\n{broken}\n{kept}\n"
    world.sandbox.add_video_export("events", since="2026-03-09", until="2026-03-09", body=body)
    world.set(VIDEO, data_types="events", lookback_days="0", max_days="1", least_share="0")
    world.ask("UPDATE shortkit.units SET schema_id = 'reload:' || coalesce(schema_id, '')")
    world.sync(VIDEO)
    assert world.count("shortkit.quarantine", "kind = 'row'") == 2
    done = world.erase()
    assert {"dataset": "shortkit", "table": "quarantine", "rows": 1} in done.facts["rows"]
    assert world.ask("SELECT raw FROM shortkit.quarantine") == [(kept,)]
    world.check_account()


def test_an_event_of_somebody_else_that_names_the_person_is_reported(world: PersonWorld) -> None:
    world.put_events(1, [event(OTHER, OTHER, 9, event_json=json.dumps({"friend": USER}))])
    world.sync(STREAM)
    done = world.erase()
    assert [(item.kind, item.place) for item in done.left] == [("text", "appmetrica_stream.event")]
    assert world.search().exit_code == 6
