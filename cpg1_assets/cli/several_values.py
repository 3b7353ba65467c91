"""Options that take several values, however a person writes them: repeated, one after the other, or with commas."""

import click


class Several(click.Command):
    """Lets an option take several values: `--companies EC_NG JD_GH` is `--companies EC_NG --companies JD_GH`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the option anew before each further value."""
        several = {o for p in self.params if isinstance(p, click.Option) and p.multiple for o in p.opts}
        spread: list[str] = []
        current = None
        for arg in args:
            if arg.startswith("-"):
                name = arg.split("=", 1)[0]
                current = name if name in several else None
                if not (current and arg == current):
                    spread.append(arg)
            elif current is not None:
                spread += [current, arg]
            else:
                spread.append(arg)
        return super().parse_args(ctx, spread)


def split(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Give the values of such an option, None where it was not given."""
    return tuple(part for name in names for part in name.replace(",", " ").split()) or None
