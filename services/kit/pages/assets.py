"""Static files: loaded once, compressed in memory, served under a name with their content's hash, cached a year."""

import gzip
import hashlib
import importlib
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_SMALL = 600
"""Bytes under which compression gains nothing."""


class AssetMissing(Exception):
    """A file that pages link to is not installed; names the file."""


def _brotli() -> ModuleType | None:
    try:
        return importlib.import_module("brotli")
    except ImportError:
        return None


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to send."""

    name: str
    media_type: str
    body: bytes
    encodings: Mapping[str, bytes] = field(default_factory=dict)


def minify_css(source: str) -> str:
    """`source` without comments and needless white space; strings stay as they are."""
    parts = re.split(r"""("[^"\n]*"|'[^'\n]*')""", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))
    for index in range(0, len(parts), 2):
        text = re.sub(r"\s+", " ", parts[index])
        parts[index] = re.sub(r"\s*([{};,])\s*", r"\1", text).replace(";}", "}")
    return re.sub(r"([a-z-]): ", r"\1:", "".join(parts)).strip()


class Assets:
    """All static files of one application. `bundles` joins several files into one, in order."""

    def __init__(self, prefix: str = "/assets") -> None:
        self.prefix = prefix
        self._by_name: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        self._missing: dict[str, Path] = {}

    def add_file(self, name: str, path: Path) -> None:
        """Serve `path` as `name`. A file that is not there is remembered and refused when a page links to it."""
        if not path.is_file():
            self._missing[name] = path
            return
        self.add(name, path.read_bytes())

    def add_styles(self, name: str, paths: Iterable[Path]) -> None:
        """Serve the style sheets `paths` as one file."""
        self.add(name, minify_css("\n".join(path.read_text("utf-8") for path in paths)).encode())

    def add(self, name: str, body: bytes) -> None:
        """Serve `body` as `name`."""
        digest = hashlib.sha256(body).hexdigest()[:12]
        stem, dot, suffix = name.rpartition(".")
        served = f"{stem}.{digest}.{suffix}" if dot else f"{name}.{digest}"
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if media_type.startswith("text/") or media_type in ("application/javascript", "application/json"):
            media_type = f"{media_type}; charset=utf-8"
        encodings = {}
        if len(body) > _SMALL and not media_type.startswith(("image/png", "image/jpeg")):
            if (brotli := _brotli()) is not None:
                encodings["br"] = brotli.compress(body)
            encodings["gzip"] = gzip.compress(body, 9, mtime=0)
        self._by_name[name] = f"{self.prefix}/{served}"
        self._served[served] = Asset(served, media_type, body, encodings)

    def address(self, name: str) -> str:
        """The path of `name` with its hash. Raises AssetMissing."""
        try:
            return self._by_name[name]
        except KeyError:
            place = self._missing.get(name)
            raise AssetMissing(f"{name} is not installed" + (f" ({place})" if place else "")) from None

    def has(self, name: str) -> bool:
        """Whether `name` is there to be linked."""
        return name in self._by_name

    def route(self) -> Route:
        """The route that serves the files."""
        return Route(f"{self.prefix}/{{name}}", self._serve, methods=["GET", "HEAD"])

    async def _serve(self, request: Request) -> Response:
        asset = self._served.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("not found", 404)
        accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
        for encoding, body in asset.encodings.items():
            if encoding in accepted:
                headers["content-encoding"] = encoding
                return Response(body, headers=headers, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)
