#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: check-config.sh CONFIG FRAGMENT...
#
# Check that every line of the fragments took effect in CONFIG, a Kconfig file: an option
# that is unknown, or that lacks what it depends on, is left out without a word. An option
# that a fragment asks for as a module may be built in.
set -euo pipefail

config=$1
shift
status=0
while read -r line; do
  case $line in
    '# '*' is not set')
      option=${line#'# '}
      option=${option%' is not set'}
      grep -q "^$option=" "$config" || continue
      ;;
    *=m) grep -qFx -e "$line" -e "${line%m}y" "$config" && continue ;;
    *=*) grep -qFx -e "$line" "$config" && continue ;;
    *) continue ;;
  esac
  echo "$config did not take: $line" >&2
  status=1
done < <(cat "$@")
exit "$status"
