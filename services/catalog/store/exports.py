"""All that is in force, in the order of its codes."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import select

from services.catalog.domain.items import Content, content_of
from services.catalog.store.tables import forms, item_versions, items
from services.kit.db import UnitOfWork

CHUNK: Final = 500


async def in_force(work: UnitOfWork) -> AsyncIterator[Content]:
    """Contents in force (suspended ones among them, retired ones not), by keyset: nothing is held in between."""
    joined = items.join(
        item_versions, (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version)
    ).join(forms, forms.c.digest == item_versions.c.form_digest)
    statement = (
        select(item_versions.c.code, item_versions.c.kind, item_versions.c.document, forms.c.form)
        .select_from(joined)
        .where(items.c.status != "retired")
        .order_by(items.c.code)
        .limit(CHUNK)
    )
    after = ""
    while True:
        rows = (await work.execute(statement.where(items.c.code > after))).all()
        for row in rows:
            yield content_of(row.kind, row.document, row.form)
        if len(rows) < CHUNK:
            return
        after = rows[-1].code
