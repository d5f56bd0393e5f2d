"""A web application: Starlette and Authlib. Start it with `uvicorn app:app --port 3000`."""

import os

from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

APP = os.environ["APP_URL"]  # https://app.example
oauth = OAuth()
oauth.register(
    "tongban",
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)


async def home(request: Request) -> Response:
    person = request.session.get("person")
    return JSONResponse(person) if person else RedirectResponse("/signin")


async def sign_in(request: Request) -> Response:
    return await oauth.tongban.authorize_redirect(request, f"{APP}/callback")


async def callback(request: Request) -> Response:
    tokens = await oauth.tongban.authorize_access_token(request)  # checks state, nonce and the ID token
    request.session["person"] = await oauth.tongban.userinfo(token=tokens)
    request.session["id_token"] = tokens["id_token"]
    return RedirectResponse("/")


async def sign_out(request: Request) -> Response:
    id_token = request.session.get("id_token")
    request.session.clear()
    return await oauth.tongban.logout_redirect(request, f"{APP}/goodbye", id_token)


async def goodbye(request: Request) -> Response:
    await oauth.tongban.validate_logout_response(request)
    return PlainTextResponse("Goodbye")


app = Starlette(
    routes=[
        Route("/", home),
        Route("/signin", sign_in),
        Route("/callback", callback),
        Route("/signout", sign_out),
        Route("/goodbye", goodbye),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=os.environ["SESSION_SECRET"])],
)
