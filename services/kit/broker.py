"""Kafka: how we connect, which topics must be there, how events are sent and read.

Every setting that keeps promises is explicit: acks=all, idempotent producer, acknowledgement by hand, no automatic
topic creation. Starting has a time limit, because aiokafka waits for ever when a broker refuses a token.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from services.contracts.topics import Topic, all_topics
from services.kit.errors import Kind, TongbanError

if TYPE_CHECKING:
    # For services that hear topics alone: FastStream costs the others 0.2 s of their start and 11 MB.
    from faststream.kafka import KafkaBroker
    from faststream.kafka.message import KafkaMessage
    from faststream.kafka.subscriber.usecase import BatchSubscriber

    from services.kit.settings import ServiceSettings

START_SECONDS = 20
FETCH_WAIT_MS = 500
"""Longest wait of a fetch that finds nothing. aiokafka has one under way for each broker: a partition whose records
were in hand when it was sent waits for its end."""
BATCH_WAIT_MS = 2000
DEAD_RETENTION_DAYS = 365


class BrokerAway(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "broker-away", "Kafka cannot be reached"


class TopicsMissing(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "topics-missing", "Kafka topics are missing or differ from the contracts"


def _ssl(settings: "ServiceSettings") -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=settings.kafka_ca_file) if settings.kafka_ca_file else None


def connection(settings: "ServiceSettings") -> dict[str, Any]:
    """Connection arguments of every aiokafka client."""
    found: dict[str, Any] = {"bootstrap_servers": list(settings.kafka), "client_id": f"tongban-{settings.service}"}
    context = _ssl(settings)
    if settings.kafka_username:
        found |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    kind = ("SASL_" if settings.kafka_username else "") + ("SSL" if context else "PLAINTEXT")
    return found | {"security_protocol": kind} | ({"ssl_context": context} if context else {})


async def start_producer(settings: "ServiceSettings") -> AIOKafkaProducer:
    """A started producer: acknowledged by all in-sync replicas, idempotent."""
    producer = AIOKafkaProducer(
        **connection(settings),
        acks="all",
        enable_idempotence=True,
        max_batch_size=512 * 1024,
        max_request_size=1_048_576,
        request_timeout_ms=15_000,
        linger_ms=0,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


def faststream_broker(settings: "ServiceSettings") -> "KafkaBroker":
    """FastStream's broker for consumers; every subscriber still sets its own acknowledgement policy."""
    from faststream.kafka import KafkaBroker
    from faststream.security import BaseSecurity, SASLScram512

    security: BaseSecurity | None = None
    context = _ssl(settings)
    if settings.kafka_username:
        secret = settings.kafka_password.get_secret_value()
        security = SASLScram512(settings.kafka_username, secret, ssl_context=context, use_ssl=context is not None)
    elif context:
        security = BaseSecurity(ssl_context=context, use_ssl=True)
    return KafkaBroker(
        list(settings.kafka),
        client_id=f"tongban-{settings.service}",
        security=security,
        acks="all",
        enable_idempotence=True,
        logger=None,
        apply_types=False,  # a handler is given the records as they came: nothing to inject or to convert
    )


def batch_subscriber(broker: "KafkaBroker", topics: Sequence[str], group: str, most: int) -> "BatchSubscriber":
    """FastStream's subscriber of batches of at most `most` records, which its handler gets as they came.

    Acknowledged by hand only. Its parser is ours: FastStream's fails on a header that is not UTF-8, and the batch would
    be lost. So is its fetching: having waited in vain, FastStream's sleeps as long again, whatever comes meanwhile.
    """
    from faststream import AckPolicy

    async def fetch(kafka: AIOKafkaConsumer) -> tuple[Any, ...]:
        found = await kafka.getmany(timeout_ms=BATCH_WAIT_MS, max_records=most)
        return tuple(chain.from_iterable(found.values()))

    subscriber = broker.subscriber(
        *topics,
        group_id=group,
        batch=True,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        parser=_parse,
        decoder=_decode,
    )
    subscriber.get_msg = fetch  # type: ignore[method-assign, assignment]
    return subscriber


async def _parse(records: Any) -> "KafkaMessage":
    from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

    return KafkaMessage(raw_message=records, body=records, consumer=FAKE_CONSUMER)


