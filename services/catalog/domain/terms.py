"""What an item can be found by: the terms of a text and of a query.

Chinese has no spaces: a run of Han characters becomes its overlapping pairs (bigrams), which need no dictionary and
mean the same on every database. A run of one character, and each character of a name, stands alone. Other scripts
are cut into words. Width and case do not count (NFKC, case folding).
"""

import re
import unicodedata
from typing import Final, NamedTuple

LONGEST_TERM: Final = 32
LONGEST_QUERY: Final = 100
MOST_QUERY_TERMS: Final = 24
MOST_QUERY_RUNS: Final = 12

_HAN: Final = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUNS: Final = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<word>[^\W_{_HAN}]+)")
# Words that people wrap around what they look for, and that no item is about.
_EMPTY: Final = frozenset(
    ("a", "an", "and", "apply", "do", "for", "get", "how", "i", "in", "my", "of", "the", "to", "want")
)
_PHRASES: Final = re.compile(
    "怎么样|怎么|怎样|如何|我想|我要|想要|需要|请问|在哪里|在哪|哪里|什么|多少|可以|能不能|办理|申请|办一下"
)


def fold(text: str) -> str:
    """`text` without differences of width, case and spacing."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_terms(text: str, *, single: bool = False) -> set[str]:
    """The terms of a text; with `single` also each Han character by itself."""
    found: set[str] = set()
    for run in _RUNS.finditer(fold(text)):
        if han := run["han"]:
            found.update(han[at : at + 2] for at in range(len(han) - 1))
            if single or len(han) == 1:
                found.update(han)
        else:
            found.add(run["word"][:LONGEST_TERM])
    return found


class Run(NamedTuple):
    """Characters that belong together: Han, or one word of another script."""

    text: str
    han: bool


def query_runs(query: str) -> tuple[Run, ...]:
    """What a query asks for, in its order, at most MOST_QUERY_RUNS.

    Phrases such as 怎么办理 are dropped unless nothing else is left.
    """
    folded = fold(query[:LONGEST_QUERY])
    kept = [run for run in runs_of(_PHRASES.sub(" ", folded)) if run.text not in _EMPTY]
    return tuple((kept or runs_of(folded))[:MOST_QUERY_RUNS])


def runs_of(folded: str) -> list[Run]:
    """The runs of a folded text, in its order."""
    return [Run(run[0] if run["han"] else run[0][:LONGEST_TERM], bool(run["han"])) for run in _RUNS.finditer(folded)]


def needed(terms: int) -> int:
    """How many of a query's terms an item must have: all of one or two, half (rounded up) of more."""
    return terms if terms <= 2 else -(-terms // 2)
