"""listen: a small webhook receiver for the developers of a department's system."""

import asyncio
import base64
import binascii
import json
import sys
from collections import deque
from pathlib import Path
from typing import Annotated

import typer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.cli.support import CommandError

LARGEST_BODY = 1024 * 1024
_SHORTEST_SECRET = 24
"""Bytes: the least that the Standard Webhooks specification allows ("Signature scheme")."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(listen)


def listen(
    secret: Annotated[str, typer.Option(help="the subscription's secret, whsec_…")] = "",
    secret_file: Annotated[Path | None, typer.Option(help="read the secret from this file instead")] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 9900,
    raw: Annotated[bool, typer.Option("--json", help="print each whole event as one line of JSON")] = False,
) -> None:
    """Receive webhooks: verify each signature (Standard Webhooks), print each event, answer 204.

    Answers the CloudEvents handshake (OPTIONS) too, so that a subscription to http://HOST:PORT/ becomes active. What
    is not signed with the secret is answered 401 and told on standard error.
    """
    text = secret_file.read_text("utf-8").strip() if secret_file else secret
    receiver = Receiver(text, raw=raw)
    asyncio.run(_serve(receiver, host, port))


class Receiver:
    """The receiving application. Raises CommandError for a secret that is none."""

    def __init__(self, secret: str, *, raw: bool = False) -> None:
        from standardwebhooks import Webhook

        if not secret:
            raise CommandError(
                "--secret or --secret-file is needed: the notify service shows it once, when it makes it"
            )
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < _SHORTEST_SECRET:
            raise CommandError(
                f"the secret is no Standard Webhooks secret: whsec_ and base64 of {_SHORTEST_SECRET} bytes or more"
            )
        self._webhook = Webhook(secret)
        self._raw = raw
        self._seen: deque[str] = deque(maxlen=1000)
        self.app = Starlette(
            routes=[
                Route("/{path:path}", self.handshake, methods=["OPTIONS"]),
                Route("/{path:path}", self.take, methods=["POST"]),
            ]
        )

    async def handshake(self, request: Request) -> Response:
        """Allow the origin that asks (CloudEvents "HTTP 1.1 Web Hooks" §4)."""
        origin = request.headers.get("webhook-request-origin", "*")
        headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
        return Response(status_code=200, headers=headers)

    async def take(self, request: Request) -> Response:
        """Verify, print, acknowledge."""
        from standardwebhooks import WebhookVerificationError

        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return PlainTextResponse("too large\n", 413)
        headers = {
            name: request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        }
        try:
            self._webhook.verify(bytes(body).decode(), headers)
            event = json.loads(bytes(body))
        except (WebhookVerificationError, ValueError) as error:
            print(f"refused: {error}", file=sys.stderr, flush=True)
            return PlainTextResponse("the signature does not match\n", 401)
        again = headers["webhook-id"] in self._seen
        self._seen.append(headers["webhook-id"])
        print(json.dumps(event, ensure_ascii=False) if self._raw else readable(event, again=again), flush=True)
        return Response(status_code=204)


def readable(event: dict[str, object], *, again: bool) -> str:
    """One line for people: when, what, about which aggregate and version, its data."""
    data = json.dumps(event.get("data"), ensure_ascii=False)
    words = [event.get("time"), event.get("type"), event.get("subject"), f"v{event.get('aggregateversion', '?')}", data]
    return " ".join(str(word) for word in words) + ("  (delivered before)" if again else "")


async def _serve(receiver: Receiver, host: str, port: int) -> None:
    import uvicorn

    from services.local.ports import PortUse, check_free

    check_free([PortUse("--port", host, port)])
    config = uvicorn.Config(receiver.app, host=host, port=port, log_level="warning", lifespan="off")
    bound = config.bind_socket()
    bound.listen()
    # Said only now: whoever reads it may send at once.
    print(f"listening on http://{host}:{port}/", file=sys.stderr, flush=True)
    await uvicorn.Server(config).serve([bound])
