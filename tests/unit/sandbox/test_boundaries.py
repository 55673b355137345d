"""What the sandbox may know, and that its page names everything it has."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from connector.sandbox import (
    App,
    FileShape,
    Logs,
    MyTracker,
    Population,
    Scenario,
    ShortKit,
    Stream,
    StreamType,
)
from connector.sandbox.fault_kinds import FAULT_KINDS

ROOT = Path(__file__).parent.parent.parent.parent
SOURCES = sorted((ROOT / "connector" / "sandbox").rglob("*.py"))
PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
CONTROL = (ROOT / "connector" / "sandbox" / "control.py").read_text(encoding="utf-8")


def test_the_sandbox_shares_nothing_with_what_it_tests_but_fields_and_errors() -> None:
    known = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                known.add(node.module)
            if isinstance(node, ast.Import):
                known |= {alias.name for alias in node.names}
    ours = {name for name in known if name.split(".")[0] == "connector"}
    allowed = ("connector.fields", "connector.errors", "connector.sandbox")
    assert not {name for name in ours if not name.startswith(allowed)}
    assert not {name for name in known if name.split(".")[0] in {"dlt", "duckdb", "httpx"}}


@pytest.mark.parametrize("kind", FAULT_KINDS.values(), ids=lambda kind: str(kind.name))
def test_the_page_names_every_fault_and_its_parameters(kind: object) -> None:
    name, params = getattr(kind, "name", ""), getattr(kind, "params", {})
    table = PAGE.partition("| fault | stage |")[2].splitlines()
    line = next(line for line in table if line.startswith(f"| `{name}` |"))
    for param in params:
        assert f"`{param}`" in line


@pytest.mark.parametrize(
    "block", [App, FileShape, Logs, MyTracker, Population, Scenario, ShortKit, Stream, StreamType]
)
def test_the_page_names_every_scenario_key(block: type) -> None:
    for field in fields(block):
        assert f"`{field.name}`" in PAGE, field.name


def test_the_page_names_every_control_endpoint() -> None:
    for verb, path in re.findall(r'add\("(\w+)", "([^"]+)"', CONTROL):
        assert f"| `{verb} {path}` |" in PAGE
