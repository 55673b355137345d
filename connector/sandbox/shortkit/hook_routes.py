"""The endpoints of the administration of webhooks (contract, section 2)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault
from connector.sandbox.shortkit.answers import Answer, refuse
from connector.sandbox.shortkit.hooks import Hooks
from connector.sandbox.shortkit.routes import ShortKitRoutes

_HOOKS = "/v1/webhooks"
_HOOK = f"{_HOOKS}/{{hook}}"
_ENDPOINT = "video_webhooks"
_Call = Callable[[web.Request], Answer]


class HookRoutes:
    """HTTP face of the webhooks of one emulator; the rules are those of the other endpoints."""

    def __init__(self, emulator: Emulator, routes: ShortKitRoutes) -> None:
        self._world = emulator.world
        self._hooks = Hooks(emulator.world)
        self._routes = routes

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host, before the one for whatever else is under /v1/."""
        hooks = self._hooks
        self._add(router, "GET", _HOOKS, lambda _: hooks.list_all())
        self._add(router, "GET", _HOOK, lambda r: hooks.get(_hook(r)))
        self._add(router, "DELETE", _HOOK, lambda r: hooks.remove(_hook(r)))
        self._add(router, "POST", f"{_HOOK}/rotate-secret", lambda r: hooks.rotate(_hook(r)))
        self._add(router, "GET", f"{_HOOK}/deliveries", lambda r: hooks.list_posts(_hook(r)))
        self._add_with_body(router, "POST", _HOOKS, lambda _, body: hooks.create(body))
        self._add_with_body(router, "PATCH", _HOOK, lambda r, body: hooks.change(_hook(r), body))
        test, retry = f"{_HOOK}/test", f"{_HOOK}/deliveries/{{delivery}}/retry"
        self._add(router, "POST", test, lambda r: hooks.post(_hook(r)), is_locked=False)
        self._add(
            router,
            "POST",
            retry,
            lambda r: hooks.post(_hook(r), r.match_info["delivery"]),
            is_locked=False,
        )

    def _add(
        self,
        router: web.UrlDispatcher,
        method: str,
        path: str,
        call: _Call,
        *,
        is_locked: bool = True,
    ) -> None:
        async def act(request: web.Request, faults: list[Fault]) -> web.StreamResponse:
            run: Callable[..., Awaitable[Any]] = asyncio.to_thread
            answer = await (self._routes.run_locked if is_locked else run)(call, request)
            return await self._routes.send(request, _ENDPOINT, answer, faults)

        router.add_route(method, path, self._routes.guard(_ENDPOINT, act))

    def _add_with_body(
        self,
        router: web.UrlDispatcher,
        method: str,
        path: str,
        call: Callable[[web.Request, dict[str, Any]], Answer],
    ) -> None:
        async def act(request: web.Request, faults: list[Fault]) -> web.StreamResponse:
            body = _read_object(await request.read())
            if body is None:
                answer = refuse(400, "INVALID_REQUEST", "The body is no JSON object", "body")
            else:
                answer = await self._routes.run_locked(call, request, body)
            return await self._routes.send(request, _ENDPOINT, answer, faults)

        router.add_route(method, path, self._routes.guard(_ENDPOINT, act))


def _hook(request: web.Request) -> str:
    return request.match_info["hook"]


def _read_object(body: bytes) -> dict[str, Any] | None:
    try:
        given = json.loads(body)
    except ValueError:
        return None
    return given if isinstance(given, dict) else None
