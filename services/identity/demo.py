"""Demonstration people of the local profile."""

from dataclasses import dataclass

from services.identity.domain.clients import EVERYWHERE, Realm
from services.identity.handlers import GrantRole, OpenAccount, grant_role, open_account
from services.identity.handlers.passwords import Passwords
from services.identity.store import Work
from services.kit.service import Service
from services.kit.settings import SettingsError

ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """One demonstration account; staff hold their roles at every organisation."""

    username: str
    name: str
    realm: Realm
    about: str
    roles: tuple[str, ...] = ()


PEOPLE = (
    Person("lin", "林晓梅", Realm.CITIZEN, "citizen 林晓梅"),
    Person("zhang", "张伟", Realm.CITIZEN, "citizen 张伟, owner of a company"),
    Person("clerk", "李敏", Realm.STAFF, "clerk 李敏: intake and delivery", ("intake", "deliver")),
    Person("officer", "王科", Realm.STAFF, "officer 王科: review and decision", ("review", "decide", "integrator")),
)


def people() -> dict[str, str]:
    """User name and who that is, for the start-up report."""
    return {person.username: person.about for person in PEOPLE}


async def load_demo(service: Service) -> None:
    """Open the accounts that are not there yet and give them their roles. Raises SettingsError without a password."""
    path = service.context.settings.data_dir / "secrets" / "demo-password"
    try:
        password = path.read_text("utf-8").strip()
    except OSError:
        raise SettingsError(f"{path} cannot be read: run `tongban migrate` first") from None
    passwords = Passwords(threads=1, queue=len(PEOPLE))
    try:
        for person in PEOPLE:
            await _open(service, person, password, passwords)
    finally:
        await passwords.close()


async def _open(service: Service, person: Person, password: str, passwords: Passwords) -> None:
    reading = Work(service.context, readonly=True)
    async with reading:
        known = await reading.accounts.by_username(person.realm, person.username)
    if known is None:
        command = OpenAccount(ACTOR, person.realm, person.username, person.name, password, assurance=2)
        await open_account(command, Work(service.context), passwords)
    for role in person.roles:
        command_ = GrantRole(ACTOR, person.username, EVERYWHERE, role)
        await grant_role(command_, Work(service.context))
