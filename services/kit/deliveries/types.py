"""What a builder gets and gives, and what an owner hears."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A content about to be tried."""

    endpoint_id: str
    order_key: str
    event_id: str
    body: bytes
    content_type: str
    traceparent: str
    attempt: int
    """Number of this try, from 1."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What goes over the wire for one try. Content-Type is the queued one unless `headers` say otherwise."""

    headers: dict[str, str]
    body: bytes


Builder = Callable[[Any, Outgoing], Awaitable[Content]]
"""`async def build(work, outgoing) -> Content`, in a read-only unit of work."""


class Owner:
    """Hears what became of things, each time in the transaction that records it. Override what matters."""

    async def delivered(self, work: Any, endpoint_id: str, event_id: str, attempts: int) -> None:
        """The endpoint took the content."""

    async def parked(self, work: Any, endpoint_id: str, event_id: str, attempts: int, cause: str) -> None:
        """The content was given up; it can be sent again by `redeliver`."""

    async def disabled(self, work: Any, endpoint_id: str, cause: str) -> None:
        """The endpoint was switched off; what waits for it is kept until `resume`."""
