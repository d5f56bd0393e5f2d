"""The unit of work of this service: the kit's, with the stores hung on it."""

import zlib
from functools import cached_property
from typing import Final

from sqlalchemy import func, select

from services.catalog.store.appeals import AppealStore
from services.catalog.store.bundles import BundleStore
from services.catalog.store.codes import CodeStore
from services.catalog.store.corrections import CorrectionStore
from services.catalog.store.coverage import CoverageStore
from services.catalog.store.facts import FactsStore
from services.catalog.store.guides import GuideStore
from services.catalog.store.history import HistoryStore
from services.catalog.store.imports import ImportStore
from services.catalog.store.items import ItemStore
from services.catalog.store.organisations import OrganisationStore
from services.catalog.store.periods import PeriodStore
from services.catalog.store.reforms import ReformStore
from services.catalog.store.registers import RegisterStore
from services.catalog.store.revisions import RevisionStore
from services.catalog.store.search import SearchStore
from services.kit.db import UnitOfWork

_WRITER: Final = zlib.crc32(b"tongban-catalog-writer")


class Work(UnitOfWork):
    """One transaction of the catalogue."""

    @cached_property
    def organisations(self) -> OrganisationStore:
        return OrganisationStore(self)

    @cached_property
    def codes(self) -> CodeStore:
        return CodeStore(self)

    @cached_property
    def reforms(self) -> ReformStore:
        return ReformStore(self)

    @cached_property
    def items(self) -> ItemStore:
        return ItemStore(self)

    @cached_property
    def bundles(self) -> BundleStore:
        return BundleStore(self)

    @cached_property
    def periods(self) -> PeriodStore:
        return PeriodStore(self)

    @cached_property
    def revisions(self) -> RevisionStore:
        return RevisionStore(self)

    @cached_property
    def history(self) -> HistoryStore:
        return HistoryStore(self)

    @cached_property
    def registers(self) -> RegisterStore:
        return RegisterStore(self)

    @cached_property
    def facts(self) -> FactsStore:
        return FactsStore(self)

    @cached_property
    def corrections(self) -> CorrectionStore:
        return CorrectionStore(self)

    @cached_property
    def appeals(self) -> AppealStore:
        return AppealStore(self)

    @cached_property
    def coverage(self) -> CoverageStore:
        return CoverageStore(self)

    @cached_property
    def imports(self) -> ImportStore:
        return ImportStore(self)

    @cached_property
    def guides(self) -> GuideStore:
        return GuideStore(self)

    @cached_property
    def search(self) -> SearchStore:
        return SearchStore(self)

    async def one_writer(self) -> None:
        """Wait until no other transaction publishes: two that read the same version would write the same next one."""
        if self.context.database.dialect == "postgresql":
            await self.execute(select(func.pg_advisory_xact_lock(_WRITER)))
