"""What is measured, against what, and the bar each must pass."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import programs
from benchmarks.data import COLUMNS, LOGS_COLUMNS, LOGS_ROWS, write_events, write_logs_json
from benchmarks.measure import Cost, pair, run_process, run_python, sandbox_process

WINDOW = 300
SMALL_WINDOWS = 2_000
HISTORY_S = 6 * 24 * 3600
STREAM = "appmetrica_stream"
LOGS = "appmetrica_logs"
CASES = ("stream-large", "stream-small", "logs-csv", "logs-json")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `is_passed` is None where there is no bar."""

    work: str
    figure: str
    bar: str
    is_passed: bool | None


class Bench:
    """The benchmarks; their data and warehouses lie in `folder`."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder, self._runs = folder, runs

    def run(self, cases: Sequence[str]) -> Iterator[Row]:
        """Measure these cases, line by line."""
        steps: dict[str, Callable[[], Iterator[Row]]] = {
            "stream-large": self.large_exports,
            "stream-small": self.small_windows,
            "logs-csv": lambda: self.logs_csv(5_000_000, 1),
            "logs-json": lambda: self.logs_json(1_000_000, self._runs),
        }
        for case in cases:
            yield from steps[case]()

    def large_exports(self) -> Iterator[Row]:
        """One export of many rows, and one of five times as many: memory must not grow with them."""
        yield from self.large_export(1_000_000, self._runs)
        yield from self.large_export(5_000_000, 1)

    def large_export(self, rows: int, runs: int) -> Iterator[Row]:
        """One export of many rows: the whole `connector sync` against DuckDB's CREATE TABLE AS."""
        file = write_events(self._folder / f"events_{rows}.csv.gz", rows)
        window = self._declare(int(time.time()) - 7200, file, rows)
        with self._serve({"windows": [window]}) as sandbox:
            sync, raw, ratio = pair(
                lambda: self._sync(sandbox["env"]),
                lambda: self._raw(f"read_csv('{file}', header = true, columns = {COLUMNS})"),
                runs,
            )
        name = f"{rows // 1_000_000}M rows, 28 columns, csv.gz"
        costs = f"{sync.wall_s:.1f} s against {raw.wall_s:.1f} s"
        if rows == 1_000_000:
            self._peak_mb = sync.peak_mb
            yield Row(name, f"{ratio:.2f} x raw DuckDB ({costs})", "<= 1.6 x", ratio <= 1.6)
            yield Row(
                f"{name}: peak memory", f"{sync.peak_mb:.0f} MB", "<= 900 MB", sync.peak_mb <= 900
            )
            return
        growth = sync.peak_mb / self._peak_mb
        yield Row(name, f"{ratio:.2f} x raw DuckDB ({costs})", "", None)
        figure = f"{sync.peak_mb:.0f} MB = {growth:.2f} x that of 1M"
        yield Row(f"{name}: peak memory", figure, "<= 1.6 x", growth <= 1.6)

    def logs_csv(self, rows: int, runs: int) -> Iterator[Row]:
        """One export of the Logs API in CSV: the whole sync against DuckDB's CREATE TABLE AS."""
        file = write_events(self._folder / f"logs_{rows}.csv.gz", rows, select=LOGS_ROWS)
        raw = f"read_csv('{file}', header = true, columns = {LOGS_COLUMNS})"
        yield from self._logs_export(file, raw, "csv", rows, runs, most_ratio=1.5, most_mb=1200)

    def logs_json(self, rows: int, runs: int) -> Iterator[Row]:
        """The same in JSON, one object that holds all records. DuckDB would need the whole of it in
        memory, so it is given the same records as JSON lines, with the column types.
        """
        file = write_logs_json(self._folder / f"logs_{rows}.json.gz", rows)
        lines = write_logs_json(self._folder / f"logs_{rows}.jsonl.gz", rows, is_lines=True)
        raw = f"read_json('{lines}', format = 'newline_delimited', columns = {LOGS_COLUMNS})"
        yield from self._logs_export(file, raw, "json", rows, runs, most_ratio=2.5, most_mb=700)

    def _logs_export(
        self,
        file: Path,
        raw_query: str,
        kind: str,
        rows: int,
        runs: int,
        *,
        most_ratio: float,
        most_mb: float,
    ) -> Iterator[Row]:
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        settings = {"FORMAT": kind, "TABLES": "events", "START": yesterday.isoformat()}
        with self._serve({"exports": [{"path": str(file)}]}) as sandbox:
            env = sandbox["env"] | {
                f"SOURCES__{LOGS.upper()}__{key}": value for key, value in settings.items()
            }
            sync, raw, ratio = pair(
                lambda: self._sync(env, source=LOGS, rows=rows), lambda: self._raw(raw_query), runs
            )
            again = self._sync_again(env)
        name = f"Logs export of events, {kind}.gz, {rows // 1_000_000}M rows, 33 columns"
        costs = f"{sync.wall_s:.1f} s against {raw.wall_s:.1f} s"
        figure = f"{ratio:.2f} x raw DuckDB ({costs})"
        yield Row(name, figure, f"<= {most_ratio} x", ratio <= most_ratio)
        figure, bar = f"{sync.peak_mb:.0f} MB", f"<= {most_mb:.0f} MB"
        yield Row(f"{name}: peak memory", figure, bar, sync.peak_mb <= most_mb)
        figure = f"{again.wall_s / sync.wall_s:.2f} x the first time, {again.peak_mb:.0f} MB"
        yield Row(
            f"{name}: loaded once more, in place of itself", figure, bar, again.peak_mb <= most_mb
        )

    def _sync_again(self, env: dict[str, str]) -> Cost:
        """The sync of what was loaded before and is to be replaced, whole."""
        target = self._folder / "warehouse"
        options = ["--warehouse", str(target / "w.duckdb"), "--home", str(target / "home")]
        command = [sys.executable, "-m", "connector", "state", "reset", LOGS, "--yes", *options]
        run_process(command, env)
        return self._sync(env, source=LOGS, is_new=False)

    def small_windows(self) -> Iterator[Row]:
        """Many windows of 5 to 500 rows, against ten raw httpx downloads at a time; then a sync
        with nothing new.
        """
        with self._serve({"windows": list(self._small_windows())}) as sandbox:
            env = sandbox["env"]
            sync_s, raw_s, calm_s = [], [], []
            for _ in range(self._runs):
                raw_s.append(self._raw_downloads(env))
                sync_s.append(self._sync_after_status(env))
                calm_s.append(self._calm(env).wall_s)
            extra_ms = median(
                (sync - raw) / SMALL_WINDOWS * 1000 for sync, raw in zip(sync_s, raw_s, strict=True)
            )
        figure = f"{extra_ms:.1f} ms a window over raw ({median(sync_s):.1f} s against {median(raw_s):.1f} s)"
        yield Row("2,000 small windows, after the status call", figure, "<= 5 ms", extra_ms <= 5)
        calm = median(calm_s)
        yield Row("sync with nothing new, whole process", f"{calm:.2f} s", "<= 1.5 s", calm <= 1.5)

    def _small_windows(self) -> Iterator[dict[str, Any]]:
        first = int(time.time()) - HISTORY_S
        for number in range(SMALL_WINDOWS):
            rows = 5 + (number * 37) % 496
            bucket = self._folder / "small" / f"{rows}.csv.gz"
            yield self._declare(first + number * WINDOW // 2, write_events(bucket, rows), rows)

    def _declare(self, window: int, file: Path, rows: int) -> dict[str, Any]:
        return {
            "window": window,
            "path": str(file),
            "event_count": rows,
            "field_names": list(COLUMNS),
            "update_timestamp": window + WINDOW,
        }

    def _serve(self, declared: dict[str, list[dict[str, Any]]]) -> Any:
        """A sandbox that has these windows and exports."""
        path = self._folder / "declared.json"
        path.write_text(json.dumps(declared), encoding="utf-8")
        return sandbox_process(programs.SANDBOX, str(path))

    def _sync(
        self, env: dict[str, str], *, source: str = STREAM, is_new: bool = True, rows: int = 0
    ) -> Cost:
        """The whole `connector sync` of a source; of `rows` rows, if that is not 0."""
        target = self._folder / "warehouse"
        if is_new:
            shutil.rmtree(target, ignore_errors=True)
        options = ["--warehouse", str(target / "w.duckdb"), "--home", str(target / "home")]
        command = [sys.executable, "-m", "connector", "sync", source, "--json", "--quiet", *options]
        cost = run_process(command, {**env, "SOURCES__APPMETRICA_STREAM__PARALLEL": "10"})
        loaded = json.loads(cost.output)["sources"][source]["rows_loaded"]
        if is_new and (not loaded or loaded != (rows or loaded)):
            raise RuntimeError(f"{loaded} rows were loaded: {cost.output}")
        return cost

    def _calm(self, env: dict[str, str]) -> Cost:
        return self._sync(env, is_new=False)

    def _sync_after_status(self, env: dict[str, str]) -> float:
        """Seconds of the sync without start-up and status: those of a calm one are taken off."""
        return self._sync(env).wall_s - self._calm(env).wall_s

    def _raw(self, query: str) -> Cost:
        """DuckDB's own CREATE TABLE AS of what `query` reads."""
        database = self._folder / "raw.duckdb"
        database.unlink(missing_ok=True)
        return run_python(programs.RAW_LOAD, str(database), query)

    def _raw_downloads(self, env: dict[str, str]) -> float:
        url = env["SOURCES__APPMETRICA_STREAM__BASE_URL"]
        token = env["SOURCES__APPMETRICA_STREAM__TOKEN"]
        output = run_python(programs.RAW_DOWNLOADS, url, token, "10").output.split()
        if int(output[0]) != SMALL_WINDOWS:
            raise RuntimeError(f"{output[0]} windows were downloaded, not {SMALL_WINDOWS}")
        return float(output[2])
