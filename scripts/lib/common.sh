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

# unpack_foreign ARCHITECTURE PACKAGES ROOT: this release's packages for another architecture and what they need, unpacked
# and not installed.
unpack_foreign() {
  local suite link
  # shellcheck disable=SC1091
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  mmdebstrap --quiet --variant=extract --architectures="$1" --include="$2" "$suite" "$3" http://deb.debian.org/debian >&2 || return 1
  # A linker follows them from here.
  find "$3" -type l -lname '/*' | while read -r link; do ln -srfT "$3$(readlink "$link")" "$link"; done
}
