"""The pages of the sources: complete, up to date, and stale ones found by name."""

import re
from pathlib import Path

import pytest

from connector.fields import load_tables
from connector.naming import to_snake_case
from connector.warehouse.source_pages import (
    SHARED,
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


def split_page(page: str) -> dict[str, str]:
    """What stands below each heading of a table, by heading."""
    return dict(section.split("\n", 1) for section in page.split("\n### ")[1:] if "\n" in section)


def list_grid(section: str) -> list[tuple[str, str]]:
    """The first two cells of every row of a section's grids."""
    return re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE)


@pytest.mark.parametrize("source", list_sources())
def test_page_names_every_table_and_field_with_its_meaning(source: str) -> None:
    page = render_source_page(source)
    sections = split_page(page)
    for table in load_tables(source).values():
        assert table.doc in sections[table.name]
        shown = sections[table.name] + sections.get(SHARED, "")
        for field in table.fields:
            escaped = field.doc.replace("|", "\\|")
            assert f"\n| `{field.column}` | " in shown
            assert escaped in shown


@pytest.mark.parametrize("source", list_sources())
def test_page_says_what_a_user_has_to_know(source: str) -> None:
    page = render_source_page(source)
    for heading in ("## Credentials", "## Unit of work", "## Limits", "## Settings", "## Quirks"):
        assert f"\n{heading}\n" in page
    used = {field.type for table in load_tables(source).values() for field in table.fields}
    assert [kind for kind in used if TYPE_NOTES[kind] not in page] == []


@pytest.mark.parametrize("source", list_sources())
def test_names_in_staging_are_those_of_the_staging_views(source: str) -> None:
    sections = split_page(render_source_page(source))
    for table in load_tables(source).values():
        but = re.findall(
            r"`(.+?)`", sections[table.name].partition("), but not ")[2].split(", and:")[0]
        )
        left_out = {to_snake_case(name) for name in but}
        shared = list_grid(sections.get(SHARED, ""))
        own = list_grid(sections[table.name])
        cells = [cell for column, cell in shared if column not in left_out]
        cells += [cell for _, cell in own]
        view = (ROOT / f"sql/staging/stg_{source}__{table.name}.sql").read_text(encoding="utf-8")
        columns = {name for name in re.findall(r"(\w+),? -- ", view) if not name.startswith("_")}
        assert set(re.findall(r"`(\w+)`", " ".join(cells))) == columns - {"available_at"}


def test_page_says_what_is_asked_for_and_what_a_selector_may_mean() -> None:
    sections = split_page(render_source_page("mytracker"))
    assert "Asked for by default: all of these." in sections["custom_events"]
    assert "Asked for by default: `customUserId`, `tsEvent`, " in sections["user_sessions"]
    assert "Loaded only where the setting `selectors.userPayments`" in sections["user_payments"]
    assert "\n| `transaction` | `transaction_id` | `text` | " in sections["user_payments"]
    assert "`0` is no value" in sections["installs"]
    assert "\n| `params.` | `array_literal` | " in sections["Columns"]
    for source in ("appmetrica_stream", "appmetrica_logs"):
        assert "Asked for by default" not in render_source_page(source)
        assert "### Columns" not in render_source_page(source)


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
