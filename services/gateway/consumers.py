"""What the gateway hears: the life of cases, without a group and from the latest offset, for pages open now."""

import asyncio

from aiokafka.errors import KafkaError

from services.contracts.base import Undecodable, decode
from services.gateway.hub import Hub
from services.kit import broker
from services.kit.service import Context
from services.kit.telemetry import log

TOPICS = ("cases.events",)
"""Topics that are shown live and kept nowhere here."""


class LiveReader:
    """Reads the live topics in every process that serves pages, and tells the hub."""

    name = "live"

    def __init__(self, context: Context, hub: Hub) -> None:
        self._context = context
        self._hub = hub

    async def run(self) -> None:
        try:
            consumer = await broker.live_consumer(self._context.settings, TOPICS)
            try:
                # From here on nothing is missed; what came before (a broker that was away) the pages read anew.
                await consumer.seek_to_end()
                self._hub.renew()
                async for message in consumer:
                    try:
                        event = decode(message.headers, message.value, message.key)
                    except Undecodable:
                        # Whoever keeps state sets it aside and reports it; here there is only nothing to show.
                        continue
                    self._hub.tell(event.subject, event.version)
            finally:
                await asyncio.shield(consumer.stop())
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("live.away", cause=type(error).__name__)
            raise

    async def health(self) -> str | None:
        # Pages work without live updates: a broker that is away does not take the front door off.
        return None
