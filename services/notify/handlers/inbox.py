"""A citizen's messages: remember what a case says, show it, mark it read, and in which language."""

from dataclasses import dataclass
from datetime import datetime

from services.contracts.base import Envelope
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.notify import events
from services.notify.domain.messages import render
from services.notify.errors import MessageNotFound
from services.notify.handlers.work import Work


@dataclass(frozen=True, slots=True)
class Shown:
    """A message in words."""

    position: int
    id: str
    kind: str
    title: str
    body: str
    case_id: str
    created_at: datetime
    read_at: datetime | None


async def remember_step(event: Envelope, work: Work) -> None:
    """Tell the applicant of a step of their case. Runs in the consumer's transaction, once for each event."""
    async with work:
        message = events.message_of(event)
        if message is not None:
            work.messages.add(message)


async def list_messages(reader: Principal, before: int | None, limit: int, work: Work) -> list[Shown]:
    """Messages, newest first; `before` is the last position of the page before."""
    async with work:
        return [_shown(row) for row in await work.messages.page(reader.sub, before, limit)]


async def unread(reader: Principal, work: Work) -> int:
    """How many messages the reader has not opened."""
    async with work:
        return await work.messages.unread(reader.sub)


async def read_message(reader: Principal, message_id: str, work: Work) -> Shown:
    """One message. Raises MessageNotFound, for another's message too."""
    async with work:
        row = await work.messages.one(reader.sub, message_id)
    if row is None:
        raise MessageNotFound
    return _shown(row)


async def mark_read(reader: Principal, message_id: str, work: Work) -> None:
    """Set a message's read time, once. Raises MessageNotFound."""
    async with work:
        row = await work.messages.one(reader.sub, message_id)
        if row is None:
            raise MessageNotFound
        if row.read_at is None:
            await work.messages.mark_read(reader.sub, message_id, work.now())
            work.audit(_entry(reader, "message.read", "message", message_id))


async def language(reader: Principal, work: Work) -> str | None:
    """The language that the reader chose, if they did."""
    async with work:
        return await work.messages.language(reader.sub)


async def prefer(reader: Principal, chosen: str, work: Work) -> None:
    """Remember the language that messages are read in."""
    async with work:
        await work.messages.prefer(reader.sub, chosen, work.now())
        work.audit(_entry(reader, "preferences.change", "account", reader.sub))


def _shown(row: object) -> Shown:
    words = render(row.kind, row.parameters)  # type: ignore[attr-defined]
    names = ("position", "id", "kind", "case_id", "created_at", "read_at")
    return Shown(title=words.title, body=words.body, **{name: getattr(row, name) for name in names})


def _entry(reader: Principal, action: str, object_type: str, object_id: str) -> AuditEntry:
    return AuditEntry(
        actor=reader.sub,
        action=action,
        object_type=object_type,
        object_id=object_id,
        realm=reader.realm,
        client=reader.client_id,
    )
