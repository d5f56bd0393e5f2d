"""OpenID Connect Core §3.1.2.6: `prompt=none` asks nobody, so what the person has not agreed to is an error."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import ConsentRequired


def check(facts: Facts) -> None:
    if facts.parameters.words("prompt") == ("none",) and not facts.consented:
        raise ConsentRequired("the person has not agreed to this yet")
