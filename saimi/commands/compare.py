"""`saimi compare`: how simulated homes compare with recorded ones, and a routine fitted to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.commands.replay import Format
from saimi.console import Json, emit, progress, say, show_table

if TYPE_CHECKING:
    from gateway_sim.comparing import Homes
    from gateway_sim.fitting import Step
    from gateway_sim.routine import Routine


def compare(
    directory: Annotated[Path, typer.Argument(help="Folder with the recorded data.")],
    format_: Annotated[Format, typer.Option("--format", help="What the folder holds.")],
    routine: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A routine instead of the one that ships.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Fit a routine to half of the homes, write it here, judge it by the others.",
        ),
    ] = None,
    homes: Annotated[int, typer.Option(min=4, max=2000, help="Homes to simulate.")] = 60,
    days: Annotated[int, typer.Option(min=7, max=365, help="Days to simulate.")] = 28,
    seed: Annotated[int, typer.Option(help="Seed of the simulated homes.")] = 7,
    json: Json = False,
) -> None:
    """Compare simulated homes with recorded homes that no routine was fitted to.

    Wasserstein-1 for numbers, Jensen-Shannon for shares; the yardstick is the same distance between
    two random halves of all recorded homes.
    """
    from gateway_sim.comparing import compare, joined, score, simulated_homes, yardsticks
    from gateway_sim.recorded import recorded_homes
    from gateway_sim.routine import load_routine
    from gateway_sim.routine import routine as shipped

    if format_ is not Format.TIHM:
        raise UserError("Simulated homes can be compared with recorded ones: give --format tihm.")
    plan = shipped() if routine is None else load_routine(routine)
    to_fit, apart = recorded_homes(directory)
    if fit is not None:
        plan = _fitted(plan, to_fit, fit)
    simulated = simulated_homes(plan, seed=seed, homes=homes, days=days)
    compared = compare(simulated, apart, yardsticks(joined(to_fit, apart)))
    mean = score(compared)
    if json:
        emit(
            {
                "homes": {"fit": len(to_fit), "apart": len(apart), "simulated": len(simulated)},
                "statistics": [one._asdict() for one in compared],
                "score": mean,
            }
        )
        return
    show_table(
        ("statistic", "distance", "unit", "simulated", "yardstick", "times"),
        [
            (c.name, c.distance, c.unit, f"{c.value:.3f}", f"{c.yardstick:.3f}", f"{c.times:.2f}")
            for c in compared
        ],
    )
    print(f"Mean of the last column, by {len(apart)} homes kept apart: {mean:.2f}")


def _fitted(plan: Routine, recorded: Homes, path: Path) -> Routine:
    """The file is written whenever a better routine was found, so that a fit can be broken off."""
    from gateway_sim.fitting import fit, write

    with progress("Fitting", unit="numbers") as bar:
        for step in fit(plan, recorded):
            bar.reach(step.done, step.of)
            bar.describe(f"Fitting, {step.score:.3f} times the yardstick")
            if step.plan != plan or step.done == step.of:
                plan = step.plan
                try:
                    path.write_text(write(plan, _how(step, len(recorded))), encoding="utf-8")
                except OSError as error:
                    raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    say(f"{path} written.")
    return plan


def _how(step: Step, homes: int) -> str:
    return (
        "How people at home move: a semi-Markov walk through the rooms (gateway_sim/day.py); what\n"
        "each number means stands in day.guess.toml. Fitted by\n"
        "saimi compare DIR --format tihm --routine gateway_sim/day.guess.toml --fit FILE\n"
        f"(after {step.done} of {step.of} numbers) to {homes} homes of TIHM (Palermo, Barnaghi\n"
        "and others, Scientific Data 2023, CC BY 4.0); judged by other homes: docs/simulator.md."
    )
