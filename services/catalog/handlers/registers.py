"""The registers: entered, changed, closed, read. One source for each entry (一数一源)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.catalog import errors, events
from services.catalog.domain.items import Outcome, digest_of
from services.catalog.domain.registers import (
    NAMES,
    REGISTERS,
    Register,
    RegisterContent,
    elements_of,
    normalise,
    read,
)
from services.catalog.domain.terms import fold
from services.catalog.handlers.life import record
from services.catalog.store.registers import Entry
from services.catalog.store.work import Work
from services.contracts.catalog_items import Organisation
from services.contracts.catalog_resources import ElementContent
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Forbidden, Invalid, PreconditionFailed, TongbanError
from services.kit.events import event_of

MOST_USERS: Final = 20
"""Users of an entry that a refusal to close it names."""


async def put_entry(
    officer: Principal,
    register: Register,
    code: str,
    raw: Mapping[str, Any],
    reason: str,
    seen: int | None,
    work: Work,
) -> Entry:
    """Enter or change an entry. `seen`: the version that the caller saw, None where it claims that there is none.

    The registrar may do so for every organisation; an editor for what their own organisation is the source of. Only the
    registrar gives an entry to another source (by a reform, say). Raises Invalid, Forbidden, SecondSource, NameTaken,
    StillUsed, EntryNotFound, PreconditionFailed.
    """
    code = normalise(register, code)
    content = _checked(register, code, raw)
    async with work:
        await work.one_writer()
        before = await work.registers.one(register, code)
        source = content.source.id
        registrar = officer.holds("registrar", source)
        if not registrar and not officer.holds("editor", source):
            raise Forbidden("the role registrar, or editor at the source, is needed")
        moves = before is not None and before.content.source.id != source
        if before is not None and moves and (seen is None or not registrar):
            raise _second_source(register, before)
        if seen is not None and before is None:
            raise errors.EntryNotFound
        if before is not None and seen != before.version:
            raise PreconditionFailed(f"the entry is at version {before.version}", version=before.version)
        after, outcome = await _enter(register, content, before, officer.sub, reason, work)
        if outcome is not Outcome.UNCHANGED:
            action = "registers.enter" if before is None else "registers.change"
            record(officer, action, register, code, source, reason, work)
        return after


async def _enter(
    register: Register, content: RegisterContent, before: Entry | None, actor: str, reason: str, work: Work
) -> tuple[Entry, Outcome]:
    """Check `content` against the registers, keep and announce it. Raises as `put_entry` does."""
    content = await _with_source(content, before, work)
    digest = digest_of(content.model_dump(mode="json"))
    if before is not None and digest == digest_of(before.content.model_dump(mode="json")):
        return before, Outcome.UNCHANGED
    named = await work.registers.named(register, content.name.zh)
    if named is not None and named.content.code != content.code:
        if named.content.source.id != content.source.id:
            raise _second_source(register, named)
        raise errors.NameTaken(f"it has the code {named.content.code}", code=named.content.code)
    await _check_elements(content, work)
    if content.status == "closed" and before is not None and before.content.status == "active":
        await _check_unused(register, content.code, work)
    after = Entry(register, content, before.version + 1 if before else 1, work.now())
    await work.registers.save(after, digest, actor, reason)
    data = events.registered(content)
    work.publish(event_of(data, subject=f"{register}:{content.code}", version=after.version, time=work.now()))
    return after, Outcome.CHANGED if before else Outcome.CREATED


def _checked(register: Register, code: str, raw: Mapping[str, Any]) -> RegisterContent:
    content, problems = read(register, code, raw)
    if content is None:
        raise Invalid(fields=problems)
    return content


def _second_source(register: Register, held: Entry) -> TongbanError:
    """The refusal of a second claim, naming the holder."""
    content, (zh, en) = held.content, NAMES[register]
    return errors.SecondSource(
        f"{content.source.name.zh} is the source of the {en} {content.name.zh} ({content.code}); "
        "whoever finds it wrong files a correction request",
        holder=content.source.model_dump(mode="json"),
        register=register,
        register_name={"zh": zh, "en": en},
        code=content.code,
        name=content.name.model_dump(mode="json"),
    )


async def _with_source(content: RegisterContent, before: Entry | None, work: Work) -> RegisterContent:
    """`content` with its source called as the register of organisations calls it."""
    found = await work.organisations.one(content.source.id)
    if found is None:
        raise Invalid(fields=[FieldProblem("source.id", "unknown", "no registered organisation has this id")])
    state, _ = found
    kept = before is not None and before.content.source.id == content.source.id
    if state.status == "closed" and content.status == "active" and not kept:
        raise Invalid(fields=[FieldProblem("source.id", "closed", "this organisation is closed")])
    return content.model_copy(update={"source": Organisation(id=state.id, name=state.name)})


async def _check_elements(content: RegisterContent, work: Work) -> None:
    codes = elements_of(content)
    known = await work.registers.many({"element": codes}) if codes else {}
    problems = []
    for number, code in enumerate(codes):
        entry = known.get(("element", code))
        if entry is None:
            problems.append(FieldProblem(f"elements.{number}", "unknown", f"no data element has the code {code}"))
        elif entry.content.status == "closed" and content.status == "active":
            problems.append(FieldProblem(f"elements.{number}", "closed", f"the data element {code} is closed"))
    if problems:
        raise Invalid(fields=problems)


async def _check_unused(register: Register, code: str, work: Work) -> None:
    """Items in force that name a closed entry could not be changed any more: they are changed first."""
    items = await work.registers.users(register, code, MOST_USERS + 1)
    entries = await work.registers.dependants(code, MOST_USERS + 1) if register == "element" else []
    if items or entries:
        raise errors.StillUsed(
            "change first what names it",
            items=items[:MOST_USERS],
            entries=entries[:MOST_USERS],
            more=len(items) > MOST_USERS or len(entries) > MOST_USERS,
        )


async def get_entry(register: Register, code: str, work: Work) -> Entry:
    """An entry as it stands. Raises EntryNotFound."""
    async with work:
        if found := await work.registers.one(register, normalise(register, code)):
            return found
        raise errors.EntryNotFound


async def list_entries(
    register: Register, words: str, source: str | None, after: str | None, limit: int, work: Work
) -> Sequence[Entry]:
    """Entries by code, narrowed by words of code or name, and by source."""
    async with work:
        return await work.registers.listed(register, fold(words), source, after, limit)


@dataclass
class TakenIn:
    """What became of the rows of a file."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, FieldProblem]] = field(default_factory=list)


