"""One PostgreSQL connection outside of the pool: for the relay's lock, which lives and dies with it, and for roles."""

import asyncpg
from sqlalchemy.engine import URL

_OF_SQLALCHEMY = ("prepared_statement_cache_size", "prepared_statement_name_func")


async def connect(url: URL, seconds: float) -> asyncpg.Connection:
    """Connect to a SQLAlchemy address as SQLAlchemy does. Raises OSError, TimeoutError, asyncpg.PostgresError.

    Never by its text: asyncpg takes what follows the `?` of an address (`ssl=require`) for settings of the server.
    """
    _, arguments = url.get_dialect()().create_connect_args(url)
    given = {name: value for name, value in arguments.items() if name not in _OF_SQLALCHEMY}
    return await asyncpg.connect(**({"timeout": seconds} | given))
