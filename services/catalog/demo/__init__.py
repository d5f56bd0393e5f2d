"""Demonstration data of the local profile: a made-up district's organisations and eight service items.

Organisations, codes, telephone numbers and the district's own rules (示例区…办法) are invented (the USCCs check, and
belong to nobody); the laws are real.
"""

from services.catalog.demo.drafts import load_drafts
from services.catalog.demo.for_companies import COMPANY_ITEMS
from services.catalog.demo.for_livelihood import LIVELIHOOD_ITEMS
from services.catalog.demo.for_people import PEOPLE_ITEMS
from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.demo.registers import load_registers
from services.catalog.domain.items import Provenance
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.kit.service import Service

DEMO_ITEMS = (*PEOPLE_ITEMS, *LIVELIHOOD_ITEMS, *COMPANY_ITEMS)


async def load_demo(service: Service) -> None:
    """Load the demonstration data; again changes nothing."""
    async with Work(service.context) as work:
        await register_organisations(ORGANISATIONS, Provenance.DEMO, work)
        await load_registers(work)
        await publish_items(DEMO_ITEMS, Provenance.DEMO, work)
        await load_drafts(work)
