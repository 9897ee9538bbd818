# SPDX-License-Identifier: Apache-2.0
"""What is told where the card does not take what the keeper has set or ordered."""

from collections.abc import Iterator
from contextlib import contextmanager

from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.bus.sentences import Sentence


@contextmanager
def refusal_if_not_kept() -> Iterator[None]:
    """Raise RequestError instead of OSError."""
    try:
        yield
    except OSError as error:
        raise RequestError(
            Sentence("The device cannot keep this ({why}).", why=str(error))
        ) from error
