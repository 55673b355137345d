"""Control endpoints under `/_sandbox/`: the methods of `Emulator` over HTTP, JSON both ways."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from connector.errors import ConfigError
from connector.sandbox.emulator import Emulator

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class ControlRoutes:
    """HTTP face of the controls of one emulator. Wrong input gets 400 `{"error": text}`."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host."""
        e = self._emulator
        add, reply = router.add_route, self._reply
        add("GET", "/_sandbox/clock", reply(lambda _: e.describe_clock()))
        add("POST", "/_sandbox/clock", reply(self._move_clock))
        add("GET", "/_sandbox/faults", reply(lambda _: {"faults": e.faults()}))
        add("POST", "/_sandbox/faults", reply(self._add_fault))
        add("DELETE", "/_sandbox/faults", reply(lambda _: {"removed": e.remove_faults()}))
        add("DELETE", "/_sandbox/faults/{fault}", reply(self._remove_fault))
        add("GET", "/_sandbox/requests", reply(lambda _: e.requests()))
        add("DELETE", "/_sandbox/requests", reply(self._reset_requests))
        add("POST", "/_sandbox/windows", reply(self._add_window))
        add("POST", "/_sandbox/windows/change", reply(self._change_window))
        add("GET", "/_sandbox/windows/{app}/{data_type}", reply(self._list_windows))
        add("GET", "/_sandbox/truth/appmetrica_stream/{app}/{data_type}", reply(self._truth))
        add("POST", "/_sandbox/exports", reply(self._add_export))
        add("GET", "/_sandbox/queue/{app}", reply(lambda c: e.queue(int(c.part("app")))))
        add("POST", "/_sandbox/queue/{app}", reply(self._add_foreign))
        add("GET", "/_sandbox/log_requests", reply(lambda _: e.log_requests()))
        add("GET", "/_sandbox/truth/appmetrica_logs/{app}/{resource}", reply(self._logs_truth))
        add("POST", "/_sandbox/raw_exports", reply(self._add_raw_export))
        add("GET", "/_sandbox/mytracker_queue", reply(lambda _: e.mytracker_queue()))
        add("POST", "/_sandbox/mytracker_queue", reply(self._add_foreign_exports))
        add("GET", "/_sandbox/mytracker_requests", reply(lambda _: e.mytracker_requests()))
        add("POST", "/_sandbox/mytracker_payments", reply(self._change_verification))
        add("POST", "/_sandbox/mytracker_secret", reply(self._change_secret))
        add("GET", "/_sandbox/truth/mytracker/{event}", reply(self._mytracker_truth))
        add("GET", "/_sandbox/truth/population/{app}", reply(self._daily_truth))
        add("POST", "/_sandbox/video_exports", reply(self._add_video_export))
        add("GET", "/_sandbox/shortkit_jobs", reply(lambda _: e.shortkit_jobs()))
        add("POST", "/_sandbox/shortkit_jobs", reply(self._add_foreign_video_jobs))
        add("GET", "/_sandbox/shortkit_requests", reply(lambda _: e.shortkit_requests()))
        add("DELETE", "/_sandbox/shortkit_users/{user}", reply(self._erase_person))
        add("GET", "/_sandbox/truth/shortkit/{data_type}", reply(self._shortkit_truth))
        add("GET", "/_sandbox/truth/video", reply(self._video_truth))
        add("POST", "/_sandbox/webhooks", reply(lambda c: e.send_webhook(**c.body)))
        add("POST", "/_sandbox/schedule", reply(lambda c: {"sent": e.run_schedule(**c.body)}))

    def _reply(self, act: Callable[["_Call"], Mapping[str, Any]]) -> _Handler:
        """A handler that answers what `act` gives; it runs beside the loop, as it may take time."""

        async def handle(request: web.Request) -> web.Response:
            try:
                call = _Call(request, _parse_body(await request.read()))
                answer = await asyncio.to_thread(act, call)
            except (ConfigError, TypeError, ValueError, KeyError) as error:
                return web.json_response({"error": str(error)}, status=400)
            return web.json_response(answer)

        return handle

    def _move_clock(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.move_clock(call.body)
        return self._emulator.describe_clock()

    def _add_fault(self, call: "_Call") -> Mapping[str, Any]:
        return {"id": self._emulator.add_fault(**call.body)}

    def _remove_fault(self, call: "_Call") -> Mapping[str, Any]:
        return {"removed": self._emulator.remove_faults(int(call.part("fault")))}

    def _reset_requests(self, _: "_Call") -> Mapping[str, Any]:
        self._emulator.reset_requests()
        return {"reset": True}

    def _add_window(self, call: "_Call") -> Mapping[str, Any]:
        return self._emulator.add_window(**call.body)

    def _change_window(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.change_window(**call.body)
        return {"changed": True}

    def _list_windows(self, call: "_Call") -> Mapping[str, Any]:
        return {"windows": self._emulator.windows(int(call.part("app")), call.part("data_type"))}

    def _truth(self, call: "_Call") -> Mapping[str, Any]:
        return self._emulator.truth(int(call.part("app")), call.part("data_type"))

    def _add_export(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.add_export(**call.body)
        return {"added": True}

    def _add_foreign(self, call: "_Call") -> Mapping[str, Any]:
        app = int(call.part("app"))
        self._emulator.add_foreign_queries(app, **call.body)
        return self._emulator.queue(app)

    def _logs_truth(self, call: "_Call") -> Mapping[str, Any]:
        return self._emulator.logs_truth(int(call.part("app")), call.part("resource"))

    def _add_raw_export(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.add_raw_export(**call.body)
        return {"added": True}

    def _add_foreign_exports(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.add_foreign_exports(**call.body)
        return self._emulator.mytracker_queue()

    def _change_verification(self, call: "_Call") -> Mapping[str, Any]:
        return self._emulator.change_verification(**call.body)

    def _change_secret(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.change_secret(**call.body)
        return {"changed": True}

    def _mytracker_truth(self, call: "_Call") -> Mapping[str, Any]:
        zone = call.request.query.get("zone", "UTC")
        return self._emulator.mytracker_truth(call.part("event"), zone)

    def _add_video_export(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.add_video_export(**call.body)
        return {"added": True}

    def _add_foreign_video_jobs(self, call: "_Call") -> Mapping[str, Any]:
        self._emulator.add_foreign_video_jobs(**call.body)
        return self._emulator.shortkit_jobs()

    def _erase_person(self, call: "_Call") -> Mapping[str, Any]:
        return self._emulator.erase_person(call.part("user"))

    def _shortkit_truth(self, call: "_Call") -> Mapping[str, Any]:
        query = call.request.query
        return self._emulator.shortkit_truth(
            call.part("data_type"),
            query.get("since"),
            query.get("until"),
            retention=query.get("retention") != "false",
        )

    def _video_truth(self, call: "_Call") -> Mapping[str, Any]:
        query = call.request.query
        return self._emulator.video_truth(query.get("since"), query.get("until"))

    def _daily_truth(self, call: "_Call") -> Mapping[str, Any]:
        zone = call.request.query.get("zone", "UTC")
        return self._emulator.daily_truth(int(call.part("app")), zone)


class _Call:
    """One control request with its parsed body."""

    def __init__(self, request: web.Request, body: dict[str, Any]) -> None:
        self.request = request
        self.body = body

    def part(self, name: str) -> str:
        return self.request.match_info[name]


def _parse_body(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ConfigError("the body must be a JSON object")
    return body
