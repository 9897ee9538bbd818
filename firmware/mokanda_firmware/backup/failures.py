# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a backup, in sentences for the keeper."""

import errno

from mokanda_firmware.bus.sentences import Sentence, SentenceError


class BackupError(SentenceError):
    """A backup cannot be made or restored."""


DAMAGED = Sentence("This backup is damaged. Please take another one.")
NO_GNUPG = Sentence(
    "The device cannot encrypt or decrypt a backup now. Switch it off and on once, and try again."
)


def of_stick(error: OSError) -> BackupError:
    """Say what an error of the system means where a stick is written or read."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BackupError(Sentence("There is not enough room on the stick."))
    if error.errno == errno.EFBIG:
        return BackupError(
            Sentence(
                "The backup is larger than a file on this stick may be. Please format it as exFAT."
            )
        )
    if error.errno == errno.EROFS:
        return BackupError(
            Sentence("The stick cannot be written to. It may have a switch for that.")
        )
    return BackupError(
        Sentence("The stick was taken out, or does not work ({why}).", why=_why(error))
    )


def of_device(error: OSError) -> BackupError:
    """Say what an error of the system means where the device's own memory is written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BackupError(NO_ROOM_HERE)
    return BackupError(Sentence("The device's memory does not work ({why}).", why=_why(error)))


NO_ROOM_HERE = Sentence(
    "The device has not enough room for this. Please delete what is not needed."
)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
