"""Demonstration people of the local profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from services.identity.domain.account_file import AccountDeclaration
from services.identity.domain.clients import EVERYWHERE, Realm
from services.identity.domain.person import PersonClaims
from services.identity.handlers import GrantRole, grant_role
from services.identity.handlers.accounts import declare_account
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
    claims: Mapping[str, Any] = field(default_factory=dict)


def _claims(family: str, given: str, username: str, **more: Any) -> dict[str, Any]:
    return {
        "family_name": family,
        "given_name": given,
        "zoneinfo": "Asia/Shanghai",
        "locale": "zh-CN",
        "email": f"{username}@people.example",
        "email_verified": True,
    } | more


_LIN = _claims(
    "林",
    "晓梅",
    "lin",
    middle_name="Mei",
    nickname="小梅",
    profile="https://people.example/lin",
    picture="https://people.example/lin.png",
    website="https://lin.example/",
    gender="female",
    birthdate="1990-05-12",
    phone_number="+8613800000001",
    phone_number_verified=True,
    address={
        "formatted": "四川省广安市广安区金安大道三段1号\n638000\n中国",
        "street_address": "金安大道三段1号",
        "locality": "广安市",
        "region": "四川省",
        "postal_code": "638000",
        "country": "中国",
    },
)
"""Every standard claim has a value: what a client shows of each can be tried."""
_ZHANG = _claims("张", "伟", "zhang", gender="male", phone_number="+8613800000002", phone_number_verified=False)

PEOPLE = (
    Person("lin", "林晓梅", Realm.CITIZEN, "citizen 林晓梅", claims=_LIN),
    Person("zhang", "张伟", Realm.CITIZEN, "citizen 张伟, owner of a company", claims=_ZHANG),
    Person(
        "clerk",
        "李敏",
        Realm.STAFF,
        "clerk 李敏: intake and delivery",
        ("intake", "deliver"),
        _claims("李", "敏", "clerk"),
    ),
    Person(
        "officer",
        "王科",
        Realm.STAFF,
        "officer 王科: review and decision",
        ("review", "decide", "integrator"),
        _claims("王", "科", "officer"),
    ),
    Person(
        "editor", "陈静", Realm.STAFF, "editor 陈静: writes service items", ("editor",), _claims("陈", "静", "editor")
    ),
    Person(
        "reviewer",
        "赵强",
        Realm.STAFF,
        "reviewer 赵强: approves service items",
        ("reviewer",),
        _claims("赵", "强", "reviewer"),
    ),
    Person(
        "registrar",
        "周洁",
        Realm.STAFF,
        "registrar 周洁: keeps the catalogue, its organisations and registers",
        ("registrar",),
        _claims("周", "洁", "registrar"),
    ),
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
    declared = AccountDeclaration(
        realm=person.realm,
        username=person.username,
        name=person.name,
        password=SecretStr(password),
        assurance=2,
        claims=PersonClaims.model_validate(person.claims),
    )
    await declare_account(ACTOR, declared, lambda: Work(service.context), passwords)
    for role in person.roles:
        await grant_role(GrantRole(ACTOR, person.username, EVERYWHERE, role), Work(service.context))
