"""What a client asks for, in words for people (OpenID Connect Core §3.1.2.4 and §5.4)."""

from services.identity.domain.consents import Consent
from services.identity.domain.person import scope_claims
from services.kit.pages import gettext


def in_words(asked: Consent) -> list[tuple[str, str]]:
    """What the client will see or do, each with a note: scopes, then claims that no scope covers, then services."""
    found = [words for scope, words in _scopes().items() if scope in asked.scopes]
    covered, known = frozenset(scope_claims(asked.scopes)), _claims()
    # Two claims may have one name for people: an address, and whether it was checked.
    found += [(words, "") for words in dict.fromkeys(known.get(c, c) for c in sorted(asked.claims - covered))]
    services = _services()
    note = gettext("用您的账号查和办，和您自己办一样记录在案")
    return found + [(services.get(uri, uri), note) for uri in sorted(asked.resources)]


def _scopes() -> dict[str, tuple[str, str]]:
    return {
        "openid": (gettext("您是谁"), gettext("您的账号编号和登录时间，不含姓名")),
        "profile": (gettext("姓名和基本资料"), gettext("姓名、用户名、性别、出生日期，账号里有的才给")),
        "phone": (gettext("手机号"), ""),
        "email": (gettext("电子邮箱"), ""),
        "address": (gettext("住址"), ""),
        "offline_access": (gettext("接着用"), gettext("登录期间不用每次再问您，退出后就停")),
    }


def _claims() -> dict[str, str]:
    phone, email = gettext("手机号"), gettext("电子邮箱")
    return {
        "name": gettext("姓名"),
        "family_name": gettext("姓名"),
        "given_name": gettext("姓名"),
        "middle_name": gettext("姓名"),
        "nickname": gettext("昵称"),
        "preferred_username": gettext("用户名"),
        "profile": gettext("个人主页"),
        "picture": gettext("头像"),
        "website": gettext("个人网站"),
        "gender": gettext("性别"),
        "birthdate": gettext("出生日期"),
        "zoneinfo": gettext("时区"),
        "locale": gettext("常用语言"),
        "updated_at": gettext("资料什么时候改的"),
        "email": email,
        "email_verified": email,
        "phone_number": phone,
        "phone_number_verified": phone,
        "address": gettext("住址"),
    }


def _services() -> dict[str, str]:
    return {
        "urn:tongban:cases": gettext("您的办件"),
        "urn:tongban:catalog": gettext("事项目录"),
        "urn:tongban:notify": gettext("您的消息"),
        "urn:tongban:identity": gettext("您的账号"),
        "urn:tongban:gateway": gettext("网上办事大厅"),
    }
