# SPDX-License-Identifier: MIT
# Sourced by the bash scripts beside lib/; expects `set -euo pipefail`.
# shellcheck shell=bash disable=SC2034

# The repository, wherever the caller stands.
MMSCALE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Debian's interpreter: the packages bootstrap installs are visible to no other.
PYTHON=/usr/bin/python3

# Numbers have a point, and lists one order, whatever the locale: mawk reads and writes a comma where that has one.
export LC_ALL=C.UTF-8

# Says why on stderr, in one line, and exits with 1.
die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# The leading comment of the calling script, below its SPDX line: what --help prints.
usage() {
  awk 'NR <= 2 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0"
}

# Debian's archive, as apt of this machine reaches it.
debian_mirror() {
  local found
  # shellcheck disable=SC2016
  found=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }' || true)
  echo "${found:-http://deb.debian.org/debian}"
}

# What to put before a command that needs root, where the caller has to.
as_root=()

# debian_root OPTION... SUITE ROOT [SOURCE...]: mmdebstrap from that mirror, by the proxies of this machine's apt.
debian_root() {
  local protocol proxy options=()
  for protocol in http https; do
    proxy=$(apt-config dump --format '%v' "Acquire::$protocol::Proxy" 2>/dev/null || true)
    [[ -z $proxy ]] || options+=("--aptopt=Acquire::$protocol::Proxy \"$proxy\";")
  done
  "${as_root[@]}" mmdebstrap --quiet "${options[@]}" "$@" "$(debian_mirror)"
}

# unpack_foreign ARCHITECTURE PACKAGES ROOT [SUITE]: packages for another architecture and what they need, of this release
# or of SUITE, which may be one beside a release, as bookworm-backports; unpacked and not installed.
unpack_foreign() {
  local suite=${4-} beside=() link
  # shellcheck disable=SC1091
  [[ -n $suite ]] || suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  [[ $suite != *-* ]] || beside=("deb $(debian_mirror) $suite main")
  debian_root --variant=extract --architectures="$1" --include="$2" --aptopt="APT::Default-Release \"$suite\";" \
    "${suite%%-*}" "$3" "${beside[@]}" >&2 || return 1
  # A linker follows them from here.
  find "$3" -type l -lname '/*' | while read -r link; do ln -srfT "$3$(readlink "$link")" "$link"; done
}
