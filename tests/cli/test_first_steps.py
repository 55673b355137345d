"""demo, doctor and sandbox: what somebody meets first."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from connector.cli import demo
from connector.sources import list_sources
from tests.cli.conftest import GAME, SOURCE, TOKEN, World, call


def test_demo_shows_a_report_and_next_steps(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HISTORY_DAYS", 0.1)
    first = call("demo", "--warehouse", "demo/w.duckdb")
    assert first.exit_code == 0
    assert "no difference" in first.stdout
    assert "Try next" in first.stdout
    assert "App by day" in first.stdout
    assert not (places / "warehouse.duckdb").exists()
    second = call("demo", "--warehouse", "demo/w.duckdb", "--json")
    assert second.json["verify"]["differences"] == []
    assert second.json["sources"][SOURCE]["units_loaded"] > 0


def test_demo_never_replaces_a_warehouse_it_did_not_make(places: Path) -> None:
    mine = places / "mine.duckdb"
    mine.write_bytes(b"precious")
    said = call("demo", "--warehouse", mine, "--json")
    assert said.exit_code == 2
    assert mine.read_bytes() == b"precious"


@pytest.mark.usefixtures("world")
def test_doctor_finds_everything_in_order() -> None:
    said = call("doctor", "--json")
    assert said.exit_code == 0
    checks = {check["name"]: check for check in said.json["checks"]}
    others = {name for name in list_sources() if name != SOURCE}
    assert {name for name, check in checks.items() if check["outcome"] != "ok"} == others
    assert {checks[name]["outcome"] for name in others} == {"off"}
    assert checks[f"{SOURCE} credentials"]["facts"]["applications"] == {str(GAME): "Game"}
    assert "Environment" in checks[SOURCE]["text"]
    assert TOKEN not in said.stdout
    assert call("doctor", "--quiet").stdout == ""


def test_doctor_names_an_app_the_token_does_not_see(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__APPLICATION_IDS", f"{GAME},77")
    said = call("doctor")
    assert said.exit_code == 2
    assert "77, which this token does not see" in said.stdout
    assert not world.warehouse.exists()


@pytest.mark.usefixtures("world")
def test_doctor_says_when_the_vendor_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__TOKEN", "not-the-right-one")
    said = call("doctor")
    assert said.exit_code == 3
    assert "FAILED" in said.stdout
    assert "not-the-right-one" not in said.stdout + said.stderr


def test_doctor_names_a_folder_that_cannot_be_made(places: Path) -> None:
    (places / "file").write_text("no folder", encoding="utf-8")
    said = call("doctor", "--home", places / "file" / "home")
    assert said.exit_code == 2
    assert "connector.home" in said.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_prints_where_it_is_and_ends_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "connector", "sandbox", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        assert set(said) == {"url", "storage_url", "env"}
        request = urllib.request.Request(
            f"{said['url']}/management/v1/applications",
            headers={"Authorization": f"OAuth {said['env']['SOURCES__APPMETRICA_STREAM__TOKEN']}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["applications"]
        child.send_signal(number)
        rest, _ = child.communicate(timeout=60)
    assert (child.returncode, rest) == (0, "")
