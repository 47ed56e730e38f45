#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: same_to_the_bit.sh OURS THEIRS...: what this machine's mmscale simulates, and what one of another architecture does,
# which is a command of several words. Records may differ in their context alone. Status 77 where there is no OURS.
set -euo pipefail
ours=$1
shift
[[ -x $ours ]] || { echo "no $ours to compare with"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for machine in graviton2 skylake-4c power8-16s; do
  for side in ours theirs; do
    [[ $side == theirs ]] && program=("$@") || program=("$ours")
    "${program[@]}" sim --quiet --machine "$machine" --lifecycle powerpc --workload idle,exit,server --scheme refcount,shootdown,hazptr \
      --cpus 1,7 --out "$folder/$side.json" >/dev/null
    sed '1,/"benchmarks"/d' "$folder/$side.json" >"$folder/$side"
  done
  grep -q '"jain"' "$folder/ours"
  cmp "$folder/ours" "$folder/theirs"
done
