"""What a client is told of looks at their data, in words that need no explanation."""

from __future__ import annotations

from web.i18n import mark

LOOKS: dict[str, str] = {
    "list": mark("your name on a list"),
    "episode": mark("an alert of yours"),
    "emergency_call": mark("what is to be said to 112"),
    "trends": mark("your readings"),
    "grafana": mark("your readings, in Grafana"),
    "plan": mark("your plan"),
    "pauses": mark("your pauses"),
    "device": mark("a device of yours"),
    "kept": mark("an alert of yours, kept on a phone"),
    "door_code": mark("your door code"),
    "fhir": mark("your data, for the patient record"),
    "break_glass": mark("opened your data in an emergency"),
    "own_login": mark("your login"),
    "own_view": mark("this page"),
    "rule_proposal": mark("an alert of yours, to judge a change of the county's rules"),
    "report": mark("a report about you"),
    "retention": mark("how long your data is kept"),
    "export": mark("all of your data, as a file"),
}
"""By `what` of the record of looks (web.access); others are shown as they are."""

PURPOSES: dict[str, str] = {
    "care": mark("for your care"),
    "desk": mark("at the county's duty desk"),
    "break_glass": mark("in an emergency"),
    "own": mark("yourself"),
}
KINDS: dict[str, str] = {
    "call_request": mark("You asked for a call"),
    "help": mark("You called for help"),
}
CHANGES: dict[str, str] = {
    "plan": mark("your plan was changed"),
    "pause": mark("a pause was set or ended"),
    "assignment": mark("it was said whose a device is"),
    "own_login": mark("your own login was given or ended"),
    "hold": mark("your data is kept until further notice, or no longer so"),
    "erasure": mark("data about you was erased"),
}
"""By `what` of the record of changes."""
