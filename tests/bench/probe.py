"""Latencies as somebody else sees them, from a process of its own: `python -m tests.bench.probe` with a plan on stdin.

The plan is JSON: `url`, `management`, `seconds`, `tokens` (form bodies for /token, one a request), `pause`. On stdout:
milliseconds of each request, by what was asked.
"""

import asyncio
import json
import sys
import time
from typing import Any

from tests.bench.wire import Wire


async def main(plan: dict[str, Any]) -> dict[str, list[float]]:
    """Ask token, JWKS and readiness in turn, one request every `pause` seconds, until the time is up."""
    found: dict[str, list[float]] = {"token": [], "JWKS": [], "readiness": []}
    async with Wire(plan["url"]) as wire, Wire(plan["management"]) as management:
        until = time.perf_counter() + plan["seconds"]
        for form in plan["tokens"]:
            for name, on, method, path, body in (
                ("token", wire, "POST", "/token", form.encode()),
                ("JWKS", wire, "GET", "/jwks", None),
                ("readiness", management, "GET", "/readyz", None),
            ):
                began = time.perf_counter()
                answer = await on.call(method, path, form=body)
                found[name].append((time.perf_counter() - began) * 1000)
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status} {answer.body!r}")
                await asyncio.sleep(plan["pause"])
            if time.perf_counter() > until:
                break
    return found


if __name__ == "__main__":
    json.dump(asyncio.run(main(json.load(sys.stdin))), sys.stdout)
