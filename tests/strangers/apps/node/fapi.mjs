// A client of the FAPI 2.0 Security Profile: openid-client with pushed requests, private_key_jwt and DPoP. One person only.
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_KEY, APP_URL, PORT } = process.env
const jwk = JSON.parse(CLIENT_KEY)
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const metadata = { id_token_signed_response_alg: 'ES256' }
const tongban = await oidc.discovery(new URL(ISSUER), CLIENT_ID, metadata, oidc.PrivateKeyJwt({ key, kid: jwk.kid }))
const DPoP = oidc.getDPoPHandle(tongban, await oidc.randomDPoPKeyPair('ES256'))
let asked
let tokens

const routes = {
  '/': async ({ to, say }) => {
    if (!tokens) return to('/signin')
    say(await oidc.fetchUserInfo(tongban, tokens.access_token, tokens.claims().sub, { DPoP }))
  },
  '/signin': async ({ to }) => {
    asked = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedNonce: oidc.randomNonce() }
    const parameters = {
      redirect_uri: `${APP_URL}/callback`,
      scope: 'openid profile',
      nonce: asked.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(asked.pkceCodeVerifier),
      code_challenge_method: 'S256',
    }
    to(await oidc.buildAuthorizationUrlWithPAR(tongban, parameters, { DPoP }))
  },
  '/callback': async ({ url, to }) => {
    tokens = await oidc.authorizationCodeGrant(tongban, url, asked, undefined, { DPoP })
    to('/')
  },
  '/refresh': async ({ to }) => {
    const { id_token, ...fresh } = await oidc.refreshTokenGrant(tongban, tokens.refresh_token, undefined, { DPoP })
    Object.assign(tokens, fresh)
    to('/')
  },
  '/signout': async ({ to }) => {
    const leave = { post_logout_redirect_uri: `${APP_URL}/goodbye`, id_token_hint: tokens.id_token }
    tokens = undefined
    to(oidc.buildEndSessionUrl(tongban, leave))
  },
  '/goodbye': async ({ say }) => say('Goodbye'),
}

createServer(async (request, response) => {
  const url = new URL(request.url, APP_URL)
  const to = (where) => response.writeHead(303, { Location: String(where) }).end()
  const say = (what) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(what))
  try {
    await routes[url.pathname]({ url, to, say })
  } catch (error) {
    response.statusCode = 500
    say({ error: error.error ?? error.code ?? error.message, description: error.error_description })
  }
}).listen(PORT)
