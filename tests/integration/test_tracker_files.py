"""Files: parts, spellings and hosts as they come; what is broken is never loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.warehouse.run_report import SourceReport
from tests.integration.tracker_world import (
    ALONE,
    FEW,
    GAME_ID,
    HOUR_S,
    TrackerWorld,
    open_hours,
    show_span,
    tracker_rows,
    with_tracker,
)

PARTS = with_tracker(ALONE, rows_per_part=2)  # of five rows, and the margin's: three
ELSEWHERE = with_tracker(ALONE, link_host="storage")


def storage(kind: str, **params: Any) -> dict[str, Any]:
    return {"kind": kind, "endpoint": "storage", **params}


def made(kind: str, **params: Any) -> dict[str, Any]:
    """A fault of what an export holds."""
    return {"kind": kind, "endpoint": "create", **params}


def heal(world: TrackerWorld) -> None:
    """Take all faults back: the next run ends well, and everything is there."""
    world.sandbox.remove_faults()
    assert world.quietly().units_pending == 0
    world.check()


def test_parts_are_one_file(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2, PARTS, rows=5) as world:
        world.quietly()
        assert world.count("storage") == 6
        world.check()
        received = {row["_received_from"] for row in world.found()["custom_events"]}
        assert received == {"csv 1/3", "csv 2/3", "csv 3/3"}


FINE: dict[str, dict[str, Any]] = {
    "several members": {"kind": "raw_members", "members": 4},
    "crlf": made("file_shape", newline="crlf"),
    "no final newline": made("file_shape", final_newline=False),
    "all quoted": made("file_shape", quoting="all"),
    "bom": made("file_shape", bom=True),
    "reordered": made("schema_change", reverse=True),
    "wrong length": storage("gzip_wrong_length", off_by=50),  # what came is whole all the same
    "redirect": storage("redirect"),
    "trickle": storage("slow", bytes_per_second=20_000),
}


def test_files_are_read_however_they_are_spelled(tmp_path: Path) -> None:
    with open_hours(tmp_path, len(FINE), PARTS, rows=5) as world:
        for number, fault in enumerate(FINE.values()):
            world.spoil(-number, **{"times": -1} | fault)
        world.quietly()
        assert [f["kind"] for f in world.sandbox.faults() if not f["used"]] == []
        world.check()


def test_a_column_nobody_asked_for_is_kept_and_reported(tmp_path: Path) -> None:
    with open_hours(tmp_path, 2) as world:
        world.spoil(0, **made("schema_change", unknown=["surprise"], times=-1))
        report = world.quietly()
        assert report.drift == {"custom_events": ["surprise"]}
        rows = world.found()["custom_events"]
        assert sum(row["surprise"] is not None for row in rows) == 3
        for row in rows:
            del row["surprise"]
        assert {len(row) for row in rows} == {len(FEW) + 5}


def test_a_column_that_is_missing_is_null_and_shifts_no_other(tmp_path: Path) -> None:
    with open_hours(tmp_path, 1) as world:
        world.spoil(0, **made("schema_change", remove=["idApp", "eventName"], times=-1))
        world.quietly()
        rows = world.found()["custom_events"]
        assert {(row["id_app"], row["event_name"]) for row in rows} == {(None, None)}
        wanted = tracker_rows(world, 0, 3)
        assert {row["id_device"] for row in rows} == {row["idDevice"] for row in wanted}


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "cut off": (storage("cut", at_bytes=60), "cut off"),
    "cut and closed": (storage("cut", at_bytes=60, framing="clean"), "trailer"),
    "no trailer": (storage("gzip_no_trailer"), "trailer"),
    "page": (storage("status", code=200, body="html"), "page"),
    "json": (storage("status", code=200, body="json"), ""),
    "empty": (storage("status", code=200, body="empty"), "is empty"),
    "part gone": ({"kind": "raw_part_missing"}, "404"),
    "part not listed": ({"kind": "raw_part_missing", "how": "unlisted"}, "missing"),
    "links are dead": ({"kind": "raw_link_expired"}, "404"),
    "no header": ({"kind": "raw_no_header", "part": -1}, "header"),
    "a part without header": ({"kind": "raw_no_header", "part": 1}, "other columns"),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A sync in which several hours could not be had, each for a reason of its own."""

    world: TrackerWorld
    report: SourceReport
    units: dict[str, str]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("failed")
    with open_hours(folder, 2 + len(BROKEN), PARTS, rows=5, retries="1") as world:
        units = {}
        for number, (name, (fault, _)) in enumerate(BROKEN.items()):
            place = -2 - number
            units[name] = world.put_rows(place, tracker_rows(world, place, 5, name))
            world.spoil(place, **fault, times=-1)
        yield Failed(world, world.sync(max_wait_s=6 * HOUR_S), units)


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_whole_is_never_loaded(failed: Failed, name: str) -> None:
    assert failed.units[name] not in failed.world.units()
    (error,) = [text for text in failed.report.errors if text.startswith(failed.units[name])]
    assert BROKEN[name][1] in error


