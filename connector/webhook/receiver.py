"""The aiohttp app: one path for deliveries, one for the question whether it is well."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from connector.clock import Clock
from connector.inbox import Delivery
from connector.webhook.committer import Committer, OverloadedError
from connector.webhook.connections import HEAD_S, Deadlines
from connector.webhook.payload import EXPORT_READY, read_delivery, read_event
from connector.webhook.reception import HEALTH, Reception
from connector.webhook.refusal import Refusal
from connector.webhook.signature import DELIVERY_ID, SIGNATURE, TIMESTAMP, check_signature

MOST_BODY = 64 << 10
AGAIN_S = "60"  # what a 503 asks for; the vendor has its own steps
_SHOWN = 60  # characters of an event's name


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for a request's head, for its body to arrive whole, and for the disk to take it, so
    that the vendor is answered within a second.
    """

    head_s: float = HEAD_S
    body_s: float = 10.0
    answer_s: float = 0.8


@dataclass(frozen=True, slots=True)
class Receiver:
    """What the handlers need; `wake` is called, in any thread, when something new was recorded."""

    reception: Reception
    committer: Committer
    clock: Clock
    deadlines: Deadlines
    wake: Callable[[], None]
    patience: Patience = field(default_factory=Patience)
    log: structlog.typing.FilteringBoundLogger = field(default_factory=structlog.get_logger)

    def make_app(self, path: str) -> web.Application:
        """The app with its routes: `path`, with recipe D one segment below it, and the health."""
        app = web.Application(client_max_size=MOST_BODY, middlewares=[self._keep_deadlines()])
        below = "/{secret}" if self.reception.recipe == "D" else ""
        app.router.add_post(f"{path}{below}", self.receive)
        app.router.add_get(HEALTH, self.tell_health)
        return app

    def _keep_deadlines(self) -> Middleware:
        @web.middleware
        async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            if transport is not None:
                self.deadlines.stop(transport)
            try:
                return await handler(request)
            finally:
                if transport is not None and not transport.is_closing():
                    self.deadlines.start(transport)

        return keep

    async def receive(self, request: web.Request) -> web.Response:
        """Check, record, answer: 200 with an empty body once the delivery is on the disk, 503 where
        the disk does not take it in time, 4xx with a text where the delivery is not accepted.
        """
        delivery_id = request.headers.get(DELIVERY_ID, "")
        try:
            return await self._accept(request, delivery_id)
        except Refusal as refusal:
            self.log.warning("delivery refused", status=refusal.status, reason=refusal.text)
            answer = web.Response(status=refusal.status, text=f"{refusal.text}\n")
            if refusal.status in {408, 413}:
                answer.force_close()  # the rest of the body is not waited for
            return answer

    async def _accept(self, request: web.Request, delivery_id: str) -> web.Response:
        raw = await self._read_body(request)
        now = self.clock.now()
        segment = request.match_info.get("secret", "")
        check_signature(self.reception, _read_headers(request), raw, segment, now)
        event = read_event(raw)
        if event["event"] != EXPORT_READY:
            self.log.info("event of another type, not used", event_type=event["event"][:_SHOWN])
            return web.Response()
        delivery = read_delivery(event, self.reception, delivery_id, now)
        return await self._record(delivery)

    async def _read_body(self, request: web.Request) -> bytes:
        too_large = Refusal(413, f"the body is larger than {MOST_BODY} bytes")
        if (request.content_length or 0) > MOST_BODY:
            raise too_large
        try:
            async with asyncio.timeout(self.patience.body_s):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise too_large from None
        except (web.RequestPayloadError, ConnectionError):
            raise Refusal(400, "the body broke off") from None
        except TimeoutError:
            raise Refusal(
                408, f"the body did not arrive within {self.patience.body_s:g} s"
            ) from None

    async def _record(self, delivery: Delivery) -> web.Response:
        try:
            outcome = self.committer.put(delivery)
            outcome.add_done_callback(self._wake_if_new)
            is_new = await self._await(outcome)
        except (TimeoutError, OverloadedError, sqlite3.Error) as error:
            return self._turn_away(error)
        days = f"{delivery.start_on}..{delivery.end_on}"
        text = "delivery recorded" if is_new else "delivery known already"
        self.log.info(text, export_id=delivery.export_id, days=days)
        return web.Response()

    def _wake_if_new(self, outcome: Future[int]) -> None:
        """Also where the disk took the delivery after its sender had been turned away."""
        if not outcome.cancelled() and outcome.exception() is None and outcome.result():
            self.wake()

    async def tell_health(self, _request: web.Request) -> web.Response:
        """200 and how many deliveries wait for a run; 503 where the inbox cannot be written."""
        try:
            pending = await self._await(self.committer.prove())
        except (TimeoutError, OverloadedError, sqlite3.Error) as error:
            self._turn_away(error)
            return web.json_response({"ok": False}, status=503)
        return web.json_response({"ok": True, "pending": pending})

    async def _await(self, outcome: Future[int]) -> int:
        return await asyncio.wait_for(asyncio.wrap_future(outcome), self.patience.answer_s)

    def _turn_away(self, error: Exception) -> web.Response:
        problem = str(error) if isinstance(error, sqlite3.Error) else "the disk is too slow"
        self.log.error("the inbox cannot be written", problem=problem)
        text = "the delivery could not be recorded; send it again\n"
        return web.Response(status=503, text=text, headers={"Retry-After": AGAIN_S})


def _read_headers(request: web.Request) -> Mapping[str, str]:
    """Signature and timestamp, if they came once: of two nobody can say which is meant."""
    found = {name: request.headers.getall(name, []) for name in (SIGNATURE, TIMESTAMP)}
    return {name: values[0] for name, values in found.items() if len(values) == 1}
