"""A person at a browser without scripts, who knows pages by their plain form fields only."""

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx


@dataclass
class Form:
    """A form of a page: where it goes, its fields as they stand, its submit buttons (name, value)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(a.get("action", ""), a.get("method", "get").lower()))
            self._open = True
        elif not self._open:
            return
        elif (tag == "button" and a.get("type", "submit") == "submit") or (tag, a.get("type")) == ("input", "submit"):
            self.found[-1].buttons.append((a.get("name", ""), a.get("value", "")))
        elif tag == "input" and a.get("name") and (a.get("type") not in ("checkbox", "radio") or "checked" in a):
            self.found[-1].fields[a["name"]] = a.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


class Person:
    """Goes to addresses, signs in, agrees and leaves at the pages of `issuer`; keeps what was seen there in `seen`."""

    def __init__(self, issuer: str, ca: Path, username: str = "lin", password: str = "") -> None:
        self.issuer, self.username, self.password = issuer, username, password
        trusted = ssl.create_default_context(cafile=str(ca))
        self.http = httpx.Client(verify=trusted, follow_redirects=True, timeout=30)
        self.seen: list[str] = []

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def go(self, address: str) -> httpx.Response:
        """Open an address and answer the provider's pages until another's page (or an error) is there."""
        return self._through(self.http.get(address))

    def press(self, page: httpx.Response) -> httpx.Response:
        """Press the first button of a page, whosever it is, and go on as `go` does."""
        form = self._form(page)
        assert form is not None, page.text
        return self._through(self._answer(page, form))

    def _through(self, page: httpx.Response) -> httpx.Response:
        for _ in range(6):
            form = self._form(page)
            if page.is_error or form is None or not str(page.url).startswith(self.issuer):
                return page
            page = self._answer(page, form)
        raise AssertionError(f"no way through the provider's pages: {self.seen}")

    def _answer(self, page: httpx.Response, form: Form) -> httpx.Response:
        filled = form.fields
        if "password" in filled:
            self.seen.append("sign in")
            filled = filled | {"username": self.username, "password": self.password}
        elif str(page.url).startswith(self.issuer):
            self.seen.append(form.action.strip("/"))
        # As a browser does for the Enter key: the first button counts.
        name, value = form.buttons[0]
        return self.http.post(urljoin(str(page.url), form.action), data=filled | ({name: value} if name else {}))

    @staticmethod
    def _form(page: httpx.Response) -> Form | None:
        reader = _Forms()
        reader.feed(page.text)
        # A page's menu has forms by GET (language, text size); what a page asks is posted.
        return next((form for form in reader.found if form.method == "post" and form.buttons), None)
