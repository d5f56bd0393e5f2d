"""A TLS front, as a proxy before the provider is: ends TLS and passes the bytes on to a loopback port, unread.

`python -m tests.strangers.front CERTIFICATE KEY FROM:TO …` runs until it is ended.
"""

import asyncio
import ssl
import sys


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        target.close()


async def _serve(certificate: str, key: str, ways: list[tuple[int, int]]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for port, behind in ways:

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: int = behind) -> None:
            try:
                to_us, from_us = await asyncio.open_connection("127.0.0.1", behind)
            except OSError:
                writer.close()
                return
            await asyncio.gather(_pass_on(reader, from_us), _pass_on(to_us, writer))

        await asyncio.start_server(accept, "127.0.0.1", port, ssl=context)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(
        _serve(sys.argv[1], sys.argv[2], [(int(a), int(b)) for a, _, b in (w.partition(":") for w in sys.argv[3:])])
    )
