"""Putting contents in force: the one place where versions are numbered, kept, found and announced."""

from collections.abc import Sequence
from datetime import datetime

from services.catalog import events
from services.catalog.domain.items import Content, Outcome, Provenance
from services.catalog.domain.life import Act, ItemStatus
from services.catalog.domain.periods import day_of
from services.catalog.handlers.life import send_back
from services.catalog.store.items import Done, Published, Standing
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.events import event_of


async def publish_items(contents: Sequence[Content], provenance: Provenance, work: Work) -> list[Outcome]:
    """Put each of `contents` (codes differ, organisations known) in force: as version 1, or, where it differs from what
    is in force, as a new version. Equal content changes nothing, and what is suspended or retired stays so. One audit
    record tells of all: the versions themselves are never changed and keep where they came from. Nobody has reviewed
    them: they are the demonstration's, or were published elsewhere and are imported as such."""
    async with work:
        await work.one_writer()
        known = await work.items.standing(content.code for content in contents)
        outcomes, published = [], []
        for content in contents:
            before = known.get(content.code)
            if before is not None and content.digest == before.digest:
                outcomes.append(Outcome.UNCHANGED)
                continue
            if before is not None and before.status is not ItemStatus.PUBLISHED:
                outcomes.append(Outcome.HELD)  # a file does not end what a registrar decided here
                continue
            outcomes.append(Outcome.CHANGED if before else Outcome.CREATED)
            published.append(next_version(content, before, provenance))
        actor = f"system:{provenance.value}"
        await put_in_force(published, work)
        for each in published:
            work.items.did(Done(each.content.code, Act.PUBLISHED, actor, "", "", work.now(), item_version=each.version))
        if published:
            many = f"{len(published)} versions from here on"
            work.audit(AuditEntry(actor, "items.publish", "items", published[0].content.code, result=many))
        return outcomes


def next_version(
    content: Content, before: Standing | None, provenance: Provenance, revision_id: str | None = None
) -> Published:
    """`content` as the version after what stands."""
    version, sequence = (before.version, before.sequence) if before else (0, 0)
    return Published(content, version + 1, sequence + 1, provenance, revision_id)


async def put_in_force(published: Sequence[Published], work: Work) -> None:
    """Keep new versions, let search find them, and announce them, in the caller's transaction (see `one_writer`).

    What was approved of these codes for a date to come was approved upon what is now no longer in force, and is a draft
    again. Of a base item, what implements it is looked at soon (see `realigning`).
    """
    now = work.now()
    await send_back(
        [each.content.code for each in published], "另一版本已经生效 (another version came into force)", work
    )
    await work.items.publish(published, now)
    await work.registers.link([(each.content, each.version == 1) for each in published])
    await work.search.index([each.content for each in published])
    await work.revisions.realign(
        [(each.content.code, each.version) for each in published if each.content.kind == "base" and each.version > 1]
    )
    await announce([(each, now) for each in published], work)


async def announce(told: Sequence[tuple[Published, datetime]], work: Work) -> None:
    """Tell what is in force, each version with the time of its publication and with what it goes by and was let pass
    today, in the caller's transaction: of a new version, or of one that stands otherwise than it was told before."""
    now = work.now()
    codes = [each.content.code for each, _ in told]
    aliases = await work.codes.aliases_of(codes)
    exemptions = await work.appeals.exemptions(codes, day_of(now))
    for each, published_at in told:
        code = each.content.code
        data = events.published(each, published_at, aliases.get(code, ()), exemptions.get(code, ()))
        encoded = events.encoded(each.content, data)
        work.publish(event_of(data, subject=code, version=each.sequence, time=now, encoded=encoded))
