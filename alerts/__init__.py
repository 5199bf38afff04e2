"""Committed readings become findings, findings become episodes, episodes reach people.

In reading order:

    service.py      the worker: woken or polling, one batch after another
    batch.py        one transaction: claim what is new, lock, assess, write, tell
    load.py         reads what the rules need, for the whole batch
    subject.py      what is known of a subject when it is assessed
    rules.toml      the rules as data, read by rules.py
    survey.py       the county as a whole: areas that are out (outages.py), we ourselves
    assess.py       readings and facts -> findings, by one table of rules: events.py, news.py,
                    thresholds.py, glucose.py, blood_pressure.py, silence.py (with line.py),
                    and by pauses.py, which also suspends what a pause suspends
    causes.py       what a higher cause explains pages nobody; at_risk.py: who is at risk then
    finding.py      what a rule says, with its evidence
    joining.py      findings of one kind as one
    episodes.py     findings and open episodes -> what changes
    store.py        writes what changed, and tells
    handling.py     what a person does to an episode
    listing.py      episodes as the web shows them
    outbox.py       what is to be said to people outside, written with what it tells of
    delivering.py   the worker that sends it: post.py takes a message in hand, recording.py writes
                    what became of it; by channels.toml and route.py, in the words of wording.toml
    webpush.py, by_url.py, to_home.py   the channels
    reaching.py     who is reached how
"""
