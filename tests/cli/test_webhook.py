"""`connector webhook`: its first line, its end, one per home and port, and what it asks for."""

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import call
from tests.integration.receiver_process import ROOT, running, send
from tests.unit.webhook.deliveries import OLD_SECRET, SECRET, read_ids

KEY = "SOURCES__SHORTKIT__WEBHOOK_SECRET"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_records_and_ends_on_a_signal(
    number: signal.Signals, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with running(home) as receiver:
        assert urlsplit(receiver.url).path == "/shortkit"
        assert urlsplit(receiver.url).hostname == "127.0.0.1"
        assert [send(receiver.url, name) for name in ("exp_1", "exp_2", "exp_1")] == [200] * 3
        assert send(receiver.url, "exp_3", OLD_SECRET) == 401
        health = receiver.url.replace("/shortkit", "/healthz")
        with urllib.request.urlopen(health, timeout=30) as answer:
            assert json.load(answer) == {"ok": True, "pending": 2}
        code, rest, said = receiver.end(number)
    assert (code, rest) == (0, "")
    assert "delivery recorded" in said
    assert "delivery known already" in said
    assert "delivery refused" in said
    assert SECRET not in said
    assert "signature=" not in said
    assert read_ids(home) == ["exp_1", "exp_2"]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()}
    assert modes == {"inbox.db": 0o600, "webhook.lock": 0o600}


def test_path_and_two_secrets(tmp_path: Path) -> None:
    both = f"{SECRET},{OLD_SECRET}"
    with running(tmp_path / "home", "--path", "/hooks/video", secret=both) as receiver:
        assert receiver.url.endswith("/hooks/video")
        assert [send(receiver.url, s, s) for s in (SECRET, OLD_SECRET)] == [200, 200]
        assert send(receiver.url.replace("video", "other"), "exp_1") == 404


def test_secrets_may_stand_in_secrets_toml(tmp_path: Path) -> None:
    folder = tmp_path / ".dlt"
    folder.mkdir()
    text = f'[sources.shortkit]\nwebhook_secret = ["{SECRET}", "{OLD_SECRET}"]\n'
    (folder / "secrets.toml").write_text(text, encoding="utf-8")
    (folder / "config.toml").write_text('[sources.shortkit]\nsignature = "D"\n', encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if key not in {KEY, "DLT_PROJECT_DIR"}}
    with subprocess.Popen(
        [sys.executable, "-m", "connector", "webhook", "--json", "--port", "0"],
        cwd=tmp_path,
        env=env | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        assert [send(f"{url}/{s}", "exp_1") for s in (SECRET, OLD_SECRET)] == [200, 200]
        assert send(f"{url}/another", "exp_3") == 401
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert SECRET not in said
    assert "/shortkit/<webhook_secret>" in said


def test_a_second_receiver_of_the_home_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        said = start_another(tmp_path / "home", 0)
        assert said.returncode == 4
        assert "another receiver is using the home" in said.stderr
        assert send(receiver.url, "exp_1") == 200


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        port = urlsplit(receiver.url).port or 0
        said = start_another(tmp_path / "other", port)
        assert said.returncode == 2
        assert f"cannot listen on 127.0.0.1 port {port}" in said.stderr
        assert json.loads(said.stdout)["exit_code"] == 2
        assert send(receiver.url, "exp_1") == 200


def start_another(home: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "connector", "webhook", "--json"),
            *("--home", str(home), "--port", str(port)),
        ],
        env=os.environ | {KEY: SECRET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_missing_secret_is_named(places: Path) -> None:
    said = call("webhook", "--json")
    assert said.exit_code == 2
    assert "sources.shortkit.webhook_secret is not set" in said.json["error"]
    assert KEY in said.json["error"]
    assert list(places.iterdir()) == []


@pytest.mark.parametrize("path", ["", "shortkit", "/", "/a/", "/{x}", "/a b", "/healthz"])
def test_a_path_that_will_not_do(path: str, places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    said = call("webhook", "--path", path)
    assert said.exit_code == 2
    assert "--path" in said.stderr
    assert list(places.iterdir()) == []


def test_wrong_settings_are_named(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setenv("SOURCES__SHORTKIT__SIGNATURE", "E")
    said = call("webhook")
    assert said.exit_code == 2
    assert "sources.shortkit.signature is 'E'" in said.stderr
    assert list(places.iterdir()) == []


def test_without_aiohttp_the_extra_is_named(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    for name in [n for n in sys.modules if n.startswith("connector.webhook.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    said = call("webhook", "--home", places / "home")
    assert said.exit_code == 2
    assert "app-analytics-connector[webhook]" in said.stderr


def test_the_worker_needs_what_a_run_needs(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    said = call("webhook", "--worker")
    assert said.exit_code == 2
    assert "sources.shortkit.token is not set" in said.stderr
    assert list(places.iterdir()) == []


def test_a_run_that_fails_is_named_and_the_receiver_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHORTKIT__TOKEN", "sk_test_invented")
    monkeypatch.setenv("SOURCES__SHORTKIT__BASE_URL", "ftp://nowhere")  # the run refuses it
    with running(tmp_path / "home", "--worker") as receiver:
        assert receiver.child.stderr is not None
        assert send(receiver.url, "exp_1") == 200
        line = next(line for line in receiver.child.stderr if "worker: " in line)
        assert "exit_code=2" in line
        assert "meaning=configuration" in line
        assert send(receiver.url, "exp_2") == 200
        assert receiver.end()[0] == 0
    assert read_ids(tmp_path / "home") == ["exp_1", "exp_2"]
