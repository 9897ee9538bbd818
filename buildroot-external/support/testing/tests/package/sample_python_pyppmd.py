# SPDX-License-Identifier: Apache-2.0
import hashlib

import pyppmd

ORDER, MEMORY = 6, 1 << 20

# The bytes must be the same everywhere: what is packed is read elsewhere.
encoder = pyppmd.Ppmd7Encoder(ORDER, MEMORY)
packed = encoder.encode(b"abracadabra" * 4) + encoder.flush()
assert packed == bytes.fromhex("0061037c3b105fee107b4b6c0000")

letters = b"".join(b"Letter %d\n" % number for number in range(1000))
letters += b"\x07"  # which is not foreseen: pyppmd 1.1.1 loses an end that is
for encoder, decoder, size, digest in (
    (pyppmd.Ppmd7Encoder, pyppmd.Ppmd7Decoder, 1322, "e016f732d971fbd8"),
    (pyppmd.Ppmd8Encoder, pyppmd.Ppmd8Decoder, 1283, "c54a8a76e4e84cf7"),
):
    encoder, decoder = encoder(ORDER, MEMORY), decoder(ORDER, MEMORY)
    packed = encoder.encode(letters) + encoder.flush()
    assert len(packed) == size
    assert hashlib.sha256(packed).hexdigest().startswith(digest)
    beginning = decoder.decode(packed[:500], len(letters))
    assert 0 < len(beginning) < len(letters)
    rest = decoder.decode(packed[500:], len(letters) - len(beginning))
    assert beginning + rest == letters
