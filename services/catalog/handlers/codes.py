"""Codes (事项编码): minted so that none is given twice, and the codes of other systems that items go by besides."""

from dataclasses import dataclass
from typing import Final

from services.catalog import errors
from services.catalog.domain import codes
from services.catalog.domain.codes import ItemCode
from services.catalog.domain.items import Kind, Provenance
from services.catalog.domain.life import Act, ItemStatus
from services.catalog.handlers.publishing import announce
from services.catalog.store.items import Done, Published
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.auth import EVERYWHERE, Principal
from services.kit.errors import FieldProblem

BUNDLE_PREFIX: Final = "YJS"
"""一件事 has no national code: ours is YJS, the division's six digits, four digits of a number."""


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a code is minted for."""

    kind: Kind
    organisation: str
    division: str
    item_type: str = ""
    base: str | None = None
    """The base item of an implementation; the implementation of a handling item."""
    department: str | None = None
    """Class of the department, two digits, for a base item; where absent, the one that its other items have."""
    sub_item_of: str | None = None
    """The base item of which a new base item is a sub-item (子项)."""


async def mint(wanted: NewCode, work: Work) -> ItemCode:
    """The code of a new item or bundle: the next free number, or what its organisation and base item make it.

    In the caller's transaction, which also keeps whatever takes the code: until then another caller waits. Raises
    CodeNotMinted, CodeTaken, CodesUsedUp.
    """
    async with work:
        await work.one_writer()
        match wanted.kind:
            case "base":
                return await _base(wanted, work)
            case "implementation":
                return await _implementation(wanted, work)
            case "handling":
                return await _handling(wanted, work)
            case "bundle":
                prefix = f"{BUNDLE_PREFIX}-{wanted.division[:6]}-"
                return ItemCode(f"{prefix}{await _next(prefix, 4, work):04d}", "legacy", None)


async def _base(wanted: NewCode, work: Work) -> ItemCode:
    if wanted.sub_item_of is not None:
        above = codes.parse_base_code(wanted.sub_item_of)
        if above is None or above.sub_item:
            raise _refused("sub_item_of", "format", "name the 12-digit code of a base item that is no sub-item itself")
        prefix = codes.normalise_code(wanted.sub_item_of)[:9]
        return ItemCode(f"{prefix}{await _next(prefix, 3, work):03d}", "gb-12", None)
    department = wanted.department
    if department is None:
        known = await work.codes.departments(wanted.organisation)
        if len(known) != 1:
            raise _refused("department", "required", "give the class of the department, two digits")
        department = known[0]
    try:
        example = codes.base_code(wanted.division[:2], wanted.item_type, department, 1)
    except ValueError:
        types = ", ".join(sorted(codes.item_types(wanted.division)))
        raise _refused(
            "department", "format", f"a base code needs two digits of a department class and an item type of {types}"
        ) from None
    return ItemCode(f"{example[:6]}{await _next(example[:6], 3, work, rest='000'):03d}000", "gb-12", None)


async def _implementation(wanted: NewCode, work: Work) -> ItemCode:
    base = codes.normalise_code(wanted.base or "")
    if codes.parse_base_code(base) is None:
        raise _refused("base", "required", "name the base item (12 digits) that it implements")
    found = await work.organisations.one(wanted.organisation)
    state = found[0] if found else None
    if state is None or state.status != "active":
        raise _refused("organisation", "unknown", "no organisation that is active has this id")
    if state.level is None or not state.uscc_verified or state.uscc is None:
        missing = "level" if state.uscc_verified else "USCC that passes its check"
        raise _refused("organisation", "incomplete", f"the organisation has no {missing}, which is part of the code")
    code = codes.implementation_code(state.uscc, state.level, base)
    if await work.codes.taken(code):
        raise errors.CodeTaken("the organisation implements this base item already", code=code)
    return ItemCode(code, "gb-31", state.uscc)


async def _handling(wanted: NewCode, work: Work) -> ItemCode:
    above = codes.parse_item_code(wanted.base or "")
    if above is None or above.system != "gb-31":
        raise _refused("base", "required", "name the implementation item (31 characters) that it is part of")
    number = await _next(above.code, 2, work)
    return ItemCode(codes.handling_code(above.code, number), "gb-33", above.organisation)


async def _next(prefix: str, digits: int, work: Work, *, rest: str = "") -> int:
    number = await work.codes.last(prefix, digits, rest) + 1
    if number >= 10**digits:
        raise errors.CodesUsedUp(f"all {digits} digits after {prefix} are used", prefix=prefix)
    return number


def _refused(field: str, reason: str, detail: str) -> errors.CodeNotMinted:
    return errors.CodeNotMinted(fields=[FieldProblem(field, reason, detail)])


async def add_alias(code: str, alias: str, reason: str, officer: Principal, work: Work) -> None:
    """Let the item be found by the code of another system, too. Said again it changes nothing. Raises ItemNotFound,
    CodeNotMinted (it is no code), CodeTaken."""
    officer.require("registrar", EVERYWHERE)
    wanted = codes.parse_item_code(alias)
    if wanted is None:
        raise _refused("alias", "format", "letters, digits and hyphens, at most 64")
    async with work:
        await work.one_writer()
        found = await _standing(code, work)
        if await work.items.alias(wanted.code) == found:
            return
        if await work.codes.taken(wanted.code):
            raise errors.CodeTaken("it names an item, a draft or an alias", code=wanted.code)
        await work.codes.add_aliases({wanted.code: found}, reason, work.now())
        await _announce(found, f"{wanted.code}: {reason}", "items.alias", officer, work)


async def drop_alias(code: str, alias: str, reason: str, officer: Principal, work: Work) -> None:
    """Let the item be found by another code no longer. Raises ItemNotFound, AliasNotFound, WrongState (a reform gave
    it: whoever holds the old code must find the item)."""
    officer.require("registrar", EVERYWHERE)
    async with work:
        await work.one_writer()
        found, other = await _standing(code, work), codes.normalise_code(alias)
        if await work.items.alias(other) != found:
            raise errors.AliasNotFound
        if await work.items.known(other):
            raise errors.WrongState("the item had this code before a reform of organisations", state="carried_over")
        await work.codes.drop_alias(other)
        await _announce(found, f"{other}: {reason}", "items.alias_dropped", officer, work)


async def _standing(code: str, work: Work) -> str:
    """The code of the item that is known by `code`. Raises ItemNotFound."""
    wanted = codes.normalise_code(code)
    if (current := await work.items.alias(wanted)) is not None:
        return current
    if await work.items.known(wanted):
        return wanted
    raise errors.ItemNotFound


async def _announce(code: str, reason: str, action: str, officer: Principal, work: Work) -> None:
    """Tell that the item's aliases changed: its version stays, its event is a new one."""
    found = await work.items.item(code)
    assert found is not None
    now = work.now()
    work.items.did(Done(code, Act.ALIASED, officer.sub, officer.name or "", reason, now, item_version=found.version))
    work.audit(AuditEntry(officer.sub, action, "item", code, officer.realm, officer.client_id, purpose=reason[:500]))
    if found.status is not ItemStatus.PUBLISHED:
        return  # what is suspended or retired is told of when it is in force again
    sequence = found.sequence + 1
    await work.items.change_status(code, sequence, found.status, found.status_reason)
    again = Published(found.content, found.version, sequence, Provenance(found.provenance))
    await announce([(again, found.published_at)], work)
