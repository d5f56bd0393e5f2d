"""What a rule must know besides the content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.catalog.domain.items import ItemContent
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.periods import Period
from services.contracts.base import Text
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know besides the content. By default nothing is registered and nothing else exists."""

    elements: Mapping[str, ElementContent] = field(default_factory=dict)
    """Registered data elements by code: those that the content names."""
    resources: Mapping[str, ResourceContent] = field(default_factory=dict)
    """For each of these data elements the shareable resource that gives it, where there is one."""
    provers: Mapping[str, LicenceTypeContent] = field(default_factory=dict)
    """For each of these data elements the shareable licence type that proves it, where there is one."""
    licence_types: Mapping[str, LicenceTypeContent] = field(default_factory=dict)
    """Registered licence types by code: those that the content names."""
    organisations: Mapping[str, OrganisationState] = field(default_factory=dict)
    """Those that the content names."""
    items: frozenset[str] = frozenset()
    """Codes that the content names and that are (or, of other systems, stand for) items ever in force."""
    base: ItemContent | None = None
    """The version in force of the base item that it implements, of a handling item: of its implementation item."""
    demands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of items in force, as far as the content leads to them: whose results they demand ("item:…", "licence:…")."""
    givers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of licence types: the items in force whose result they are."""
    names: Mapping[str, Text] = field(default_factory=dict)
    """Names of items, where a cycle is to be told."""
    periods: tuple[Period, ...] = ()
    """What holds when, as it is known now."""
    registers: bool = True
    """Whether the registers are known: without them nothing is said about what they would hold."""
    catalogue: bool = True
    """Whether the catalogue (organisations, items in force) is known."""
