# SPDX-License-Identifier: Apache-2.0
"""The backup's daemon on a computer whose memory sticks are none of its business."""

from mokanda_firmware.backup.daemon import Daemon
from mokanda_firmware.bus.requests import Requests


def main() -> None:
    """Serve requests until there are none."""
    requests = Requests("backup")
    try:
        Daemon(requests, lambda: None, lambda: None).run()
    finally:
        requests.close()


if __name__ == "__main__":
    main()
