"""What people type, as questions to the index: the strictest first.

Words come from the catalogue's own vocabulary (the words of its items' names), people's words from the synonyms. What
neither knows is asked for by its pairs of characters, so that a search needs no dictionary, and works before there is a
vocabulary.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Final

from services.catalog.domain.search.expressions import Expression, either, every, in_name
from services.catalog.domain.terms import MOST_QUERY_TERMS, Run, needed, query_runs, text_terms

LONGEST_WORD: Final = 8
_MOST_PARTS: Final = 6
"""Into how many parts a query is taken to ask for most of them: 20 combinations at most."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the vocabulary and the synonyms know of a query's words."""

    words: frozenset[str] = frozenset()
    sounds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Letters typed (pinyin or its initials) to words."""
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a list of items is narrowed by: words, and a value for some of the facets. Nothing: every item."""

    words: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    limit: int = 20
    after: tuple[int, str] | None = None
    """Score and code of the last item of the page before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The questions in turn, and what the hits are ranked by."""

    levels: tuple[Expression, ...] = ()
    sure: int = 0
    """How many of the levels ask for the whole query; those after them ask for most of it."""
    phrase: str = ""
    terms: tuple[str, ...] = ()


def asked_for(runs: Sequence[Run]) -> tuple[frozenset[str], frozenset[str]]:
    """What to look up for a query: substrings that may be words, letters that may be pinyin."""
    words: set[str] = set()
    for run in runs:
        if run.han:
            words.update(_substrings(run.text))
        else:
            words.add(run.text)
    letters = {run.text for run in runs if not run.han}
    for first, second in _latin_neighbours(runs):
        words.add(f"{first} {second}")
    joined = "".join(run.text for run in runs)
    if len(runs) > 1 and not any(run.han for run in runs):
        letters.add(joined)  # "ju zhu zheng"
    return frozenset(words), frozenset(text for text in letters if text.isascii() and text.isalpha())


def plan(query: str, known: Known) -> Plan:
    """How to look for `query`; no levels where it holds nothing to look for."""
    runs = query_runs(query)
    if not runs:
        return Plan()
    spelled = _spelled(runs, known)
    if spelled is not None:
        runs = spelled
    strict = every(part for run in runs for part in _strict(run, known))
    parts = list(dict.fromkeys(part for run in runs for part in _parts(run, known)))
    pairs = [pair for pair in _latin_neighbours(runs) if " ".join(pair) in known.synonyms]
    for pair in pairs:
        # A synonym of two words stands for both.
        both: Expression = every(_latin(word, known) for word in pair)
        parts = [part for part in parts if part not in {_latin(word, known) for word in pair}]
        parts.append(either([both, *(_meaning(means) for means in known.synonyms[" ".join(pair)])]))
    split = every(parts)
    levels = [in_name(strict), strict, in_name(split), split]
    sure = list(dict.fromkeys(levels))
    loose = _most_of(parts)
    terms = tuple(sorted({term for run in runs for term in text_terms(run.text)})[:MOST_QUERY_TERMS])
    phrase = " ".join(run.text for run in runs) if not any(run.han for run in runs) else "".join(r.text for r in runs)
    return Plan((*sure, *([loose] if loose is not None else [])), len(sure), phrase, terms)


def words_of(run: str, known: Known) -> list[tuple[str, bool]]:
    """A run of Han characters cut into words, each with whether it is known: as few unknown characters as can be, then
    as few words; the unknown between two words is one piece."""
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(run) + 1):
        choices = [(best[end - 1][0] + 1, best[end - 1][1] + 1, end - 1)]
        choices += [
            (best[start][0], best[start][1] + 1, start)
            for start in range(max(0, end - LONGEST_WORD), end - 1)
            if run[start:end] in known.words or run[start:end] in known.synonyms
        ]
        best.append(min(choices))
    pieces: list[tuple[str, bool]] = []
    end = len(run)
    while end:
        start = best[end][2]
        sure = best[end][0] == best[start][0]
        if pieces and not sure and not pieces[-1][1]:
            pieces[-1] = (run[start:end] + pieces[-1][0], False)
        else:
            pieces.append((run[start:end], sure))
        end = start
    return pieces[::-1]


def _spelled(runs: tuple[Run, ...], known: Known) -> tuple[Run, ...] | None:
    """Syllables typed one by one, as the one word that they spell."""
    joined = "".join(run.text for run in runs)
    if len(runs) > 1 and joined in known.sounds and not any(run.text in known.words for run in runs):
        return (Run(joined, han=False),)
    return None


def _strict(run: Run, known: Known) -> Iterator[Expression]:
    if run.han:
        yield from sorted(text_terms(run.text))[:MOST_QUERY_TERMS]
    else:
        yield _latin(run.text, known)


def _parts(run: Run, known: Known) -> Iterator[Expression]:
    if not run.han:
        yield _latin(run.text, known)
        return
    pieces = words_of(run.text, known)
    for text, sure in pieces:
        if sure:
            yield either([every(sorted(text_terms(text))), *(_meaning(m) for m in known.synonyms.get(text, ()))])
        elif len(text) > 1:
            yield from sorted(text_terms(text))[:MOST_QUERY_TERMS]
        elif len(pieces) == 1:
            yield text
        # A single character between words (办居住证) says too little to ask for.


def _latin(word: str, known: Known) -> Expression:
    alternatives = [word] if word in known.words or word not in known.sounds else []
    spelled = [every(sorted(text_terms(each))) for each in known.sounds.get(word, ())]
    return either([*(alternatives or [word]), *spelled, *(_meaning(means) for means in known.synonyms.get(word, ()))])


def _meaning(text: str) -> Expression:
    return every(sorted(text_terms(text)) or [text])


def _most_of(parts: Sequence[Expression]) -> Expression | None:
    """Enough of the parts (see `terms.needed`); None where that is all of them."""
    if len(parts) > _MOST_PARTS:
        size = -(-len(parts) // _MOST_PARTS)
        parts = [every(parts[at : at + size]) for at in range(0, len(parts), size)]
    enough = needed(len(parts))
    if enough >= len(parts):
        return None
    return either(every(chosen) for chosen in combinations(parts, enough))


def _latin_neighbours(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    for first, second in pairwise(runs):
        if not first.han and not second.han:
            yield first.text, second.text


def _substrings(text: str) -> Iterator[str]:
    for start in range(len(text)):
        for end in range(start + 2, min(start + LONGEST_WORD, len(text)) + 1):
            yield text[start:end]
