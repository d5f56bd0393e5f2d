"""Errors as pages: what went wrong in words for people, and never what happened inside."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.errors import Kind, TongbanError
from services.kit.pages.forms import FIELD, FormExpired
from services.kit.pages.languages import gettext as _
from services.kit.pages.preferences import preferences_of_scope
from services.kit.pages.render import Pages
from services.kit.telemetry import cause_of, log, trace_id


def words(status: int, *, posting: bool = False) -> tuple[str, list[str]]:
    """Title and lines for a status. Of what is being posted nobody knows yet whether it was saved."""
    if status in (404, 405):
        return _("没有这一页"), [_("地址可能抄错了，或者这一页不是您的。")]
    if status == 401:
        return _("请先登录"), [_("登录之后接着办。")]
    if status == 403:
        return _("这一步您不能做"), [_("账号没有这个权限。要是该有，请找管理员。")]
    if status in (409, 412):
        return _("别处刚改过"), [_("您打开这一页之后，内容变了。看一眼新的，再接着办。")]
    if status == 413:
        return _("内容太大"), [_("请拆成小一些的再交。")]
    if status == 429:
        return _("操作太快了"), [_("请过一分钟再试。")]
    if status == 503:
        lines = (
            _("这一次可能没有收到。过一会儿再交一次。") if posting else _("您存过的都在。过一会儿再试，不用从头来。")
        )
        return _("系统有一处没有回应"), [lines]
    if status >= 500:
        lines = (
            _("这一次可能没有存上。我们已经记下，会去查。") if posting else _("您存过的都在。我们已经记下，会去查。")
        )
        return _("我们这里出了错"), [lines]
    return _("这样交不了"), [_("交上来的内容读不懂。请回上一页再试。")]


def install_errors(app: Starlette, pages: Pages, again: str = "") -> None:
    """Answer every error of `app` with a page of `pages`.

    `again`: a template that shows a posted form which was not taken, to be sent once more. It gets `title`, `lines`,
    `fields` (pairs of name and value) and `address`. A surface that takes passwords has none: they would be on a page.
    """

    async def show_again(request: Request, status: int, title: str, lines: list[str]) -> Response | None:
        form = await pages.forms.typed(request) if again and request.method == "POST" else None
        if form is None:
            return None
        fields = [(name, value) for name in form if name != FIELD for value in form.many(name)]
        address = preferences_of_scope(request.scope).address
        values = {"title": title, "lines": lines, "fields": fields, "address": address}
        return await pages.render(request, again, values, status=status)

    async def show(request: Request, status: int, retry_after: int | None = None) -> Response:
        title, lines = words(status, posting=request.method == "POST")
        headers = {"retry-after": str(retry_after)} if retry_after else None
        if status == 429 or status >= 500:
            response = await show_again(request, status, title, lines)
            if response is not None:
                response.headers.update(headers or {})
                return response
        retry = preferences_of_scope(request.scope).address if status in (409, 412, 503) else ""
        values = {"title": title, "lines": lines, "retry": retry, "reference": trace_id()}
        return await pages.render(request, "kit/error.html", values, status=status, headers=headers)

    async def on_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, TongbanError)
        if error.kind is Kind.UNAVAILABLE:
            log.warning("page.unavailable", slug=error.slug)
        return await show(request, error.kind.status, error.retry_after)

    async def on_expired(request: Request, error: Exception) -> Response:
        title = _("请再交一次")
        again_lines = [_("页面开得太久，或者在别处登录过。看一眼再交。")]
        if (response := await show_again(request, 403, title, again_lines)) is not None:
            return response
        lines = [_("页面开得太久，或者在别处登录过。请打开这一页再交一次。")]
        values = {
            "title": title,
            "lines": lines,
            "retry": preferences_of_scope(request.scope).address,
            "reference": "",
        }
        return await pages.render(request, "kit/error.html", values, status=403)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await show(request, error.status_code)

    app.add_exception_handler(FormExpired, on_expired)
    app.add_exception_handler(TongbanError, on_error)
    app.add_exception_handler(HTTPException, on_http)
    # Innermost: Starlette's own place for unforeseen errors is outside of the headers and the languages.
    app.user_middleware.append(Middleware(_Faults, show=show))


class _Faults:
    """Answers an unforeseen error with a page where nothing was sent yet; it is logged here and goes no further."""

    def __init__(self, app: ASGIApp, *, show: Callable[[Request, int, int | None], Awaitable[Response]]) -> None:
        self.app = app
        self._show = show

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except TongbanError as error:
            # Raised by a layer further out than the views, such as a limit at the edge.
            if started:
                raise
            response = await self._show(Request(scope, receive), error.kind.status, error.retry_after)
            await response(scope, receive, send)
        except Exception as error:
            log.error("page.failed", cause=cause_of(error))
            if started:
                raise
            response = await self._show(Request(scope, receive), 500, None)
            await response(scope, receive, send)
