"""The rows of a file, read and judged in batches that wait for whoever takes them.

A short file is read by a thread. A long one is read by a process of its own (`main`): Python runs one thread at a time,
and reading costs more than taking. That process ends with its file, or with whoever asked for it.
"""

import asyncio
import contextlib
import gc
import io
import pickle
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from services.catalog.domain.imports import Problem, Raw, Refused, Row, Seen, Unreadable, batches
from services.catalog.domain.items import BundleContent, Content, ItemContent
from services.catalog.domain.mapping import ColumnMapping
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.rows.reader import RowReader, Several
from services.catalog.handlers.imports.readers import Format, open_rows
from services.contracts.base import Text

Batch = list[Row | Problem]
BATCH_ROWS: Final = 500
"""Rows that commit together, with their events. An editor's change waits for one batch at most."""
LONG_FILE: Final = 4 * 1024 * 1024
"""Bytes from which on a process is worth its start (0.5 s)."""
_AHEAD_BYTES: Final = 2 * 1024 * 1024
_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """Which file to read, how, and as of which year divisions count."""

    path: Path
    kind: Format
    mapping: ColumnMapping
    year: int

    def batches(self) -> Iterator[Batch]:
        """Its rows. Raises Unreadable for a file that is not what it should be, OSError for one that cannot be read."""
        opened = open_rows(self.path, self.kind)
        if opened.header is not None and (missing := self.mapping.missing(opened.header)):
            raise Unreadable(f"the file has no column for {', '.join(missing)} (see the mapping)")
        reader = RowReader(self.mapping, self.year, header=opened.header)
        seen = Seen()
        yield from batches((_judged(raw, reader, seen) for raw in opened.rows), BATCH_ROWS)

    async def ahead(self) -> AsyncGenerator[Batch, None]:
        """The same, the next one read while the last is taken. Close it (`contextlib.aclosing`)."""
        by = _by_process if self.path.stat().st_size >= LONG_FILE else _by_thread
        async with contextlib.aclosing(by(self)) as found:
            coming = asyncio.ensure_future(anext(found, None))
            try:
                while batch := await coming:
                    coming = asyncio.ensure_future(anext(found, None))
                    yield batch
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


def _judged(raw: Raw, reader: RowReader, seen: Seen) -> Row | Problem:
    try:
        row = reader.read(raw)
    except Refused as refused:
        return refused.problem
    if not seen.add(row.content.code):
        return Problem(raw.number, "code", "repeated_code", f"{row.content.code} came before")
    return row


async def _by_thread(reading: Reading) -> AsyncGenerator[Batch, None]:
    parts = reading.batches()
    while batch := await asyncio.to_thread(next, parts, None):
        yield batch


async def _by_process(reading: Reading) -> AsyncGenerator[Batch, None]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"from {__name__} import main; main()", stdin=pipe, stdout=pipe, limit=_AHEAD_BYTES
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(pickle.dumps(reading))
        process.stdin.write_eof()
        while length := int.from_bytes(await process.stdout.readexactly(_LENGTH)):
            found = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 (our own process wrote it)
            if isinstance(found, Exception):
                raise found
            yield found
    except asyncio.IncompleteReadError:
        raise RuntimeError("the process that reads the file has ended") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _of_slots(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    values = attrgetter(*cls.__slots__)  # type: ignore[attr-defined]
    return lambda each: (cls, values(each))


def _of_content(content: Content) -> tuple[Any, ...]:
    if isinstance(content, BundleContent):
        return _bundle, (content.document_json,)
    return ItemContent.worked_out, (content.document_json, content.form, content.digest, content.form_digest)


def _bundle(document: bytes) -> BundleContent:
    return BundleContent.model_validate_json(document)


def _text(zh: str, en: str | None) -> Text:
    return Text(zh=zh, en=en)


# Objects by what they are made of: Pydantic's own way, and that of data classes, take three times as long.
_MADE_OF: Final[Mapping[type, Callable[[Any], tuple[Any, ...]]]] = {
    ItemContent: _of_content,
    BundleContent: _of_content,
    Text: lambda text: (_text, (text.zh, text.en)),
    **{cls: _of_slots(cls) for cls in (Row, Problem, OrganisationState, Several)},
}


def _written(found: Batch | Exception) -> bytes:
    target = io.BytesIO()
    target.write(bytes(_LENGTH))
    packer = pickle.Pickler(target, pickle.HIGHEST_PROTOCOL)
    packer.dispatch_table = _MADE_OF
    packer.dump(found)
    target.seek(0)
    target.write((target.getbuffer().nbytes - _LENGTH).to_bytes(_LENGTH))
    return target.getvalue()


def rarely_collect() -> None:
    """Have Python look for cycles rarely: a row makes some hundred objects, which their last user frees.

    To walk all that the program is made of after every 700 of them was half of an import's time.
    """
    gc.freeze()
    gc.set_threshold(100_000)


def main() -> None:
    """Write the batches of the reading on standard input, each behind its length; an error in the place of one; 0."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever asked is gone: nothing is left to say, to anybody
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asked
    reading: Reading = pickle.load(sys.stdin.buffer)  # noqa: S301 (our own process wrote it)
    out = sys.stdout.buffer
    rarely_collect()
    try:
        for batch in reading.batches():
            out.write(_written(batch))
            out.flush()
    except (Unreadable, OSError) as error:
        out.write(_written(error))
    out.write(bytes(_LENGTH))
