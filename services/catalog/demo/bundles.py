"""A bundle (一件事) of the demonstration: what it takes to open a guest house in the made-up district."""

from typing import Final

from services.catalog.demo.for_companies import BILLBOARD, HYGIENE_PERMIT, INVESTMENT
from services.catalog.demo.organisations import DISTRICT, HEALTH, both
from services.catalog.domain.items import BundleContent
from services.contracts.catalog_items import BundleMember, Organisation

GUEST_HOUSE: Final = BundleContent(
    code=f"YJS-{DISTRICT[:6]}-0001",
    name=both("开一家旅馆", "Open a guest house"),
    summary=both(
        "从投资备案到卫生许可、户外广告，要办什么、先办什么、带什么，一次说清。",
        "From the filing of the work to the hygiene permit and the sign: what is needed, in which order, told once.",
    ),
    organisation=Organisation(id=HEALTH.id, name=HEALTH.name),
    division=DISTRICT,
    subjects=("company",),
    topics=("operation", "investment"),
    members=(
        BundleMember(
            code=INVESTMENT.code,
            name=INVESTMENT.name,
            when="building_work",
            when_text=both("要新建、扩建或者改建的。", "If you build, extend or convert."),
        ),
        BundleMember(code=HYGIENE_PERMIT.code, name=HYGIENE_PERMIT.name, after=(INVESTMENT.code,)),
        BundleMember(
            code=BILLBOARD.code,
            name=BILLBOARD.name,
            when="large_sign",
            when_text=both("要设置大型户外广告的。", "If you put up a large outdoor advertisement."),
        ),
    ),
    shared_fields=("place_address",),
    shared_materials=((f"{HYGIENE_PERMIT.code}#site-sketch", f"{BILLBOARD.code}#site-sketch"),),
)
DEMO_BUNDLES: Final = (GUEST_HOUSE,)
