import shutil
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from connector.errors import ConfigError
from connector.warehouse.catalog import render_models_page
from connector.warehouse.model_set import ModelSet
from connector.warehouse.models import load_graph, sql_root
from connector.warehouse.runner import run_models
from connector.warehouse.settings import read_settings
from tests.unit.warehouse.raw_warehouse import RawUnit, load_units, rows_of

HEADER = "source,source_app_id,app_group,name,time_zone,revenue_currency"
GROUP = "SELECT app_group, name FROM core.app"


def write_seed(folder: Path, *lines: str, name: str = "app_map.csv", bom: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(bom + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def test_a_seed_of_the_user_stands_in_for_the_packaged_one_and_a_changed_one_rebuilds(
    warehouse: DuckDBPyConnection, tmp_path: Path
) -> None:
    load_units(warehouse, "1700000000.1", [RawUnit("u", "event", [{"event_name": "a"}])])
    run_models(warehouse)
    assert rows_of(warehouse, GROUP) == [("appmetrica:10", None)]
    seeds = write_seed(tmp_path / "seeds", HEADER, "appmetrica,10,game,Game,UTC,USD")
    assert run_models(warehouse, seeds=seeds, check=True).exit_code == 0
    assert rows_of(warehouse, GROUP) == [("game", "Game")]
    assert {one.status for one in run_models(warehouse, seeds=seeds).models} == {"skipped"}
    write_seed(tmp_path / "seeds", HEADER, "appmetrica,10,shop,,,")
    report = run_models(warehouse, seeds=seeds)
    built = {one.name for one in report.models if one.status == "built"}
    assert {"seed.app_map", "core.app"} <= built
    assert "core.event" not in built
    assert rows_of(warehouse, GROUP) == [("shop", None)]
    run_models(warehouse)
    assert rows_of(warehouse, GROUP) == [("appmetrica:10", None)]


def test_columns_may_stand_in_any_order_and_a_spreadsheets_mark_is_passed_over(
    tmp_path: Path,
) -> None:
    names = "app_group,note,source_app_id,source,name,time_zone,revenue_currency"
    seeds = write_seed(tmp_path / "seeds", names, "game,mine,10,appmetrica,,,", bom="\ufeff")
    seed = load_graph(ModelSet(sql_root(), seeds)).models["seed.app_map"]
    assert [column.name for column in seed.columns] == names.split(",")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("source,source_app_id,name,time_zone,revenue_currency",), r"app_map\.csv.*'app_group'"),
        ((), r"app_map\.csv.*'source'"),
        ((HEADER, "appmetrica,10,game"), r"app_map\.csv: line 2 has 3 cells, and the first line 6"),
    ],
)
def test_a_file_that_is_no_such_seed_is_refused_naming_it(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    seeds = write_seed(tmp_path / "seeds", *lines)
    with pytest.raises(ConfigError, match=said):
        load_graph(ModelSet(sql_root(), seeds))


def test_a_folder_or_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"connector\.seeds: there is no folder .*nowhere"):
        load_graph(ModelSet(sql_root(), tmp_path / "nowhere"))
    seeds = write_seed(tmp_path / "seeds", HEADER, name="appmap.csv")
    with pytest.raises(ConfigError, match=r"appmap\.csv stands in for no seed.*app_map\.csv"):
        load_graph(ModelSet(sql_root(), seeds))


def test_the_setting_is_a_path_and_none_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().seeds is None
    monkeypatch.setenv("CONNECTOR__SEEDS", "my/seeds")
    assert read_settings().seeds == Path("my/seeds")


def test_committed_models_are_the_same_whatever_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = render_models_page()
    monkeypatch.setenv("SOURCES__MYTRACKER__ROLES", '{"payments": {"amount": "x"}}')
    monkeypatch.setenv("SOURCES__MYTRACKER__SELECTORS", '{"payments": ["x"]}')
    root = tmp_path / "sql"
    shutil.copytree(sql_root(), root)
    assert render_models_page(root) == before
