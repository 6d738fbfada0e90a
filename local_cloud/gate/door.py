"""The door of the local cloud: who may come in, and with what.

An ASGI application around the emulator's. It is asked before each request, in this order: the `Host` is a loopback
name, the `Origin` is none or one too, the request is signed with this start's keys, no rule refuses the call.
"""

import asyncio
import hmac
import os
import re
from base64 import b64decode
from urllib.parse import parse_qs, quote, urlsplit

from local_cloud.gate import answers, calls, constraints, control, gateway, handing, loops, rule
from local_cloud.gate.answers import Answer
from local_cloud.gate.control import Switchboard
from local_cloud.gate.handing import App, Message, Receive, Send
from local_cloud.gate.keys import NotSigned, Signer, signer_of
from local_cloud.gate.record import Record
from local_cloud.gate.rule import Call, Refused, emulator

HEALTH = "/_ministack/health"
_ICON = "/favicon.ico"  # a browser asks for it by itself, on the sign-in page: that is no stranger
_API = "/_aws/execute-api/"
_LOOPBACK = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9-]+\.)*localhost)(:\d+)?", re.IGNORECASE)
# What Cognito and SNS answer without a signature, on AWS too.
_SIGN_IN = re.compile(r"/(oauth2/[a-zA-Z]+|login|logout|[\w-]+/\.well-known/[\w.-]+)")
_LINKS = frozenset({"ConfirmSubscription", "Unsubscribe"})


class Gate:
    """The emulator's application with the gate around it."""

    def __init__(self, app: App, record: Record, switchboard: Switchboard) -> None:
        self._app, self._record, self._switchboard = app, record, switchboard
        self._hand = handing.Hand(app, switchboard.meter, switchboard.faults)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":  # Nothing here uses them.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            around = (self._record, self._switchboard, self._hand)
            await _Request(self._app, *around, scope, receive, send).handle()


