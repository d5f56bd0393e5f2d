// A web application: Go and zitadel/oidc, a relying party of another make than coreos/go-oidc.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

func main() {
	app, key := os.Getenv("APP_URL"), []byte(os.Getenv("SESSION_SECRET"))
	cookies := httphelper.NewCookieHandler(key, key, httphelper.WithUnsecure())
	provider, err := rp.NewRelyingPartyOIDC(context.Background(), os.Getenv("ISSUER"), os.Getenv("CLIENT_ID"),
		os.Getenv("CLIENT_SECRET"), app+"/callback", []string{oidc.ScopeOpenID, oidc.ScopeProfile},
		rp.WithCookieHandler(cookies), rp.WithPKCE(cookies))
	if err != nil {
		log.Fatal(err)
	}
	// One person only: this is a trial.
	var person *oidc.UserInfo
	var idToken string
	signedIn := func(w http.ResponseWriter, r *http.Request, tokens *oidc.Tokens[*oidc.IDTokenClaims], _ string,
		_ rp.RelyingParty, info *oidc.UserInfo) {
		person, idToken = info, tokens.IDToken
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	http.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		if person == nil {
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
		json.NewEncoder(w).Encode(person)
	})
	http.Handle("/signin", rp.AuthURLHandler(uuid.NewString, provider))
	http.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(signedIn), provider))
	http.HandleFunc("/signout", func(w http.ResponseWriter, r *http.Request) {
		hint := url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {app + "/goodbye"}}
		person, idToken = nil, ""
		http.Redirect(w, r, provider.GetEndSessionEndpoint()+"?"+hint.Encode(), http.StatusSeeOther)
	})
	http.HandleFunc("/goodbye", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("Goodbye")) })
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
