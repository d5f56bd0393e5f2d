#!/usr/bin/env bash
# Resolve the dependencies anew. The locks hold versions and sums and no addresses: any registry with these bytes will do.
set -euo pipefail
bin=$PWD/.venv/bin

# The developers' lock first: it is the widest, and the others keep to its versions.
for extra in dev local ""; do
  "$bin/uv" pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
    --python-version 3.11 ${extra:+--extra "$extra"} $([ "$extra" = dev ] || echo --constraint requirements-dev.lock) \
    pyproject.toml -o "requirements${extra:+-$extra}.lock"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp package.json .npmrc "$scratch"
(cd "$scratch" && PATH="$bin:$PATH" npm install --package-lock-only --loglevel=error)
cp "$scratch/package-lock.json" .
