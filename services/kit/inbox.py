"""The inbox: an event's id and its effect commit together, so that a second delivery changes nothing.

What fails is parked beside: later events of its key wait behind it, all other keys go on. A parked event is tried again
with back-off; out of tries, or undecodable, it is `dead`: kept whole with its cause, announced on the topic's
dead-letter topic, holding its key until it is replayed or dropped by command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import orjson
from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from services.contracts import topics
from services.contracts.base import Envelope, Heading, Undecodable, UnknownType, decode
from services.kit.columns import BigId, UtcDateTime
from services.kit.outbox import MAX_BYTES, Row

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork

State = Literal["waiting", "behind", "gap", "dead"]
RETRY_SECONDS = (1, 2, 5, 15, 60, 300, 900, 1800)
"""Pauses between the tries of a parked event; after the last it is dead."""


@dataclass(frozen=True)
class InboxTables:
    done: Table
    versions: Table
    parked: Table


def inbox_tables(metadata: MetaData) -> InboxTables:
    """Events done (by consumer and id), each aggregate's last version, and what is parked."""
    done = Table(
        "inbox",
        metadata,
        Column("consumer", String(64), primary_key=True),
        Column("event_id", String(64), primary_key=True),
        Column("done_at", UtcDateTime, nullable=False, index=True),
    )
    versions = Table(
        "inbox_versions",
        metadata,
        Column("consumer", String(64), primary_key=True),
        Column("topic", String(200), primary_key=True),
        Column("key", String(200), primary_key=True),
        Column("version", Integer, nullable=False),
    )
    parked = Table(
        "inbox_parked",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("consumer", String(64), nullable=False),
        Column("topic", String(200), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigId, nullable=False),
        Column("key", String(200), nullable=False),
        Column("event_id", String(64)),
        Column("event_type", String(200)),
        Column("version", Integer),
        Column("headers", LargeBinary, nullable=False),
        Column("value", LargeBinary),
        Column("state", String(10), nullable=False),
        Column("cause", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_try", UtcDateTime, nullable=False),
        Column("parked_at", UtcDateTime, nullable=False),
        UniqueConstraint("consumer", "topic", "partition", "offset", name="uq_inbox_parked_place"),
        Index("ix_inbox_parked_key", "consumer", "topic", "key"),
    )
    return InboxTables(done, versions, parked)


# Statements of constant text for any number of rows, which come as arrays (PostgreSQL) or as JSON (SQLite): a list of
# parameters would be built and compiled anew for each batch, and searched for each row instead of by the key's index.
_IDS = {
    "postgresql": "unnest(CAST(:ids AS text[])) AS given (id)",
    "sqlite": "(SELECT value AS id FROM json_each(:ids)) AS given",
}
_PLACES = {
    "postgresql": "topic = ANY(CAST(:topics AS text[])) AND key = ANY(CAST(:keys AS text[]))",
    "sqlite": "topic IN (SELECT value FROM json_each(:topics)) AND key IN (SELECT value FROM json_each(:keys))",
}
_VERSIONS = {
    "postgresql": "unnest(CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:versions AS int[]))"
    " AS given (topic, key, version)",
    "sqlite": "(SELECT t.value AS topic, k.value AS key, v.value AS version FROM json_each(:topics) t"
    " JOIN json_each(:keys) k USING (key) JOIN json_each(:versions) v USING (key)) AS given",
}
_LATER = {"postgresql": "greatest", "sqlite": "max"}


def _statements(sql: str, *binds: Any, **parts: dict[str, str]) -> dict[str, Any]:
    """`sql` for each dialect, its `{parts}` filled in."""
    return {
        dialect: text(sql.format(**{name: part[dialect] for name, part in parts.items()})).bindparams(*binds)
        for dialect in ("postgresql", "sqlite")
    }


_NEW_IDS = _statements(
    "INSERT INTO inbox (consumer, event_id, done_at) SELECT :consumer, given.id, :now FROM {given} WHERE true "
    "ON CONFLICT DO NOTHING RETURNING event_id",
    bindparam("now", type_=UtcDateTime),
    given=_IDS,
)
_KNOWN = _statements(
    "SELECT topic, key, version, NULL AS held FROM inbox_versions WHERE consumer = :consumer AND {places} UNION ALL "
    "SELECT topic, key, NULL, min(coalesce(version, 0)) FROM inbox_parked WHERE consumer = :consumer AND {places} "
    "GROUP BY topic, key",
    places=_PLACES,
)
_SAVE_VERSIONS = _statements(
    "INSERT INTO inbox_versions (consumer, topic, key, version) "
    "SELECT :consumer, given.topic, given.key, given.version FROM {given} WHERE true "
    "ON CONFLICT (consumer, topic, key) DO UPDATE SET version = {later}(inbox_versions.version, excluded.version)",
    given=_VERSIONS,
    later=_LATER,
)
# A batch holds one event or hundreds: a plan kept from the first ones, when the tables were small, reads them whole.
_PLAN_ANEW = text("SET LOCAL plan_cache_mode = force_custom_plan")


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message as it came, and the event in it or why there is none."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None
    event: Envelope | None = None
    problem: str | None = None
    heading: Heading | None = None
    """What its headers say. With neither event nor problem its type is unknown to this release."""

    @classmethod
    def of(
        cls,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        value: bytes | None,
    ) -> "Message":
        key = key or b""
        name = storable(key.decode("utf-8", "backslashreplace"), 200)
        kept = [(header, raw or b"") for header, raw in headers]
        place = (topic, partition, offset, name, kept, value)
        try:
            event = decode(kept, value, key)
        except UnknownType as error:
            return cls(*place, heading=error.heading)
        except Undecodable as error:
            return cls(*place, problem=str(error), heading=error.heading)
        return cls(*place, event=event, heading=event.heading)

    @property
    def at(self) -> tuple[str, str]:
        """Where versions are counted: topic and key."""
        return self.topic, self.key


def storable(words: str, limit: int) -> str:
    """`words` as every database takes them: PostgreSQL has no NUL in a text."""
    return words.replace("\0", "\\x00")[:limit]


@dataclass
class Ledger:
    """What the inbox knows about the keys of a batch, kept up to date while the batch is handled."""

    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """Lowest parked version of each held key (0 where a parked message has none)."""
    saved: dict[tuple[str, str], int] = field(default_factory=dict)
    """`versions` as the database holds them."""

    def hold(self, message: Message) -> None:
        """Let what comes later of the message's key wait."""
        version = message.heading.version if message.heading else 0
        self.held[message.at] = min(self.held.get(message.at, version), version)


class Inbox:
    """One consumer's inbox inside a unit of work."""

    def __init__(self, work: "UnitOfWork", consumer: str) -> None:
        self.work = work
        self.consumer = consumer
        self.tables = work.context.tables.inbox
        self.prefix = work.context.settings.topic_prefix

    async def open(self, messages: Sequence[Message]) -> tuple[Ledger, set[str]]:
        """Begin a batch: the ids among `messages` that are new, now marked as done, and what is known of their keys.

        In this order: marking waits for another reader that has the same events in hand, and only then are the
        versions read that it has left.
        """
        if self.work.context.database.dialect == "postgresql" and len(messages) > 1:
            await self.work.execute(_PLAN_ANEW)
        new = await self._new_ids([m.event.id for m in messages if m.event])
        return await self.ledger(messages), new

    async def _new_ids(self, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        return set((await self._on_many(_NEW_IDS, now=self.work.now(), ids=list(dict.fromkeys(ids)))).scalars())

    async def ledger(self, messages: Sequence[Message]) -> Ledger:
        """Last versions and held keys among `messages`."""
        given = {"topics": list({m.topic for m in messages}), "keys": list({m.key for m in messages})}
        found = Ledger()
        for topic, key, version, held in await self._on_many(_KNOWN, **given):
            if held is None:
                found.versions[topic, key] = found.saved[topic, key] = version
            else:
                found.held[topic, key] = held
        return found

    async def _on_many(self, statements: dict[str, Any], **given: Any) -> Any:
        dialect = self.work.context.database.dialect
        if dialect == "sqlite":
            given = {n: orjson.dumps(v).decode() if isinstance(v, list) else v for n, v in given.items()}
        return await self.work.execute(statements[dialect], {"consumer": self.consumer, **given})

    def judge(self, message: Message, ledger: Ledger) -> tuple[Literal["do", "skip", "park"], State, str]:
        """What to do with a message whose headers could be read: verdict and, where it is parked, state and cause.

        One of unknown type has its turn like any other where versions have no gaps, else its successor never had one.
        """
        assert message.heading is not None
        version = message.heading.version
        last = ledger.versions.get(message.at)
        gapless = topics.all_topics()[message.topic.removeprefix(self.prefix)].ordering == "gapless"
        if (last is not None and version <= last) or not (gapless or message.event or message.problem):
            return "skip", "waiting", ""
        fits = not gapless or version == (last or 0) + 1
        held = ledger.held.get(message.at)
        if held is not None and not (fits and gapless and held > version):
            return "park", "behind", "waits behind an earlier event of its key"
        if not fits:
            return "park", "gap", f"gap: version {version} came, {(last or 0) + 1} was due"
        return "do", "waiting", ""

    async def save_versions(self, ledger: Ledger) -> None:
        """Write the versions that have risen since `ledger` was read."""
        risen = [(*place, v) for place, v in ledger.versions.items() if ledger.saved.get(place) != v]
        if risen:
            topics_, keys, versions = (list(column) for column in zip(*risen, strict=True))
            await self._on_many(_SAVE_VERSIONS, topics=topics_, keys=keys, versions=versions)

    async def park(self, message: Message, state: State, cause: str) -> None:
        """Set a message aside. A dead one is announced on the dead-letter topic in the same transaction."""
        now = self.work.now()
        heading = message.heading
        row = {
            "consumer": self.consumer,
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "key": message.key,
            "event_id": heading.id if heading else None,
            "event_type": heading.type if heading else None,
            "version": heading.version if heading else None,
            "headers": orjson.dumps([(n, v.decode("latin-1")) for n, v in message.headers]),
            "value": message.value,
            "state": state,
            "cause": storable(cause, 1000),
            "attempts": 1 if state in ("waiting", "dead") else 0,
            "next_try": now + timedelta(seconds=RETRY_SECONDS[0] if state == "waiting" else 0),
            "parked_at": now,
        }
        new = await self.work.insert_ignore(self.tables.parked, [row], self.tables.parked.c.id)
        if new and state == "dead":
            self.announce(row)

    def announce(self, row: dict[str, Any]) -> None:
        """Tell of a dead event on its topic's dead-letter topic."""
        topic = topics.all_topics()[row["topic"].removeprefix(self.prefix)]
        headers, value = [(n, v) for n, v in orjson.loads(row["headers"])], row["value"] or b""
        if len(row["headers"]) + len(value) > MAX_BYTES:
            headers, value = [], b""  # as large as Kafka takes it already: what is added must not stop the relay
        headers += [
            ("tongban_consumer", self.consumer),
            ("tongban_cause", row["cause"].encode("ascii", "backslashreplace").decode()),
            ("tongban_place", f"{row['topic']}/{row['partition']}/{row['offset']}"),
        ]
        self.work.publish_raw(Row(self.prefix + topic.dead_letter_topic, row["key"], headers, value, self.work.now()))

    async def due(self, now: datetime, limit: int = 50) -> list[Message]:
        """First parked message of each key whose time has come, oldest version first."""
        parked = self.tables.parked
        ranked = (
            select(
                parked.c.id,
                func.row_number()
                .over(
                    partition_by=(parked.c.topic, parked.c.key),
                    order_by=(func.coalesce(parked.c.version, 0), parked.c.id),
                )
                .label("place"),
            )
            .where(parked.c.consumer == self.consumer)
            .subquery()
        )
        statement = (
            select(parked)
            .join(ranked, ranked.c.id == parked.c.id)
            .where(ranked.c.place == 1, parked.c.next_try <= now, parked.c.state.in_(("waiting", "behind", "gap")))
            .order_by(parked.c.next_try)
            .limit(limit)
        )
        return [message_of(row) for row in await self.work.execute(statement)]

    async def locked(self, message: Message) -> Any:
        """The parked row of `message`, locked, or None when another process has dealt with it."""
        parked = self.tables.parked
        statement = select(parked).where(*_place(parked, self.consumer, message)).with_for_update(skip_locked=True)
        return (await self.work.execute(statement)).one_or_none()

    async def unpark(self, message: Message) -> None:
        """Take a message off the shelf; the next of its key comes due at once."""
        parked = self.tables.parked
        await self.work.execute(delete(parked).where(*_place(parked, self.consumer, message)))
        await self.work.execute(
            update(parked)
            .where(
                parked.c.consumer == self.consumer,
                parked.c.topic == message.topic,
                parked.c.key == message.key,
                parked.c.state.in_(("behind", "gap")),
            )
            .values(next_try=self.work.now())
        )

    async def postpone(self, row: Any, cause: str, *, state: State = "waiting") -> State:
        """Count a failed try: next one later, or dead after the last."""
        parked = self.tables.parked
        attempts = row.attempts + (0 if state == "gap" else 1)
        if state == "waiting" and attempts > len(RETRY_SECONDS):
            state = "dead"
        pause = 5 if state == "gap" else RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
        next_try = self.work.now() + timedelta(seconds=pause)
        values = {"attempts": attempts, "cause": storable(cause, 1000), "state": state, "next_try": next_try}
        await self.work.execute(update(parked).where(parked.c.id == row.id).values(values))
        if state == "dead":
            self.announce(dict(row._mapping) | values)
        return state


def _place(parked: Table, consumer: str, message: Message) -> tuple[Any, ...]:
    return (
        parked.c.consumer == consumer,
        parked.c.topic == message.topic,
        parked.c.partition == message.partition,
        parked.c.offset == message.offset,
    )


def message_of(row: Any) -> Message:
    """The message that a parked row holds."""
    headers = [(n, v.encode("latin-1")) for n, v in orjson.loads(row.headers)]
    key = row.key.encode()
    return Message.of(row.topic, row.partition, row.offset, key, headers, row.value)
