"""Officers of the catalogue's tests with their roles; a person's id is their token."""

from services.catalog.demo.organisations import HEALTH, LABOUR
from services.kit.auth import EVERYWHERE, Grant, Principal
from services.kit.errors import Unauthenticated


def _officer(sub: str, name: str, *grants: tuple[str, str]) -> Principal:
    roles = tuple(Grant(org=organisation, role=role) for role, organisation in grants)
    return Principal(sub=sub, name=name, realm="staff", client_id="desk", grants=roles, jti=sub, exp=2**31)


CHEN = _officer("chen", "陈静", ("editor", LABOUR.id))
XU = _officer("xu", "徐明", ("editor", LABOUR.id), ("editor", HEALTH.id))
ZHAO = _officer("zhao", "赵强", ("reviewer", LABOUR.id))
QIAN = _officer("qian", "钱进", ("reviewer", LABOUR.id), ("reviewer", HEALTH.id))
BOTH = _officer("both", "孙全", ("editor", LABOUR.id), ("reviewer", LABOUR.id), ("registrar", LABOUR.id))
ZHOU = _officer("zhou", "周洁", ("registrar", EVERYWHERE))
ELSEWHERE = _officer("elsewhere", "吴远", *((role, HEALTH.id) for role in ("editor", "reviewer", "registrar")))
CLERK = _officer("clerk", "李敏", ("intake", EVERYWHERE))
CITIZEN = Principal(sub="lin", name="林晓梅", realm="citizen", client_id="portal", jti="lin", exp=2**31)
GATEWAY = Principal(sub="gateway", client_id="gateway", jti="gateway", exp=2**31)
PEOPLE = {each.sub: each for each in (CHEN, XU, ZHAO, QIAN, BOTH, ZHOU, ELSEWHERE, CLERK, CITIZEN, GATEWAY)}


class Names:
    """A verifier that takes a person's id for their token: what tokens prove is tested with the kit."""

    resource = ""

    async def verify(self, token: str) -> Principal:
        if token not in PEOPLE:
            raise Unauthenticated
        return PEOPLE[token]
