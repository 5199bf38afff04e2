"""The card of a county's model: what it is, for people who decide whether to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence import FEATURES

if TYPE_CHECKING:
    from models.county import County, Record
    from models.deterioration import Deterioration


def card(county: County) -> str:
    """The card in Markdown; the same model gives the same text."""
    record = county.record
    return f"""# Model card: cohort and deterioration

Not a medical device. Not for clinical use.

## What it was learned from
{record.readings:,} readings of {record.clients:,} clients in {record.homes:,} homes over
{record.days:.0f} days. Digest of the data: `{record.digest[:16]}…`

## What it says
- Of every vital sign: what is usual for this client at this hour, and how far out a value is.
- Of a home: how unlikely so long a silence is; how unlike its nights and days the last ones are.
{_deterioration(county, record)}
## When not to trust it
- In the first days of a client or home: the cohort speaks, and is not them.
- Anywhere else than among people and sensors like those it was learned from.
- Where sensors are shared, moved or dead: what they say is taken to be the client's or the home's.
- As a measure of a person. It is a reason to ask, never an answer.
"""


def _deterioration(county: County, record: Record) -> str:
    model = county.deterioration
    if model is None:
        return "- Nothing of deterioration: no labelled illnesses were learned from.\n"
    told = "\n".join(
        f"| {kind} | {one.caught} of {one.cases} | {_number(one.median_hours, 0)} |"
        for kind, one in sorted(record.told.items())
    )
    bands = "\n".join(
        f"| below {band.below:.2f} | {band.share:.3f} | {_number(band.expected)} "
        f"| {_number(band.observed)} |"
        for band in record.calibration
    )
    return f"""- How likely a client is ill and getting worse: between the first sign of an
  illness and its height. Illnesses are those of the labels, no others, each counted once as is each
  day of the well: the probability ranks, and is right only where illness is as common as there.

## How it did on homes that it had not seen
{record.folds} folds by home; cohort and limits were found on the same homes. False alerts in 100
days of clients who are well ({_number(record.false_alerts, 2)} were wanted):

| from a probability of | false alerts |
| --: | --: |
| {county.limit:.3f} | {_number(record.false_at_limit, 2)} |
| {county.urgent:.3f} (urgent) | {_number(record.false_at_urgent, 2)} |

| illness | caught before its crisis | median hours before |
| --- | --: | --: |
{told}

| probability | share | expected | observed |
| --- | --: | --: | --: |
{bands}

## What moves it
Log-odds for one more; all are 0 or above. Vital signs are in spreads of the client's own values,
chances as -log10.

{_weights(model)}
"""


def _weights(model: Deterioration) -> str:
    order = np.argsort(-model.coefficients, kind="stable")
    rows = [
        f"| {FEATURES[n]} | {model.coefficients[n]:.3f} |"
        for n in order.tolist()
        if model.coefficients[n] >= 0.0005
    ]
    return "\n".join(["| evidence | weight |", "| --- | --: |", *rows])


def _number(value: float | None, decimals: int = 3) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
