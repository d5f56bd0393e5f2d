"""Topic identity.sessions: single sign-on sessions, begun and ended."""

from typing import ClassVar, Literal

from services.contracts.base import EventData


class SessionEvent(EventData):
    topic: ClassVar[str] = "identity.sessions"

    session_id: str
    account_id: str
    realm: Literal["citizen", "staff"]


class SessionStarted(SessionEvent):
    """A person signed in; `amr` says how (RFC 8176)."""

    event_type: ClassVar[str] = "cn.tongban.identity.session-started.v1"

    amr: tuple[str, ...]
    acr: str


class SessionEnded(SessionEvent):
    """A session ended: every token of it is dead from now on."""

    event_type: ClassVar[str] = "cn.tongban.identity.session-ended.v1"

    reason: Literal["signed_out", "idle", "expired", "replaced", "revoked"]
