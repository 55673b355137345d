"""Small folders of models for tests."""

from pathlib import Path


def write_model(
    root: Path, name: str, select: str, *, kind: str = "table", header: tuple[str, ...] = ()
) -> Path:
    """Writes `core.name` as `<root>/core/name.sql`; `header` are further `key: value` lines."""
    folder, _, stem = name.rpartition(".")
    path = root / {"mart": "marts", "stg": "staging"}.get(folder, folder) / f"{stem}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["A test model.", "grain: row", f"kind: {kind}", *header]
    path.write_text("".join(f"-- {line}\n" for line in lines) + select + "\n", encoding="utf-8")
    return path
