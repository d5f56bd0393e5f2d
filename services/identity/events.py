"""Domain to contract: what identity tells the others."""

from datetime import datetime

from services.contracts.base import Envelope
from services.contracts.identity_accounts import AccountOpened, RoleGranted, RoleRevoked
from services.contracts.identity_accounts import Grant as GrantData
from services.contracts.identity_sessions import SessionEnded, SessionStarted
from services.identity.domain.accounts import Account, Grant
from services.identity.domain.sessions import EndReason, SsoSession
from services.kit.events import event_of


def account_opened(account: Account, now: datetime) -> Envelope:
    data = AccountOpened(account_id=account.id, realm=account.realm.value, assurance=account.assurance)
    return event_of(data, subject=account.id, version=account.version, time=now)


def role_granted(account: Account, grant: Grant, by: str, now: datetime) -> Envelope:
    data = RoleGranted(account_id=account.id, realm=account.realm.value, grant=_grant(grant), granted_by=by)
    return event_of(data, subject=account.id, version=account.version, time=now)


def role_revoked(account: Account, grant: Grant, by: str, now: datetime) -> Envelope:
    data = RoleRevoked(account_id=account.id, realm=account.realm.value, grant=_grant(grant), revoked_by=by)
    return event_of(data, subject=account.id, version=account.version, time=now)


def session_started(session: SsoSession, now: datetime) -> Envelope:
    data = SessionStarted(
        session_id=session.id,
        account_id=session.account_id,
        realm=session.realm.value,
        amr=session.amr,
        acr=session.acr,
    )
    return event_of(data, subject=session.id, version=session.version, time=now)


def session_ended(session: SsoSession, reason: EndReason, now: datetime) -> Envelope:
    """The end is the version after the one that `session` had while it lived."""
    data = SessionEnded(session_id=session.id, account_id=session.account_id, realm=session.realm.value, reason=reason)
    return event_of(data, subject=session.id, version=session.version + 1, time=now)


def _grant(grant: Grant) -> GrantData:
    return GrantData(organisation=grant.organisation, role=grant.role)
