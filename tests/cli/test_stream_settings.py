"""stream-settings show, plan and apply against the sandbox."""

import pytest

from tests.cli.conftest import GAME, WRITE_TOKEN, World, call

FILE = f"""
[applications.{GAME}]
[applications.{GAME}.data_types.event]
format = "json"
fields = ["event_name", "event_timestamp"]
exclude_events = ["noise"]
"""


@pytest.fixture
def file(world: World) -> str:
    path = world.home.parent / "settings.toml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


@pytest.mark.usefixtures("world")
def test_show_prints_what_is_exported() -> None:
    settings = call("stream-settings", "show", "--json").json["applications"][str(GAME)]
    assert settings["ui_checkbox_enabled"] is True
    assert len(settings["export_fields"]) == 13
    assert "event" in call("stream-settings", "show").stdout


def test_plan_changes_nothing(world: World, file: str) -> None:
    before = world.sandbox.stream.apps[GAME].exports.current()
    said = call("stream-settings", "plan", file, "--json")
    changes = said.json["applications"][str(GAME)]["changes"]
    found = {(c["kind"], c["data_type"], c["what"]) for c in changes}
    assert {
        ("removed", "crash", "data_type"),
        ("changed", "event", "export_format"),
        ("removed", "event", "fields"),
        ("added", "event", "exclude_events"),
    } <= found
    assert world.sandbox.stream.apps[GAME].exports.current() == before
    assert "- crash" in call("stream-settings", "plan", file).stdout


@pytest.mark.usefixtures("world")
def test_apply_asks_first(file: str) -> None:
    said = call("stream-settings", "apply", file, "--json")
    assert said.exit_code == 2
    assert "--yes" in said.json["error"]


@pytest.mark.usefixtures("world")
def test_apply_needs_a_token_that_may_write(file: str) -> None:
    said = call("stream-settings", "apply", file, "--yes", "--json")
    assert said.exit_code == 3
    assert "appmetrica:write" in said.json["error"]


@pytest.mark.usefixtures("world")
def test_apply_sends_once_and_reads_back(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__TOKEN", WRITE_TOKEN)
    first = call("stream-settings", "apply", file, "--yes", "--json")
    assert first.exit_code == 0
    app = first.json["applications"][str(GAME)]
    assert (app["sent"], app["still_different"]) == (True, [])
    shown = call("stream-settings", "show", "--json").json["applications"][str(GAME)]
    assert [export["data_type"] for export in shown["export_fields"]] == ["event"]
    again = call("stream-settings", "apply", file, "--json")
    assert again.json["applications"][str(GAME)] == {
        "changes": [],
        "sent": False,
        "still_different": [],
    }


def test_wrong_file_is_told_before_the_vendor_is_asked(world: World) -> None:
    path = world.home.parent / "wrong.toml"
    path.write_text(FILE.replace("event_name", "event_nam"), encoding="utf-8")
    world.sandbox.reset_requests()
    said = call("stream-settings", "plan", path, "--json")
    assert said.exit_code == 2
    assert "event_nam" in said.json["error"]
    assert world.sandbox.requests()["by_endpoint"] == {}
