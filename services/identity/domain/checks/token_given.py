"""RFC 7009 §2.1, RFC 7662 §2.1: the token in question is given."""

from services.identity.domain.checks.facts import Facts


def check(facts: Facts) -> None:
    facts.parameters.required("token")