async def _decode(message: Any) -> Any:
    return message.raw_message


async def live_consumer(settings: "ServiceSettings", topics: Iterable[str]) -> AIOKafkaConsumer:
    """A started consumer without a group, from the latest offset: for what is shown live and kept nowhere."""
    consumer = AIOKafkaConsumer(
        *[settings.topic_prefix + topic for topic in topics],
        **connection(settings),
        group_id=None,
        auto_offset_reset="latest",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer


class _Admin:
    def __init__(self, settings: "ServiceSettings") -> None:
        self._client = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=10_000)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._client.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await self._client.close()
            raise BrokerAway(f"{type(error).__name__}: is TONGBAN_KAFKA right?") from None
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


def wanted(topics: Iterable[Topic], prefix: str, replication: int) -> dict[str, NewTopic]:
    """Kafka's topics as the contracts want them, dead-letter topics among them."""
    found: dict[str, NewTopic] = {}
    for topic in topics:
        config: dict[str, str] = {"cleanup.policy": topic.cleanup}
        if topic.retention_days:
            config["retention.ms"] = str(topic.retention_days * 86_400_000)
        if replication > 1:
            config["min.insync.replicas"] = str(replication - 1)
        dead: dict[str, str] = {"cleanup.policy": "delete", "retention.ms": str(DEAD_RETENTION_DAYS * 86_400_000)}
        for name, partitions, settings in (
            (topic.topic, topic.partitions, config),
            (topic.dead_letter_topic, 1, dead),
        ):
            found[prefix + name] = NewTopic(prefix + name, partitions, replication, topic_configs=settings)
    return found


async def apply_topics(settings: "ServiceSettings", replication: int = 1) -> list[str]:
    """Create the topics that are missing and check the rest. Names created. Raises TopicsMissing on a difference."""
    topics = wanted(all_topics().values(), settings.topic_prefix, replication)
    async with _Admin(settings) as admin:
        there = set(await admin.list_topics())
        created = [name for name in topics if name not in there]
        for name in created:
            with contextlib.suppress(TopicAlreadyExistsError):
                await admin.create_topics([topics[name]])
        await _wait_for_leaders(admin, list(topics))
        wrong = await _differences(admin, topics)
    if wrong:
        raise TopicsMissing("; ".join(wrong))
    return created


async def check_topics(settings: "ServiceSettings", names: Iterable[str] | None = None) -> None:
    """Refuse to go on unless `names` (default: all) exist as the contracts say. Raises TopicsMissing, BrokerAway."""
    chosen = [all_topics()[n] for n in names] if names is not None else list(all_topics().values())
    topics = wanted(chosen, settings.topic_prefix, 1)
    async with _Admin(settings) as admin:
        there = set(await admin.list_topics())
        missing = [name for name in topics if name not in there]
        if missing:
            raise TopicsMissing(f"{', '.join(missing)}: run `tongban topics apply`")
        wrong = await _differences(admin, topics)
    if wrong:
        raise TopicsMissing("; ".join(wrong))


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    # A topic is created before every broker knows its leaders.
    for _ in range(100):
        described = await admin.describe_topics(names)
        if all(t["error_code"] == 0 and all(p["leader"] >= 0 for p in t["partitions"]) for t in described):
            return
        await asyncio.sleep(0.1)
    raise TopicsMissing("topics were created but have no leader after 10 s")


async def _differences(admin: AIOKafkaAdminClient, topics: dict[str, NewTopic]) -> list[str]:
    wrong = []
    for described in await admin.describe_topics(list(topics)):
        name, count = described["topic"], len(described["partitions"])
        if count != topics[name].num_partitions:
            wrong.append(f"{name} has {count} partitions, the contract says {topics[name].num_partitions}")
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    for answer in await admin.describe_configs(resources):
        for resource in answer.resources:
            name = resource[3]
            config = {entry[0]: entry[1] for entry in resource[4]}
            for setting, value in (topics[name].topic_configs or {}).items():
                if config.get(setting, value) != value:
                    wrong.append(f"{name} has {setting} {config[setting]}, the contract says {value}")
    return wrong
