"""A citizen's inbox. Words come in the language that they chose, else in the one that Accept-Language asks for."""

from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path
from pydantic import BaseModel, Field

from services.kit.auth import Citizen, citizen
from services.kit.http import ListKeyset, Page
from services.kit.pages.languages import Languages, negotiate
from services.notify.api.common import Reading, Writing, number_cursor
from services.notify.handlers import inbox

router = APIRouter(dependencies=[Depends(citizen)], tags=["messages"])

Language = Literal["zh-CN", "en"]
MessageId = Annotated[str, Path(pattern=r"^[0-9a-zA-Z-]{1,64}$")]
_LANGUAGES = Languages([FilePath(__file__).resolve().parent.parent / "locales"])


class MessageView(BaseModel):
    """A message in words; `body` has one paragraph a line."""

    id: str
    kind: str = Field(description="Step of the case: submitted, accepted, returned …")
    title: str
    body: str
    case_id: str
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, shown: inbox.Shown) -> "MessageView":
        return cls(**{name: getattr(shown, name) for name in cls.model_fields})


class Unread(BaseModel):
    count: int


class Preferences(BaseModel):
    """How messages are worded; null when nothing was chosen and Accept-Language decides."""

    language: Language | None = None


class ChosenPreferences(BaseModel, extra="forbid"):
    language: Language


async def speak(reader: Citizen, work: Reading, accept_language: Annotated[str, Header(max_length=500)] = "") -> str:
    """Dependency: put this request's words into the reader's language."""
    found = negotiate(await inbox.language(reader, work), accept_language)
    _LANGUAGES.use(found)
    return found


Spoken = Depends(speak)


@router.get("/messages", summary="Messages, newest first", dependencies=[Spoken])
async def list_messages(reader: Citizen, work: Reading, keyset: ListKeyset) -> Page[MessageView]:
    found = await inbox.list_messages(reader, number_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda message: (message.position,))
    return Page[MessageView](items=[MessageView.of(each) for each in shown], next=following)


@router.get("/messages/unread", summary="How many messages were not opened")
async def count_unread(reader: Citizen, work: Reading) -> Unread:
    return Unread(count=await inbox.unread(reader, work))


@router.get("/messages/{message_id}", summary="One message", dependencies=[Spoken])
async def get_message(message_id: MessageId, reader: Citizen, work: Reading) -> MessageView:
    return MessageView.of(await inbox.read_message(reader, message_id, work))


@router.post("/messages/{message_id}/read", status_code=204, summary="Mark a message as read")
async def mark_read(message_id: MessageId, reader: Citizen, work: Writing) -> None:
    await inbox.mark_read(reader, message_id, work)


@router.get("/preferences", summary="Language of messages")
async def get_preferences(reader: Citizen, work: Reading) -> Preferences:
    return Preferences.model_validate({"language": await inbox.language(reader, work)})


@router.put("/preferences", summary="Choose the language of messages")
async def put_preferences(chosen: ChosenPreferences, reader: Citizen, work: Writing) -> Preferences:
    await inbox.prefer(reader, chosen.language, work)
    return Preferences(language=chosen.language)
