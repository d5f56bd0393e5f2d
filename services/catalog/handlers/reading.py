"""What is or was in force: guides as they are shown, and how often they are opened."""

import hashlib
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

import orjson

from services.catalog import errors
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.items import ItemContent
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.periods import day_of
from services.catalog.store.guides import Shown
from services.catalog.store.work import Work
from services.contracts.catalog_items import Exemption
from services.kit.service import Context

MOST_COUNTED: Final = 64
"""Opened guides are written down by so many at a time,"""
COUNT_SECONDS: Final = 30.0
"""or after so long. What a process has not written down when it ends is lost: a rank needs no more."""


@dataclass(frozen=True, slots=True)
class Guide:
    """What a guide shows besides its content: everything that its ETag stands for."""

    shown: Shown
    aliases: tuple[str, ...]
    exemptions: tuple[Exemption, ...]

    @property
    def tag(self) -> str:
        """The version and a digest of what may differ while it stays. A version's content never changes."""
        shown = self.shown
        told = [shown.code, shown.version, shown.current, shown.status, shown.status_reason, self.aliases]
        let_pass = [exemption.model_dump(mode="json") for exemption in self.exemptions]
        digest = hashlib.sha256(orjson.dumps([told, shown.published_at, let_pass])).hexdigest()
        return f"{shown.version}-{digest[:20]}"


async def guide(code: str, version: int | None, work: Work) -> Guide:
    """The version in force (the last one of what is suspended or retired), or the one asked for, by code or alias.

    What was let pass is told of the version in force alone. Raises ItemNotFound, VersionNotFound.
    """
    async with work:
        code = normalise_code(code)
        shown = await work.guides.shown(code, version)
        # What a reform carried over is told as it is now; its versions of before are found under the code of then.
        gone = shown is None or (version is None and shown.status == ItemStatus.RETIRED.value)
        if gone and (target := await work.items.alias(code)) is not None:
            shown = await work.guides.shown(target, version)
        if shown is None or shown.kind == "bundle":
            known = version is not None and await work.items.known(code)
            raise errors.VersionNotFound if known else errors.ItemNotFound
        aliases = await work.guides.aliases(shown.code)
        exemptions: tuple[Exemption, ...] = ()
        if shown.version == shown.current:
            exemptions = await work.guides.let_pass(shown.code, day_of(work.now()))
        return Guide(shown, aliases, exemptions)


async def content(shown: Shown, work: Work) -> ItemContent:
    """What a guide says."""
    async with work:
        return await work.guides.content(shown.code, shown.version)


class Uses:
    """How often guides are opened, counted in memory and written down a batch at a time: no request waits for it, and
    nothing is kept of who opened what."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counted: Counter[str] = Counter()
        self._since = time.monotonic()

    def opened(self, code: str) -> bool:
        """Count one; whether it is time to write down."""
        self._counted[code] += 1
        return len(self._counted) >= MOST_COUNTED or time.monotonic() - self._since > COUNT_SECONDS

    async def write(self) -> None:
        """Write down what was counted; what fails is lost."""
        counted, self._counted = self._counted, Counter()
        self._since = time.monotonic()
        if counted:
            async with Work(self._context) as work:
                await work.search.opened(counted)
