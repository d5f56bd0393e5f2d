"""What people agree to (OpenID Connect Core §3.1.2.4): which clients may learn what of them and act for them where."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Consent:
    """What a client asks for, or what was agreed to: scopes, claims asked for one by one, services to act at."""

    scopes: frozenset[str]
    claims: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()

    def covers(self, asked: "Consent") -> bool:
        """Whether nothing is asked beyond this."""
        return asked.scopes <= self.scopes and asked.claims <= self.claims and asked.resources <= self.resources

    def joined(self, more: "Consent | None") -> Self:
        """This and what was agreed to before."""
        if more is None:
            return self
        return type(self)(self.scopes | more.scopes, self.claims | more.claims, self.resources | more.resources)

    def words(self) -> str:
        """For the audit trail: what it is about, in one short line."""
        return " ".join(sorted(self.scopes) + sorted(self.claims) + sorted(self.resources))[:500]
