"""What is refused at publishing: one rule a module, each refusal naming its cause and its mend.

A rule is `check(content, facts) -> Iterator[Finding]`: pure, no I/O. `Facts` are gathered before, in one go.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.catalog.domain.findings import Finding as Finding
from services.catalog.domain.items import ItemContent
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know besides the content itself."""

    elements: Mapping[str, ElementContent] = field(default_factory=dict)
    """Registered data elements by code: those that the content names."""
    resources: Mapping[str, ResourceContent] = field(default_factory=dict)
    """For each of these data elements the shareable resource that gives it."""
    licence_types: Mapping[str, LicenceTypeContent] = field(default_factory=dict)
    base: ItemContent | None = None
    """The version in force of the base item that it implements."""
    proofs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of every item in force that demands other items' results: its code → their codes."""


Rule = Callable[[ItemContent, Facts], Iterator[Finding]]
RULES: Final[Mapping[str, Rule]] = {}
