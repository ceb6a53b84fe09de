#!/bin/sh
# Signs Docker tags in a CI job. A job that is run again, after a time-out, an interruption or on a new agent that was
# given SIGN_STATE, goes on with the signing request that it has filed: it does not file another one.
#
#   SIGN_MODE        sign: all of it (the default); submit: file the signing request, and end; publish: wait and publish
#   SIGN_REPOSITORY  the image's full name without tag: registry.example.com/team/app
#   SIGN_TAGS        its tags, separated by commas; without them those that --buildx-metadata names
#   SIGN_ARGUMENTS   more words for `tagseal signing-data`, one on a line: --buildx-metadata, then metadata.json
#   SIGN_TIMEOUT     seconds to wait for the signing request (600)
#   SIGN_REQUEST     id of a signing request to go on with
#   SIGN_STATE       folder whose file "request" keeps the id of the signing request (.tagseal-ci); no secret is in it
#   TAGSEAL_URL, TAGSEAL_SHA256  where tagseal is fetched from, and what it must be; without them TAGSEAL is called
#   TAGSEAL_ROOT_PIN, SIGNPATH_*, NOTARY_AUTH, REGISTRY_AUTH, ...  are read by tagseal itself
set -eu

state=${SIGN_STATE:-.tagseal-ci}
request=$state/request
timeout=${SIGN_TIMEOUT:-600}

say() { printf 'sign: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 2; }

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1; }

# What was fetched is run only if it is the file whose SHA-256 the pipeline names.
find_tagseal() {
  tagseal=${TAGSEAL:-tagseal}
  [ -n "${TAGSEAL_URL:-}" ] || return 0
  [ -n "${TAGSEAL_SHA256:-}" ] || fail "TAGSEAL_SHA256 is missing: what is fetched from TAGSEAL_URL would be anything"
  tagseal=$state/tagseal
  case $tagseal in /*) ;; *) tagseal=$PWD/$tagseal ;; esac
  [ -e "$tagseal" ] && [ "$(sha256 "$tagseal")" = "$TAGSEAL_SHA256" ] && return 0
  curl --fail --silent --show-error --location --proto '=https' --retry 3 --max-time 300 -o "$tagseal.part" "$TAGSEAL_URL"
  found=$(sha256 "$tagseal.part")
  if [ "$found" != "$TAGSEAL_SHA256" ]; then
    rm -f "$tagseal.part"
    fail "$TAGSEAL_URL has the SHA-256 $found, not that of TAGSEAL_SHA256; it was not run"
  fi
  chmod 755 "$tagseal.part"
  mv -f "$tagseal.part" "$tagseal"
}

# Files a signing request for what is not signed yet, unless one goes on; its id is kept at once.
submit() {
  before=no
  if [ -s "$request" ]; then
    before=yes
    say "goes on with signing request $(cat "$request")"
    return 0
  fi
  set -- signing-data -r "${SIGN_REPOSITORY:?is missing}" ${SIGN_TAGS:+-t "$SIGN_TAGS"} --require-pin
  while IFS= read -r word; do
    [ -z "$word" ] || set -- "$@" "$word"
  done <<END
${SIGN_ARGUMENTS:-}
END
  rm -f "$state/data.zip"
  "$tagseal" "$@" --output-artifact-path "$state/data.zip" >&2 || exit
  [ -e "$state/data.zip" ] || return 0
  "$tagseal" submit --input-artifact-path "$state/data.zip" >"$request.part" || exit
  mv -f "$request.part" "$request"
}

# Waits for the signing request and publishes what it has signed. Its id is forgotten once nothing more can come of it.
publish() {
  code=0
  "$tagseal" download "$(cat "$request")" --output-artifact-path "$state/signed.zip" --force \
    --wait-for-completion-timeout "$timeout" >&2 &&
    "$tagseal" push -r "${SIGN_REPOSITORY:?is missing}" --input-artifact-path "$state/signed.zip" --require-pin || code=$?
  case $code in
    0 | 3 | 6 | 7) rm -f "$request" "$state/data.zip" "$state/signed.zip" ;;
    *) say "signing request $(cat "$request") goes on: run this job again, and it goes on with it" ;;
  esac
  return "$code"
}

case $timeout in *[!0-9]*) fail "SIGN_TIMEOUT is no number of seconds" ;; esac
mkdir -p "$state"
[ -z "${SIGN_REQUEST:-}" ] || printf '%s\n' "$SIGN_REQUEST" >"$request"
# Artifacts of earlier attempts are handed over in folders of their own.
for handed in "$state"/*/request; do
  if [ -s "$handed" ] && [ ! -s "$request" ]; then mv -f "$handed" "$request"; fi
done
find_tagseal
case ${SIGN_MODE:-sign} in
  submit)
    submit
    ;;
  publish)
    if [ -s "$request" ]; then publish; else say "there is no signing request: nothing was to be signed"; fi
    ;;
  sign)
    # A request from before may be about other tags, and others may publish meanwhile (6): then it is done once more.
    for round in 1 2 3 4 5; do
      submit
      [ -s "$request" ] || break
      code=0
      publish || code=$?
      case $code,$before,$round in
        0,no,*) break ;;
        0,yes,* | 6,*,[1-4]) ;;
        *) exit "$code" ;;
      esac
    done
    ;;
  *) fail "SIGN_MODE is none of sign, submit, publish" ;;
esac
