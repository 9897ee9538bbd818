# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a backup, in sentences for the keeper."""

import errno

from mokanda_firmware.bus.sentences import say


class BackupError(Exception):
    """A backup cannot be made or restored; str() is a sentence that says what to do."""


DAMAGED = say("This backup is damaged. Please take another one.")


def of_stick(error: OSError) -> BackupError:
    """Say what an error of the system means where a stick is written or read."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BackupError(say("There is not enough room on the stick."))
    if error.errno == errno.EFBIG:
        return BackupError(
            say("The backup is larger than a file on this stick may be. Please format it as exFAT.")
        )
    if error.errno == errno.EROFS:
        return BackupError(say("The stick cannot be written to. It may have a switch for that."))
    return BackupError(say("The stick was taken out, or does not work ({why}).", why=_why(error)))


def of_device(error: OSError) -> BackupError:
    """Say what an error of the system means where the device's own memory is written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BackupError(NO_ROOM_HERE)
    return BackupError(say("The device's memory does not work ({why}).", why=_why(error)))


NO_ROOM_HERE = say("The device has not enough room for this. Please delete what is not needed.")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
