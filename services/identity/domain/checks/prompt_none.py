"""OpenID Connect Core §3.1.2.1 and §3.1.2.6: `prompt=none` shows no page; what would need one is an error."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.sessions import Next, next_step
from services.identity.errors import LoginRequired


def check(facts: Facts) -> None:
    if facts.parameters.words("prompt") != ("none",):
        return
    step = next_step(
        facts.session,
        facts.now,
        prompts=(),
        max_age=facts.max_age,
        meant=facts.session is not None and facts.meant(facts.session.account_id),
        consented=True,
    )
    if step is not Next.CODE:
        raise LoginRequired("nobody fitting is signed in")
