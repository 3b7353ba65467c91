"""The `cpg1` command. Each command reads its options, calls one function, and shows what came of it."""

from cpg1_assets.stopping import listen


def main() -> None:
    """Run the command that the arguments of this process name."""
    listen()  # before the rest is even imported: a signal may come at any moment
    from cpg1_assets.cli.commands import main as command  # noqa: PLC0415 - see above

    command()


__all__ = ["main"]
