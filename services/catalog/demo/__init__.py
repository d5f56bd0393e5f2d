"""Demonstration data of the local profile: a made-up district's organisations and their service items.

Organisations, codes, telephone numbers and the district's own rules (示例区…办法) are invented (the USCCs check, and
belong to nobody); the laws are real.
"""

from services.catalog.demo.base_items import BASE_ITEMS, PROVINCIAL_ORGANISATIONS
from services.catalog.demo.bundles import DEMO_BUNDLES
from services.catalog.demo.drafts import load_drafts
from services.catalog.demo.for_companies import COMPANY_ITEMS
from services.catalog.demo.for_households import HOUSEHOLD_ITEMS
from services.catalog.demo.for_livelihood import LIVELIHOOD_ITEMS
from services.catalog.demo.for_people import PEOPLE_ITEMS
from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.demo.registers import load_registers
from services.catalog.domain.items import Provenance
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.kit.service import Service

DEMO_ITEMS = (*PEOPLE_ITEMS, *LIVELIHOOD_ITEMS, *COMPANY_ITEMS, *HOUSEHOLD_ITEMS)
"""What can be applied for."""
DEMO_ORGANISATIONS = (*PROVINCIAL_ORGANISATIONS, *ORGANISATIONS)


async def load_demo(service: Service) -> None:
    """Load the demonstration data; again changes nothing, and what people have made of it since stays."""
    async with Work(service.context) as work:
        there = await work.organisations.many(state.id for state in DEMO_ORGANISATIONS)
        missing = [state for state in DEMO_ORGANISATIONS if state.id not in there]
        await register_organisations(missing, Provenance.DEMO, work)
        await load_registers(work)
        contents = (*BASE_ITEMS, *DEMO_ITEMS, *DEMO_BUNDLES)
        standing = await work.items.standing(content.code for content in contents)
        new = [content for content in contents if content.code not in standing]
        await publish_items(new, Provenance.DEMO, work)
        await load_drafts(work)
