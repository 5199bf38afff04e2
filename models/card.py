"""The model card: what a saved model is, for people who decide whether to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.agitation import FEATURES, RUNS
from models.judging import FIGURES

if TYPE_CHECKING:
    from models.training import Interval, Trained
    from models.windows import Window

TITLES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "sensitivity_at_specificity_0_80": "sensitivity at specificity 0.80",
    "sensitivity_at_specificity_0_90": "sensitivity at specificity 0.90",
}


def card(trained: Trained) -> str:
    """The card in Markdown; the same model gives the same text."""
    record, model = trained.record, trained.model
    at = record.at_limit
    windows = "\n".join(
        f"| {hour:02d}:00 UTC | {spoken(window)} | {record.by_run[f'{hour:02d}:00']} |"
        for hour, window in zip(RUNS, model.windows, strict=True)
    )
    figures = "\n".join(
        f"| {TITLES[name]} | {_number(record.figures[name])} | {_pair(record.intervals[name])} "
        f"| {_pair(record.spread[name])} |"
        for name in FIGURES
    )
    scale = np.sqrt(np.diag(model.covariance))
    weights = "\n".join(
        f"| {name} | {model.coefficients[n]:+.2f} | "
        + (f"{model.mean[n]:.2f} ± {scale[n]:.2f} |" if n < len(scale) else "0 or 1 |")
        for n, name in enumerate(FEATURES)
    )
    bands = "\n".join(
        f"| below {band.below:.2f} | {band.home_days:,.0f} | {_number(band.expected)} "
        f"| {_number(band.observed)} |"
        for band in record.calibration
    )
    return f"""# Model card: agitation by home-day

Not a medical device. Not for clinical use.

## What it says
For one home and one calendar date, once that date is over: how likely it is that agitation is
noted on it. It sees counts of motion and door sensors of that date and of the days before, nothing
else: no label, no calendar, no age, no vital sign.

## What its labels are, and so what it can know
Trained on "Agitation" of TIHM (Palermo, Barnaghi and others, *TIHM: An open dataset for remote
healthcare monitoring in dementia*, Scientific Data 2023, CC BY 4.0), or a folder laid out alike. In
TIHM these labels come at three times of day only. That, and how closely they follow the activity
of the hours before, says that an algorithm of the study proposed them and people confirmed them
(an inference; the dataset does not say so). **The model learns what that algorithm and those
people called agitation: many moves through the home within a few hours.** Agitation without
moving about, or where nobody asked, is not in the labels and not in the model. A lively household,
visitors or a second resident look the same to it.

## What it was trained on
{record.home_days:,} home-days of {record.homes} homes, {record.positive} with the label, in
{record.homes_with_labels} homes. Digest of the data: `{record.digest[:16]}…`

| labels of | activity is counted | home-days |
| --- | --- | --- |
{windows}

The hours (on the readings' clock) were chosen where moves best tell the labels.

## How it did on homes that it had not seen
{record.folds} folds by home, dealt {record.repeats} times; windows, coefficients and what stands in
for missing values are found anew in each fold. Intervals: 95 %, from 1,000 draws of homes.

| | mean | interval | over the deals |
| --- | --- | --- | --- |
{figures}

Not found anew in each fold: which counts are looked at, and that there is a window for each time of
labels. Both were settled by people who had seen the TIHM homes, which flatters these figures by an
unknown, small amount; only homes and days that nobody has looked at can say by how much.

## Alert limit
A home-day with a probability of {trained.limit:.3f} or more is an alert. It is the lowest limit
with at most {record.wanted_alerts_per_home_week:g} alerts a home-week on homes kept apart: there
{at.alerts_per_home_week:.2f} alerts a home-week, sensitivity {_number(at.sensitivity)}, specificity
{_number(at.specificity)}, and {_number(at.precision)} of the alerts were on a day with the label.

## Are its probabilities right?
On homes kept apart; the two numbers of the sigmoid were learned on the same scores.

| probability | home-days | expected | observed |
| --- | --- | --- | --- |
{bands}

## What moves it
Log-odds for one standard deviation more; a home's usual is the mean over its days before.

| feature | weight | mean ± standard deviation |
| --- | --- | --- |
{weights}

## When not to trust it
- In the home's first days: nothing is known of its usual, and the average home stands in for it.
- Without a sensor in the hallway, or with fewer rooms covered: moves are missed, and scores are
  too low.
- When a sensor has died: a quiet home and a deaf one look the same to it.
- Anywhere else than in homes like those: one resident with dementia, sensors of one make, England
  from April to June. Readings on another clock shift the windows.
- As a measure of a person. It is a reason to ask, never an answer.
"""


def spoken(window: Window) -> str:
    """`19–23 the evening before`, `8–13`."""
    first, end = window
    if end <= 0:
        return f"{first + 24}–{end + 24} the evening before"
    return f"{first + 24} the evening before – {end}" if first < 0 else f"{first}–{end}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _pair(pair: Interval) -> str:
    return "–" if pair is None else f"{pair[0]:.3f} … {pair[1]:.3f}"
