#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: post-image.sh IMAGES_DIRECTORY BOARD
#
# Buildroot's last step: make a card of what was built, by the assembly that serves every engine
# (accounts, units, U-Boot, slots). `scripts/buildroot` leaves that to `scripts/image`.
set -euo pipefail

images=$1
board=$2
repository=$(realpath "$(dirname "$0")/../../..")

# What the image's record says of its packages; from a make that is none of this one's parts.
env -i PATH="$PATH" HOME="${HOME-/}" \
  make --silent --no-print-directory O="$O" show-info >"$images/show-info.json.new"
printf '%s %s\n' "$BR2_VERSION_FULL" "$SOURCE_DATE_EPOCH" >"$images/release"
mv "$images/show-info.json.new" "$images/show-info.json"

if [[ -z ${MOKANDA_TOOLBOX-} ]]; then
  # Without what this make has put first in the path, or handed down.
  unset MAKEFLAGS MAKELEVEL MFLAGS
  PATH=$(tr ':' '\n' <<<"$PATH" | grep -vF "$O/" | paste -sd :) \
    make -C "$repository" image BOARD="$board" ENGINE=buildroot BUILT="$images"
fi
