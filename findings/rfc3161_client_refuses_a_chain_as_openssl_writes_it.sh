#!/usr/bin/env bash
# A timestamp that OpenSSL made and verifies, with the authority's certificates in it: rfc3161-client reads it or not,
# depending on how long the names in the certificates are.
#
# A reply of a time-stamping authority (RFC 3161) holds certificates as a set. `openssl ts -reply -chain` writes them in
# the order they were given: the signer's first, then those above it. DER has sets sorted by their bytes, so that a
# longer certificate comes after a shorter one. rfc3161-client 1.0.9 demands that order and raises InvalidSetOrdering;
# `openssl ts -verify` does not. The certificates' order is not signed: whoever has such a reply can sort the set
# before it is read, and every length in it stays what it is.
#
# Run: bash findings/rfc3161_client_refuses_a_chain_as_openssl_writes_it.sh   (Python 3.11+, OpenSSL 3, the package index)
# Output seen (OpenSSL 3.0.19):
#   rfc3161-client 1.0.9
#   signer alone:                    openssl OK, rfc3161-client reads it
#   short signer, then long root:    openssl OK, rfc3161-client reads it
#   long signer, then short root:    openssl OK, rfc3161-client InvalidSetOrdering
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'rfc3161-client==1.0.9'
cd "$work"
echo 01 > serial
printf '[here]\nserial=serial\ndefault_policy=1.2.3\ndigests=sha256\nsigner_digest=sha256\n' > authority.cnf
printf 'extendedKeyUsage=critical,timeStamping\n' > usage
echo a > stamped
openssl ts -query -data stamped -sha256 -cert -out asked.tsq 2> /dev/null

authority() { # name of the root, name of the signer
  openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 2 -subj "/CN=$1" 2> /dev/null
  openssl req -newkey rsa:2048 -nodes -keyout signer.key -out signer.csr -subj "/CN=$2" 2> /dev/null
  openssl x509 -req -in signer.csr -CA root.pem -CAkey root.key -days 2 -extfile usage -out signer.pem 2> /dev/null
}

reply() { # what it is called, more options
  local name=$1
  shift
  openssl ts -reply -config authority.cnf -section here -queryfile asked.tsq -signer signer.pem -inkey signer.key \
    -out made.tsr "$@" 2> /dev/null
  openssl ts -verify -queryfile asked.tsq -in made.tsr -CAfile root.pem > verified 2> /dev/null || true
  grep -q 'Verification: OK' verified && openssl=OK || openssl=FAILED
  venv/bin/python - "$name" "$openssl" << 'PY' | tee -a seen
import sys
from pathlib import Path

import rfc3161_client

try:
    rfc3161_client.decode_timestamp_response(Path("made.tsr").read_bytes())
    found = "reads it"
except ValueError as error:
    found = "InvalidSetOrdering" if "InvalidSetOrdering" in str(error) else str(error)
print(f"{sys.argv[1] + ':':32} openssl {sys.argv[2]}, rfc3161-client {found}")
PY
}

echo "rfc3161-client 1.0.9"
long="A very long name of what somebody calls an authority"
authority "$long" S
reply "signer alone"
reply "short signer, then long root" -chain root.pem
authority R "$long"
reply "long signer, then short root" -chain root.pem
[ "$(grep -c 'openssl OK, rfc3161-client reads it' seen)" = 2 ]
[ "$(grep -c 'openssl OK, rfc3161-client InvalidSetOrdering' seen)" = 1 ]
