"""Eligibility before any sign-in: the questions of an item, and what answers come to. No answer is kept."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.catalog import errors
from services.catalog.domain import eligibility
from services.catalog.domain.eligibility import Answered, Checks, Eligibility
from services.catalog.domain.items import ItemContent
from services.catalog.domain.periods import day_of
from services.catalog.handlers.standing import found_item
from services.catalog.store.work import Work
from services.contracts.catalog_items import Condition
from services.contracts.catalog_resources import ElementContent
from services.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """The conditions of an item and what can be checked of them, in the same order."""

    conditions: tuple[Condition, ...]
    checks: Checks


@dataclass(frozen=True, slots=True)
class Told:
    """What the answers come to."""

    outcome: Eligibility
    conditions: tuple[tuple[Condition, Answered], ...]


async def questions(code: str, work: Work) -> Asked:
    """What would have to be known to say whether one may apply. Raises ItemNotFound."""
    async with work:
        content = (await found_item(code, work)).content
        if not isinstance(content, ItemContent):
            raise errors.ItemNotFound
        expressions = [condition.expression for condition in content.conditions]
        return Asked(content.conditions, await checks_of(expressions, [content.form], work))


async def check(code: str, answers: Mapping[str, Any], work: Work) -> Told:
    """What `answers` (by data element) come to. Raises ItemNotFound, Invalid (by field)."""
    asked = await questions(code, work)
    values = typed(answers, asked.checks)
    found = await asyncio.to_thread(eligibility.outcomes, asked.checks, values, day_of(work.now()))
    return Told(eligibility.together(found), tuple(zip(asked.conditions, found, strict=True)))


async def checks_of(expressions: Sequence[str | None], forms: Iterable[Mapping[str, Any]], work: Work) -> Checks:
    """Expressions with the questions for them, by the register of data elements as it stands."""
    # The parser is loaded, and expressions are read, on another thread: the first take a third of a second.
    names = await asyncio.to_thread(eligibility.names_in, expressions[: eligibility.MOST_CONDITIONS])
    entries = await work.registers.many({"element": names}) if names else {}
    elements = {
        entry.content.code: entry.content for entry in entries.values() if isinstance(entry.content, ElementContent)
    }
    return eligibility.checks_of(expressions, elements, forms)


def typed(answers: Mapping[str, Any], checks: Checks) -> Mapping[str, Any]:
    """The answers as expressions take them. Raises Invalid, naming each field and never repeating an answer."""
    values, problems = eligibility.typed(answers, checks.questions)
    if problems:
        raise Invalid(fields=problems)
    return values
