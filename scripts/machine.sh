#!/usr/bin/env bash
# What the tests use of the machine: PostgreSQL's binaries, Chromium, a Chinese font, Apache's binary with
# mod_auth_openidc (apache2-bin: no server of the machine's own is made or started). As root on Debian and its like they
# are installed where missing; otherwise it is said what is missing, and with CI=true that is a failure.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || missing+=(chromium)
compgen -G '/usr/share/fonts/*/*/NotoSansCJK*' >/dev/null || missing+=(fonts-noto-cjk)
[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || missing+=(apache2-bin libapache2-mod-auth-openidc)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} …"
  # Only the binaries are wanted: no cluster of the machine's own is made or started.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  export DEBIAN_FRONTEND=noninteractive
  if apt-get -qq update </dev/null >/dev/null &&
    apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" </dev/null >/dev/null; then
    exit 0
  fi
fi

echo "MISSING ON THIS MACHINE: ${missing[*]} (Debian: apt-get install ${missing[*]}); the tests that need them cannot run" >&2
[ "${CI:-}" != true ]
