# SPDX-License-Identifier: Apache-2.0
"""Keys that sign updates while developing; those of a release never come near the tree."""

from __future__ import annotations

from pathlib import Path

from scripts.steps import Log, say


def development(directory: Path, log: Log) -> Path:
    """The development certificate, made with its key at the first build."""
    key, certificate = directory / "development.key.pem", directory / "development.cert.pem"
    if not (key.exists() and certificate.exists()):
        say("making development keys in build/keys")
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        log.run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", "36500", "-subj", "/CN=Mokanda development"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-keyout", key, "-out", certificate),
        )
        key.chmod(0o600)
    return certificate
