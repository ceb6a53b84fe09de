#!/usr/bin/env bash
# Fetches the programs that verify cosign and Notation signatures from Debian's newer releases, and installs nothing.
# Afterwards FOLDER/bin has cosign2, cosign3, notation, skopeo, oras and crane: the value for TAGSEAL_VERIFIERS.
# Debian 12's own skopeo does not do, since it rejects every sigstore signature; the newer one comes with its own libc.
# Usage: fetch_verifiers.sh FOLDER (its own alone); DEBIAN_MIRROR names another mirror than the one that apt uses.
set -euo pipefail
folder=$(mkdir -p "${1:?usage: fetch_verifiers.sh FOLDER}" && cd "$1" && pwd)

answer() {
  local name
  for name in cosign2 cosign3 notation oras crane; do "$folder/bin/$name" version >/dev/null 2>&1 || return 1; done
  "$folder/bin/skopeo" --version >/dev/null 2>&1
}
answer && exit 0

work=$(mktemp -d "$folder/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{etc/apt.conf.d,etc/preferences.d,lists/partial,cache/archives/partial}
: >"$work/status"
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/$' || true)}
for release in trixie sid; do
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian/} $release main"
done >"$work/sources.list"
apt=(apt-get -q -o "Dir::Etc=$work/etc" -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
  -o APT::Sandbox::User=root -o Acquire::Retries=3)
"${apt[@]}" update >/dev/null

# unpack PLACE PACKAGE/RELEASE...: what the packages hold, below FOLDER/PLACE
unpack() {
  local place=$1 package
  shift
  mkdir -p "$work/$place"
  (cd "$work/$place" && "${apt[@]}" download "$@" >/dev/null)
  rm -rf "${folder:?}/$place"
  for package in "$work/$place"/*.deb; do dpkg-deb -x "$package" "$folder/$place"; done
  rm -rf "${folder:?}/$place"/{etc,usr/share,lib/systemd} # documents in it are no business of a formatter
}
unpack trixie cosign/trixie
unpack sid cosign/sid notation/sid oras/sid crane/sid
unpack skopeo {skopeo,libc6,libgpgme11t64,libassuan9,libgpg-error0,libsqlite3-0,libgcc-s1}/trixie

mkdir -p "$folder/bin"
ln -sfn ../trixie/usr/bin/cosign "$folder/bin/cosign2"
ln -sfn ../sid/usr/bin/cosign "$folder/bin/cosign3"
for name in notation oras crane; do ln -sfn "../sid/usr/bin/$name" "$folder/bin/$name"; done
loader=$(find "$folder/skopeo" -name 'ld-linux*.so.*' -print -quit)
libraries=$(find "$folder/skopeo" -name libc.so.6 -printf %h -quit)
cat >"$folder/bin/skopeo" <<END
#!/bin/sh
exec "$loader" --library-path "$libraries" "$folder/skopeo/usr/bin/skopeo" "\$@"
END
chmod +x "$folder/bin/skopeo"
answer || { echo "fetch_verifiers: a program that was fetched does not run on this machine" >&2; exit 1; }
