"""The words of items' names and how they sound, by the dictionaries of segmentation and pinyin.

Together they hold 90 MB when loaded, so nothing that serves requests loads them: the indexer runs this module as a
process of its own (`python -m services.catalog.domain.search.dictionary`), which reads names from its input, a line
each, writes what they hold as a JSON line each, and ends.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import orjson

from services.catalog.domain.search.queries import LONGEST_WORD
from services.catalog.domain.terms import Run, fold, runs_of

LONGEST_NAME: Final = 100
_SHORTEST_LATIN: Final = 3


def read_name(name: str) -> dict[str, Any]:
    """How a name sounds, and its words with how those do."""
    runs = runs_of(fold(name))
    pinyin, initials = _sound("".join(run.text for run in runs if run.han))
    words = [
        {"word": word, "pinyin": sound, "initials": first}
        for word in dict.fromkeys(word for run in runs for word in _words(run))
        for sound, first in [_sound(word) if not word.isascii() else ("", "")]
    ]
    return {"name": name, "pinyin": pinyin, "initials": initials, "words": words}


def _words(run: Run) -> Iterator[str]:
    if not run.han:
        if len(run.text) >= _SHORTEST_LATIN and not run.text.isdigit():
            yield run.text
        return
    import rjieba

    cut = list(rjieba.cut(run.text))
    yield from (word for word in cut if 2 <= len(word) <= LONGEST_WORD)
    # Neighbours too: people type 道路运输 (and its initials) as one.
    for first, second in pairwise(cut):
        if len(first + second) <= LONGEST_WORD:
            yield first + second


def _sound(text: str) -> tuple[str, str]:
    from pypinyin import lazy_pinyin

    syllables = [syllable for syllable in lazy_pinyin(text, errors="ignore") if syllable.isascii()]
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)


def main() -> None:
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(orjson.dumps(read_name(line.decode().rstrip("\n"))) + b"\n")


if __name__ == "__main__":
    main()
