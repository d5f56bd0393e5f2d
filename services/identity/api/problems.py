"""What is wrong with what people typed, in words for them; the same on every page that takes a password."""

from typing import NamedTuple

from services.identity.domain.accounts import MIN_PASSWORD, check_password
from services.identity.errors import PasswordWeak, SignInLocked, SignInRefused, SlowDown
from services.kit.pages import Form, gettext, ngettext

REFUSED = (SignInRefused, SignInLocked, SlowDown)
"""How an attempt at a password can fail."""


class Problem(NamedTuple):
    """What is wrong with a field ("" for the whole form), in words for people."""

    field: str
    words: str


class Refusal(NamedTuple):
    """An attempt that failed: what to say, with which status and headers."""

    problem: Problem
    status: int
    headers: dict[str, str]


def refusal(error: Exception, wrong: Problem | None = None) -> Refusal:
    """`wrong`: what to say of a wrong password, where no user name was typed."""
    if isinstance(error, SignInLocked):
        minutes = -(-error.seconds // 60)
        words = ngettext("试的次数太多了，请过 %(num)d 分钟再来", "试的次数太多了，请过 %(num)d 分钟再来", minutes) % {
            "num": minutes
        }
        return Refusal(Problem("", words), 429, {"Retry-After": str(error.seconds)})
    if isinstance(error, SlowDown):
        words = gettext("现在登录的人很多，请过几秒再试")
        return Refusal(Problem("", words), 429, {"Retry-After": str(error.retry_after or 2)})
    return Refusal(wrong or Problem("username", gettext("用户名和密码对不上，请核对")), 422, {})


def missing(username: str, password: str) -> list[Problem]:
    """What a sign-in form lacks."""
    found = []
    if not username.strip():
        found.append(Problem("username", gettext("请填用户名")))
    if not password:
        found.append(Problem("password", gettext("请填密码")))
    return found


def new_password(form: Form) -> list[Problem]:
    """What is wrong with a new password, typed twice (`new_password`, `new_password_again`)."""
    new = form.get("new_password", "")
    if not new:
        return [Problem("new_password", gettext("请填新密码"))]
    try:
        check_password(new)
    except PasswordWeak:
        words = gettext("密码要 12 位以上") if len(new) < MIN_PASSWORD else gettext("密码太长了")
        return [Problem("new_password", words)]
    if form.get("new_password_again", "") != new:
        return [Problem("new_password_again", gettext("两次填的不一样，请再填一次"))]
    return []
