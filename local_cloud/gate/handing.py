"""What has passed the gate is handed on to the emulator: counted if the meter is on, with the faults that are on."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from local_cloud.gate import faults as fault
from local_cloud.gate.faults import Faults, Trouble
from local_cloud.gate.meter import Meter, caller_of
from local_cloud.gate.rule import Call

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
_NOT_MADE = frozenset({"throttled", "dropped", "refused"})


class Hand:
    """Hands calls of AWS and requests of the API on."""

    def __init__(self, app: App, meter: Meter, faults: Faults) -> None:
        self.meter, self.faults = meter, faults
        self._app = app

    async def request(self, scope: Message, body: bytes, size: int, send: Send) -> None:
        """Hand a request on to API Gateway."""
        if self.meter.is_on:
            await self._metered(scope, body, Call("apigateway", "request", {}, size=size), "bank", send)
        else:
            await self._app(scope, replay(body), send)

    def check_sign_in(self) -> None:
        """Raise Refused when a fault lets Cognito's unsigned paths fail: its pages, tokens and keys."""
        call = Call("cognito-idp", "public", {})
        if self.faults.is_on and (befallen := self.faults.befalls("public", call, b"")) is not None:
            raise fault.refusal(befallen[0], call)

    async def call(self, scope: Message, body: bytes, call: Call, principal: str, receive: Receive, send: Send) -> None:
        """Hand a call of an AWS API on. Raises Refused when a fault answers instead."""
        caller = caller_of(principal)
        befallen = self.faults.befalls(caller, call, body) if self.faults.is_on and caller != "root" else None
        if befallen is not None:
            trouble, chance = befallen
            if trouble.kind in _NOT_MADE:
                raise fault.refusal(trouble, call)
            if trouble.kind == "delayed":
                await asyncio.sleep(fault.delay_s(chance))
            elif trouble.kind == "twice":
                await self._app(scope, replay(body), swallow)
            else:
                await self._in_doubt(scope, body, trouble, caller, receive)
                return
        if self.meter.is_on:
            await self._metered(scope, body, call, caller, send)
        else:
            await self._app(scope, replay(body), send)

    async def _in_doubt(self, scope: Message, body: bytes, trouble: Trouble, caller: str, receive: Receive) -> None:
        """Make the call or don't, and give no answer until the caller has gone; end it if that is the trouble."""
        if trouble.kind != "killed_before":
            await self._app(scope, replay(body), swallow)
        if trouble.kind != "lost":
            fault.kill(caller)
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _metered(self, scope: Message, body: bytes, call: Call, caller: str, send: Send) -> None:
        units, size = self.meter.begin(), 0

        async def count(message: Message) -> None:
            nonlocal size
            size += len(message.get("body", b""))
            await send(message)

        await self._app(scope, replay(body), count)
        self.meter.called(caller, call, size, units)


async def swallow(_: Message) -> None:
    """Take an answer that nobody hears."""


def replay(body: bytes) -> Receive:
    """Return the reading of a body that has been read."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()  # until the client has gone, and the emulator is told by its own server
        raise AssertionError

    return receive
