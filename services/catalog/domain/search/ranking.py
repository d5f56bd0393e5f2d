"""The order of hits, and what they are counted by: over a bounded set of candidates, the same on every database."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain
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
_MOST_TERMS: Final = 19
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


def ranked(candidates: Iterable[Candidate], plan: Plan) -> list[tuple[int, Candidate]]:
    """Scores and candidates, the best first, then by code.

    First how much of the query there is and whether the name has it (the level), then how the name has it, then how
    many terms the name has, then use. The steps are far enough apart that a lower one never outweighs a higher.
    """
    levels, phrase, terms = len(plan.levels), plan.phrase, plan.terms[:_MOST_TERMS]
    scored = []
    # Written out: this runs 500 times for a search.
    for candidate in candidates:
        name = candidate.name_key
        score = (levels - candidate.level) * _LEVEL + candidate.place
        if phrase and phrase in name:
            score += _having(name, phrase)
        for term in terms:
            if term in name:
                score += _TERM
        scored.append((-score, candidate.code, candidate))
    scored.sort()
    return [(-score, candidate) for score, _, candidate in scored]


def _having(name: str, phrase: str) -> int:
    """How the name, Chinese and English on a line each, has the phrase."""
    lines = name.split("\n")
    if phrase in lines:
        return _WHOLE
    return _BEGIN if any(line.startswith(phrase) for line in lines) else _WITHIN


def facets(candidates: Sequence[Candidate], *, more: bool) -> Mapping[str, list[Count]]:
    """How many of the candidates have which value, the most frequent first."""
    counted = Counter(chain.from_iterable(candidate.facets.split("\t") for candidate in candidates))
    values: dict[str, list[tuple[int, str]]] = {letter: [] for letter in _FACET_OF}
    for value, times in counted.items():
        values[value[0]].append((-times, value[1:]))
    return {
        _FACET_OF[letter]: [Count(value, -times, more) for times, value in nsmallest(MOST_VALUES, found)]
        for letter, found in values.items()
    }
