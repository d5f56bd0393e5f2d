"""What stands against a content, and what its publication would touch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.catalog import errors
from services.catalog.domain.findings import Finding
from services.catalog.domain.form import form_problems
from services.catalog.domain.items import Content, ItemContent
from services.catalog.handlers import bundles
from services.catalog.handlers.lint import findings_of
from services.catalog.store.revisions import Touched
from services.catalog.store.work import Work
from services.kit.errors import FieldProblem

MOST_TOUCHED: Final = 100
"""Implementations that a revision of a base item names; more are told as "more"."""


def form_problems_of(content: Content) -> list[FieldProblem]:
    """What is wrong with the form itself; a base item needs none, since nobody applies for it."""
    if not isinstance(content, ItemContent) or (content.kind == "base" and not content.form):
        return []
    return [
        FieldProblem(each.field, each.reason, f"{each.cause.zh} {each.cause.en or ''}".strip())
        for each in form_problems(content.form)
    ]


async def findings_in(content: Content, work: Work, *, by: datetime | None = None) -> Sequence[Finding]:
    """What the lint refuses of `content` now; of a bundle, with its items as they will be `by` then."""
    if isinstance(content, ItemContent):
        return await findings_of(content, work)
    return await bundles.findings_of(content, work, by=by)


async def check_lint(content: Content, work: Work, *, by: datetime | None = None) -> None:
    """Raise LintRefused with all that the lint refuses of `content`, unless it refuses nothing."""
    if found := await findings_in(content, work, by=by):
        raise errors.LintRefused(errors=[told(finding) for finding in found])


def told(finding: Finding) -> dict[str, object]:
    """A finding as JSON."""
    return {
        "rule": finding.rule,
        "field": finding.field,
        "cause": finding.cause.model_dump(),
        "mend": finding.mend.model_dump(),
    }


async def touched_by(base: str, work: Work) -> tuple[list[Touched], bool]:
    """Implementations that a change of `base` touches, and whether there are more than these."""
    found = await work.revisions.implementations(base, "", MOST_TOUCHED + 1)
    return list(found[:MOST_TOUCHED]), len(found) > MOST_TOUCHED
