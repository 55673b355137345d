"""Whatever happened to the windows, in whatever order: in the end the warehouse is the truth."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import stamina
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.warehouse.run_report import ProgressEvent
from tests.integration.stream_truth import Expected
from tests.integration.stream_warehouse import check_laws, compare
from tests.integration.stream_world import EMPTY, World, event_rows, open_world

PLACES = st.integers(0, 3)
SIZES = st.integers(0, 4)


@dataclass(slots=True)
class Vendor:
    """What the vendor lists: sizes by place, and how often each window was written."""

    world: World
    sizes: dict[int, int] = field(default_factory=dict)
    written: int = 0
    gone: dict[int, int] = field(default_factory=dict)
    earlier: Expected = field(default_factory=Expected)

    def write(self, place: int, size: int, *, is_reversed: bool = False) -> None:
        """The window of this place now holds `size` rows, and says that it changed."""
        if place in self.gone:
            return
        self.written += 1
        rows: list[dict[str, Any]] = event_rows(size, f"v{self.written}")
        if size and self.written % 3 == 0:
            rows[-1] |= {"event_timestamp": "soon"}
        if size and self.written % 4 == 0:
            rows.append(rows[0])
        self.sizes[place] = len(rows)
        moved = self.world.window(place) + 360 + self.written
        self.world.put(place, rows[:: -1 if is_reversed else 1], update_timestamp=moved)

    def vanish(self, place: int) -> None:
        """The window is listed no more; what was loaded of it is to stay."""
        if place in self.sizes and place not in self.gone:
            self.gone[place] = self.world.fail(place, "vanish")

    def sync(self, **options: Any) -> int:
        """A sync of everything; its exit code. What it loaded is expected from now on."""
        listed = self.world.truth()
        try:
            code = self.world.run(**options).exit_code
        finally:
            found = {u["unit"]: u["vendor_updated_at"] for u in self.world.found().get("units", ())}
            assert set(self.earlier.units) <= set(found)
            times = {unit: row["vendor_updated_at"] for unit, row in listed.units.items()}
            missed = {unit for unit, time in times.items() if found.get(unit) != time}
            listed.drop(missed)
            self.earlier.update(listed)
        assert not missed or code not in {0, 7}
        return code


OPERATIONS = st.one_of(
    st.tuples(st.just("write"), PLACES, SIZES),
    st.tuples(st.just("write"), PLACES, SIZES),
    st.tuples(st.just("reorder"), PLACES, st.just(0)),
    st.tuples(st.just("vanish"), PLACES, st.just(0)),
    st.tuples(st.just("sync"), st.just(0), st.just(0)),
    st.tuples(st.just("fail"), PLACES, st.sampled_from([500, 503, 401, 400])),
    st.tuples(st.just("interrupt"), st.just(0), st.integers(0, 1)),
    st.tuples(st.just("lose home"), st.just(0), st.just(0)),
    st.tuples(st.just("small sweeps"), st.just(0), st.just(0)),
)


@contextmanager
def open_vendor() -> Iterator[Vendor]:
    scenario = replace(EMPTY, history_days=0.001)
    with (
        TemporaryDirectory() as folder,
        open_world(scenario, Path(folder), tables="event") as world,
    ):
        world.sandbox.add_fault("empty_windows", mode="listed")
        yield Vendor(world)


def act(vendor: Vendor, operation: str, place: int, number: int) -> None:
    """Do one thing to the vendor, or to the connector."""
    world = vendor.world
    match operation:
        case "write":
            vendor.write(place, number)
        case "reorder":
            vendor.write(place, vendor.sizes.get(place, 2), is_reversed=True)
        case "vanish":
            vendor.vanish(place)
        case "sync":
            assert vendor.sync() in {0, 7}
        case "fail":
            fail_once(vendor, place, number)
        case "interrupt":
            interrupt(vendor, "planned" if number else "loaded")
        case "lose home":
            shutil.rmtree(world.settings.home, ignore_errors=True)
        case "small sweeps":
            world.settings = replace(world.settings, max_run_bytes=200)
    check_laws(world.found())


def fail_once(vendor: Vendor, place: int, code: int) -> None:
    """A sync in which one window cannot be had, or the vendor turns us away."""
    fault = vendor.world.fail(place, "status", endpoint="data", code=code, times=-1)
    vendor.sync()
    vendor.world.sandbox.remove_faults(fault)


def interrupt(vendor: Vendor, kind: str) -> None:
    """A sync that somebody stops once it has begun."""

    def stop(event: ProgressEvent) -> None:
        if event.kind == kind:
            raise KeyboardInterrupt

    try:
        vendor.sync(progress=stop)
    except KeyboardInterrupt:
        return


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=8,
    suppress_health_check=list(HealthCheck),
)
@given(history=st.lists(OPERATIONS, min_size=3, max_size=9))
def test_after_any_history_the_warehouse_is_the_truth(history: list[tuple[str, int, int]]) -> None:
    with stamina.set_testing(True, attempts=2, cap=True), open_vendor() as vendor:
        for operation, place, number in history:
            act(vendor, operation, place, number)
        assert vendor.sync() in {0, 7}
        compare(vendor.earlier, vendor.world.found())
        assert vendor.world.sync().units_loaded == 0
