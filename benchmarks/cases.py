"""What is measured, against what, and the bar each must pass."""

import gzip
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

from benchmarks import programs, tracker_data, video_data, webhook
from benchmarks.data import COLUMNS, LOGS_COLUMNS, LOGS_ROWS, write_events, write_logs_json
from benchmarks.measure import Cost, pair, run_process, run_python, sandbox_process

WINDOW = 300
SMALL_WINDOWS = 2_000
HISTORY_S = 6 * 24 * 3600
STREAM = "appmetrica_stream"
LOGS = "appmetrica_logs"
TRACKER = "mytracker"
VIDEO = "shortkit"
QUOTAS = (10, 100, 1000)  # MyTracker's, per second, minute and hour
CASES = (
    *("stream-large", "stream-small", "logs-csv", "logs-json", "tracker-csv", "tracker-quota"),
    *("video-json", "video-large", "webhook"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `is_passed` is None where there is no bar."""

    work: str
    figure: str
    bar: str
    is_passed: bool | None


@dataclass(frozen=True, slots=True)
class Export:
    """One large export: what the sandbox serves, how the source is set, and the raw side. `rows` are
    those to be loaded, `options` of `connector sync`; the bars are of wall time and peak memory.
    """

    name: str
    source: str
    served: dict[str, list[dict[str, Any]]]
    settings: dict[str, str]
    raw_query: str
    rows: int
    most_ratio: float | None
    most_mb: float
    options: tuple[str, ...] = ()


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
            "tracker-csv": lambda: self.tracker_csv(1_000_000, self._runs),
            "tracker-quota": self.tracker_quota,
            "video-json": lambda: self.video_json(1_000_000, self._runs, (1.8, 900)),
            "video-large": lambda: self.video_json(7_500_000, 1, (None, 1000)),
            "webhook": lambda: (Row(*line) for line in webhook.list_lines(self._folder)),
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
        yield from self._load(_logs_export(file, raw, "csv", rows, bars=(1.5, 1200)), runs)

    def logs_json(self, rows: int, runs: int) -> Iterator[Row]:
        """The same in JSON, one object that holds all records. DuckDB would need the whole of it in
        memory, so it is given the same records as JSON lines, with the column types.
        """
        file = write_logs_json(self._folder / f"logs_{rows}.json.gz", rows)
        lines = write_logs_json(self._folder / f"logs_{rows}.jsonl.gz", rows, is_lines=True)
        raw = f"read_json('{lines}', format = 'newline_delimited', columns = {LOGS_COLUMNS})"
        yield from self._load(_logs_export(file, raw, "json", rows, bars=(2.5, 700)), runs)

    def tracker_csv(self, rows: int, runs: int) -> Iterator[Row]:
        """One export of MyTracker in four parts, with lists to be read and rows to be cut off: the
        whole sync against DuckDB's CREATE TABLE AS of all four, which does neither.
        """
        files = [str(file) for file in tracker_data.write_parts(self._folder, rows)]
        columns = tracker_data.COLUMNS
        export = Export(
            name=f"MyTracker export of customEvents, csv.gz in 4 parts, {rows // 1_000_000}M rows,"
            f" {len(columns)} columns",
            source=TRACKER,
            served={"raw_exports": [{"path": files}]},
            settings={
                "EVENTS": "customEvents",
                "SELECTORS": json.dumps({"customEvents": list(columns)}),
                "ROLES": "{}",
            },
            raw_query=f"read_csv({files}, header = true, columns = {columns})",
            rows=tracker_data.count_own(rows),
            most_ratio=1.6,
            most_mb=900,
            options=("--since", tracker_data.LOWER_AT, "--until", tracker_data.UPPER_AT),
        )
        yield from self._load(export, runs)

    def video_json(self, rows: int, runs: int, bars: tuple[float | None, float]) -> Iterator[Row]:
        """One job of ShortKit over thirty days of events and quality: the whole sync, which deals the
        rows out by table and day, against DuckDB's CREATE TABLE AS of the file.
        """
        file = video_data.write_videos(self._folder, rows)
        with gzip.open(file) as lines:
            size = sum(map(len, iter(lambda: lines.read(1 << 20), b"")))
        export = Export(
            name=f"ShortKit export of events and quality, jsonl.gz, {rows / 1e6:g}M rows of thirty"
            f" days, {size / 1e9:.1f} GB unpacked",
            source=VIDEO,
            served={
                "video_exports": [{"data_type": "events", "path": str(file), "row_count": rows}]
            },
            settings={
                "DATA_TYPES": "events,quality",
                "START": video_data.first_day().date().isoformat(),
            },
            raw_query=video_data.read_query(file),
            rows=rows,
            most_ratio=bars[0],
            most_mb=bars[1],
        )
        yield from self._load(export, runs)

    def tracker_quota(self) -> Iterator[Row]:
        """A day of hourly exports of five events, five minutes each, on a simulated clock."""
        command = [sys.executable, "-m", "benchmarks.tracker_quota", str(self._folder)]
        used = json.loads(run_process(command).output)
        name = f"MyTracker, {used['exports']} exports of 5 minutes each on a simulated clock"
        figure = f"{used['sent']:,} sent; plan said {used['planned']:,} beforehand"
        yield Row(f"{name}: requests", figure, "as planned", used["sent"] == used["planned"])
        most = [used[key] for key in ("second", "minute", "hour")]
        is_within = all(a <= b for a, b in zip(most, QUOTAS, strict=True))
        figure = "{} a second, {} a minute, {} an hour".format(*most)
        bar = "<= {}, {}, {:,}".format(*QUOTAS)
        yield Row(f"{name}: most of them in any", figure, bar, is_within)

    def _load(self, export: Export, runs: int) -> Iterator[Row]:
        """The whole sync of one export against the raw side, then once more in place of itself."""
        with self._serve(export.served) as sandbox:
            prefix = f"SOURCES__{export.source.upper()}__"
            own = {f"{prefix}{key}": value for key, value in export.settings.items()}
            env = sandbox["env"] | own
            sync, raw, ratio = pair(
                lambda: self._sync(env, export.source, rows=export.rows, options=export.options),
                lambda: self._raw(export.raw_query),
                runs,
            )
            again = self._sync_again(env, export)
        costs = f"{sync.wall_s:.1f} s against {raw.wall_s:.1f} s"
        figure, bar = f"{ratio:.2f} x raw DuckDB ({costs})", export.most_ratio
        yield Row(export.name, figure, f"<= {bar} x" if bar else "", ratio <= bar if bar else None)
        figure, bar = f"{sync.peak_mb:.0f} MB", f"<= {export.most_mb:.0f} MB"
        yield Row(f"{export.name}: peak memory", figure, bar, sync.peak_mb <= export.most_mb)
        figure = f"{again.wall_s / sync.wall_s:.2f} x the first time, {again.peak_mb:.0f} MB"
        work = f"{export.name}: loaded once more, in place of itself"
        yield Row(work, figure, bar, again.peak_mb <= export.most_mb)

    def _sync_again(self, env: dict[str, str], export: Export) -> Cost:
        """The sync of what was loaded before and is to be replaced, whole."""
        target = self._folder / "warehouse"
        paths = ["--warehouse", str(target / "w.duckdb"), "--home", str(target / "home")]
        command = [sys.executable, "-m", "connector", "state", "reset", export.source, "--yes"]
        run_process([*command, *paths], env)
        again = self._sync(env, export.source, is_new=False, options=export.options)
        _check_rows(again, export.source, export.rows)
        return again

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
        self,
        env: dict[str, str],
        source: str = STREAM,
        *,
        is_new: bool = True,
        rows: int = 0,
        options: Sequence[str] = (),
    ) -> Cost:
        """The whole `connector sync` of a source; of `rows` rows, if that is not 0."""
        target = self._folder / "warehouse"
        if is_new:
            shutil.rmtree(target, ignore_errors=True)
        paths = ["--warehouse", str(target / "w.duckdb"), "--home", str(target / "home")]
        command = [sys.executable, "-m", "connector", "sync", source, "--json", "--quiet"]
        env = {**env, "SOURCES__APPMETRICA_STREAM__PARALLEL": "10"}
        cost = run_process([*command, *options, *paths], env)
        if is_new:
            _check_rows(cost, source, rows)
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


def _check_rows(cost: Cost, source: str, rows: int) -> None:
    """Raise RuntimeError unless a sync loaded so many rows; some, where that is 0."""
    loaded = json.loads(cost.output)["sources"][source]["rows_loaded"]
    if not loaded or loaded != (rows or loaded):
        raise RuntimeError(f"{loaded} rows were loaded: {cost.output}")


def _logs_export(
    file: Path, raw_query: str, kind: str, rows: int, *, bars: tuple[float, float]
) -> Export:
    """An export of the Logs API that the sandbox serves from a file; bars as in `Export`."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return Export(
        name=f"Logs export of events, {kind}.gz, {rows // 1_000_000}M rows, 33 columns",
        source=LOGS,
        served={"exports": [{"path": str(file)}]},
        settings={"FORMAT": kind, "TABLES": "events", "START": yesterday.isoformat()},
        raw_query=raw_query,
        rows=rows,
        most_ratio=bars[0],
        most_mb=bars[1],
    )