async def take_in(
    rows: Iterable[tuple[int, Register, RegisterContent]], actor: str, reason: str, work: Work
) -> TakenIn:
    """Enter many: those that can be, in the order given (data elements before what gives them). Each is entered or
    refused by itself; what is already so stays untouched. One audit record tells of all.

    A second claim is refused here too: a file is no way around the source.
    """
    report = TakenIn()
    async with work:
        await work.one_writer()
        first = ""
        for number, register, content in rows:
            try:
                async with work:
                    before = await work.registers.one(register, content.code)
                    if before is not None and before.content.source.id != content.source.id:
                        raise _second_source(register, before)
                    _, outcome = await _enter(register, content, before, actor, reason, work)
            except TongbanError as error:
                problems = error.fields or (FieldProblem("code", error.slug, error.detail or error.title),)
                report.refused += [(number, problem) for problem in problems]
                continue
            report.outcomes[outcome.value] += 1
            first = first or (f"{register}:{content.code}" if outcome is not Outcome.UNCHANGED else "")
        if first:
            changed = report.outcomes.total() - report.outcomes[Outcome.UNCHANGED.value]
            work.audit(
                AuditEntry(actor, "registers.take-in", "register", first, result=f"{changed} entries from here on")
            )
    return report


def in_order(rows: Iterable[tuple[int, Register, RegisterContent]]) -> list[tuple[int, Register, RegisterContent]]:
    """Data elements first: the others name them."""
    return sorted(rows, key=lambda row: (not isinstance(row[2], ElementContent), REGISTERS.index(row[1])))
