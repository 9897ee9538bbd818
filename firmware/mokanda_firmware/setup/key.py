# SPDX-License-Identifier: Apache-2.0
"""The device's own key; `python -m mokanda_firmware.setup.key` makes it as the user who runs it."""

from mokanda_firmware import paths
from mokanda_firmware.files import write_durably
from mokanda_wire.envelope import Keyring


def device_key() -> str:
    """Return the fingerprint of the device's own key in `paths.keys`; the first call makes the key.

    A power cut between key and file leaves a key that nobody has seen: the next call makes another.

    Raises:
        mokanda_wire.envelope.EnvelopeError: GnuPG cannot make a key.
    """
    file = paths.device_key()
    if file.exists():
        return file.read_text(encoding="ascii").strip()
    with Keyring(paths.keys()) as keyring:
        fingerprint = keyring.create_key("Mokanda device")
    write_durably(file, fingerprint + "\n")
    return fingerprint


if __name__ == "__main__":
    device_key()
