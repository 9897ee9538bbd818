# SPDX-License-Identifier: Apache-2.0
"""`scripts/translations`: collect, compile and check the webmail's catalogues."""

from __future__ import annotations

import argparse
import sys

from scripts.languages import catalogues


def main() -> int:
    """Do what the command line says; without arguments compile and check."""
    parser = argparse.ArgumentParser(
        prog="scripts/translations",
        description="Collect, compile and check the webmail's translations.",
        epilog="Without a command: compile and check.",
    )
    commands = parser.add_subparsers(dest="command")
    extracting = commands.add_parser(
        "extract", help="bring the .po files up to date with the source"
    )
    extracting.add_argument("language", nargs="*", help="also begin this new language")
    commands.add_parser("compile", help="write the .mo files that the webmail reads")
    commands.add_parser("check", help="find what is missing, unused or broken")
    options = parser.parse_args()
    if options.command == "extract":
        catalogues.update(options.language)
        return 0
    if options.command in {None, "compile"}:
        catalogues.compile_all()
    problems = [] if options.command == "compile" else list(catalogues.check())
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
