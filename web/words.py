"""What things are called: metrics, units, codes, severities, outcomes.

English here, all languages in the catalogues. A test holds these tables against the metric
catalogue and against alerts.finding.
"""

from __future__ import annotations

from web.i18n import Texts, mark

METRICS: dict[str, str] = {
    "pulse": mark("Pulse"),
    "spo2": mark("Oxygen saturation"),
    "respiratory_rate": mark("Breathing rate"),
    "systolic": mark("Systolic pressure"),
    "diastolic": mark("Diastolic pressure"),
    "temperature": mark("Body temperature"),
    "glucose": mark("Blood glucose"),
    "weight": mark("Weight"),
    "body_water": mark("Body water"),
    "muscle_mass": mark("Muscle mass"),
    "skin_temperature": mark("Skin temperature"),
    "steps": mark("Steps"),
    "consciousness": mark("Consciousness"),
    "oxygen_flow": mark("Added oxygen"),
    "motion": mark("Motion"),
    "door": mark("Door"),
    "bed": mark("Bed"),
    "power": mark("Power"),
    "water_leak": mark("Water leak"),
    "room_temperature": mark("Room temperature"),
    "humidity": mark("Humidity"),
    "carbon_dioxide": mark("Carbon dioxide"),
    "carbon_monoxide_concentration": mark("Carbon monoxide level"),
    "help": mark("Help call"),
    "smoke": mark("Smoke"),
    "carbon_monoxide": mark("Carbon monoxide"),
    "fall": mark("Fall"),
    "call_request": mark("Please call me"),
    "missed_dose": mark("Missed dose"),
    "battery": mark("Battery"),
    "battery_voltage": mark("Battery voltage"),
    "signal_strength": mark("Signal strength"),
    "tamper": mark("Tamper switch"),
    "body_height": mark("Height"),
    "body_mass_index": mark("Body mass index"),
    "body_fat": mark("Body fat"),
    "mean_arterial_pressure": mark("Mean arterial pressure"),
    "perfusion_index": mark("Perfusion index"),
    "bone_mass": mark("Bone mass"),
    "fat_free_mass": mark("Fat-free mass"),
    "body_water_mass": mark("Body water mass"),
    "basal_metabolism": mark("Basal metabolic rate"),
    "head_circumference": mark("Head circumference"),
    "muscle_percentage": mark("Muscle percentage"),
    "impedance": mark("Body impedance"),
    "coma_score": mark("Glasgow coma score"),
    "oxygen_concentration": mark("Inhaled oxygen"),
    "peak_flow": mark("Peak expiratory flow"),
    "waist_circumference": mark("Waist circumference"),
    "energy_intake": mark("Energy eaten"),
    "carbohydrate_intake": mark("Carbohydrates eaten"),
    "exercise_duration": mark("Exercise"),
    "active_time": mark("Active time in a week"),
    "soil_moisture": mark("Soil moisture"),
    "formaldehyde": mark("Formaldehyde"),
    "soft_lean_mass": mark("Soft lean mass"),
    "rr_interval": mark("Heartbeat interval"),
    "energy_expended": mark("Energy expended"),
    "illuminance": mark("Brightness"),
    "air_pressure": mark("Air pressure"),
    "energy": mark("Energy used"),
    "voltage": mark("Mains voltage"),
    "current": mark("Current"),
    "pm2_5": mark("Fine particles PM2.5"),
    "pm10": mark("Particles PM10"),
    "voc_index": mark("VOC index"),
    "nox_index": mark("NOx index"),
    "sound_level": mark("Sound level"),
    "presence": mark("Presence"),
    "button": mark("Button"),
    "vibration": mark("Vibration"),
    "gas": mark("Gas"),
    "voc": mark("Organic vapours"),
    "acceleration_x": mark("Acceleration x"),
    "acceleration_y": mark("Acceleration y"),
    "acceleration_z": mark("Acceleration z"),
    "movement_count": mark("Movement count"),
    "transmit_power": mark("Transmit power"),
    "link_quality": mark("Link quality"),
    "measurement_count": mark("Measurement count"),
    "fault": mark("Device fault"),
    "battery_low": mark("Battery low"),
    "self_test": mark("Self-test"),
    "device_temperature": mark("Device temperature"),
    "pm1_0": mark("Particles PM1"),
    "pm4_0": mark("Particles PM4"),
    "sound_level_instant": mark("Sound level now"),
    "sound_level_peak": mark("Loudest sound"),
    "lock": mark("Lock"),
    "switch": mark("Switch"),
}

