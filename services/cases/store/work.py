"""The unit of work of this service: the kit's, with the stores hung on it, and what its parts share."""

from dataclasses import dataclass, field
from functools import cached_property

from services.cases.settings import CasesSettings
from services.cases.store.cases import CaseStore
from services.cases.store.drafts import DraftStore
from services.cases.store.files import FileStore
from services.cases.store.items import ItemCache, ItemStore
from services.cases.store.numbers import Numbers
from services.cases.store.sealing import Sealing
from services.kit.crypto import Crypto
from services.kit.db import UnitOfWork
from services.kit.group_commit import GroupCommit
from services.kit.service import Context
from services.kit.storage import Storage


@dataclass
class CasesContext(Context):
    """What the parts of this service share besides the kit's."""

    settings: CasesSettings
    crypto: Crypto = field(init=False)
    storage: Storage = field(init=False)
    items: ItemCache = field(default_factory=ItemCache)
    numbers: Numbers = field(init=False)
    together: "GroupCommit[Work]" = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.crypto = Crypto(self)
        self.storage = Storage(self.settings, self.crypto)
        self.numbers = Numbers(self.settings.number_block)
        self.together = GroupCommit(lambda: Work(self))


class Work(UnitOfWork):
    """One transaction of the cases service."""

    context: CasesContext

    @cached_property
    def _sealing(self) -> Sealing:
        return Sealing(self.context.crypto)

    @cached_property
    def items(self) -> ItemStore:
        return ItemStore(self, self.context.items)

    @cached_property
    def cases(self) -> CaseStore:
        return CaseStore(self, self._sealing)

    @cached_property
    def drafts(self) -> DraftStore:
        return DraftStore(self, self._sealing)

    @cached_property
    def files(self) -> FileStore:
        return FileStore(self, self._sealing)
