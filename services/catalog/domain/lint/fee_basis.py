"""fee-basis: a charge without a legal basis (行政许可法 art. 58: no charge unless a law or regulation says so)."""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "fee-basis"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    fee = content.fee
    if fee is None or not fee.charged or (fee.basis and fee.basis.law.strip()):
        return
    yield Finding(
        RULE,
        "fee.basis",
        Text(zh="要收费，没有写收费依据。", en="It charges a fee and names no legal basis for it."),
        Text(
            zh="写明哪部法律、法规规定收这笔费；没有依据的，改成不收费。",
            en="Name the law that sets the fee; without one, charge nothing.",
        ),
    )
