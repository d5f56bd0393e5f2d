"""The applications of the trials, as the operator declares them."""

from joserfc.jwk import ECKey

from tests.strangers.provider import Application

FAPI_KEY = ECKey.generate_key("P-256", parameters={"kid": "fapi-1", "alg": "ES256", "use": "sig"})
APPLICATIONS = [
    # Authlib does not form-encode what it puts into a Basic header, so its secret is one that this would not change.
    Application("authlib", secret="letters-digits-and_hyphens-0123456789"),
    Application("openid-client", "client_secret_post"),
    Application(
        "fapi",
        "private_key_jwt",
        https=True,
        asked_to_leave=True,  # it registers no address that hears of sign-outs
        more={
            "profile": "fapi2",
            "jwks": {"keys": [FAPI_KEY.as_dict(private=False)]},
            "dpop_bound_access_tokens": True,
            "require_pushed_authorization_requests": True,
            "id_token_signed_response_alg": "ES256",
        },
    ),
    Application("go-oidc"),
    Application("zitadel"),
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
    Application(
        "spring",
        callback="/login/oauth2/code/tongban",
        more={"require_pkce": False, "backchannel_logout_uri": "APP/logout/connect/back-channel/tongban"},
    ),
    Application("rust"),
]