def test_files_that_are_broken_stop_no_other_and_heal(failed: Failed) -> None:
    report = failed.report
    assert (report.units_loaded, report.units_failed) == (2, len(BROKEN))
    assert failed.world.sandbox.mytracker_requests()["throttled"] == 0
    failed.world.check()
    heal(failed.world)


def test_a_file_that_is_broken_once_is_fetched_again(tmp_path: Path) -> None:
    with open_hours(tmp_path, len(BROKEN), PARTS, rows=5) as world:
        for number, (fault, _) in enumerate(BROKEN.values()):
            world.spoil(-number, **fault, times=1)
        world.quietly()
        assert [f["kind"] for f in world.sandbox.faults() if not f["used"]] == []
        world.check()


def test_dead_links_are_asked_for_again_and_then_the_export(tmp_path: Path) -> None:
    with open_hours(tmp_path, 1) as world:
        world.spoil(0, "raw_link_expired", seconds=1, is_told=True)
        world.quietly()
        assert (world.count("create"), world.count("storage")) == (2, 1)
        world.check()


def test_no_rows_in_every_form_are_none(tmp_path: Path) -> None:
    with open_hours(tmp_path, 9) as world:
        units = []
        for number, form in enumerate(("list", "missing", "null", "header")):
            units.append(world.put_rows(-1 - 2 * number, []))
            world.put_rows(-2 * number, tracker_rows(world, -2 * number, 1))  # none at the margin
            world.spoil(-1 - 2 * number, "raw_empty", form=form)
        world.put_rows(-8, [])
        world.quietly()
        assert [world.units()[unit]["loaded_rows"] for unit in units] == [0] * 4
        world.check()
        assert world.quietly().units_loaded == 0


def headers(world: TrackerWorld) -> list[bool]:
    """Whether each request to the other host bore a signature."""
    asked = world.sandbox.mytracker_requests()["storage"]
    return ["authorization" in item["headers"] for item in asked]


@pytest.mark.parametrize(
    ("kind", "code", "signed"),
    [("link_unsigned", 401, [False, True]), ("link_unsigned", 403, [False, True]),
     ("link_signed", 400, [False])],
)  # fmt: skip
def test_another_host_gets_a_signature_only_if_it_wants_one(
    tmp_path: Path, kind: str, code: int, signed: list[bool]
) -> None:
    with open_hours(tmp_path, 1, ELSEWHERE) as world:
        world.sandbox.add_fault(kind, code=code)
        world.quietly()
        assert headers(world) == signed
        world.check()


def test_downloads_are_signed_as_the_setting_says(tmp_path: Path) -> None:
    with open_hours(tmp_path, 1, ELSEWHERE, sign_downloads="always") as world:
        world.quietly()
        assert headers(world) == [True]
        world.check()
    with open_hours(tmp_path / "never", 1, ELSEWHERE, sign_downloads="never") as world:
        world.sandbox.add_fault("link_unsigned")
        assert world.sync().units_loaded == 0
        assert True not in headers(world)


def test_a_redirect_never_carries_the_signature(tmp_path: Path) -> None:
    with open_hours(tmp_path, 3) as world:
        for code, place in ((301, 0), (307, -1), (308, -2)):
            world.spoil(place, **storage("redirect", code=code), times=-1)
        world.quietly()
        assert headers(world) == [False] * 3
        world.check()


