"""The pages of the sources: complete, up to date, and stale ones found by name."""

import re
from pathlib import Path

import pytest

from connector.fields import load_tables
from connector.warehouse.source_pages import (
    TYPE_NOTES,
    check_pages,
    list_sources,
    render_source_page,
    write_pages,
)

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/sources"


def test_committed_pages_are_up_to_date() -> None:
    assert check_pages(PAGES) == []


@pytest.mark.parametrize("source", list_sources())
def test_page_names_every_table_and_field_with_its_meaning(source: str) -> None:
    page = render_source_page(source)
    sections = dict(
        section.split("\n", 1) for section in page.split("\n### ")[1:] if "\n" in section
    )
    for table in load_tables(source).values():
        assert table.doc in sections[table.name]
        for field in table.fields:
            escaped = field.doc.replace("|", "\\|")
            assert f"\n| `{field.column}` | " in sections[table.name]
            assert escaped in sections[table.name]


@pytest.mark.parametrize("source", list_sources())
def test_page_says_what_a_user_has_to_know(source: str) -> None:
    page = render_source_page(source)
    for heading in ("## Credentials", "## Unit of work", "## Limits", "## Settings", "## Quirks"):
        assert f"\n{heading}\n" in page
    used = {field.type for table in load_tables(source).values() for field in table.fields}
    assert [kind for kind in used if TYPE_NOTES[kind] not in page] == []


@pytest.mark.parametrize("source", list_sources())
def test_names_in_staging_are_those_of_the_staging_views(source: str) -> None:
    page = render_source_page(source)
    for table in load_tables(source).values():
        section = page.partition(f"\n### {table.name}\n")[2].partition("\n### ")[0]
        cells = re.findall(r"^\| `\w+` \| (.*?) \|", section, re.MULTILINE)
        view = (ROOT / f"sql/staging/stg_{source}__{table.name}.sql").read_text(encoding="utf-8")
        columns = {name for name in re.findall(r"(\w+),? -- ", view) if not name.startswith("_")}
        assert set(re.findall(r"`(\w+)`", " ".join(cells))) == columns - {"available_at"}


def test_every_row_of_a_grid_has_as_many_cells_as_its_head() -> None:
    for source in list_sources():
        width = 0
        for line in render_source_page(source).splitlines():
            cells = line.replace("\\|", "").count("|")
            assert not line.startswith("|") or width in {0, cells}, line
            width = cells if line.startswith("|") else 0


def test_missing_changed_and_orphaned_pages_are_named_and_mended(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    pages = [f"{source}.md" for source in list_sources()]
    assert check_pages(folder) == pages
    write_pages(folder)
    assert check_pages(folder) == []
    (folder / "appmetrica_stream.md").write_text("edited by hand", encoding="utf-8")
    (folder / "gone.md").write_text("a source that was removed", encoding="utf-8")
    assert write_pages(folder) == ["appmetrica_stream.md", "gone.md"]
    assert check_pages(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == pages
