"""Calls to the services behind the pages: time limits, the caller's token, the trace, problem details as errors."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from services.gateway.errors import ServiceAway, service_problem
from services.kit.pages import language
from services.kit.telemetry import log, traceparent


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer that is no problem. `etag`: its entity tag, "" where it has none."""

    body: Any
    etag: str = ""


class ServiceClient:
    """One service behind the gateway, named in the singular audience of its tokens."""

    def __init__(self, name: str, base_url: str, http: httpx.AsyncClient) -> None:
        self.name = name
        self.base_url = base_url
        self.audience = f"urn:tongban:{name}"
        self._http = http

    async def call(
        self,
        method: str,
        path: str,
        token: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: AsyncIterator[bytes] | bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a shorter limit for each part of the exchange, by httpx
    ) -> Answer:
        """One call. Raises ServiceProblem with the service's own problem, ServiceAway where it does not answer."""
        parts = {"json": json, "params": params, "headers": headers, "content": content}
        request = self._request(method, path, token, **parts, **({"timeout": timeout} if timeout else {}))
        answer = await self._send(request, again=method == "GET")
        if answer.status_code >= 400:
            raise service_problem(self.name, answer.status_code, _json(answer))
        return Answer(_json(answer), answer.headers.get("etag", ""))

    async def get(self, path: str, token: str, **params: Any) -> Any:
        """The body of a GET; parameters that are None or empty are left out."""
        given = {name: value for name, value in params.items() if value not in (None, "")}
        return (await self.call("GET", path, token, params=given)).body

    async def stream(self, path: str, token: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """An open answer, to be passed on and closed by the caller. Raises ServiceProblem, ServiceAway."""
        request = self._request("GET", path, token, params=params)
        try:
            answer = await self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise self._away(error) from None
        if answer.status_code >= 400:
            await answer.aread()
            await answer.aclose()
            raise service_problem(self.name, answer.status_code, _json(answer))
        return answer

    def _request(self, method: str, path: str, token: str, **parts: Any) -> httpx.Request:
        headers = {
            "authorization": f"Bearer {token}",
            "accept-language": language(),
            "traceparent": traceparent(),
            **(parts.pop("headers", None) or {}),
        }
        return self._http.build_request(method, self.base_url + path, headers=headers, **parts)

    async def _send(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        try:
            return await self._http.send(request)
        except httpx.ConnectError as error:
            # Nothing was sent, so any method may be tried again; a service that is starting anew answers soon.
            if not again:
                raise self._away(error) from None
        except httpx.HTTPError as error:
            raise self._away(error) from None
        try:
            return await self._http.send(request)
        except httpx.HTTPError as error:
            raise self._away(error) from None

    def _away(self, error: httpx.HTTPError) -> ServiceAway:
        log.warning("service.away", service_called=self.name, cause=type(error).__name__)
        return ServiceAway(f"{self.name} did not answer")


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return None


def http_client(
    seconds: float, ca_file: str = "", transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """The one pool of connections of a process: no redirects followed, no proxies from the environment."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(seconds, connect=2.0),
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        follow_redirects=False,
        trust_env=False,
        verify=ca_file or True,
        transport=transport,
    )
