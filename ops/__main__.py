"""The operator's tool: `esito --help`, also as `python -m ops`."""

from ops.command_line import examples, group
from ops.commands import dead_letters, topics
from ops.commands.tap import tap

app = group("Signed callbacks in, trustworthy transaction-status events out: the operator's tool.")
app.add_typer(topics.app, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
app.command(
    epilog=examples(
        "esito tap",
        "esito tap --anomalies --endpoint pivot-id",
        "esito tap --json --from-beginning --transaction 8f14e45f --limit 10",
    )
)(tap)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
