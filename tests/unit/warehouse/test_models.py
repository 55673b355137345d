from pathlib import Path

import pytest

from connector.errors import ConfigError, CycleError, ModelError, UnknownColumnError
from connector.warehouse.models import Graph, load_graph
from tests.unit.warehouse.model_files import write_model


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_graph()


def test_every_column_of_every_model_has_a_type_and_a_comment(graph: Graph) -> None:
    own = [model for model in graph.models.values() if model.schema != "seed"]
    wanting = [
        f"{model.name}.{column.name}"
        for model in own
        for column in model.columns
        if column.type == "UNKNOWN" or not column.doc
    ]
    assert wanting == []


def test_models_are_short_and_say_what_a_row_is(graph: Graph) -> None:
    for model in graph.models.values():
        assert model.doc
        assert model.grain
        assert model.schema == "stg" or len(model.text.splitlines()) <= 80, model.name


def test_every_audit_named_in_a_header_is_there(graph: Graph) -> None:
    built_in = {"unique", "not_null", "relationship"}
    named = {audit.name for model in graph.models.values() for audit in model.audits}
    assert named - built_in == set(graph.audits)


def test_an_unknown_column_is_named_with_file_line_and_column(tmp_path: Path) -> None:
    write_model(tmp_path, "core.one", "SELECT 1 AS a -- number")
    write_model(tmp_path, "core.two", "SELECT\n  a,\n  nope\nFROM core.one")
    with pytest.raises(
        UnknownColumnError, match=r"core.two:6:3: there is no column nope"
    ) as caught:
        load_graph(tmp_path)
    assert (caught.value.model, caught.value.line, caught.value.column) == ("core.two", 6, 3)


@pytest.mark.parametrize(
    ("select", "line", "column"),
    [
        ("SELECT o.a, o.nope FROM core.one AS o", 4, 13),
        ("WITH x AS (SELECT a FROM core.one)\nSELECT x.a, x.nope FROM x", 5, 13),
        ("SELECT a FROM core.one WHERE a IN (SELECT nope FROM core.one)", 4, 43),
        ("SELECT a FROM core.none", 4, 15),
        ("SELECT hash_key(a, nope) AS k FROM core.one", 4, 20),
        ("SELECT z.a FROM core.one AS o", 4, 8),
    ],
)
def test_unknown_names_are_found_wherever_they_stand(
    tmp_path: Path, select: str, line: int, column: int
) -> None:
    (tmp_path / "functions.toml").write_text(
        '[hash_key]\nfold = "||"\nseparator = "|"\nduckdb = "md5(parts)"\n', encoding="utf-8"
    )
    write_model(tmp_path, "core.one", "SELECT 1 AS a")
    write_model(tmp_path, "core.two", select)
    with pytest.raises(UnknownColumnError) as caught:
        load_graph(tmp_path)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_circle_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "SELECT x FROM core.c")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    write_model(tmp_path, "core.c", "SELECT x FROM core.b")
    with pytest.raises(
        CycleError, match=r"in a circle: core\.\w -> core\.\w -> core\.\w -> core\.\w"
    ):
        load_graph(tmp_path)


@pytest.mark.parametrize(
    ("select", "kind", "said"),
    [
        ("SELECT 1 AS a", "heap", "`-- kind:` is one of"),
        ("SELEC 1", "table", "not valid SQL"),
        ("SELECT 1 AS a; SELECT 2", "table", "not valid SQL|one SELECT"),
        ("DROP TABLE x", "table", "one SELECT"),
        ("SELECT * FROM (SELECT 1 AS a) AS t", "table", "names its columns"),
        ("SELECT 1 AS day", "by_day", "column `day` of type DATE"),
    ],
)
def test_a_file_that_is_no_model_says_so(tmp_path: Path, select: str, kind: str, said: str) -> None:
    write_model(tmp_path, "core.one", select, kind=kind)
    with pytest.raises(ModelError, match=said):
        load_graph(tmp_path)


def test_a_misspelt_header_key_or_key_column_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, "core.one", "SELECT 1 AS a", header=("adits: not_null(a)",))
    with pytest.raises(ModelError, match="unknown header key 'adits'"):
        load_graph(tmp_path)
    write_model(tmp_path, "core.one", "SELECT 1 AS a", header=("key: b",))
    with pytest.raises(UnknownColumnError, match="key"):
        load_graph(tmp_path)


def test_select_takes_a_name_and_with_plus_what_reads_it(tmp_path: Path) -> None:
    write_model(tmp_path, "core.a", "SELECT 1 AS x")
    write_model(tmp_path, "core.b", "SELECT x FROM core.a")
    write_model(tmp_path, "mart.c", "SELECT x FROM core.b")
    write_model(tmp_path, "mart.d", "SELECT 1 AS x")
    graph = load_graph(tmp_path)
    assert graph.select(()) == {"core.a", "core.b", "mart.c", "mart.d"}
    assert graph.select(("b",)) == {"core.b"}
    assert graph.select(("core.b+",)) == {"core.b", "mart.c"}
    with pytest.raises(ConfigError, match="no such model"):
        graph.select(("z",))


def test_a_seed_is_a_table_of_texts_and_may_hold_no_line(tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "empty.csv").write_text("a,b\n", encoding="utf-8")
    (folder / "full.csv").write_text('a,b\n"it\'s, so",\n', encoding="utf-8")
    graph = load_graph(tmp_path)
    assert [column.type for column in graph.models["seed.full"].columns] == ["VARCHAR", "VARCHAR"]
    assert "seed.empty" in graph.models
