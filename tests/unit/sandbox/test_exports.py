import pytest

from connector.sandbox import Stream
from connector.sandbox.appmetrica_stream.exports import (
    ExportBook,
    SettingsError,
    initial_exports,
    known_fields,
    parse_settings,
)
from connector.sandbox.appmetrica_stream.timeline import DATA_TYPES

EVENT = {"data_type": "event", "export_format": "csv", "fields": ["event_name"]}


def body(*exports: object, switch: bool = True) -> dict[str, object]:
    return {"settings": {"ui_checkbox_enabled": switch, "export_fields": list(exports)}}


def test_a_scenario_starts_with_all_fields_of_all_types() -> None:
    exports = initial_exports(Stream())
    assert [e.data_type for e in exports] == list(DATA_TYPES)
    assert all(e.fields == known_fields(e.data_type) for e in exports)


def test_settings_survive_the_way_there_and_back() -> None:
    described = [e.describe() for e in initial_exports(Stream())]
    parsed, is_on = parse_settings(body(*described))
    assert is_on
    assert [e.describe() for e in parsed] == described


def test_only_what_changed_gets_a_new_schema_from_the_next_window_on() -> None:
    book = ExportBook(Stream(data_types=("event", "crash")))
    exports, _ = parse_settings(body(*(e.describe() for e, _ in book.current().values())))
    changed, _ = parse_settings(body(EVENT))
    book.replace([changed[0], exports[1]], is_on=True, since_slot=600)
    old, new = book.export_at("event", 599), book.export_at("event", 600)
    assert old is not None
    assert new is not None
    assert old[1].id != new[1].id
    assert new[1].field_names == ("event_name",)
    assert book.export_at("crash", 0) == book.export_at("crash", 900)


def test_a_type_left_out_or_off_is_exported_no_more() -> None:
    book = ExportBook(Stream(data_types=("event", "crash")))
    book.replace(parse_settings(body(EVENT))[0], is_on=True, since_slot=600)
    assert book.export_at("crash", 300) is not None
    assert book.export_at("crash", 600) is None
    book.replace(parse_settings(body(EVENT))[0], is_on=False, since_slot=900)
    assert book.export_at("event", 900) is None


@pytest.mark.parametrize(
    ("wrong", "error_type"),
    [
        ([], "missing_parameter"),
        ({"settings": {}}, "missing_parameter"),
        (body({"data_type": "weather"}), "invalid_parameter"),
        (body({**EVENT, "export_format": "xml"}), "invalid_parameter"),
        (body({**EVENT, "fields": ["moon_phase"]}), "invalid_parameter"),
        (body({**EVENT, "fields": "event_name"}), "invalid_parameter"),
        (body({**EVENT, "include_events": ["x"] * 10_001}), "invalid_parameter"),
        (body(EVENT, EVENT), "invalid_parameter"),
    ],
)
def test_wrong_settings_are_refused(wrong: object, error_type: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(wrong)
    assert caught.value.error_type == error_type