PLACES: dict[str, str] = {
    "kitchen": mark("kitchen"),
    "bedroom": mark("bedroom"),
    "bathroom": mark("bathroom"),
    "hallway": mark("hallway"),
    "livingroom": mark("living room"),
    "lounge": mark("living room"),
    "front": mark("front door"),
    "front door": mark("front door"),
    "back": mark("back door"),
    "back door": mark("back door"),
    "fridge": mark("fridge"),
    "fridge door": mark("fridge"),
}
"""Usual rooms and doors, as registries in English call them; others are shown as they are."""

DEVICES: dict[str, str] = {
    "wearable": mark("wearable monitor"),
    "oximeter": mark("oximeter"),
    "cuff": mark("blood pressure monitor"),
    "thermometer": mark("thermometer"),
    "scale": mark("scale"),
    "button": mark("help button"),
    "motion": mark("motion sensor"),
    "door": mark("door sensor"),
    "bed": mark("bed sensor"),
    "climate": mark("climate sensor"),
    "plug": mark("smart plug"),
    "smoke": mark("smoke detector"),
    "leak": mark("water leak sensor"),
    "watch": mark("watch"),
    "pendant": mark("pendant"),
    "fall_detector": mark("fall detector"),
    "glucometer": mark("glucose meter"),
    "glucose_meter": mark("glucose meter"),
    "ventilator": mark("ventilator"),
    "cpap": mark("CPAP device"),
    "bipap": mark("bilevel PAP device"),
    "concentrator": mark("oxygen concentrator"),
    "oxygen_concentrator": mark("oxygen concentrator"),
    "oxygen concentrator": mark("oxygen concentrator"),
    "insulin_pump": mark("insulin pump"),
    "insulin pump": mark("insulin pump"),
    "dialysis": mark("dialysis device"),
    "dispenser": mark("medicine dispenser"),
    "medicine_dispenser": mark("medicine dispenser"),
    "entered": mark("entered by hand"),
    "own": mark("the client's own page"),
}
"""Usual kinds of device; others are shown as they are."""

UNITS: dict[str, str] = {
    "%": "%",
    "/min": "/min",
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "mmol/L": "mmol/l",
    "kg": "kg",
    "1": "",
    "{ACVPU}": "",
    "L/min": "l/min",
    "W": "W",
    "[ppm]": "ppm",
    "V": "V",
    "dB[mW]": "dBm",
    "cm": "cm",
    "kg/m2": "kg/m²",
    "kcal/d": "kcal/d",
    "kcal": "kcal",
    "g": "g",
    "min": "min",
    "Ohm": "Ω",
    "ms": "ms",
    "kJ": "kJ",
    "lx": "lx",
    "hPa": "hPa",
    "kW.h": "kWh",
    "A": "A",
    "ug/m3": "µg/m³",
    "dB[SPL]": "dB",
    "[ppb]": "ppb",
    "m[g]": "mg",
}
"""UCUM as people here write it."""

CODES: dict[str, str] = {
    "still": mark("still"),
    "movement": mark("movement"),
    "closed": mark("closed"),
    "open": mark("open"),
    "empty": mark("empty"),
    "occupied": mark("occupied"),
    "dry": mark("dry"),
    "wet": mark("wet"),
    "over": mark("over"),
    "called": mark("called for help"),
    "clear": mark("clear"),
    "alarm": mark("alarm"),
    "fallen": mark("fallen"),
    "asked": mark("asked for a call"),
    "taken": mark("taken"),
    "missed": mark("missed"),
    "intact": mark("intact"),
    "opened": mark("opened"),
    "alert": mark("alert"),
    "new_confusion": mark("new confusion"),
    "voice": mark("responds to voice"),
    "pain": mark("responds to pain"),
    "unresponsive": mark("unresponsive"),
    "absent": mark("nobody there"),
    "present": mark("somebody there"),
    "released": mark("released"),
    "pressed": mark("pressed"),
    "steady": mark("steady"),
    "vibrating": mark("vibrating"),
    "sound": mark("in order"),
    "faulty": mark("faulty"),
    "enough": mark("enough"),
    "low": mark("low"),
    "idle": mark("idle"),
    "testing": mark("testing"),
    "locked": mark("locked"),
    "unlocked": mark("unlocked"),
    "off": mark("off"),
    "on": mark("on"),
}
"""Values of coded metrics."""

