"""What a search knows of an item: its terms, its place in the order of use, what a list shows of it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from services.catalog.domain.items import BundleContent, Content
from services.catalog.domain.terms import fold, text_terms
from services.contracts.base import Text

NAME_MARK: Final = "\ue000"
"""Before a term that stands in the name, beside the bare term. Of the private use area, so that no text has it."""
FILTER_MARK: Final = "\ue001"
"""Before what a list is narrowed by, so that words and filters are one question to one index."""
TIER_MARK: Final = "\ue002"
EVERY: Final = f"{FILTER_MARK}a"
"""In every document: what is asked for where nothing else is."""

TIERS: Final = (2_000, 8_000, 32_000, 128_000, 512_000)
"""How many documents the first tiers hold together, in the order of use; the last tier holds the rest. A query goes
from tier to tier until it has enough, so that a word of 156,000 items costs what a word of 500 does."""
LAST_TIER: Final = len(TIERS)

FACETS: Final = {
    "subject": "s",
    "item_type": "i",
    "topic": "t",
    "channel": "c",
    "case_kind": "k",
    "free": "f",
    "no_visit": "v",
    "organisation": "o",
    "division": "d",
}
"""What lists are narrowed by and counted by, each with the letter of its terms."""
_SHOWN: Final = {
    "code", "name", "summary", "organisation", "division", "item_type", "subjects", "case_kind", "limits", "fee",
    "visits", "topics", "online_depth",
}  # fmt: skip
_OF_A_BUNDLE: Final = {
    "item_type": "", "case_kind": None, "limits": {"statutory": None, "promised": None}, "fee": None, "visits": None,
    "online_depth": None,
}  # fmt: skip
"""What a bundle has none of and a list of items shows."""
USE_STEP: Final = 50


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """One item in force, as it is found."""

    code: str
    version: int
    name: str
    name_en: str
    name_key: str
    """Chinese and English name, folded, a line each."""
    words: str
    """Terms, separated by spaces."""
    facets: str
    """Letter and value of each facet, separated by tabs."""
    summary: str
    """What a list shows, as JSON."""
    rank: int


def document_of(content: Content, version: int) -> SearchDocument | None:
    """How `content` is found, an item or a bundle (一件事); None for base items, which nobody applies for."""
    if content.kind == "base":
        return None
    shown = content.model_dump(mode="json", include=_SHOWN) | {"kind": content.kind}
    if isinstance(content, BundleContent):
        shown |= _OF_A_BUNDLE
    facets = [f"{FACETS[facet]}{value}" for facet, value in _facets(content)]
    return SearchDocument(
        code=content.code,
        version=version,
        name=content.name.zh,
        name_en=content.name.en or "",
        name_key=f"{fold(content.name.zh)}\n{fold(content.name.en or '')}",
        words=" ".join(_words(content)),
        facets="\t".join(facets),
        summary=orjson.dumps(shown | {"version": version}).decode(),
        rank=content.rank,
    )


def place_of(rank: int, uses: int) -> int:
    """Place in the order of use, the greatest first: each doubling of uses counts more than a fuller guide. In steps,
    so that a place (and the index with it) changes at the 1st, 2nd, 4th, 8th … use and not at each."""
    return USE_STEP * uses.bit_length() + rank


def filter_term(facet: str, value: str) -> str:
    """The term of all items that have `value` at `facet`. Values that are no plain word go by their digest."""
    folded = value.lower()
    if not (folded.isascii() and folded.isalnum() and len(folded) <= 20):
        folded = hashlib.blake2b(folded.encode(), digest_size=8).hexdigest()
    return f"{FILTER_MARK}{FACETS[facet]}{folded}"


def _words(content: Content) -> Iterator[str]:
    named = text_terms(content.name.zh, single=True) | text_terms(content.name.en or "") | text_terms(content.code)
    told = set(named)
    for text in _texts(content):
        told |= text_terms(text)
    yield from (f"{NAME_MARK}{term}" for term in sorted(named))
    yield from sorted(told)
    yield EVERY
    filters = {filter_term(facet, value) for facet, value in _facets(content)}
    # A filter by a province or a city finds what is offered in the divisions below it.
    filters |= {filter_term("division", code) for code in _above(content.division)}
    yield from sorted(filters)


def _facets(content: Content) -> Iterator[tuple[str, str]]:
    for subject in content.subjects:
        yield "subject", subject
    for topic in content.topics:
        yield "topic", fold(topic)[:50].replace("\t", " ")
    yield "organisation", content.organisation.id
    yield "division", content.division
    if isinstance(content, BundleContent):
        return
    yield "item_type", content.item_type
    for channel in content.channels:
        yield "channel", channel
    if content.case_kind:
        yield "case_kind", content.case_kind
    if content.fee is not None and not content.fee.charged:
        yield "free", "true"
    if content.visits == 0:
        yield "no_visit", "true"


def _above(division: str) -> tuple[str, ...]:
    return f"{division[:2]:0<12}", f"{division[:4]:0<12}", f"{division[:6]:0<12}"


def _texts(content: Content) -> Iterator[str]:
    yield from _languages(content.organisation.name, content.summary)
    if isinstance(content, BundleContent):
        for member in content.members:
            yield from _languages(member.name, member.when_text)
        return
    yield from _languages(*content.conditions, *(material.name for material in content.materials))
    yield from _languages(*(result.name for result in content.results))


def _languages(*texts: Text | None) -> Iterable[str]:
    for text in texts:
        if text:
            yield text.zh
            yield text.en or ""
