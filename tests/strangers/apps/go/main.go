// A web application: Go, coreos/go-oidc and x/oauth2. Build it with `go build`.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type session struct{ state, nonce, verifier, idToken, claims string }

var (
	app      = os.Getenv("APP_URL") // https://app.example
	sessions sync.Map
)

// sessionOf finds the browser's session by its cookie, or begins one.
func sessionOf(w http.ResponseWriter, r *http.Request) *session {
	if cookie, err := r.Cookie("go-session"); err == nil {
		if found, ok := sessions.Load(cookie.Value); ok {
			return found.(*session)
		}
	}
	id, begun := oauth2.GenerateVerifier(), &session{}
	sessions.Store(id, begun)
	http.SetCookie(w, &http.Cookie{Name: "go-session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return begun
}

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  app + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile"},
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: config.ClientID})

	http.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		s := sessionOf(w, r)
		if s.claims == "" {
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(s.claims))
	})
	http.HandleFunc("/signin", func(w http.ResponseWriter, r *http.Request) {
		s := sessionOf(w, r)
		s.state, s.nonce, s.verifier = oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
		address := config.AuthCodeURL(s.state, oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier))
		http.Redirect(w, r, address, http.StatusSeeOther)
	})
	http.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		s := sessionOf(w, r)
		if s.state == "" || r.FormValue("state") != s.state || r.FormValue("iss") != os.Getenv("ISSUER") {
			http.Error(w, "not the answer to our question", http.StatusBadRequest)
			return
		}
		tokens, err := config.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(s.verifier))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		raw, _ := tokens.Extra("id_token").(string)
		idToken, err := verifier.Verify(ctx, raw)
		if err != nil || idToken.Nonce != s.nonce || idToken.VerifyAccessToken(tokens.AccessToken) != nil {
			http.Error(w, "not a good ID token", http.StatusBadGateway)
			return
		}
		info, err := provider.UserInfo(ctx, config.TokenSource(ctx, tokens))
		if err != nil || info.Subject != idToken.Subject {
			http.Error(w, "no user info", http.StatusBadGateway)
			return
		}
		var claims json.RawMessage
		info.Claims(&claims)
		s.idToken, s.claims, s.state = raw, string(claims), ""
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	http.HandleFunc("/signout", func(w http.ResponseWriter, r *http.Request) {
		s := sessionOf(w, r)
		var metadata struct {
			EndSession string `json:"end_session_endpoint"`
		}
		provider.Claims(&metadata)
		hint := url.Values{"id_token_hint": {s.idToken}, "post_logout_redirect_uri": {app + "/goodbye"}}
		s.idToken, s.claims = "", ""
		http.Redirect(w, r, metadata.EndSession+"?"+hint.Encode(), http.StatusSeeOther)
	})
	http.HandleFunc("/goodbye", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("Goodbye")) })
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