SEVERITIES: dict[int, str] = {
    4: mark("Emergency"),
    3: mark("Urgent"),
    2: mark("Attention"),
    1: mark("Review"),
}

KINDS: dict[str, str] = {
    "help": mark("Help call"),
    "smoke": mark("Smoke"),
    "carbon_monoxide": mark("Carbon monoxide"),
    "fall": mark("Fall"),
    "call_request": mark("Please call me"),
    "news2": mark("NEWS2"),
    "spo2": mark("Oxygen saturation"),
    "glucose": mark("Blood glucose"),
    "blood_pressure": mark("Blood pressure"),
    "limit": mark("Own limit"),
    "deterioration": mark("Getting worse"),
    "trend": mark("Slow change"),
    "inactivity": mark("No sign of life"),
    "routine": mark("Unusual day or night"),
    "weight": mark("Weight"),
    "falls": mark("Repeated falls"),
    "respiratory": mark("Breathing"),
    "room": mark("Room temperature"),
    "door": mark("Out at night"),
    "missed_dose": mark("Missed dose"),
    "silence": mark("Silence"),
    "home_early": mark("Home early?"),
    "outage": mark("Outage"),
    "technical": mark("Technical"),
}

NEEDS: dict[str, str] = {
    "ventilator": mark("ventilator"),
    "oxygen": mark("oxygen"),
    "insulin_pump": mark("insulin pump"),
    "dialysis": mark("dialysis"),
    "help_button": mark("help button"),
    "dispenser": mark("medicine dispenser"),
}
"""What makes a client be at risk while nobody can be heard."""

INHIBITED: dict[str, str] = {
    "pause": mark("Paused: pages nobody."),
    "absence": mark("Explained by the client being out: pages nobody."),
    "gateway_silent": mark("Explained by the silence of the whole home: see that alert."),
    "gateway_deaf": mark("Explained by the silence of the whole home: see that alert."),
    "area_outage": mark("Explained by an outage in the area: see that alert."),
    "county_outage": mark("Explained by an outage of the whole county: see that alert."),
    "own_outage": mark("Explained by Saimi itself not hearing anybody: see that alert."),
}
"""What a higher cause makes of an alert."""

PAUSES: dict[str, str] = {
    "hospital": mark("in hospital"),
    "holiday": mark("away"),
    "guests": mark("guests"),
}
"""Kinds of pause."""
CHANNELS: dict[str, str] = {
    "webpush": mark("push message"),
    "sms": mark("SMS"),
    "email": mark("e-mail"),
    "chat": mark("chat"),
    "home": mark("the county's broker to homes"),
}
"""Ways to reach people, inside a sentence."""

OUTCOMES: dict[str, str] = {
    "real": mark("Real"),
    "false": mark("False alarm"),
    "technical": mark("Technical fault"),
    "known": mark("Known situation"),
}

OUTCOME_HELP: dict[str, str] = {
    "real": mark("the client needed attention"),
    "false": mark("nothing was the matter"),
    "technical": mark("a device or a measurement was wrong"),
    "known": mark("expected in this client's condition"),
}

EVENTS: dict[str, str] = {
    "opened": mark("Opened"),
    "rose": mark("Became more severe"),
    "fell": mark("Became less severe"),
    "updated": mark("New readings"),
    "inhibited": mark("Explained by a higher cause; pages nobody"),
    "cleared": mark("Values are back; waits for closing"),
    "returned": mark("Came back"),
    "called": mark("Called"),
    "acknowledged": mark("Acknowledged"),
    "renewed": mark("Goes on with it"),
    "handed_over": mark("Handed over"),
    "released": mark("Gave it back"),
    "lapsed": mark("Nobody went on with it; waits for someone again"),
    "contacted": mark("A person was reached"),
    "on_way": mark("On the way"),
    "arrived": mark("There"),
    "not_reached": mark("Nobody answered"),
    "noted": mark("Note"),
    "remote_visit": mark("Remote visit"),
    "asked": mark("Asked another profession"),
    "observed": mark("Readings entered"),
    "alone_started": mark("Alone in the home: timer started"),
    "alone_ended": mark("Out of the home: timer ended"),
    "alone_overdue": mark("Has not said that they are out of the home: the desk was told"),
    "closed": mark("Closed"),
}

