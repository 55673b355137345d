"""The committed settings files name what the sources read, and hold no secret."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connector.warehouse.settings import open_api, resolve_source

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path.parent.name for path in ROOT.glob("connector/sources/*/fields.toml"))
CONNECTOR_KEYS = {
    "warehouse",
    "destination",
    "home",
    "max_run_bytes",
    "keep_files",
    "report_time_zone",
    "seeds",
    "publish",
}


def read_settings() -> dict[str, Any]:
    """config.toml with its commented-out defaults uncommented."""
    text = (ROOT / ".dlt/config.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))


def read_secrets() -> dict[str, Any]:
    return tomllib.loads((ROOT / ".dlt/example.secrets.toml").read_text(encoding="utf-8"))


def read_parameters(source: str) -> set[str]:
    """Names of the parameters of the source function, which are its settings."""
    module = ROOT / "connector/sources" / source / "__init__.py"
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == source:
            return {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    raise AssertionError(f"{module} has no function {source}")


def test_connector_section_is_the_contracts() -> None:
    assert set(read_settings()["connector"]) == CONNECTOR_KEYS


@pytest.mark.parametrize("source", SOURCES)
def test_settings_of_a_source_are_the_parameters_of_its_function(source: str) -> None:
    named = {*read_settings()["sources"][source], *read_secrets()["sources"][source]}
    assert named == read_parameters(source)


@pytest.mark.parametrize("source", SOURCES)
def test_every_setting_can_come_from_the_environment(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**read_settings()["sources"][source], **read_secrets()["sources"][source]}
    for key, value in given.items():
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(f"SOURCES__{source.upper()}__{key.upper()}", text or "77001")
    assert set(resolve_source(source)) == set(given)
    open_api(source)[0].close()


def test_dlt_sends_no_telemetry() -> None:
    assert read_settings()["runtime"]["dlthub_telemetry"] is False


def test_example_secrets_are_empty() -> None:
    given = [value for keys in read_secrets()["sources"].values() for value in keys.values()]
    assert set(given) == {""}


def test_no_setting_is_both_secret_and_not() -> None:
    for source, keys in read_secrets()["sources"].items():
        assert set(keys).isdisjoint(read_settings()["sources"][source])


def test_real_secrets_are_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".dlt/secrets.toml", ".connector/", "demo/", "*.duckdb"} <= set(ignored)
