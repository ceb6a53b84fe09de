#!/bin/sh
# Signs Docker tags in a CI job. A job that is run again, after a time-out, an interruption or on a new machine that was
# given SIGN_STATE, goes on with the signing request that it has filed: it does not file another one.
#
#   SIGN_MODE        sign: all of it (the default); submit: file the signing request, and leave the rest to a later job
#   SIGN_REPOSITORY  the image's full name without tag: registry.example.com/team/app
#   SIGN_TAGS        its tags, separated by commas; without them those that --buildx-metadata names
#   SIGN_ARGUMENTS   more words for `tagseal sign`, one on a line: --buildx-metadata, then metadata.json
#   SIGN_TIMEOUT     seconds to wait for the signing request (600)
#   SIGN_STATE       a folder (.tagseal-ci); what it has in signing-requests/ holds no secret, and is all that is needed later
#   TAGSEAL_URL, TAGSEAL_SHA256  where tagseal is fetched from, and what it must be; without them TAGSEAL is called
#   TAGSEAL_ROOT_PIN, SIGNPATH_*, NOTARY_AUTH, REGISTRY_AUTH, ...  are read by tagseal itself
set -eu

state=${SIGN_STATE:-.tagseal-ci}

fail() { printf 'sign: error: %s\n' "$*" >&2; exit 2; }

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1; }

# What was fetched is run only if it is the file whose SHA-256 the pipeline names.
fetch() {
  [ -n "${TAGSEAL_SHA256:-}" ] || fail "TAGSEAL_SHA256 is missing: what is fetched from TAGSEAL_URL could be anything"
  tagseal=$(cd "$state" && pwd)/tagseal
  [ -e "$tagseal" ] && [ "$(sha256 "$tagseal")" = "$TAGSEAL_SHA256" ] && return
  curl --fail --silent --show-error --location --proto '=https' --retry 3 --max-time 300 -o "$tagseal.part" "$TAGSEAL_URL"
  found=$(sha256 "$tagseal.part")
  if [ "$found" != "$TAGSEAL_SHA256" ]; then
    rm -f "$tagseal.part"
    fail "$TAGSEAL_URL has the SHA-256 $found, not that of TAGSEAL_SHA256; it was not run"
  fi
  chmod 755 "$tagseal.part"
  mv -f "$tagseal.part" "$tagseal"
}

mkdir -p "$state/signing-requests"
for handed in "$state"/handed/*/*.json; do # artifacts of earlier attempts, each in a folder of its own
  [ ! -e "$handed" ] || mv -f "$handed" "$state/signing-requests/"
done
tagseal=${TAGSEAL:-tagseal}
[ -z "${TAGSEAL_URL:-}" ] || fetch

set -- sign -r "${SIGN_REPOSITORY:?is missing}" ${SIGN_TAGS:+-t "$SIGN_TAGS"} --require-pin --trust-dir "$state"
while IFS= read -r word; do
  [ -z "$word" ] || set -- "$@" "$word"
done <<END
${SIGN_ARGUMENTS:-}
END
case ${SIGN_MODE:-sign} in
  sign) exec "$tagseal" "$@" --wait-for-completion-timeout "${SIGN_TIMEOUT:-600}" ;;
  submit)
    code=0
    "$tagseal" "$@" --wait-for-completion-timeout 0 || code=$?
    [ "$code" = 8 ] || exit "$code"
    echo "sign: the signing request is filed; a later job goes on with it" >&2
    ;;
  *) fail "SIGN_MODE is neither sign nor submit" ;;
esac
