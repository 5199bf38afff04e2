"""An alert's summary as one sentence in a member's language, and its values as people read them.

Keys and parameters are those of `alerts.finding`. A key that is not known here (an engine newer
than this page) still shows what it is about, never nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from web import learned_sentences as learned
from web import rule_sentences as rules
from web.i18n import Texts
from web.values import as_time, metric_name, value_text
from web.words import (
    BANDS,
    CHANNELS,
    DEVICES,
    INHIBITED,
    KINDS,
    MISSING,
    NEEDS,
    PAUSES,
    PLACES,
)

Params = Mapping[str, Any]


def named(text: Texts, table: Mapping[str, str], name: str) -> str:
    """The word for `name` where the table has one, else the name itself."""
    found = table.get(name.lower())
    return name if found is None else text.gettext(found)


def missing_text(text: Texts, missing: list[str]) -> str:
    """The parameters of NEWS2 that are missing, one after another."""
    return text.listing(
        text.gettext(MISSING[name]) if name in MISSING else name for name in missing
    )


def _news2(text: Texts, params: Params) -> str:
    low, high = int(params["low"]), int(params["high"])
    missing: list[str] = list(params.get("missing", ()))
    if params.get("range"):
        score = text.gettext("NEWS2 between %(low)s and %(high)s", low=low, high=high)
    elif missing or high != low:
        score = text.gettext("NEWS2 at least %(low)s", low=low)
    else:
        score = text.gettext("NEWS2 is %(low)s", low=low)
    band = text.gettext(BANDS.get(str(params.get("band")), "NEWS2"))
    if not missing:
        return f"{score}: {band}."
    return text.gettext(
        "%(score)s (missing: %(missing)s): %(band)s.",
        score=score,
        missing=missing_text(text, missing),
        band=band,
    )


def _limit(below: bool) -> Callable[[Texts, Params], str]:
    def sentence(text: Texts, params: Params) -> str:
        metric = str(params["metric"])
        values = {
            "metric": metric_name(text, metric),
            "value": value_text(text, metric, params["value"], params.get("qualifier", 0)),
            "limit": value_text(text, metric, params["limit"]),
        }
        if below:
            return text.gettext(
                "%(metric)s %(value)s is below the client's own limit %(limit)s.", **values
            )
        return text.gettext(
            "%(metric)s %(value)s is above the client's own limit %(limit)s.", **values
        )

    return sentence


def _spo2(below: bool) -> Callable[[Texts, Params], str]:
    def sentence(text: Texts, params: Params) -> str:
        value = value_text(text, "spo2", params["value"], params.get("qualifier", 0))
        low, high = params.get("low"), params.get("high")
        span = f"{'' if low is None else text.number(low)}–{value_text(text, 'spo2', high)}"
        if low is None or high is None:
            span = value_text(text, "spo2", high if low is None else low)
        if below:
            return text.gettext(
                "Oxygen saturation %(value)s is below the prescribed %(range)s.",
                value=value,
                range=span,
            )
        return text.gettext(
            "Oxygen saturation %(value)s is above the prescribed %(range)s.",
            value=value,
            range=span,
        )

    return sentence


def _hypoglycaemia(text: Texts, params: Params) -> str:
    value = value_text(text, "glucose", params["value"], params.get("qualifier", 0))
    limit = value_text(text, "glucose", params["limit"])
    if params.get("level") == 2:
        return text.gettext(
            "Blood glucose %(value)s: seriously low, below %(limit)s.", value=value, limit=limit
        )
    return text.gettext("Blood glucose %(value)s: low, below %(limit)s.", value=value, limit=limit)


def _blood_pressure(text: Texts, params: Params) -> str:
    upper = value_text(text, "systolic", params.get("systolic"), unit=False)
    value = f"{upper}/{value_text(text, 'diastolic', params.get('diastolic'), unit=False)} mmHg"
    if params.get("confirmed"):
        return text.gettext(
            "Blood pressure %(value)s: very high, confirmed by a second reading.", value=value
        )
    return text.gettext(
        "Blood pressure %(value)s: very high, and no second reading was made.", value=value
    )


def _meter_low(text: Texts, params: Params) -> str:
    metric = str(params["metric"])
    return text.gettext(
        "%(metric)s is lower than the meter can show (%(value)s).",
        metric=metric_name(text, metric),
        value=value_text(text, metric, params["value"], -1),
    )


def _meter_high(text: Texts, params: Params) -> str:
    metric = str(params["metric"])
    return text.gettext(
        "%(metric)s is higher than the meter can show (%(value)s).",
        metric=metric_name(text, metric),
        value=value_text(text, metric, params["value"], 1),
    )


def _event(key: str) -> Callable[[Texts, Params], str]:
    def sentence(text: Texts, params: Params) -> str:
        first = {
            "help": text.gettext("Called for help."),
            "smoke": text.gettext("The smoke alarm went off."),
            "carbon_monoxide": text.gettext("The carbon monoxide alarm went off."),
            "fall": text.gettext("A fall was detected."),
            "call_request": text.gettext("Asks for a phone call."),
        }[key]
        parts = [first]
        count = int(params.get("count", 1))
        if count > 1:
            parts.append(text.ngettext("%(n)s time so far.", "%(n)s times so far.", count))
        newest = as_time(params.get("newest"))
        if params.get("late") and newest is not None:
            parts.append(
                text.gettext(
                    "Reached Saimi late: it happened %(time)s.", time=text.date_time(newest)
                )
            )
        if params.get("unknown_device"):
            parts.append(text.gettext("Nobody knows whose device this is: find out at once."))
        return " ".join(parts)

    return sentence


def _device_silent(text: Texts, params: Params) -> str:
    names = (
        named(text, DEVICES, str(params.get("device_kind") or "")),
        named(text, PLACES, str(params.get("location") or "")),
        str(params["device"]),
    )
    device = ", ".join(name for name in names if name)
    last, out = as_time(params.get("last")), as_time(params.get("out_since"))
    if last is None:
        return text.gettext("The device %(device)s has never been heard.", device=device)
    said = text.gettext(
        "The device %(device)s has been silent since %(time)s.",
        device=device,
        time=text.date_time(last),
    )
    if out is None:
        return said
    more = text.gettext(
        "Since the front door at %(time)s nothing moved at home.", time=text.date_time(out)
    )
    return f"{said} {more}"


def _gateway_silent(text: Texts, params: Params) -> str:
    devices = int(params.get("devices", 0))
    last = as_time(params.get("last"))
    if last is None:
        said = text.ngettext(
            "The home has never been heard: %(n)s device.",
            "The home has never been heard: %(n)s devices.",
            devices,
        )
    else:
        said = text.ngettext(
            "The whole home has been silent since %(time)s: %(n)s device.",
            "The whole home has been silent since %(time)s: %(n)s devices.",
            devices,
            time=text.date_time(last),
        )
    if params.get("said"):
        gone = text.gettext("Its gateway has lost its connection: power or network.")
        said = f"{said} {gone}"
    return said + _at_risk(text, params)


def _gateway_deaf(text: Texts, params: Params) -> str:
    said = text.ngettext(
        "The home's gateway speaks, but hears none of its devices: %(n)s device.",
        "The home's gateway speaks, but hears none of its devices: %(n)s devices.",
        int(params.get("devices", 0)),
    )
    return said + _at_risk(text, params)


def _at_risk(text: Texts, params: Params) -> str:
    """Who is at risk, as a sentence of its own; nothing where nobody is."""
    needs: Mapping[str, int] = params.get("needs") or {}
    if not needs:
        return ""
    listed = text.listing(
        f"{named(text, NEEDS, name)} {text.number(count)}" for name, count in needs.items()
    )
    return " " + text.gettext("At risk: %(needs)s.", needs=listed)


def needs_text(text: Texts, summary: Mapping[str, Any], subject: int) -> str:
    """Why one client is at risk in an outage; empty where they are not."""
    for one in (summary.get("params") or {}).get("at_risk") or ():
        if one.get("subject") == subject:
            return text.listing(named(text, NEEDS, str(need)) for need in one["needs"])
    return ""


def _outage(whole: bool) -> Callable[[Texts, Params], str]:
    def sentence(text: Texts, params: Params) -> str:
        values = {
            "time": text.date_time(_since(params)),
            "lost": text.number(params["lost"]),
            "watched": text.number(params["watched"]),
        }
        if whole:
            said = text.gettext(
                "Most of the county is not heard since %(time)s: %(lost)s homes of %(watched)s. "
                "The network is out, or the way in to Saimi.",
                **values,
            )
        else:
            said = text.gettext(
                "Many homes of the area are not heard since %(time)s: %(lost)s of %(watched)s. "
                "Power or network is out.",
                **values,
            )
        return said + _at_risk(text, params)

    return sentence


def _own_outage(text: Texts, params: Params) -> str:
    said = text.gettext(
        "Saimi takes nothing in since %(time)s: no home is heard, calls for help included. "
        "Tell the operators, and reach those at risk another way.",
        time=text.date_time(_since(params)),
    )
    return said + _at_risk(text, params)


def _since(params: Params) -> datetime:
    since = as_time(params["since"])
    if since is None:
        raise ValueError
    return since


def _home_early(text: Texts, params: Params) -> str:
    until, newest = as_time(params["until"]), as_time(params["newest"])
    if until is None or newest is None:
        raise ValueError
    said = text.gettext(
        "Home early? Entered as %(pause)s until %(until)s, but heard at %(time)s: %(metric)s.",
        pause=named(text, PAUSES, str(params["pause"])),
        until=text.date_time(until),
        time=text.date_time(newest),
        metric=metric_name(text, str(params["metric"])),
    )
    if not params.get("held"):
        return said
    more = text.gettext("Values are alarming and page nobody until the pause is ended: look now.")
    return f"{said} {more}"


def _failed(text: Texts, params: Params) -> str:
    return text.gettext(
        "A rule (%(rule)s) could not be applied, so this client is not being watched fully: "
        "tell the operators.",
        rule=params.get("rule", "?"),
    )


def _channel(text: Texts, params: Params) -> str:
    channel, since = CHANNELS[params["channel"]], as_time(params["since"])
    return text.gettext(
        "Messages by %(channel)s (%(service)s) have not gone out since %(time)s: people are told "
        "by other channels where they have any; tell the operators.",
        channel=text.gettext(channel),
        service=params.get("service") or "–",
        time="–" if since is None else text.date_time(since),
    )


SENTENCES: dict[str, Callable[[Texts, Params], str]] = {
    "news2": _news2,
    "below_limit": _limit(below=True),
    "above_limit": _limit(below=False),
    "spo2_below_range": _spo2(below=True),
    "spo2_above_range": _spo2(below=False),
    "hypoglycaemia": _hypoglycaemia,
    "severe_blood_pressure": _blood_pressure,
    "beyond_meter_low": _meter_low,
    "beyond_meter_high": _meter_high,
    "help": _event("help"),
    "smoke": _event("smoke"),
    "carbon_monoxide": _event("carbon_monoxide"),
    "fall": _event("fall"),
    "call_request": _event("call_request"),
    "deterioration": learned.deterioration,
    "trend": learned.trend,
    "above_usual": learned.above_usual,
    "inactivity": learned.inactivity,
    "routine": learned.routine,
    "weight_gain": rules.weight_gain,
    "weight_loss": rules.weight_loss,
    "weight_odd": rules.weight_odd,
    "repeated_falls": rules.repeated_falls,
    "respiratory_pathway": rules.respiratory_pathway,
    "copd_worsening": rules.copd_worsening,
    "room_cold": rules.room_cold,
    "room_hot": rules.room_hot,
    "outside_door": rules.outside_door,
    "missed_dose": rules.missed_dose,
    "device_silent": _device_silent,
    "gateway_silent": _gateway_silent,
    "gateway_deaf": _gateway_deaf,
    "area_outage": _outage(whole=False),
    "county_outage": _outage(whole=True),
    "own_outage": _own_outage,
    "home_early": _home_early,
    "channel_broken": _channel,
    "assessment_failed": _failed,
}


def sentence(text: Texts, kind: str, summary: Mapping[str, Any]) -> str:
    """One sentence for a summary as `alerts.finding.Finding.summary` stores it."""
    said = _said(text, kind, summary)
    why = INHIBITED.get(str(summary.get("inhibited_by")))
    return said if why is None else f"{said} {text.gettext(why)}"


def _said(text: Texts, kind: str, summary: Mapping[str, Any]) -> str:
    key, params = str(summary.get("key")), summary.get("params") or {}
    make = SENTENCES.get(key)
    if make is not None:
        try:
            return " ".join([make(text, params), *rules.besides(text, key, params)])
        except (KeyError, TypeError, ValueError):
            pass  # Better the kind alone than no alert: fall through.
    return text.gettext(KINDS[kind]) + "." if kind in KINDS else kind
