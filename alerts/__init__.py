"""Committed readings become findings, findings become episodes, episodes reach people.

A package for each step, in the order in which a finding travels; imports run the other way, but
that calls and people write to the outbox (pyproject.toml has the layers).

    worker/       service.py: woken or polling, one batch after another; batch.py: one transaction:
                  claim what is new, lock, assess, write, tell; load.py reads for the whole batch;
                  survey.py looks at the county as a whole
    rules/        rules.toml, the rules as data, and what reads, checks and lists them
    subjects/     what is known of a subject when it is assessed
    silence/      what is not heard and why: silence, areas that are out, we ourselves, pauses
    assess/       readings and facts -> findings, by one table of rules
    learned/      what models find
    episodes/     findings of one kind as one, findings and open episodes -> what changes, written
                  and listed
    routing/      who is called: rota, travel, and the next one when nobody answers
    handling/     what a person does to an episode
    delivery/     an outbox, the worker that sends what is in it, and the channels
    backtest/     history again, through changed rules and models

finding.py says what a finding is; serving.py how a worker lives.
"""
