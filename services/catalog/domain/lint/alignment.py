"""alignment (同一事项、同一标准、同一编码): an implementation item keeps its base item's name, type, basis and
conditions; it may shorten limits and drop materials, never lengthen or add."""

from collections.abc import Iterator

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.facts import Facts


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    if facts.base is None:
        return
    from services.catalog.domain.alignment import misaligned

    yield from misaligned(facts.base, content)
