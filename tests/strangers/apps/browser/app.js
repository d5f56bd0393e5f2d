// A page without a server of its own: oidc-client-ts. Tokens stay in this window's session storage.
import { ISSUER, CLIENT_ID } from '/settings.js'

const here = location.origin
const users = new oidc.UserManager({
  authority: ISSUER,
  client_id: CLIENT_ID,
  redirect_uri: `${here}/`,
  post_logout_redirect_uri: `${here}/`,
  // Without a refresh token the library renews in a hidden frame, which ends here.
  silent_redirect_uri: `${here}/silent.html`,
  scope: 'openid profile',
  loadUserInfo: true,
})
const state = document.getElementById('state')
const show = (user) => (state.textContent = user ? `${user.profile.name}, until ${user.expires_at}` : 'nobody')
const fail = (error) => (state.textContent = `error: ${error.message}`)

document.getElementById('signin').onclick = () => users.signinRedirect().catch(fail)
document.getElementById('renew').onclick = () => {
  state.textContent = '…'
  users.signinSilent().then(show, fail)
}
document.getElementById('signout').onclick = () => users.signoutRedirect().catch(fail)

try {
  if (new URLSearchParams(location.search).has('code')) {
    await users.signinCallback()
    history.replaceState(null, '', '/')
  }
  show(await users.getUser())
} catch (error) {
  fail(error)
}
