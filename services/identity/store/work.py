"""Identity's unit of work: one store for each kind of state."""

from typing import TYPE_CHECKING

from services.identity.store.accounts import AccountStore
from services.identity.store.clients import ClientStore
from services.identity.store.consents import ConsentStore
from services.identity.store.enrolments import EnrolmentStore
from services.identity.store.keys import KeyStore
from services.identity.store.registration import RegistrationStore
from services.identity.store.requests import RequestStore
from services.identity.store.sessions import SessionStore
from services.identity.store.tokens import TokenStore
from services.kit.crypto import Crypto
from services.kit.db import UnitOfWork

if TYPE_CHECKING:
    from services.kit.service import Context


class Work(UnitOfWork):
    """One transaction on identity's database."""

    def __init__(self, context: "Context", *, readonly: bool = False, single: bool = False) -> None:
        super().__init__(context, readonly=readonly, single=single)
        self.accounts = AccountStore(self)
        self.clients = ClientStore(self)
        self.consents = ConsentStore(self)
        self.enrolments = EnrolmentStore(self)
        self.keys = KeyStore(self)
        self.registration = RegistrationStore(self)
        self.requests = RequestStore(self)
        self.sessions = SessionStore(self)
        self.tokens = TokenStore(self)

    @property
    def crypto(self) -> Crypto:
        """The service's keys."""
        if self.context.crypto is None:
            raise RuntimeError("the service was built without crypto")
        return self.context.crypto
