"""An item of the tests' own, which no rule refuses: what the demonstration offers may change."""

from services.catalog.demo.organisations import DISTRICT, LABOUR
from services.catalog.domain.form import standard_form
from services.catalog.domain.items import ItemContent
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Contact, Limit, Limits, Organisation, Step

REGISTRATION = ItemContent(
    code=f"{LABOUR.id}4512014099000",
    code_system="gb-31",
    name=Text(zh="失业登记", en="Registration as unemployed"),
    summary=Text(zh="没有工作、正在找工作的人可以登记。", en="For people without work who look for some."),
    organisation=Organisation(id=LABOUR.id, name=LABOUR.name),
    division=DISTRICT,
    item_type="20",
    subjects=("person",),
    case_kind="promised",
    limits=Limits(promised=Limit(amount=3)),
    visits=0,
    conditions=(Condition(zh="现在没有工作。", en="You have no work now."),),
    basis=(Basis(law="中华人民共和国就业促进法", article="第三十五条"),),
    steps=(Step(name=Text(zh="提交", en="Hand in"), text=Text(zh="在网上提交。", en="Hand it in online.")),),
    contact=Contact(phone="0826-000 0601"),
    form=standard_form(("person",)),
)
