"""What is refused at publishing: one rule a module, each refusal naming its cause and its mend.

A rule is `check(content, facts) -> Iterator[Finding]`: pure, no I/O. `Facts` are gathered before, in one go.
The law behind the rules: 优化营商环境条例 art. 44 (no proof without a legal basis, none that sharing or another
document replaces, none that nobody can issue), 国务院令第716号 (在线政务服务) art. 7 (what sharing gives is not asked
for again) and art. 4 (handled online unless a law says otherwise), 行政许可法 art. 42 and 58.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint import (
    alignment,
    circular_proof,
    code,
    condition,
    fee_basis,
    known_to_network,
    no_basis,
    overlap,
    promised_over_statutory,
    statutory_over_law,
    unknown_reference,
    unobtainable,
    visit_reason,
)
from services.catalog.domain.lint.facts import Facts

__all__ = ["APPEALABLE", "NEEDS", "RULES", "Facts", "Finding", "findings", "unjudged"]

Rule = Callable[[ItemContent, Facts], Iterator[Finding]]
RULES: Final[Mapping[str, Rule]] = {
    "code": code.check,
    "unknown-reference": unknown_reference.check,
    "known-to-network": known_to_network.check,
    "no-basis": no_basis.check,
    "unobtainable": unobtainable.check,
    "circular-proof": circular_proof.check,
    "visit-reason": visit_reason.check,
    "promised-over-statutory": promised_over_statutory.check,
    "statutory-over-law": statutory_over_law.check,
    "fee-basis": fee_basis.check,
    "condition": condition.check,
    "alignment": alignment.check,
    "overlap": overlap.check,
}
"""Every rule by its name, which appeals, files and other programs know it by and which never changes."""

APPEALABLE: Final = frozenset(RULES) - {"unknown-reference", "condition", "overlap"}
"""What the catalogue's administrator may let pass. A name that stands for nothing, an expression that cannot be
evaluated and two versions at one time are no matter of discretion: with them the item does not work. A code is: a few
really issued credit codes fail their check."""

NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "known-to-network": frozenset({"registers"}),
    "unknown-reference": frozenset({"registers", "catalogue"}),
    "circular-proof": frozenset({"catalogue"}),
    "alignment": frozenset({"catalogue"}),
    "overlap": frozenset({"catalogue"}),
}
"""Rules that know nothing by the content alone, and what they must know besides."""


def findings(content: ItemContent, facts: Facts, *, exempt: Iterable[tuple[str, str]] = ()) -> list[Finding]:
    """What all rules refuse of `content`, without the (rule, field) pairs in `exempt`."""
    passed = frozenset(exempt)
    found = [finding for rule in RULES.values() for finding in rule(content, facts)]
    return [each for each in found if (each.rule, each.field) not in passed]


def unjudged(facts: Facts) -> tuple[str, ...]:
    """Rules that say less than they would with the registers or the catalogue at hand."""
    missing = {name for name, there in (("registers", facts.registers), ("catalogue", facts.catalogue)) if not there}
    return tuple(name for name, needs in NEEDS.items() if needs & missing)
