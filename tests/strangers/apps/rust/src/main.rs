//! A web application: the crates openidconnect and tiny_http. Build it with `cargo build`.
use std::collections::HashMap;
use std::env::var;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreUserInfoClaims};
use openidconnect::{
    reqwest, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope,
    TokenResponse,
};
use tiny_http::{Header, Response, Server};

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Session {
    asked: Option<(CsrfToken, Nonce, PkceCodeVerifier)>,
    person: Option<(CoreUserInfoClaims, openidconnect::core::CoreIdToken)>,
}

fn main() -> Result<(), Failure> {
    let app = var("APP_URL")?; // https://app.example
    // reqwest's redirects are off: a provider's endpoint must not send us elsewhere.
    let mut http = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none());
    if let Ok(path) = var("CA_FILE") {
        http = http.add_root_certificate(reqwest::Certificate::from_pem(&std::fs::read(path)?)?);
    }
    let http = http.build()?;
    let metadata = ProviderMetadataWithLogout::discover(&IssuerUrl::new(var("ISSUER")?)?, &http)?;
    let end_session = metadata.additional_metadata().end_session_endpoint.clone().ok_or("no end_session_endpoint")?;
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(var("CLIENT_ID")?),
        Some(ClientSecret::new(var("CLIENT_SECRET")?)),
    )
    .set_redirect_uri(RedirectUrl::new(format!("{app}/callback"))?);

    let mut sessions: HashMap<String, Session> = HashMap::new();
    let server = Server::http(format!("127.0.0.1:{}", var("PORT")?)).map_err(|error| error.to_string())?;
    for request in server.incoming_requests() {
        let url = reqwest::Url::parse(&format!("{app}{}", request.url()))?;
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let cookies = request.headers().iter().find(|one| one.field.equiv("Cookie")).map(|one| one.value.to_string());
        let id = cookies
            .and_then(|all| all.split("; ").find_map(|one| Some(one.strip_prefix("rust-session=")?.to_string())))
            .filter(|id| sessions.contains_key(id))
            .unwrap_or_else(|| CsrfToken::new_random().secret().clone());
        let session = sessions.entry(id.clone()).or_default();

        let mut answer = || -> Result<(u16, String), Failure> {
            match url.path() {
                "/" => match &session.person {
                    Some((claims, _)) => Ok((200, serde_json::to_string(claims)?)),
                    None => Ok((303, "/signin".to_string())),
                },
                "/signin" => {
                    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
                    let flow = CoreAuthenticationFlow::AuthorizationCode;
                    let (address, state, nonce) = client
                        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
                        .add_scope(Scope::new("profile".to_string()))
                        .set_pkce_challenge(challenge)
                        .url();
                    session.asked = Some((state, nonce, verifier));
                    Ok((303, address.to_string()))
                }
                "/callback" => {
                    let (state, nonce, verifier) = session.asked.take().ok_or("nothing was asked")?;
                    if query.get("state") != Some(state.secret()) {
                        return Err("not the answer to our question".into());
                    }
                    let code = AuthorizationCode::new(query.get("code").ok_or("no code")?.clone());
                    let tokens = client.exchange_code(code)?.set_pkce_verifier(verifier).request(&http)?;
                    let id_token = tokens.id_token().ok_or("no ID token")?;
                    let subject = id_token.claims(&client.id_token_verifier(), &nonce)?.subject().clone();
                    let claims = client.user_info(tokens.access_token().clone(), Some(subject))?.request(&http)?;
                    session.person = Some((claims, id_token.clone()));
                    Ok((303, "/".to_string()))
                }
                "/signout" => {
                    let (_, id_token) = session.person.take().ok_or("nobody is signed in")?;
                    let leave = LogoutRequest::from(end_session.clone())
                        .set_id_token_hint(&id_token)
                        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(format!("{app}/goodbye"))?);
                    Ok((303, leave.http_get_url().to_string()))
                }
                "/goodbye" => Ok((200, "Goodbye".to_string())),
                _ => Ok((404, String::new())),
            }
        };
        let (status, text) = answer().unwrap_or_else(|error| (502, error.to_string()));
        let cookie = format!("rust-session={id}; Path=/; HttpOnly; SameSite=Lax");
        let mut response = Response::from_string(text.as_str())
            .with_status_code(status)
            .with_header(Header::from_bytes("Set-Cookie", cookie).map_err(|_| "cookie")?);
        if status == 303 {
            response.add_header(Header::from_bytes("Location", text).map_err(|_| "location")?);
        }
        request.respond(response)?;
    }
    Ok(())
}
