"""The rules of the house that no linter knows, as tests."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import connector

ROOT = Path(__file__).parent.parent
PRODUCT = sorted(ROOT.glob("connector/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")

FILE_LINES = 300
FUNCTION_LINES = 40
NAMES_OF_NO_JOB = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
# Written in pieces, so that this file does not hold what it forbids.
MACHINE_TEXTS = (
    "/" + "work/",
    "/" + "root/",
    "/" + "tmp/bash_jobs",
    "python" + "hosted",
    "pypi.org" + "/simple",
    "index" + "-url",
    "find" + "-links",
    "trusted" + "-host",
)
DODGES = (
    "mark.skip",
    "mark.skipif",
    "mark.xfail",
    "pytest.skip",
    "pytest.importorskip",
    "pytest.xfail",
    "time.sleep",
    "asyncio.sleep",
    "unittest.mock",
)
SETTING_READERS = ("os.environ", "os.getenv", "dlt.config", "dlt.secrets")
MAKE_TARGETS = {"demo", "test", "check", "docs", "bench", "clean", "help"}


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.AST | None = None) -> str:
    """`file:line`, as editors and terminals link it."""
    line = f":{getattr(node, 'lineno', 1)}" if node else ""
    return f"{path.relative_to(ROOT)}{line}"


def find_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def find_dotted(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every dotted name used, and every imported one as `module.name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield node, f"{node.module}.{name.name}"
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name


def find_uses(path: Path, forbidden: tuple[str, ...]) -> Iterator[str]:
    for node, dotted in find_dotted(parse(path)):
        for name in forbidden:
            if f".{name}." in f".{dotted}.":
                yield f"{place(path, node)}: {dotted}"


def is_idle(handler: ast.ExceptHandler) -> bool:
    """True for an `except` that does nothing at all."""
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in handler.body
    )


def list_committed_files() -> list[Path]:
    """Files git knows or would add, that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def read_pins() -> dict[str, Version]:
    pins = (line.split("==") for line in CONSTRAINTS.split())
    return {canonicalize_name(name): Version(version) for name, version in pins}


def read_requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [r for r in map(Requirement, lines) if r.name != PROJECT["name"]]


def list_needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Every distribution that installing this one brings here, by canonical name."""
    needed: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in extras | {""}):
                continue
            found = canonicalize_name(requirement.name)
            if found not in needed or requirement.extras:
                needed.add(found)
                waiting.append((found, frozenset(requirement.extras)))
    return needed - {canonicalize_name(PROJECT["name"])}


def test_no_file_is_longer_than_the_house_allows() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_the_house_allows() -> None:
    long = {
        f"{place(path, node)} {node.name}": size
        for path in PRODUCT
        for node in find_functions(parse(path))
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_every_module_is_named_after_its_job() -> None:
    assert [place(path) for path in PRODUCT if path.stem in NAMES_OF_NO_JOB] == []


def test_everything_public_says_what_it_is() -> None:
    silent = [place(path) for path in PRODUCT if not ast.get_docstring(parse(path))]
    silent += [
        f"{place(path, node)} {node.name}"
        for path in PRODUCT
        for node in parse(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_exception_is_swallowed() -> None:
    swallowed = [
        place(path, node)
        for path in PRODUCT
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.ExceptHandler) and is_idle(node))
        or (isinstance(node, ast.Call) and re.search(r"suppress\((Base)?Exc", ast.unparse(node)))
    ]
    assert swallowed == []


def test_settings_are_read_by_source_functions_the_pipeline_and_the_command_line_only() -> None:
    readers = re.compile(r"connector/(sources/\w+/__init__|warehouse/settings|cli/\w+)\.py")
    # these two read nothing: they set how dlt drains resources, and how it loads
    setters = {"connector/resource.py": "dlt.config", "connector/warehouse/store.py": "dlt.config"}
    uses = [
        use
        for path in PRODUCT
        if not readers.fullmatch(place(path))
        for use in find_uses(path, SETTING_READERS)
        if not use.endswith(setters.get(place(path), "-"))
    ]
    assert uses == []


def test_no_test_is_skipped_sleeps_or_patches() -> None:
    assert [use for path in TESTS for use in find_uses(path, DODGES)] == []


def test_nothing_committed_names_a_machine_or_a_package_index() -> None:
    named = [
        f"{place(path)}: {text}"
        for path in list_committed_files()
        for text in MACHINE_TEXTS
        if text.encode() in path.read_bytes()
    ]
    assert named == []


def test_constraints_are_names_and_exact_versions_only() -> None:
    lines = CONSTRAINTS.splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert lines == sorted(lines, key=str.lower)


@pytest.mark.parametrize("requirement", read_requirements(), ids=lambda r: r.name)
def test_pin_satisfies_the_project(requirement: Requirement) -> None:
    assert read_pins()[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("rule", ["dlt==1.31.*", "duckdb>=1.4.4,<2", "sqlglot<30.22"])
def test_pin_fits_what_dlt_can_work_with(rule: str) -> None:
    requirement = Requirement(rule)
    assert read_pins()[requirement.name] in requirement.specifier


def test_everything_that_gets_installed_is_pinned() -> None:
    assert list_needed(PROJECT["name"], frozenset({"dev"})) - set(read_pins()) == set()


def test_makefile_has_its_targets() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"^([a-z]+):", text, re.MULTILINE)) >= MAKE_TARGETS


def test_ci_runs_the_make_targets() -> None:
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert [step for step in ("check", "demo", "test") if not re.search(rf"\b{step}\b", text)] == []
    assert "set -euo pipefail" in text


def test_changelog_and_package_agree_on_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert PROJECT["version"] == connector.__version__
    assert "## [Unreleased]" in changelog
    assert f"## [{connector.__version__}]" in changelog
