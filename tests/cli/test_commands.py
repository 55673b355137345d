"""Every verb has help and stands in the docs; common options; how fast help is."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from connector.cli.app import app
from connector.cli.docs import list_verbs, render_commands
from tests.cli.conftest import call

ROOT = Path(__file__).parents[2]
VERBS: dict[str, Any] = dict(list_verbs(get_command(app)))
PAGE = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
PROMISED = (
    *("run", "sync", "backfill", "model", "plan", "status", "verify", "query"),
    *("state show", "state reset", "state export", "state import"),
    *("quarantine list", "quarantine replay"),
    *("jobs list", "jobs cancel"),
    *("stream-settings show", "stream-settings plan", "stream-settings apply"),
    *("person export", "person erase", "person verify", "webhook"),
    *("sandbox", "demo", "doctor", "docs"),
)
HEAVY = ("dlt", "duckdb", "pyarrow", "httpx", "structlog", "rich.progress", "connector.sandbox")


def test_there_is_every_command_that_was_promised() -> None:
    assert sorted(VERBS) == sorted(f"connector {name}" for name in PROMISED)


@pytest.mark.parametrize("name", VERBS)
def test_command_has_help_and_its_options_do_too(name: str) -> None:
    said = call(*name.split()[1:], "--help")
    assert said.exit_code == 0
    assert VERBS[name].help
    assert [option.name for option in VERBS[name].params if not option.help] == []
    for option in ("--json", "--quiet", "--warehouse", "--home"):
        assert option in said.stdout


@pytest.mark.parametrize("name", VERBS)
def test_command_stands_in_the_docs_with_its_options(name: str) -> None:
    section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert VERBS[name].help.strip() in section
    own = {"json", "quiet", "warehouse", "home", "help"}
    options = [o for o in VERBS[name].params if o.param_type_name == "option"]
    assert [o.name for o in options if o.name not in own and f"`{o.opts[0]}" not in section] == []


def test_committed_reference_is_up_to_date() -> None:
    assert render_commands() == PAGE


def test_no_arguments_print_help() -> None:
    said = call()
    assert said.exit_code == 0
    assert "Usage: connector" in said.stdout


def test_help_imports_nothing_that_is_slow() -> None:
    probe = (
        "import sys; from connector.cli.app import app\n"
        "try: app(['sync', '--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr.strip() == "[]"


def test_module_and_command_are_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "connector", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.startswith("connector ")


@pytest.mark.parametrize("words", [("--json", "verify"), ("verify", "--json")])
def test_common_options_stand_before_or_after_the_verb(
    words: tuple[str, str], places: Path
) -> None:
    said = call(*words, "--warehouse", places / "other.duckdb")
    assert said.exit_code == 2
    assert "other.duckdb" in said.json["error"]


def test_wrong_option_is_told_in_json_too() -> None:
    said = call("sync", "--json", "--colour")
    assert (said.exit_code, said.json["exit_code"]) == (2, 2)
    assert "--colour" in said.json["error"]
    assert "connector sync --help" in said.stderr


def test_version_in_json() -> None:
    assert call("--version", "--json").json["version"]


@pytest.mark.parametrize("page", ["docs/commands.md", "sql/staging/stg_gone.sql"])
def test_docs_finds_and_mends_what_is_out_of_date(
    page: str, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = places / "repository"
    for folder in ("docs/sources", "sql/staging"):
        (copy / folder).mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert call("docs", "--json").exit_code == 0
    assert call("docs", "--check", "--json").json["stale"] == []
    (copy / page).write_text("edited by hand", encoding="utf-8")
    stale = call("docs", "--check", "--json")
    assert (stale.exit_code, stale.json["stale"]) == (2, [page])
    assert call("docs", "--json").json["written"] == [page]


def test_docs_outside_the_repository_says_so(places: Path) -> None:
    said = call("docs", "--json")
    assert said.exit_code == 2
    assert str(places) in said.json["error"]