REASONS: dict[str, str] = {
    "unknown_home": mark("Nobody knows whose home it is."),
    "no_area": mark("It is not known in which municipality the home is."),
    "no_team": mark("The client has no team that serves the area."),
    "nobody_on_duty": mark("Nobody of the client's team is on duty."),
    "occupied": mark("Whoever is on duty has an emergency already."),
    "unreachable": mark("Whoever is on duty cannot be reached."),
    "far_away": mark("Whoever is on duty is far away."),
    "routing_failed": mark("It could not be told whom to call."),
    "nobody_to_ask": mark("Nobody who could be asked is on duty."),
}
"""Why the desk is called at once (alerts.routing)."""

HOWS: dict[str, str] = {
    "face_to_face": mark("face to face"),
    "phone": mark("by phone"),
    "intercom": mark("through the home's loudspeaker"),
}
"""How a person was reached (alerts.handling.handling.contact)."""

TRIED: dict[str, str] = {
    "phone": mark("by phone"),
    "door": mark("at the door"),
    "intercom": mark("through the home's loudspeaker"),
    "remote_visit": mark("by remote visit"),
}
"""How nobody was reached (alerts.handling.visit.not_reached)."""

SERVICES: dict[str, str] = {
    "home_care": mark("home care"),
    "night_care": mark("night care"),
    "home_hospital": mark("home hospital"),
    "physician": mark("physician"),
    "nursing": mark("nurse"),
    "physiotherapy": mark("physiotherapist"),
    "occupational_therapy": mark("occupational therapist"),
    "social_work": mark("social worker"),
    "palliative_care": mark("palliative care"),
    "rescue": mark("rescue service"),
}
"""Usual services of teams; others are shown as they are."""

RECORDS: dict[str, str] = {
    "health": mark("health care"),
    "social": mark("social care"),
}
"""Which record an entry belongs to."""


def service_name(text: Texts, service: str) -> str:
    """What a team's service is called."""
    return text.gettext(SERVICES[service]) if service in SERVICES else service


HAZARDS: dict[str, str] = {
    "dog": mark("Dog"),
    "violence": mark("Risk of violence"),
    "infection": mark("Infection"),
    "smoking_with_oxygen": mark("Smokes near oxygen"),
}
"""What whoever comes must know before they ring (core.registry.Hazard)."""

CARE_LIMITS: dict[str, str] = {
    "palliative": mark("palliative care"),
    "no_cpr": mark("no resuscitation"),
    "no_transfer": mark("no transfer to hospital"),
}

ROLES: dict[str, str] = {
    "next_of_kin": mark("Next of kin"),
    "neighbour": mark("Neighbour"),
    "key_holder": mark("Has a key"),
    "guardian": mark("Guardian"),
    "hospital": mark("Hospital"),
}
"""Whom to call when the client does not answer (core.record.Contact)."""

NEWS2: dict[str, str] = {
    "respiratory_rate": mark("Breathing rate"),
    "spo2": mark("Oxygen saturation"),
    "oxygen": mark("Air or oxygen"),
    "systolic": mark("Systolic pressure"),
    "pulse": mark("Pulse"),
    "consciousness": mark("Consciousness"),
    "temperature": mark("Body temperature"),
}
"""The chart's seven parameters, in its order."""

MISSING: dict[str, str] = {
    "respiratory_rate": mark("breathing"),
    "spo2": mark("oxygen saturation"),
    "oxygen": mark("air or oxygen"),
    "systolic": mark("blood pressure"),
    "pulse": mark("pulse"),
    "consciousness": mark("consciousness"),
    "temperature": mark("temperature"),
}
"""The same inside a sentence."""

BANDS: dict[str, str] = {
    "low": mark("low risk"),
    "low_medium": mark("one parameter alone scores 3"),
    "medium": mark("medium risk"),
    "high": mark("high risk"),
}

OXYGEN: dict[str, str] = {
    "air": mark("air"),
    "oxygen": mark("oxygen"),
    "air_by_plan": mark("air, by the care plan"),
    "unknown": mark("not known"),
}
