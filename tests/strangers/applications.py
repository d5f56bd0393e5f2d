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
]
