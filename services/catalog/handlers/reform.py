"""Reforms of organisations (机构改革), applied in one transaction: organisations, items, drafts, register entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from services.catalog import errors, events
from services.catalog.domain import reform as rules
from services.catalog.domain.imports import batches
from services.catalog.domain.items import BundleContent, Content, Provenance
from services.catalog.domain.life import Act, ItemStatus, RevisionState
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.reform import Carried, Plan, Reform, ReformKind
from services.catalog.handlers import registers
from services.catalog.handlers.life import did, keep, send_back
from services.catalog.handlers.organisations import audit, read_state, tree_problems
from services.catalog.handlers.organisations import keep as keep_organisations
from services.catalog.handlers.publishing import next_version, put_in_force
from services.catalog.store.items import Published, StoredItem
from services.catalog.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import FieldProblem
from services.kit.events import event_of

BATCH: Final = 500
"""Items that are read and written at a time."""


@dataclass(frozen=True, slots=True)
class ReformDone:
    """What a reform did."""

    closed: tuple[str, ...]
    targets: tuple[str, ...]
    children: int
    """Organisations that have another parent."""
    carried: int
    """Items and bundles of the targets now."""
    retired: int
    codes: Mapping[str, str]
    """Old code → new code, where it changed."""
    revisions: int
    entries: int
    """Entries of the registers whose source is a target now."""


async def reform_organisations(
    officer: Principal,
    kind: ReformKind,
    sources: Sequence[str],
    targets: Sequence[Mapping[str, Any]],
    items: Mapping[str, str],
    functions: Mapping[str, str],
    reason: str,
    work: Work,
) -> ReformDone:
    """Merge, split, rename or abolish organisations, and carry all that is theirs over.

    A target with the `id` of an organisation that is there is that one, changed where members are given; without `id`
    it is new. What is renamed is the source with the members given changed. Raises OrganisationInvalid, ReformRefused,
    Forbidden.
    """
    async with work:
        await work.one_writer()
        asked = [target["id"] for target in targets if isinstance(target.get("id"), str)]
        known = {id_: state for id_, (state, _) in (await work.organisations.many([*sources, *asked])).items()}
        if kind == "rename" and len(sources) == len(targets) == 1 and sources[0] in known:
            targets = [_renamed(targets[0], known[sources[0]])]
        states = tuple(_target(place, target, known, work) for place, target in enumerate(targets))
        # One that is there already is found by its USCC, too, whoever forgot to say its id.
        there = await work.organisations.many(state.id for state in states)
        known |= {id_: state for id_, (state, _) in there.items()}
        for id_ in (*sources, *(state.id for state in states)):
            officer.require("registrar", id_)
        reform = Reform(kind, tuple(sources), states, dict(items), dict(functions))
        try:
            made = await _planned(reform, known, work)
        except rules.Refused as refused:
            raise errors.ReformRefused(fields=refused.problems) from None
        return await _Application(officer, reform, known, made, reason, work).apply()


def _renamed(raw: Mapping[str, Any], source: OrganisationState) -> Mapping[str, Any]:
    """The target of a renaming: the source as it is otherwise; with another USCC another organisation, its heir."""
    if "id" in raw:
        return raw
    if source.uscc is not None and raw.get("uscc") not in (None, source.uscc):
        document = source.document()
        kept = ("name", "division", "kind", "level", "parent")
        return {name: document[name] for name in kept} | dict(raw)
    return {"id": source.id, **raw}


def _target(
    place: int, raw: Mapping[str, Any], known: Mapping[str, OrganisationState], work: Work
) -> OrganisationState:
    id_ = raw.get("id")
    given = {name: value for name, value in raw.items() if name != "id"}
    if id_ is None:
        return read_state(given, work)
    if not isinstance(id_, str) or id_ not in known:
        detail = "no organisation has this id; leave it out of what is new, for it follows from the rest"
        raise errors.ReformRefused(fields=[FieldProblem(f"targets.{place}", "unknown", detail)])
    state = known[id_]
    if not given or state.status == "closed":
        return state
    return read_state({**state.document(), **given}, work, id_)


async def _planned(reform: Reform, known: Mapping[str, OrganisationState], work: Work) -> Plan:
    rules.check(reform, known)
    items = await work.reforms.items_of(reform.sources, rules.MOST_ITEMS + 1)
    if len(items) > rules.MOST_ITEMS:
        detail = f"more than {rules.MOST_ITEMS} items: split some off first"
        raise rules.Refused([FieldProblem("sources", "too_many_items", detail)])
    children = [state for state, _ in await work.organisations.children(reform.sources)]
    taken = await work.reforms.codes_at(target.id for target in reform.targets)
    made = rules.plan(reform, known, children, items, taken)
    problems = await tree_problems([state for state in made.states if state.status == "active"], work)
    if problems:
        raise rules.Refused([replace(each, field=f"organisations.{id_}"[:200]) for id_, each in problems.items()])
    if not reform.targets:
        entries = [entry for source in reform.sources for entry in await work.reforms.entries_of(source)]
        if entries:
            detail = f"they are the source of {len(entries)} register entries: name who takes them over"
            raise rules.Refused([FieldProblem("targets", "source_of_entries", detail)])
    return made


class _Application:
    """A plan on its way into the database, in one transaction."""

    def __init__(
        self,
        officer: Principal,
        reform: Reform,
        known: Mapping[str, OrganisationState],
        made: Plan,
        reason: str,
        work: Work,
    ) -> None:
        self._officer = officer
        self._reform = reform
        self._known = known
        self._made = made
        self._reason = reason
        self._work = work
        self._after = {target.id: target for target in reform.targets} | {state.id: state for state in made.states}
        self._codes = {old: carried.code for old, carried in made.items.items() if carried.code != old}
        self._carried = 0

    async def apply(self) -> ReformDone:
        made, reform = self._made, self._reform
        await self._organisations()
        revisions = list(await self._work.reforms.open_revisions(reform.sources, self._codes))
        for codes in batches(made.items, BATCH):
            await self._items(codes)
        for codes in batches(made.retired, BATCH):
            await self._retire(await self._work.items.many(codes), {})
        await self._bundles()
        for id_ in revisions:
            await self._revision(id_)
        entries = 0
        for source, heir in made.heirs.items():
            entries += await self._entries(source, heir)
        audit(self._officer, f"organisations.{reform.kind}", reform.sources[0], self._reason, self._work)
        targets = tuple(target.id for target in reform.targets)
        moved = [state for state in made.states if state.id not in targets and state.status == "active"]
        return ReformDone(
            closed=tuple(made.heirs),
            targets=targets,
            children=len(moved),
            carried=self._carried,
            retired=len(made.retired),
            codes=self._codes,
            revisions=len(revisions),
            entries=entries,
        )

    async def _organisations(self) -> None:
        before = await self._work.organisations.many(state.id for state in self._made.states)
        changed = [(state, before[state.id][1] + 1 if state.id in before else 1) for state in self._made.states]
        await keep_organisations(changed, self._officer.sub, self._reason, self._work)

    async def _items(self, codes: Sequence[str]) -> None:
        """Put the items of a batch in force as the targets' own, and retire the codes that are followed by others."""
        found = await self._work.items.many(codes)
        standing = await self._work.items.standing(self._made.items[code].code for code in codes)
        published: list[Published] = []
        suspended: list[tuple[Published, str]] = []
        for code in codes:
            item, carried = found[code], self._made.items[code]
            content = self._content(item.content, carried)
            if carried.merged or content.digest == item.content.digest:
                continue
            version = next_version(content, standing.get(carried.code), Provenance(item.provenance))
            published.append(version)
            if item.status is ItemStatus.SUSPENDED:
                suspended.append((version, item.status_reason))
        renamed = {code: self._codes[code] for code in codes if code in self._codes}
        # First the other names: the event of the new version tells them.
        await self._work.codes.add_aliases(renamed, self._reason, self._work.now())
        await put_in_force(published, self._work)
        for each in published:
            did(each.content.code, Act.CARRIED_OVER, self._officer, self._reason, self._work, item_version=each.version)
        for version, why in suspended:
            await self._suspend(version, why)
        await self._work.reforms.follow(renamed)
        await self._retire({code: found[code] for code in renamed}, renamed)
        self._carried += len(published) + sum(self._made.items[code].merged for code in codes)
        await self._work.flush()  # what a batch says need not wait in memory for what all say

    def _content(self, content: Content, carried: Carried) -> Content:
        source, target = self._known[content.organisation.id], self._after[carried.target]
        return rules.carried_content(content, source, target, self._made)

    async def _suspend(self, version: Published, why: str) -> None:
        """What was suspended is so as the target's, too."""
        now, code, sequence = self._work.now(), version.content.code, version.sequence + 1
        await self._work.items.change_status(code, sequence, ItemStatus.SUSPENDED, why)
        await self._work.periods.mark([(code, version.version, ItemStatus.SUSPENDED)], now)
        await self._work.search.index([version.content])
        data = events.left(version.content, version.version, ItemStatus.SUSPENDED, why, now)
        self._work.publish(event_of(data, subject=code, version=sequence, time=now))

    async def _retire(self, found: Mapping[str, StoredItem], renamed: Mapping[str, str]) -> None:
        """Codes that are offered no longer; those that others follow say so."""
        if not found:
            return
        now = self._work.now()
        await send_back(list(found), self._reason, self._work)
        await self._work.periods.mark([(c, item.version, ItemStatus.RETIRED) for c, item in found.items()], now)
        reasons = {
            code: f"{self._reason}（现在的编码 now under {renamed[code]}）" if code in renamed else self._reason
            for code in found
        }
        await self._work.reforms.retire({c: (item.sequence + 1, reasons[c]) for c, item in found.items()})
        for code, item in found.items():
            told = reasons[code]
            data = events.left(item.content, item.version, ItemStatus.RETIRED, told, now)
            self._work.publish(event_of(data, subject=code, version=item.sequence + 1, time=now))
            act = Act.CARRIED_OVER if code in renamed else Act.RETIRED
            did(code, act, self._officer, told, self._work, item_version=item.version)
        await self._work.search.index([item.content for item in found.values()])

    async def _bundles(self) -> None:
        """Bundles of others name their items by the codes that they have now."""
        for codes in batches(await self._work.reforms.bundles() if self._codes else (), BATCH):
            standing = await self._work.items.standing(codes)
            changed = []
            for code, item in (await self._work.items.many(codes)).items():
                assert isinstance(item.content, BundleContent)
                content = rules.referring(item.content, self._made)
                if content.digest != item.content.digest:
                    changed.append(next_version(content, standing[code], Provenance(item.provenance)))
            await put_in_force(changed, self._work)
            for each in changed:
                act, version = Act.CARRIED_OVER, each.version
                did(each.content.code, act, self._officer, self._reason, self._work, item_version=version)

    async def _revision(self, id_: str) -> None:
        """What is under way goes over with its item; a draft of what is new, to the first target. What was approved for
        a date to come is a draft again: it was approved for another organisation."""
        found = await self._work.revisions.get(id_, lock=True)
        assert found is not None
        if found.revision.state is RevisionState.REVIEWED:
            await self._work.periods.forget_future([found.revision.code])
            await send_back([found.revision.code], self._reason, self._work)
            found = await self._work.revisions.get(id_, lock=True)
            assert found is not None
        revision, old = found.revision, found.revision.code
        carried = self._made.items.get(old)
        if carried is None and old not in self._made.retired:
            # A draft of what was never in force, or is its organisation's no longer.
            heirs = {id_: id_ for id_ in self._after if id_ not in self._made.heirs} | dict(self._made.heirs)
            heir = heirs.get(revision.organisation)
            carried = await self._drafted(old, revision.organisation, heir) if heir is not None else None
        if carried is not None and carried.merged:
            # The target has the item, and perhaps a draft of its own: one of a code is open at a time.
            others = await self._work.revisions.open_ones([carried.code])
            carried = None if others else carried
        now = self._work.now()
        if carried is None:
            after = replace(
                revision,
                state=RevisionState.DISCARDED,
                version=revision.version + 1,
                reason=self._reason,
                updated_at=now,
            )
            await self._work.revisions.save(after)
            keep(after, Act.DISCARDED, self._officer, self._reason, self._work)
            return
        standing = (await self._work.items.standing([carried.code])).get(carried.code)
        after = replace(
            revision,
            code=carried.code,
            organisation=carried.target,
            from_version=standing.version if standing is not None and revision.from_version else 0,
            version=revision.version + 1,
            updated_at=now,
        )
        plan = replace(self._made, items={**self._made.items, old: carried})
        target = self._after.get(carried.target) or self._known[carried.target]
        source = self._known.get(found.content.organisation.id, target)
        content = rules.carried_content(found.content, source, target, plan)
        await self._work.revisions.save(after, content)
        keep(after, Act.CARRIED_OVER, self._officer, self._reason, self._work)

    async def _drafted(self, code: str, organisation: str, heir: str) -> Carried | None:
        """What becomes of a draft of something new; None where the heir has it already."""
        source, target = self._known.get(organisation), self._after.get(heir)
        new = rules.code_at(code, source, target) if source is not None and target is not None else None
        if new is None or new == code:
            return Carried(code, heir)
        return None if await self._work.codes.taken(new) else Carried(new, heir)

    async def _entries(self, source: str, heir: str | None) -> int:
        """The entries of the registers that the source held have a living source (一数一源), and requests to correct
        them somebody who answers."""
        if heir is None:
            return 0
        entries = await self._work.reforms.entries_of(source)
        await self._work.reforms.hand_over(source, heir)
        for register, code in entries:
            found = await self._work.registers.one(register, code)
            assert found is not None
            raw = {**found.content.model_dump(mode="json"), "source": {"id": heir}}
            await registers.put_entry(self._officer, register, code, raw, self._reason, found.version, self._work)
        return len(entries)
