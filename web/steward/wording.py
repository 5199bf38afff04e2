"""What rules, their limits and what else is decided at the desk are called."""

from __future__ import annotations

from web.i18n import Texts, mark

RULES: dict[str, str] = {
    "call_request": mark("Wish for a call"),
    "spo2_below_range": mark("Saturation below the prescribed range"),
    "spo2_above_range": mark("Saturation above the prescribed range"),
    "client_limit": mark("A value outside the client's own limits"),
    "hypoglycaemia_level_1": mark("Low blood glucose, level 1"),
    "severe_blood_pressure": mark("Severely high blood pressure"),
    "glucose_high": mark("High blood glucose"),
    "home_blood_pressure": mark("High mean of a week's blood pressure"),
    "pressure_above_usual": mark("Treated blood pressure above one's own usual"),
    "weight_gain": mark("Fast gain of weight"),
    "weight_loss": mark("Loss of weight"),
    "weight_odd": mark("Weight that may be another person's"),
    "repeated_falls": mark("Repeated falls"),
    "respiratory_emergency": mark("Respiratory infection: emergency"),
    "respiratory_urgent": mark("Respiratory infection: urgent"),
    "copd_worsening": mark("COPD getting worse"),
    "room_cold": mark("Cold home"),
    "room_warm": mark("Warm home in the heating season"),
    "room_hot": mark("Hot home"),
    "room_frail": mark("Cold or hot home of somebody frail"),
    "outside_door": mark("Out at night without return"),
    "missed_dose": mark("Missed dose"),
    "missed_dose_critical": mark("Missed dose of a critical medicine"),
    "help": mark("Help call"),
    "smoke": mark("Smoke"),
    "carbon_monoxide": mark("Carbon monoxide"),
    "fall": mark("Fall"),
    "news2_high": mark("NEWS2 high"),
    "news2_medium": mark("NEWS2 medium"),
    "news2_single_three": mark("NEWS2: three points in one measurement"),
    "news2_oxygen_unknown": mark("NEWS2 where oxygen is not known"),
    "beyond_meter": mark("A value beyond the meter's range"),
    "hypoglycaemia_level_2": mark("Low blood glucose, level 2"),
    "count_by_hand": mark("Count by hand"),
    "deterioration": mark("Getting worse"),
    "deterioration_urgent": mark("Getting worse: urgent"),
    "trend": mark("Slow change"),
    "inactivity": mark("No sign of life"),
    "routine": mark("Unusual day or night"),
    "device_silent": mark("Silent device"),
    "gateway_silent": mark("Silent home"),
    "area_outage": mark("Outage of an area"),
    "county_outage": mark("Outage of the whole county"),
    "own_outage": mark("Saimi itself hears nobody"),
    "home_early": mark("Home early?"),
    "channel_broken": mark("A channel of messages that fails"),
    "assessment_failed": mark("A rule that could not be applied"),
}
LIMITS: dict[str, str] = {
    "newest_h": mark("not older than, hours"),
    "glucose": mark("glucose, mmol/l"),
    "systolic": mark("systolic, mmHg"),
    "diastolic": mark("diastolic, mmHg"),
    "mmhg": mark("above the usual, mmHg"),
    "spreads": mark("above the usual, times its usual spread"),
    "days": mark("within days"),
    "least": mark("measurements at least"),
    "apart": mark("days apart at least"),
    "kg": mark("change, kg"),
    "least_days": mark("days at least"),
    "percent": mark("change, %"),
    "falls": mark("falls"),
    "months": mark("within months"),
    "spo2": mark("saturation, %"),
    "signs": mark("signs together"),
    "respiratory_rate": mark("breaths a minute"),
    "pulse": mark("pulse a minute"),
    "first_month": mark("from month"),
    "last_month": mark("to month"),
    "temperature": mark("room temperature, °C"),
    "from_hour": mark("from hour"),
    "until_hour": mark("to hour"),
    "leaving_min": mark("minutes to leave"),
    "away_min": mark("minutes away"),
    "total": mark("points in total"),
    "points": mark("points of one measurement"),
    "shift": mark("strength of the change"),
    "one_in": mark("as seldom as one in"),
    "out_h": mark("hours out at most"),
    "at_least": mark("homes at least"),
    "within_min": mark("within minutes"),
    "alone_per_1000": mark("homes silent alone, of 1,000"),
    "chance_per_million": mark("chance, per million"),
    "lost_min": mark("minutes lost"),
    "ends_after_min": mark("ends after minutes"),
    "share_pct": mark("share of homes, %"),
    "after_s": mark("after seconds"),
    "grace_min": mark("minutes of grace"),
}
LEVELS: dict[str, str] = {
    "raise": mark("opens at"),
    "lower": mark("falls at"),
    "clear": mark("clears at"),
    "limits": mark("other numbers"),
}
USES: dict[str, str] = {
    "alert": mark("calls somebody"),
    "review": mark("waits in the list"),
    "trend": mark("is shown with the readings"),
}
CHANGED_BY: dict[str, str] = {
    "nobody": mark("nobody"),
    "clinician": mark("a clinician, for one client"),
    "coordinator": mark("the county's desk"),
}
DECISIONS: dict[str, str] = {
    "accepted": mark("Accepted"),
    "refused": mark("Refused"),
    "withdrawn": mark("Withdrawn"),
}
MEDICINES: dict[str, str] = {
    "insulin": mark("insulin"),
    "sulfonylurea": mark("sulfonylurea"),
    "anticoagulant": mark("anticoagulant"),
}
KNOWN_CONDITIONS: dict[str, str] = {
    "atrial fibrillation": mark("atrial fibrillation"),
    "COPD": mark("COPD"),
    "heart failure": mark("heart failure"),
    "hypertension": mark("hypertension"),
    "pacemaker": mark("pacemaker"),
    "pregnancy": mark("pregnancy"),
}
"""Conditions of core.record, which rules go by."""
ROLES: dict[str, str] = {
    "member": mark("team member"),
    "clinician": mark("clinician"),
    "coordinator": mark("coordinator (desk)"),
    "operator": mark("operator"),
    "administrator": mark("administrator"),
}


def named(text: Texts, table: dict[str, str], name: str) -> str:
    """What it is called; its own name where nobody has called it anything."""
    return text.gettext(table[name]) if name in table else name
