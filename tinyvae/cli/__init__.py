"""The command line: `tinyvae COMMAND`, the folder that a run is kept in, and the published experiments."""

import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit status (`commands.main` lists them)."""
    try:
        from tinyvae.cli import commands  # late, so that Ctrl-C is one line meanwhile, too

        return commands.main(argv)
    except KeyboardInterrupt:
        print("tinyvae: interrupted", file=sys.stderr)
        return 130
