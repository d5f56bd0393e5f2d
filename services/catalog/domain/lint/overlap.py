"""overlap: two versions of one item in force at the same time (一事一码: one code, one content on each day)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.lint.facts import Facts
from services.catalog.domain.periods import Period, day_of
from services.contracts.base import Text

RULE: Final = "overlap"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    # What is suspended or retired is not in force; an empty period (put right in the moment it began) is none.
    periods = [each for each in facts.periods if each.status is ItemStatus.PUBLISHED and _lasts(each)]
    for earlier, later in pairwise(sorted(periods, key=lambda each: (each.valid_from, each.version))):
        if earlier.valid_to is None or earlier.valid_to > later.valid_from:
            day = f"{day_of(later.valid_from)}"
            yield Finding(
                RULE,
                "versions",
                Text(
                    zh=f"{day} 起，第 {earlier.version} 版和第 {later.version} 版同时有效。",
                    en=f"From {day} on, versions {earlier.version} and {later.version} are in force at once.",
                ),
                Text(
                    zh=f"让第 {earlier.version} 版在第 {later.version} 版生效时结束。",
                    en=f"End version {earlier.version} when version {later.version} begins.",
                ),
            )


def _lasts(period: Period) -> bool:
    return period.valid_to is None or period.valid_to > period.valid_from
