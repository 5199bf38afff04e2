"""What rules that a clinician may change for one client, and their limits, are called."""

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
}
LEVELS: dict[str, str] = {
    "raise": mark("opens at"),
    "lower": mark("falls at"),
    "clear": mark("clears at"),
    "limits": mark("other numbers"),
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
