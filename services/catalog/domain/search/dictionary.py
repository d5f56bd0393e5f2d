"""The words of items' names and how they sound, by the dictionaries of segmentation and pinyin.

Together they hold 90 MB when loaded, so nothing that serves requests loads them: the indexer runs this module as a
process of its own (`python -m services.catalog.domain.search.dictionary`), which reads names from its input (Chinese,
tab, English; a line each), writes what they hold as a JSON line each, and ends.
"""

import signal
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import orjson

from services.catalog.domain.search.queries import LONGEST_WORD
from services.catalog.domain.terms import Run, fold, runs_of

LONGEST_NAME: Final = 100
_SHORTEST_LATIN: Final = 3


def read_name(name: str, english: str = "") -> dict[str, Any]:
    """How a name sounds, and its words with how those do; with the words of its English."""
    pieces = [piece for run in runs_of(fold(f"{name} {english}")) for piece in _words(run)]
    whole = _sound(tuple(word for word in pieces if word and not word.isascii()))
    words: dict[str, tuple[str, str]] = {}
    for word in pieces:
        if word.isascii() and len(word) >= _SHORTEST_LATIN and not word.isdigit():
            words[word] = ("", "")
        elif 2 <= len(word) <= LONGEST_WORD and not word.isascii():
            words[word] = _sound((word,))
    # Neighbours too: people type 道路运输 (and its initials) as one. An empty piece ends a run.
    for first, second in pairwise(pieces):
        if first and second and len(first + second) <= LONGEST_WORD and not (first + second).isascii():
            words[first + second] = _sound((first, second))
    listed = [{"word": word, "pinyin": sound, "initials": first} for word, (sound, first) in words.items()]
    return {"name": name, "pinyin": whole[0], "initials": whole[1], "words": listed}


def _words(run: Run) -> Iterator[str]:
    if run.han:
        import rjieba

        yield from rjieba.cut(run.text)
    else:
        yield run.text
    yield ""


def _sound(words: tuple[str, ...]) -> tuple[str, str]:
    syllables = [syllable for word in words for syllable in _syllables(word)]
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)


@lru_cache(10_000)
def _syllables(word: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(syllable for syllable in lazy_pinyin(word, errors="ignore") if syllable.isascii())


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever asked is gone: nothing is left to say, to anybody
    for line in sys.stdin.buffer:
        name, _, english = line.decode().rstrip("\n").partition("\t")
        sys.stdout.buffer.write(orjson.dumps(read_name(name, english)) + b"\n")


if __name__ == "__main__":
    main()
