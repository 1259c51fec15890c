"""The operator's tool: `esito --help`, also as `python -m ops`."""

from typing import Final

from ops.command_line import examples, group, paragraphs
from ops.commands import (
    attachments,
    config,
    dead_letters,
    keys,
    person,
    streams,
    topics,
    transaction,
)
from ops.commands.demo import demo
from ops.commands.doctor import doctor
from ops.commands.expect import expect
from ops.commands.hmac_profile import FORMATS, hmac_profile
from ops.commands.lag import lag
from ops.commands.pki import pki
from ops.commands.reverify import reverify
from ops.commands.secrets import secrets
from ops.commands.sign import sign
from ops.commands.simulate import simulate
from ops.commands.tap import tap
from ops.commands.up import up

app = group("Signed callbacks in, trustworthy transaction-status events out: the operator's tool.")

# The help shows the panels in this order.
_TRY: Final = "Try it"
_SET_UP: Final = "Set up"
_LOOK: Final = "Look"
_ACT: Final = "Act"

app.command(
    rich_help_panel=_TRY,
    epilog=examples("esito demo", "esito demo --transactions 200 --json"),
)(demo)
app.command(
    rich_help_panel=_TRY,
    epilog=examples("esito up", "esito up --data ./esito-data --port 8081"),
)(up)
app.command(
    rich_help_panel=_TRY,
    epilog=examples(
        "esito simulate --provider pivot --transactions 1000 --faults all",
        "esito simulate --provider uaepass --faults stale-timestamp,tampered-body --compare",
    ),
)(simulate)
app.command(
    rich_help_panel=_TRY,
    epilog=examples(
        "esito sign srtp-detached",
        "esito sign srtp-xmldsig --carrier business-message --status ACCP --seed 7",
        "esito sign srtp-xmldsig --carrier xml-body --seed 7 --signer bank-b",
    ),
)(sign)
app.command(
    rich_help_panel=_TRY,
    epilog=examples("esito pki ./test-pki"),
)(pki)
app.command(
    rich_help_panel=_TRY,
    epilog=examples("esito secrets ./keys", "esito secrets ./keys --password ./password"),
)(secrets)
app.add_typer(config.app, name="config", rich_help_panel=_SET_UP)
app.add_typer(topics.app, name="topics", rich_help_panel=_SET_UP)
app.command(
    "hmac-profile",
    rich_help_panel=_SET_UP,
    epilog=paragraphs(FORMATS)
    + examples(
        "esito hmac-profile --request captured.http --secret-file staging.key",
        "esito hmac-profile --request captured.json --secret-file staging.key "
        "--write-golden-vector golden.json",
    ),
)(hmac_profile)
app.command(
    rich_help_panel=_SET_UP,
    epilog=examples("esito doctor", "esito doctor --process 127.0.0.1:9090 --json"),
)(doctor)
app.command(
    rich_help_panel=_LOOK,
    epilog=examples(
        "esito tap",
        "esito tap --provider pivot --status completed --since 2h",
        "esito tap --code conflict --endpoint pivot-id",
        "esito tap --json --from-beginning --transaction 8f14e45f --limit 10",
    ),
)(tap)
app.command(
    rich_help_panel=_LOOK,
    epilog=examples("esito lag", "esito lag --provider pivot --watch --every 5"),
)(lag)
app.add_typer(transaction.app, name="transaction", rich_help_panel=_LOOK)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=_LOOK)
app.command(
    rich_help_panel=_ACT,
    epilog=examples(
        "esito reverify --provider srtp --since 2h",
        "esito reverify callbacks.srtp.raw.v1-0-100..200 --json",
        "esito reverify --endpoint srtp-bank --transaction E2E-1 --apply --wait 30",
    ),
)(reverify)
app.add_typer(keys.app, name="keys", rich_help_panel=_ACT)
app.command(
    rich_help_panel=_ACT,
    epilog=examples(
        "esito expect pivot-id 8f14e45f --deadline 2h",
        "esito expect pivot-id 8f14e45f --url https://esito.example --key-file own.key",
    ),
)(expect)
app.add_typer(attachments.app, name="attachments", rich_help_panel=_ACT)
app.add_typer(streams.app, name="streams", rich_help_panel=_ACT)
app.add_typer(person.app, name="person", rich_help_panel=_ACT)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
