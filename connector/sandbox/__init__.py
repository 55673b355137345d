"""A local emulator of the vendors' export APIs over one invented population, with faults.

    with Sandbox(Scenario(clock="simulated", ...)) as sandbox:
        sandbox.add_fault("status", code=503, endpoint="data")
        run_something(sandbox.env)
        sandbox.clock.advance(600)

See docs/sandbox.md. It shares the field tables with the product and nothing else.
"""

from connector.sandbox.sandbox import Sandbox, serve
from connector.sandbox.scenario import (
    App,
    FileShape,
    Logs,
    MyTracker,
    Population,
    Scenario,
    ShortKit,
    Stream,
    StreamType,
    default_scenario,
    load_scenario,
)

__all__ = [
    "App",
    "FileShape",
    "Logs",
    "MyTracker",
    "Population",
    "Sandbox",
    "Scenario",
    "ShortKit",
    "Stream",
    "StreamType",
    "default_scenario",
    "load_scenario",
    "serve",
]