def test_a_host_nobody_allowed_is_refused_with_the_setting(tmp_path: Path) -> None:
    with open_hours(tmp_path, 1) as world:
        world.sandbox.add_fault(
            **storage("redirect", to="https://files.example/x.csv.gz"), times=-1
        )
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (2, 0)
        assert "sources.mytracker.file_hosts" in report.errors[0]
        assert "files.example" in report.errors[0]
        heal(world)


LISTS = {
    r"['a, b','it\'s','back\\slash','new\nline','tab\t\"x\"','odd \q',7,-1.5e3]": [
        *("a, b", "it's", "back\\slash", "new\nline", 'tab\t"x"', "odd q", 7, -1500.0)
    ],
    "[]": [],
    "['юникод 🥾','','[x]','a\nb']": ["юникод 🥾", "", "[x]", "a\nb"],
}


def test_arrays_are_read_or_kept_as_they_are(tmp_path: Path) -> None:
    bad = [("['a','b", "['1']"), ("['a' 'b']", "['1','2']"), ("['a','b','c']", "['1']")]
    with open_hours(tmp_path, 1) as world:
        (row,) = tracker_rows(world, 0, 1)
        cells = [*((text, text) for text in LISTS), *bad]
        world.put_rows(
            0, [row | {"params.name": name, "params.value": value} for name, value in cells]
        )
        world.quietly()
        rows = sorted(world.found()["custom_events"], key=lambda row: row["_row"])
        assert [json.loads(row["params_name"]) for row in rows[:3]] == list(LISTS.values())
        assert [(row["params_name"], row["params_value"]) for row in rows[5:]] == bad[2:]
        assert [row["params_name"] for row in rows[3:]] == [name for name, _ in bad]
        quarantined = {(q["_row"], q["field_name"], q["kind"]) for q in world.found()["quarantine"]}
        assert quarantined == {(number, "params.name", "cell") for number in (3, 4, 5)}


def test_ids_of_any_size_are_exact(tmp_path: Path) -> None:
    selectors = [*FEW, "SDKKey", "idProfile", "idCountry", "idCampaign"]
    with open_hours(tmp_path, 1) as world:
        world.set(selectors=json.dumps({"customEvents": selectors}))
        (row,) = tracker_rows(world, 0, 1)
        big = {"SDKKey": "00000000000000000017", "idProfile": str(2**64 - 1), "idCountry": "188"}
        world.put_rows(0, [row | big | {"idCampaign": str(2**64)}])
        world.quietly()
        (found,) = world.found()["custom_events"]
        assert (found["sdk_key"], found["id_profile"]) == (big["SDKKey"], big["idProfile"])
        assert (found["id_country"], found["id_campaign"], found["id_app"]) == (188, None, GAME_ID)
        (cell,) = world.found()["quarantine"]
        assert (cell["field_name"], cell["value"]) == ("idCampaign", str(2**64))


OTHER_CLOCKS: dict[str, dict[str, Any]] = {
    "text": {"kind": "raw_text_dates"},
    "earlier": made("cells", set={"tsInsert": "1773000000"}, all_rows=True),
}


@pytest.mark.parametrize("name", OTHER_CLOCKS)
def test_where_tsinsert_is_another_clock_the_interval_is_asked_for_uncut(
    tmp_path: Path, name: str
) -> None:
    with open_hours(tmp_path, 3) as world:
        world.spoil(-1, **OTHER_CLOCKS[name], times=-1)
        world.quietly()
        spans = [made["span"] for made in world.creates()]
        assert [world.hour(-1), world.hour(0) - 1] in spans
        assert len(spans) == 4
        assert any("asked for once more" in note for note in world.notes())
        found = {(row["_unit"], row["event_name"]) for row in world.found()["custom_events"]}
        wanted = {
            (f"custom_events/{show_span(row_at, row_at + HOUR_S)}", f"e{place}-{number}")
            for place in (-2, -1, 0)
            for row_at in (world.hour(place),)
            for number in range(3)
        }
        assert found == wanted
        assert len(world.found()["custom_events"]) == 9
        assert world.quietly().units_loaded == 0
