#!/usr/bin/env bash
# Download the files listed below with curl. For files that are not public set MAST_API_TOKEN to your token.
authorization=()
if [ -n "${MAST_API_TOKEN:-}" ]; then
  authorization=(--header "Authorization: token ${MAST_API_TOKEN}")
fi
failed=0
download() {
  printf '<<< Downloading File: %s\n                  To: %s\n' "$1" "$2"
  curl ${authorization[@]+"${authorization[@]}"} --globoff --location --fail --silent --show-error --create-dirs \
    --output "./$2" "$3" || failed=1
}
