"""The command line: every command in a small file of `saimi.commands`, put together here.

Command modules import what they need inside the function, so that `saimi --help` stays quick.
"""

from __future__ import annotations

import logging
import os
import sys

import typer

from core.errors import SaimiError
from saimi.commands import (
    backtest,
    bench,
    channel,
    cohort,
    compare,
    database,
    decode,
    doctor,
    evaluate,
    gateway,
    grafana,
    pause,
    reading,
    registry,
    rejected,
    replay,
    rota,
    rules,
    services,
    simulate,
    train,
    up,
    user,
    watchdog,
)

app = typer.Typer(
    name="saimi",
    help="Remote monitoring and home-care telemetry. Not a medical device. Not for clinical use.",
    epilog="Settings come from the environment (SAIMI_DATABASE_URL, SAIMI_MQTT_URL, …).",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("ingest")(services.ingest)
app.command("alerts")(services.alerts)
app.command("deliver")(services.deliver)
app.command("judge")(services.judge)
app.command("web")(services.web)
app.command("watchdog")(watchdog.watchdog)
app.command("simulate")(simulate.simulate)
app.command("replay")(replay.replay)
app.command("compare")(compare.compare)
app.command("cohort")(cohort.cohort)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("backtest")(backtest.backtest)
app.command("decode")(decode.decode)
app.add_typer(registry.app, name="registry")
app.add_typer(pause.app, name="pause")
app.add_typer(gateway.app, name="gateway")
app.add_typer(channel.app, name="channel")
app.add_typer(rota.app, name="rota")
app.add_typer(user.app, name="user")
app.add_typer(rejected.app, name="rejected")
app.add_typer(reading.app, name="reading")
app.add_typer(rules.app, name="rules")
app.add_typer(database.app, name="db")
app.add_typer(grafana.app, name="grafana")
app.add_typer(bench.app, name="bench")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 2."""
    try:
        app()
    except SaimiError as error:
        _end(str(error), error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`saimi … | head`); nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SAIMI_LOG_LEVEL", "").upper() == "DEBUG":
            logging.getLogger("saimi").exception("unexpected")
        _end(
            f"This is a fault in Saimi ({type(error).__name__}: {error}); SAIMI_LOG_LEVEL=DEBUG "
            "shows where.",
            1,
        )


def _end(sentence: str, status: int) -> None:
    print(f"saimi: {sentence}", file=sys.stderr)
    sys.exit(status)
