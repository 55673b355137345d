"""The built wheel holds everything the connector needs, and works without the repository."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = """
from importlib.resources import files
import connector
from connector.fields import load_tables
print(connector.__file__)
print(len(load_tables("appmetrica_stream")))
print((files("connector") / "sql" / "functions.toml").is_file())
"""


def list_packaged() -> list[str]:
    """Files the wheel should hold, by their path in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "connector", "sql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built, offline, from a copy of what is committed."""
    copy = tmp_path_factory.mktemp("copy")
    for name in [*list_packaged(), "pyproject.toml", "setup.py", "README.md", "LICENSE"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, check=True)
    (built,) = copy.glob("dist/*.whl")
    return built


def test_wheel_holds_every_file_of_the_package_and_its_sql(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"connector/{name}" if name.startswith("sql/") else name for name in list_packaged()}
    assert wanted - held == set()
    assert {"connector/py.typed", "connector/sources/appmetrica_stream/fields.toml"} <= held


def test_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"connector"}


def test_installed_wheel_finds_its_field_tables_and_sql(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    said = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said == [str(site / "connector/__init__.py"), "13", "True"]
