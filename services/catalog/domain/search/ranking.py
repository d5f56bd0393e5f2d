"""The order of hits, and what they are counted by: over a bounded set of candidates, the same on every database."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.catalog.domain.search.documents import FACETS
from services.catalog.domain.search.queries import Plan

CANDIDATES: Final = 500
"""How many hits are ranked and counted, those first in the order of use."""
ENOUGH: Final = 20
"""With this many hits, a page, nothing looser is asked for."""
COUNTED: Final = 10_000
"""Beyond this the number of hits is "10,000+"."""
MOST_VALUES: Final = 12
"""Values shown of one facet."""
_LEVEL, _WHOLE, _BEGIN, _WITHIN, _TERM = 1_000_000, 400_000, 300_000, 200_000, 10_000
_FACET_OF: Final = {letter: facet for facet, letter in FACETS.items()}


class Candidate(NamedTuple):
    """One hit, before it is ranked."""

    id: int
    code: str
    level: int
    place: int
    name_key: str
    facets: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many have `value`; `more`: at least so many."""

    value: str
    count: int
    more: bool


def score(candidate: Candidate, plan: Plan) -> int:
    """First how much of the query there is and whether the name has it (the level), then how the name has it, then how
    many terms the name has, then use. The steps are far enough apart that a lower one never outweighs a higher."""
    name, phrase = candidate.name_key, plan.phrase
    found = (len(plan.levels) - candidate.level) * _LEVEL + candidate.place
    if phrase and phrase in name:
        each = name.split("\n")
        begins = any(part.startswith(phrase) for part in each)
        found += _WHOLE if phrase in each else _BEGIN if begins else _WITHIN
    return found + _TERM * min(sum(term in name for term in plan.terms), 19)


def ranked(candidates: Iterable[Candidate], plan: Plan) -> list[tuple[int, Candidate]]:
    """Scores and candidates, the best first, then by code."""
    return sorted(
        ((score(candidate, plan), candidate) for candidate in candidates), key=lambda pair: (-pair[0], pair[1].code)
    )


def facets(candidates: Sequence[Candidate], *, more: bool) -> Mapping[str, list[Count]]:
    """How many of the candidates have which value, the most frequent first."""
    alike = Counter(candidate.facets for candidate in candidates)
    counted: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
    for packed, times in alike.items():
        for value in packed.split("\t"):
            counted[_FACET_OF[value[0]]][value[1:]] += times
    return {
        facet: [
            Count(value, count, more)
            for value, count in sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]
        ]
        for facet, values in counted.items()
    }
