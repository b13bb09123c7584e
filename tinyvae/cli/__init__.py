"""The command line: `tinyvae COMMAND`, the folder that a run is kept in, and the published experiments."""

from tinyvae.cli.commands import main

__all__ = ["main"]
