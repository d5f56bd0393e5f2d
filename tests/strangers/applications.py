"""The applications of the trials, as the operator declares them."""

from tests.strangers.provider import Application

APPLICATIONS = [
    # Authlib does not form-encode what it puts into a Basic header, so its secret is one that this would not change.
    Application("authlib", secret="letters-digits-and_hyphens-0123456789"),
    Application("openid-client", "client_secret_post"),
    Application("go-oidc"),
    Application(
        "apache",
        callback="/private/callback",
        goodbye="/goodbye.html",
        secret="letters-digits-and_hyphens-0123456789",
        more={"backchannel_logout_uri": "APP/private/callback?logout=backchannel"},
    ),
    Application(
        "page",
        "none",
        callback="/",
        goodbye="/",
        more={"redirect_uris": ["APP/", "APP/silent.html"], "allowed_origins": ["APP"]},
    ),
    # Same site means same scheme, so this page is at https too; without refresh tokens its library takes a frame.
    Application(
        "framed-page",
        "none",
        https=True,
        callback="/",
        goodbye="/",
        more={
            "redirect_uris": ["APP/", "APP/silent.html"],
            "allowed_origins": ["APP"],
            "silent_frame": True,
            "grant_types": ["authorization_code"],
        },
    ),
    Application("oauth2-proxy", callback="/oauth2/callback"),
    # Spring Security sends no code challenge for a client with a secret, unless its application asks it to.
    Application("spring", callback="/login/oauth2/code/tongban", more={"require_pkce": False}),
    Application("rust"),
]
