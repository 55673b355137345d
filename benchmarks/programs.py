"""The programs that are compared, each run as a process of its own."""

SANDBOX = """
import json, sys
from connector.sandbox import App, Population, Sandbox, Scenario, Stream
import signal, threading
declared = json.load(open(sys.argv[1]))
scenario = Scenario(apps=(App(1111, "Bench"),), history_days=0.01,
                    population=Population(devices=1, warmup_days=1),
                    stream=Stream(data_types=("event",)))
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with Sandbox(scenario) as sandbox:
    for window in declared.get("windows", ()):
        sandbox.add_window(1111, "event", **window)
    for export in declared.get("exports", ()):
        sandbox.add_export(1111, "events", **export)
    for export in declared.get("raw_exports", ()):
        sandbox.add_raw_export("customEvents", **export)
    for export in declared.get("video_exports", ()):
        sandbox.add_video_export(**export)
    print(json.dumps(sandbox.describe()), flush=True)
    stop.wait()
"""

RAW_LOAD = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute(f"CREATE TABLE t AS SELECT * FROM {sys.argv[2]}")
connection.close()
"""

RAW_DOWNLOADS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import httpx
base, token, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = httpx.Client(base_url=base, headers={"Authorization": f"OAuth {token}"},
                      limits=httpx.Limits(max_connections=workers))
status = client.get("/datastream/v1/application/1111/status").json()["status"]
windows = [w["stream_window_timestamp"] for s in status["streams"] if s["data_type"] == "event"
           for w in s["stream_windows"] if w["event_count"]]
def fetch(window):
    return len(client.get("/datastream/v1/application/1111/data",
               params={"data_type": "event", "stream_window_timestamp": window}).content)
started = time.monotonic()
with ThreadPoolExecutor(workers) as pool:
    total = sum(pool.map(fetch, windows))
print(len(windows), total, time.monotonic() - started)
"""
