"""OAuth parameters as they came in: each name once, an empty value counts as omitted (RFC 6749 §3.1, §3.2)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from services.identity.errors import InvalidRequest

MANY = frozenset({"resource"})
"""Names that may come more than once (RFC 8707 §2)."""
MAX_FIELDS = 60
MAX_VALUE = 8192
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Parameters(Mapping[str, str]):
    """Parsed parameters. `repeated` names those that came twice and must not; `check` functions judge it."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)
        self.repeated = tuple(sorted(n for n, v in self._values.items() if len(v) > 1 and n not in MANY))

    @classmethod
    def parse(cls, encoded: bytes) -> "Parameters":
        """Read application/x-www-form-urlencoded text. Raises InvalidRequest unless it is UTF-8 of a sane size."""
        try:
            pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError:  # UnicodeDecodeError among them
            raise InvalidRequest("the parameters are not UTF-8 or too many") from None
        for name, value in pairs:
            if len(name) > 100 or len(value) > MAX_VALUE:
                raise InvalidRequest("a parameter is too long")
            if _CONTROL.search(value) or not name.isprintable():
                raise InvalidRequest("a parameter has control characters")
        return cls(pairs)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, in order, each once."""
        return tuple(dict.fromkeys(self._values.get(name, ())))

    def words(self, name: str) -> tuple[str, ...]:
        """The space-delimited words of `name`, in order, each once."""
        return tuple(dict.fromkeys(self.get(name, "").split(" "))) if self.get(name) else ()

    def required(self, name: str) -> str:
        """The value of `name`. Raises InvalidRequest where there is none."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing")
        return value

    def pairs(self) -> list[tuple[str, str]]:
        """Name and value pairs, to be sent again as they came."""
        return [(name, value) for name, values in self._values.items() for value in values]
