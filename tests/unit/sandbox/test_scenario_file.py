from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.sandbox import default_scenario, load_scenario
from connector.sandbox.emulator import Emulator

ROOT = Path(__file__).parent.parent.parent.parent
EXAMPLES = sorted((ROOT / "examples" / "scenarios").glob("*.toml"))

FULL = """
seed = 9
clock = "simulated"
start = 2026-03-02T12:00:00Z
history_days = 0.5

[[apps]]
id = 7
name = "One"
zone = "Asia/Kolkata"
genre = "shop"

[population]
devices = 10

[stream]
window_offset_s = 40
data_types = ["event", "revenue"]

[stream.shape]
json_layout = "lines"

[stream.types.event]
export_format = "json"
fields = ["event_name"]

[[faults]]
kind = "status"
code = 500
times = -1
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_file_says_everything(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, FULL))
    assert scenario.start == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert (scenario.apps[0].zone, scenario.population.devices) == ("Asia/Kolkata", 10)
    assert scenario.stream.shape.json_layout == "lines"
    assert scenario.stream.types["event"].fields == ("event_name",)
    assert scenario.stream.data_types == ("event", "revenue")
    emulator = Emulator(scenario)
    assert emulator.faults()[0]["params"]["code"] == 500
    settings = emulator.stream.settings(7)["settings"]["export_fields"]
    assert [s["data_type"] for s in settings] == ["event", "revenue"]


def test_what_is_left_out_is_as_in_the_demo(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, "seed = 2"))
    assert scenario.apps == default_scenario().apps
    assert scenario.clock == "real"
    assert load_scenario(None) == default_scenario()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("sed = 1", "sed"),
        ('seed = "x"', "seed"),
        ("clock = 'sundial'", "clock"),
        ("[stream]\nwindow_offset = 1", "window_offset"),
        ("[stream.shape]\nbom = 1", "stream.shape.bom"),
        ("[[apps]]\nid = 1\nname = 'A'\nzone = 'Mars/Base'", "apps.0..zone"),
        ("[[apps]]\nname = 'A'", "apps.0"),
        ("start = 'soon'", "start"),
        ("seed = ", "TOML"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"scenario\.toml.*{key}"):
        load_scenario(write(tmp_path, text))


def test_the_logs_api_has_its_table(tmp_path: Path) -> None:
    path = tmp_path / "logs.toml"
    path.write_text(
        "[logs]\nprepare_polls = 3\nrows_number = true\n[logs.shape]\nfinal_newline = false\n"
    )
    logs = load_scenario(path).logs
    assert (logs.prepare_polls, logs.rows_number, logs.queue_places) == (3, True, 3)
    assert (logs.shape.final_newline, logs.shape.json_layout) == (False, "spread")
    path.write_text("[logs]\nprepare = 3\n")
    with pytest.raises(ConfigError, match=r"logs: unknown key 'prepare'"):
        load_scenario(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load_scenario(tmp_path / "none.toml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_every_example_scenario_can_be_started(path: Path) -> None:
    emulator = Emulator(load_scenario(path))
    assert emulator.windows(emulator.scenario.apps[0].id, "event")


def test_the_raw_export_has_its_table(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'api_user_id = 5\n[mytracker]\nbounds = "exclusive"\nrequests_per_hour = 0\n'
        '[mytracker.shape]\nnewline = "crlf"\n',
    )
    scenario = load_scenario(path)
    tracker = scenario.mytracker
    assert (scenario.api_user_id, tracker.bounds, tracker.requests_per_hour) == (5, "exclusive", 0)
    assert (tracker.shape.newline, tracker.places) == ("crlf", 3)
    for text, key in (
        ("[mytracker]\nplaces = 'few'", "mytracker.places"),
        ("[mytracker]\nlink_host = 'moon'", "mytracker.link_host"),
        ("[mytracker]\nhosts = 1", "mytracker: unknown key 'hosts'"),
        ("api_user_id = 'me'", "api_user_id"),
    ):
        with pytest.raises(ConfigError, match=key):
            load_scenario(write(tmp_path, text))