class _Request:
    def __init__(
        self,
        app: App,
        record: Record,
        switchboard: Switchboard,
        hand: handing.Hand,
        scope: Message,
        receive: Receive,
        send: Send,
    ) -> None:
        self._app, self._record, self._switchboard, self._hand = app, record, switchboard, hand
        self._scope, self._receive, self._send = scope, receive, send
        self.path: str = scope["path"]
        self.query: str = scope.get("query_string", b"").decode("latin-1")
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            text = value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]},{text}" if key in self.headers else text
        self.origin = self.headers.get("origin")
        self.is_api = self.path.startswith(_API) or ".execute-api." in self.headers.get("host", "")

    async def handle(self) -> None:
        if (refused := self._stranger()) is not None:
            await self._answer(refused)
        elif self.path == HEALTH:
            await self._answer(answers.as_json(200, "up"))
        elif self.is_api:
            await self._call_api()
        elif self.path == _ICON and "authorization" not in self.headers:
            await self._answer(answers.plain(404, "The sign-in page has no icon."))
        elif self.path.startswith("/_"):
            await self._call_emulator()
        elif self._is_public():
            await self._call_public()
        else:
            await self._call_aws()

    def _stranger(self) -> Answer | None:
        """Return the refusal of a request of another site, or under another name. A browser names both."""
        if not _LOOPBACK.fullmatch(self.headers.get("host", "")):
            self._record.refused("door.host")
            return answers.plain(403, "The local cloud answers to loopback names only, like 127.0.0.1 and localhost.")
        # A page without a referrer, like the holder's own, sends `null`: the API needs a key or a link from it anyway.
        if self.origin is None or (self.origin == "null" and self.is_api):
            return None
        if _LOOPBACK.fullmatch(urlsplit(self.origin).netloc):
            return None
        self._record.refused("door.origin")
        return answers.plain(403, "The local cloud answers no other site's pages.")

    async def _call_api(self) -> None:
        """Hand a request to API Gateway."""
        declared = self.headers.get("content-length", "")
        body = b"" if declared.isdigit() and int(declared) > 2 * 10**7 else await self._body()
        size = max(len(body), int(declared) if declared.isdigit() else 0)
        for code in ("apigateway.body", "apigateway.event"):
            if rule.RULES[code].check(Call("apigateway", "", {}, size=size)):
                self._record.refused(code)
                await self._answer(answers.as_json(rule.RULES[code].status, rule.RULES[code].error))
                return
        started = False

        async def send(message: Message) -> None:
            nonlocal started
            started = True
            await self._send(message)

        try:
            waits_s = float(os.environ.get("GATE_WAITS_S", gateway.WAITS_S))
            work = self._hand.request(self._scope, body, size, send)
            await asyncio.wait_for(work, waits_s)
        except TimeoutError:
            self._record.refused("apigateway.timeout")
            if not started:
                await self._answer(answers.as_json(504, rule.RULES["apigateway.timeout"].error))

    async def _call_emulator(self) -> None:
        """Hand a request to the emulator's own paths, which AWS doesn't have."""
        expected = f"{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        try:
            known = scheme == "Basic" and hmac.compare_digest(b64decode(given), expected)
        except ValueError:
            known = False
        if known and self.path.startswith(control.PATH):
            body = await self._body()
            await self._answer(self._switchboard.answer(self._scope["method"], self.path, body))
        elif known:
            await self._app(self._scope, self._receive, self._cleaned())
        else:
            self._record.refused("door.key")
            await self._answer(answers.plain(403, "This needs the keys of the local cloud, in .local/stack.json."))

    def _is_public(self) -> bool:
        if "authorization" in self.headers and not _SIGN_IN.fullmatch(self.path):
            return False
        if _SIGN_IN.fullmatch(self.path):
            return True
        if self._scope["method"] == "GET" and self.path == "/":
            return parse_qs(self.query).get("Action", [""])[0] in _LINKS
        service, _, operation = self.headers.get("x-amz-target", "").partition(".")
        unsigned = emulator("core.iam_actions").unsigned_operations
        return service == "AWSCognitoIdentityProviderService" and operation in unsigned("cognito-idp")

    async def _call_public(self) -> None:
        try:
            self._hand.check_sign_in()
        except Refused as refused:
            await self._answer(answers.as_json(refused.status, refused.message))
        else:
            await self._app(self._scope, self._receive, self._cleaned(allow=self.origin))

    async def _call_aws(self) -> None:
        """Hand a signed call of an AWS API on, unless a rule refuses it."""
        body = await self._body()
        path = (self._scope.get("raw_path") or quote(self.path).encode()).decode("latin-1").partition("?")[0]
        try:
            signer = signer_of(self._scope["method"], path, self.query, self.headers, body)
        except NotSigned as error:
            self._record.refused("door.key")
            await self._answer(answers.refusal(self._claimed_service(), error.error, 403, error.message))
            return
        call = calls.call_of(self._scope["method"], path, self.query, self.headers, body, signer)
        self._note(call, signer)
        try:
            constraints.check(call)
            rule.check(call)
        except Refused as refused:
            self._record.refused(refused.code)
            await self._answer(answers.refusal(call.service, refused.error, refused.status, refused.message))
            return
        rounds = self.headers.get(loops.COUNT_HEADER, "")
        loops.sent_with.set(int(rounds) if rounds.isdigit() else None)
        try:
            await self._hand.call(self._scope, body, call, signer.principal, self._receive, self._cleaned())
        except Refused as refused:
            await self._answer(answers.refusal(call.service, refused.error, refused.status, refused.message))

    def _note(self, call: Call, signer: Signer) -> None:
        for resource in calls.resources_of(call):
            self._record.called(signer.principal, call.service, call.operation, resource)

    def _claimed_service(self) -> str:
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("authorization", ""))
        return ("sesv2" if scope[1] == "ses" else scope[1]) if scope else ""

    async def _body(self) -> bytes:
        parts = []
        while True:
            message = await self._receive()
            parts.append(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return b"".join(parts)

    def _cleaned(self, allow: str | None = None) -> Send:
        """Return `send` without the headers that let pages of other sites read the answer."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [one for one in message["headers"] if not one[0].lower().startswith(b"access-control-")]
                if allow is not None:
                    headers.append((b"access-control-allow-origin", allow.encode("latin-1")))
                    headers.append((b"access-control-allow-headers", b"*"))
                message = {**message, "headers": headers}
            await self._send(message)

        return send

    async def _answer(self, answer: Answer) -> None:
        status, headers, body = answer
        sent = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        sent.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body})
