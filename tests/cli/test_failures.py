"""Errors end with their own code and one clear text; defects show a traceback; Ctrl-C is clean."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
import typer
from typer.testing import CliRunner

from connector.cli import redaction
from connector.cli.entrance import Entrance
from connector.cli.session import Session
from connector.cli.verb import verb
from connector.warehouse.home import hold_home
from connector.warehouse.settings import read_settings
from tests.cli.conftest import SOURCE, TOKEN, World, call


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("name", ["sync", "run", "plan", "stream-settings show", "doctor"])
def test_missing_token_names_the_key_and_the_variable(name: str) -> None:
    said = call(*name.split(), "--json")
    assert said.exit_code == 2
    assert said.json["ok"] is False
    assert "SOURCES__APPMETRICA_STREAM__TOKEN" in said.stdout
    if name != "doctor":
        assert "sources.appmetrica_stream.token" in said.json["error"]
        assert "Traceback" not in said.stderr


@pytest.mark.usefixtures("world")
def test_missing_application_ids_are_told_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCES__APPMETRICA_STREAM__APPLICATION_IDS")
    said = call("sync", "--json")
    assert said.exit_code == 2
    assert "SOURCES__APPMETRICA_STREAM__APPLICATION_IDS" in said.stdout


@pytest.mark.usefixtures("world")
def test_home_in_use_is_told_and_exits_4() -> None:
    with hold_home(read_settings()):
        said = call("sync", "--json")
    assert said.exit_code == 4
    assert "home" in said.json["error"]


def test_warehouse_open_elsewhere_is_told_and_exits_4(world: World) -> None:
    world.put_rows(0, 2)
    call("sync")
    probe = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True);"
        " sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", probe, str(world.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        for words in (("query", "SELECT 1"), ("verify",), ("model",), ("status",), ("sync",)):
            said = call(*words, "--json")
            assert said.exit_code == 4
            assert "another process" in said.stdout
    finally:
        holder.communicate()


def test_defect_shows_its_traceback_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__TOKEN", TOKEN)
    broken = typer.Typer(cls=Entrance)

    @verb(broken, "break")
    def break_(session: Session) -> int:
        """Fail."""
        raise RuntimeError(f"the token is {TOKEN}; as JSON: {session.is_json}")

    @broken.callback()
    def start() -> None:
        """One command among others."""

    result = CliRunner().invoke(broken, ["break", "--json"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "RuntimeError: the token is ***; as JSON: True" in result.stderr
    assert '"ok": false' in result.stdout
    assert TOKEN not in result.output


def test_secrets_of_the_secrets_file_are_hidden_too(places: Path) -> None:
    path = places / "secrets.toml"
    path.write_text('[sources.mytracker]\nsecret_key = "longer-than-six"\n', encoding="utf-8")
    assert redaction._read_secrets(path) == {"longer-than-six"}


def test_short_values_do_not_cut_holes_into_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__APPMETRICA_STREAM__TOKEN", "row")
    assert redaction.hide_secrets("3 rows") == "3 rows"


@pytest.mark.parametrize(("times", "stall_s"), [(1, 2), (2, 600)])
def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(
    times: int, stall_s: int, world: World
) -> None:
    """The first waits for what is under way (2 s); the second waits for nothing (600 s)."""
    world.put_rows(0, 2)
    stall = world.sandbox.add_fault("stall", seconds=stall_s)
    with subprocess.Popen(
        [sys.executable, "-m", "connector", "sync", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        wait_for(child.stderr, "planned")
        os.kill(child.pid, signal.SIGINT)
        wait_for(child.stderr, "interrupted")
        if times > 1:
            os.kill(child.pid, signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    world.sandbox.remove_faults(stall)
    assert call("sync", "--json").json["sources"][SOURCE]["rows_loaded"] == 2
    assert call("verify").exit_code == 0


def wait_for(stream: IO[str], word: str) -> None:
    """Read until a line has the word."""
    for line in stream:
        if word in line:
            return
    raise AssertionError(f"the process ended without saying {word!r}")
