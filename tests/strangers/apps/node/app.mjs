// A web application: Node and openid-client. Start it with `node app.mjs`.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, APP_URL, PORT } = process.env
const tongban = await oidc.discovery(new URL(ISSUER), CLIENT_ID, {}, oidc.ClientSecretPost(CLIENT_SECRET))
const sessions = new Map()

async function ask(session, more = {}) {
  session.verifier = oidc.randomPKCECodeVerifier()
  session.state = oidc.randomState()
  session.nonce = oidc.randomNonce()
  session.maxAge = more.max_age === undefined ? undefined : Number(more.max_age)
  return oidc.buildAuthorizationUrl(tongban, {
    redirect_uri: `${APP_URL}/callback`,
    scope: 'openid profile',
    code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier),
    code_challenge_method: 'S256',
    state: session.state,
    nonce: session.nonce,
    ...more,
  })
}

const routes = {
  '/': async ({ session, to, say }) => {
    if (!session.tokens) return to('/signin')
    const { sub } = session.tokens.claims()
    say(await oidc.fetchUserInfo(tongban, session.tokens.access_token, sub))
  },
  '/signin': async ({ session, to }) => to(await ask(session)),
  // Before something that matters: the person types the password now, and the library holds auth_time to it.
  '/again': async ({ session, to }) => to(await ask(session, { max_age: '0' })),
  '/callback': async ({ session, url, to }) => {
    session.tokens = await oidc.authorizationCodeGrant(tongban, url, {
      pkceCodeVerifier: session.verifier,
      expectedState: session.state,
      expectedNonce: session.nonce,
      maxAge: session.maxAge,
    })
    to('/')
  },
  // An access token lives for minutes: take a new one, and keep the new refresh token, for the old one is used up.
  '/refresh': async ({ session, to }) => {
    const { id_token, ...fresh } = await oidc.refreshTokenGrant(tongban, session.tokens.refresh_token)
    Object.assign(session.tokens, fresh)
    to('/')
  },
  '/signout': async ({ session, to }) => {
    const hint = session.tokens?.id_token
    delete session.tokens
    to(oidc.buildEndSessionUrl(tongban, { post_logout_redirect_uri: `${APP_URL}/goodbye`, id_token_hint: hint }))
  },
  '/goodbye': async ({ say }) => say('Goodbye'),
}

createServer(async (request, response) => {
  const url = new URL(request.url, APP_URL)
  let id = /(?:^|; )node-session=([^;]+)/.exec(request.headers.cookie)?.[1]
  if (!sessions.has(id)) sessions.set((id = randomUUID()), {})
  response.setHeader('Set-Cookie', `node-session=${id}; Path=/; HttpOnly; SameSite=Lax`)
  const to = (where) => response.writeHead(303, { Location: String(where) }).end()
  const say = (what) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(what))
  try {
    await routes[url.pathname]({ session: sessions.get(id), url, to, say })
  } catch (error) {
    response.statusCode = 500
    say({ error: error.error ?? error.code ?? error.message, description: error.error_description })
  }
}).listen(PORT)
