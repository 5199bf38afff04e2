"""What the pages' scripts say, by the names under which they ask for it (static/js/words.js)."""

from __future__ import annotations

from web.i18n import mark

SCRIPT: dict[str, str] = {
    # Counting up by themselves; the names in braces are filled in by the page.
    "minutes": mark("{minutes} min"),
    "hours": mark("{hours} h {minutes} min"),
    "days": mark("{days} d {hours} h"),
    "now": mark("just now"),
    "ago": mark("{age} ago"),
    "waited": mark("waiting"),
    # The list.
    "waiting": mark("Waiting for someone"),
    "taken": mark("Being handled"),
    "none": mark("No open alerts"),
    "none_help": mark("You see here at once when a client of yours needs you."),
    "acknowledge": mark("Acknowledge"),
    "acknowledging": mark("Acknowledging…"),
    "years": mark("{n} y"),
    "acknowledged_by": mark("{name} acknowledged at {time}"),
    "latest": mark("Latest"),
    "cleared": mark("Values are back since {time}"),
    "new_alert": mark("New alert: {severity}, {name}. {sentence}"),
    "missed": mark("While this list was not up to date: {n} alerts, all being handled."),
    "missed_waiting": mark(
        "While this list was not up to date: {n} alerts, {waiting} still waiting."
    ),
    "missed_look": mark("What I missed"),
    # Whether the page can be relied on.
    "live": mark("Up to date"),
    "connecting": mark("Connecting"),
    "not_live": mark("Not up to date"),
    "offline": mark("No connection. The list shows how it was at {time}."),
    "offline_do": mark("New alerts do not reach you: call the duty desk."),
    "engine": mark("Alerts are not being assessed right now."),
    "engine_do": mark("Readings arrive, but nothing new appears on this list: call the duty desk."),
    "ingest": mark("Readings are not coming in right now."),
    "ingest_do": mark("Homes cannot be heard, help calls included: call the duty desk."),
    "database": mark("Saimi's database does not answer. The list shows how it was at {time}."),
    "database_do": mark("New alerts do not reach you: call the duty desk."),
    "ended": mark("Your session has ended. New alerts do not reach you."),
    "log_in": mark("Log in again"),
    # Sound.
    "sound_on": mark("Sound is on"),
    "sound_off": mark("Sound is off: tap to hear new alerts"),
    # An alert.
    "unsent": mark(
        "Kept on this phone, not sent yet: {n}. It is sent as soon as there is a connection."
    ),
    "unsent_now": mark("No connection: kept on this phone, and sent as soon as there is one."),
    "unsent_ended": mark(
        "Your session has ended: what you did is kept on this phone and is sent when you log in."
    ),
    "unsent_chip": mark("not sent yet"),
    "conflict": mark("Not done: {what} ({time})"),
    "look": mark("Look at the alert"),
    "understood": mark("Understood"),
    "not_yours": mark("You may not see this alert any more."),
    "on_duty": mark("on duty"),
    "desk_asks": mark("nobody on duty: the desk is asked"),
    "choose_person": mark("Choose one first."),
    "write_first": mark("Write something first."),
    "enter_first": mark("Enter at least one value."),
    "not_a_number": mark("A value is not a number: look at it again."),
    "breaths_start": mark("Count breaths for 60 s"),
    "breaths_tap": mark("Tap at each breath ({n})"),
    "breaths_left": mark("{n} s left"),
    "breaths_done": mark("{n} breaths a minute: filled in"),
    "push_on": mark("This phone is woken by new alerts"),
    "push_off": mark("Wake this phone for new alerts"),
    "push_denied": mark("This browser does not allow it: see its settings."),
    "failed": mark(
        "No connection, so this may not have gone through. Try again: twice does no harm."
    ),
    "characters": mark("{n} characters left"),
    "too_long": mark("{n} characters too many: shorten the note before closing."),
    "choose": mark("Choose an outcome first."),
    "reached_first": mark("Say first that a person was reached."),
    "updated": mark("Updated"),
    # The desk.
    "desk_counts": mark("{waiting} waiting, {open} open, {overdue} overdue"),
    "desk_nothing": mark("nothing open"),
    "desk_none_waits": mark("Nothing waits for anybody."),
    "desk_more": mark("and {n} more"),
    "desk_explained": mark("{n} more are explained by an outage or a pause: nobody is called."),
    "desk_overdue": mark("overdue"),
    "homes_heard_of": mark("Homes heard, of {n}"),
    "homes_silent": mark("{n} silent by themselves"),
    "homes_out": mark("{n} by an outage"),
    "homes_explained": mark("{n} paused or out"),
    "homes_devices": mark("{n} silent devices"),
    "homes_none": mark("No home is silent by itself."),
    "homes_vital": mark("Somebody there lives by a device."),
    "homes_waits": mark("Waiting for someone"),
    # Charts.
    "blood_pressure": mark("Blood pressure"),
    "no_readings": mark("No readings in this time"),
    "range": mark("range"),
    "earlier": mark("earlier period"),
    "was": mark("earlier {value}"),
    "readings": mark("{n} readings, short"),
    "a_night": mark("at night {n}"),
    "chart_failed": mark("The readings could not be fetched. Try again."),
    "times": mark("{n} times"),
    "times_at_night": mark("{n} of these at night (22–6)"),
    "in_bed": mark("In bed at night"),
    "risings": mark("Risings at night (22–6)"),
    "known_share": mark("known {share} of the time"),
    "heard_days": mark("heard on {n} of {all} days"),
    "arrived": mark("Messages that arrived"),
    "week_mean": mark("thick: mean of 7 days"),
    "goes_on": mark("goes on"),
    "raster_hint": mark("A day a column, an hour a row: midnight at the top."),
    "resolution_raw": mark("Single readings; doubtful ones are left out."),
    "resolution_hourly": mark("Means of hours; doubtful readings are counted in."),
    "resolution_daily": mark("Means of days; doubtful readings are counted in."),
}
"""What scripts say; the placeholders are theirs."""
