"""A file that is larger than what the process may take."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.sandbox import Sandbox, ShortKit
from tests.integration.shortkit_world import ALONE

ROWS, COPIES = 4_000, 100
TEXT_BYTES = 5_000  # of a row: 2 GB in all
MOST_MB = 1_000


@pytest.mark.timeout(300)  # a slow disk may take its time
def test_two_gigabytes_of_lines_are_loaded_under_a_cap(tmp_path: Path) -> None:
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    dice = random.Random(7)
    rows = [
        {
            "event": "interaction",
            "contentId": f"cnt_{number}",
            "timestamp": f"{day}T10:00:{number % 60:02}Z",
            "data": {"value": dice.randbytes(TEXT_BYTES // 2).hex()},
        }
        for number in range(ROWS)
    ]
    scenario = replace(ALONE, clock="real", start=None, shortkit=ShortKit(prepare_s=0.01))
    with Sandbox(scenario) as sandbox:
        sandbox.add_video_export("events", since=day, until=day, rows=rows)
        sandbox.add_fault("video_copies", copies=COPIES, times=-1)
        own = {key: value for key, value in sandbox.env.items() if "SHORTKIT" in key}
        env = {
            **os.environ,
            **own,
            "SOURCES__SHORTKIT__DATA_TYPES": "events",
            "SOURCES__SHORTKIT__START": day,
            "SOURCES__SHORTKIT__LOOKBACK_DAYS": "0",
        }
        paths = ["--warehouse", str(tmp_path / "w.duckdb"), "--home", str(tmp_path / "home")]
        command = [sys.executable, "-m", "connector", "sync", "shortkit", "--json", "--quiet"]
        with subprocess.Popen([*command, *paths], env=env, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            said = json.loads(process.stdout.read())
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert said["sources"]["shortkit"]["rows_loaded"] == ROWS * COPIES
    assert used.ru_maxrss / 1024 <= MOST_MB
