"""Typing mistakes, mended on the vocabulary: one character too many, too few, wrong or swapped, or one that sounds the
same. Only what the vocabulary has is ever proposed; whether it finds anything is the caller's to see.

Words near one another share a deletion (what is left when one character is taken out), so that they are found by
looking keys up and not by comparing with every word.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import Final

import orjson

from services.catalog.domain.search.queries import Known, words_of
from services.catalog.domain.terms import Run

SHORTEST_HAN: Final = 2
SHORTEST_OTHER: Final = 4
"""Han characters of which one may be taken for another that sounds otherwise."""
SHORTEST_LATIN: Final = 4
"""A shorter word has too many neighbours."""
LONGEST: Final = 24
MOST_PROPOSALS: Final = 4
_MOST_READINGS: Final = 8


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the vocabulary: how it sounds, and in how many names it stands."""

    word: str
    pinyin: str
    names: int


def keys_of(word: str) -> frozenset[str]:
    """By what a word of the vocabulary is found when it is mistyped: itself and each deletion."""
    shortest = SHORTEST_LATIN if word.isascii() else SHORTEST_HAN
    if not shortest <= len(word) <= LONGEST:
        return frozenset()
    return frozenset((word, *(word[:at] + word[at + 1 :] for at in range(len(word)))))


def suspects(runs: Sequence[Run], known: Known) -> Mapping[str, frozenset[str]]:
    """Parts of a query that may be mistyped words, each with how it may sound."""
    found: dict[str, frozenset[str]] = {}
    for run in runs:
        if not run.han:
            if run.text not in known.words and SHORTEST_LATIN <= len(run.text) <= LONGEST and run.text.isascii():
                found[run.text] = frozenset()
            continue
        strange: list[bool] = []
        for text, sure in words_of(run.text, known):
            strange += [not sure] * len(text)
        for start in range(len(run.text)):
            for end in range(start + SHORTEST_HAN, min(start + 8, len(run.text)) + 1):
                whole = (start, end) == (0, len(run.text))
                if any(strange[start:end]) or (whole and run.text not in known.words):
                    part = run.text[start:end]
                    found[part] = readings(part)
    return dict(islice(found.items(), 64))


def proposals(query: str, parts: Mapping[str, frozenset[str]], near: Sequence[Word]) -> list[str]:
    """The query with one of `parts` (each with how it may sound) set right, the likeliest first."""
    rated: dict[str, tuple[float, int, int]] = {}
    for part, sounds in parts.items():
        for word in near:
            if word.word == part:
                continue
            cost = _cost(part, sounds, word)
            if cost is None:
                continue
            mended = query.replace(part, word.word, 1)
            rating = (cost / len(part), -len(part), -word.names)
            rated[mended] = min(rating, rated.get(mended, rating))
    rated.pop(query, None)
    return sorted(rated, key=lambda mended: (rated[mended], mended))[:MOST_PROPOSALS]


def _cost(part: str, sounds: frozenset[str], word: Word) -> float | None:
    if word.pinyin and word.pinyin in sounds and len(word.word) == len(part):
        return 0.5
    if part.isascii() and word.pinyin and one_apart(part, word.pinyin):
        return 1.0
    if not one_apart(part, word.word):
        return None
    if sorted(part) == sorted(word.word):
        return 0.6
    # Another character in a short word makes another word (护照, 护士).
    least = SHORTEST_OTHER if not part.isascii() and len(part) == len(word.word) else SHORTEST_HAN + 1
    return 1.0 if len(part) >= least or part.isascii() else None


def one_apart(left: str, right: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours makes the one of the other (the restricted
    Damerau–Levenshtein distance is at most 1)."""
    if abs(len(left) - len(right)) > 1:
        return False
    at = 0
    while at < min(len(left), len(right)) and left[at] == right[at]:
        at += 1
    rest, other = left[at:], right[at:]
    if rest[1:] == other[1:] or rest == other[1:] or rest[1:] == other:
        return True
    return len(rest) > 1 and len(other) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]


def readings(text: str) -> frozenset[str]:
    """How Han characters may sound, without tones: every reading of each, at most eight together."""
    table = _readings()
    each = [tuple(dict.fromkeys(map(_toneless, table.get(character, "").split(",")))) for character in text]
    if ("",) in each:
        return frozenset()
    return frozenset("".join(sounds) for sounds in islice(product(*each), _MOST_READINGS))


@cache
def _readings() -> Mapping[str, str]:
    """The readings of single characters, with tones. The file alone: the package's own start would load 60 MB of
    phrases."""
    import importlib.util

    package = importlib.util.find_spec("pypinyin")
    assert package is not None and package.submodule_search_locations
    table = orjson.loads((Path(package.submodule_search_locations[0]) / "pinyin_dict.json").read_bytes())
    return {chr(int(point)): sounds for point, sounds in table.items()}


def _toneless(sound: str) -> str:
    plain = (c for c in unicodedata.normalize("NFD", sound.replace("ü", "v")) if not unicodedata.combining(c))
    return "".join(plain)


def words_near(words: Iterable[str]) -> Iterator[str]:
    """Keys under which what is near any of `words` is kept."""
    for word in words:
        yield from keys_of(word)
