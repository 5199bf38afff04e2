"""The command line as a person meets it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.database import connect
from saimi.embedded.broker import Broker
from tests.support.commands import saimi

NOWHERE = "postgresql://saimi:secret@127.0.0.1:9/saimi"  # the discard port: nobody listens
DOCUMENT: dict[str, Any] = {
    "areas": [{"code": "imatra", "name": "Imatra"}],
    "teams": [{"name": "Imatra", "areas": ["imatra"]}],
    "homes": [{"name": "K1", "area": "imatra", "gateway": "gw-1"}],
}


def one_sentence(text: str) -> bool:
    return text.startswith("saimi: ") and text.count("\n") == 1 and "Traceback" not in text


def test_help_is_quick() -> None:
    """Each of these would cost a large part of a second, on every call of every command."""
    heavy = {
        "aiohttp",
        "alembic",
        "asyncpg",
        "cryptography",
        "numpy",
        "pyarrow",
        "scipy",
        "sklearn",
        "sqlalchemy",
    }
    code = (
        "import sys\nfrom saimi.cli import main\nsys.argv = ['saimi', '--help']\n"
        f"try: main()\nfinally: print('imported:', *sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.returncode == 0
    for command in ("up", "ingest", "replay", "registry", "doctor"):
        assert command in shown.stdout
    assert shown.stdout.splitlines()[-1] == "imported:"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("up", "--homes", "none"),
        ("up", "--speed", "-1"),
        ("simulate", "--days", "1", "--hours", "2"),
        ("registry", "import", "not-there.json"),
        ("simulate", "--scenario", "not-there"),
    ],
)
def test_a_mistake_ends_with_status_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = saimi(*arguments, settings={"SAIMI_MQTT_URL": "mqtt://127.0.0.1:9"}, cwd=tmp_path)
    assert done.status == 2
    assert done.out == ""
    assert done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("service", ["ingest", "alerts", "deliver", "web"])
def test_a_service_without_its_database_says_so(service: str, tmp_path: Path) -> None:
    unset = saimi(service, cwd=tmp_path)
    assert unset.status == 2
    assert one_sentence(unset.err), unset.err
    assert "SAIMI_DATABASE_URL is not set" in unset.err


def test_a_database_that_is_down(tmp_path: Path) -> None:
    down = saimi("user", "list", settings={"SAIMI_DATABASE_URL": NOWHERE}, cwd=tmp_path)
    assert down.status == 2
    assert one_sentence(down.err), down.err
    assert "database does not answer (connection refused)" in down.err
    assert "secret" not in down.err


def test_an_address_that_is_none(tmp_path: Path) -> None:
    wrong = saimi("user", "list", settings={"SAIMI_DATABASE_URL": "my database"}, cwd=tmp_path)
    assert wrong.status == 2
    assert one_sentence(wrong.err), wrong.err
    assert "address cannot be used" in wrong.err


def test_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    loud = saimi("user", "list", settings={"SAIMI_LOG_LEVEL": "loud"}, cwd=tmp_path)
    assert (loud.status, one_sentence(loud.err)) == (2, True), loud.err
    assert "SAIMI_LOG_LEVEL" in loud.err
    done = saimi("web", settings={"SAIMI_WEB_PORT": "eighty"}, cwd=tmp_path)
    assert done.status == 2
    assert one_sentence(done.err), done.err
    assert "SAIMI_WEB_PORT" in done.err


def test_an_empty_database_is_migrated(empty_database_url: str, tmp_path: Path) -> None:
    url = {"SAIMI_DATABASE_URL": empty_database_url}
    refused = saimi("user", "list", settings=url, cwd=tmp_path)
    assert refused.status == 2
    assert "saimi db migrate" in refused.err
    assert saimi("db", "status", "--json", settings=url, cwd=tmp_path).report["current"] is False

    assert saimi("db", "migrate", settings=url, cwd=tmp_path).status == 0
    status = saimi("db", "status", "--json", settings=url, cwd=tmp_path).report
    assert status["current"] is True
    assert status["schema"] == status["needed"]


def test_registry_and_users(plain_database_url: str, tmp_path: Path) -> None:
    url = {"SAIMI_DATABASE_URL": plain_database_url}
    (tmp_path / "registry.json").write_text(json.dumps(DOCUMENT))

    imported = saimi("registry", "import", "registry.json", "--json", settings=url, cwd=tmp_path)
    assert imported.status == 0
    assert imported.report["added"]["homes"] == 1
    (tmp_path / "registry.json").write_text(json.dumps(DOCUMENT | {"areas": [], "oops": 1}))
    refused = saimi("registry", "import", "registry.json", settings=url, cwd=tmp_path)
    assert refused.status == 2
    assert one_sentence(refused.err), refused.err
    assert "oops" in refused.err

    add = ("user", "add", "hanna", "--team", "Imatra", "--password-file", "-")
    assert saimi(*add, settings=url, text="salasana-1\n", cwd=tmp_path).status == 0
    listed = saimi("user", "list", "--json", settings=url, cwd=tmp_path)
    assert listed.report["members"] == [
        {
            "username": "hanna",
            "display_name": "hanna",
            "role": "member",
            "language": "fi",
            "identity": None,
            "teams": ["Imatra"],
            "password": True,
            "disabled": False,
        }
    ]
    unknown = saimi(
        *("user", "add", "b", "--team", "Nobody", "--password-file", "-"),
        settings=url,
        text="salasana-1\n",
        cwd=tmp_path,
    )
    assert unknown.status == 2
    assert "'Nobody'" in unknown.err
    # Whoever logs in at the identity provider alone; one identity is one member's.
    named = ("--no-password", "--identity", "4711")
    assert saimi("user", "add", "tiina", *named, settings=url, cwd=tmp_path).status == 0
    again = saimi("user", "add", "timo", *named, settings=url, cwd=tmp_path)
    assert again.status == 2
    assert "'tiina'" in again.err


def test_doctor_finds_what_is_there(
    plain_database_url: str, broker: Broker, tmp_path: Path
) -> None:
    settings = {"SAIMI_DATABASE_URL": plain_database_url, "SAIMI_MQTT_URL": broker.url}
    done = saimi("doctor", "--json", settings=settings, cwd=tmp_path)
    report = done.report
    assert done.status == 0, report
    assert report["ok"] is True
    assert report["database"]["detail"]["edition"] == "plain"
    assert report["schema"]["ok"] is True
    assert report["broker"]["detail"]["name"].startswith("mosquitto 2")
    assert abs(report["clock"]["detail"]["skew_s"]) < 1
    for name in ("python", "parts", "disk", "services", "workers"):
        assert report[name]["ok"] is True, name


async def test_doctor_finds_a_session_that_nobody_reads(
    plain_database_url: str, tmp_path: Path
) -> None:
    connection = await connect(plain_database_url)
    try:
        for name, age in (("saimi-ingest", "1 s"), ("saimi-ingest-1", "5 min")):
            await connection.execute(
                "INSERT INTO ops.ingest_slot (name, service, shared, holder, renewed_at) VALUES "
                f"($1, 'saimi-ingest', true, gen_random_uuid(), now() - interval '{age}')",
                name,
            )
    finally:
        await connection.close()
    settings = {"SAIMI_DATABASE_URL": plain_database_url, "SAIMI_METRICS_PORT": "9"}
    done = saimi("doctor", "--json", settings=settings, cwd=tmp_path)
    assert done.status == 2
    assert "1 share what comes; nobody reads saimi-ingest-1" in done.report["workers"]["text"]
    assert "nobody answers at http://127.0.0.1:9/ready" in done.report["metrics"]["text"]


def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    settings = {"SAIMI_DATABASE_URL": NOWHERE, "SAIMI_MQTT_URL": "mqtt://127.0.0.1:9"}
    done = saimi("doctor", "--json", settings=settings, cwd=tmp_path)
    assert done.status == 2
    assert done.report["ok"] is False
    assert "does not answer" in done.report["database"]["text"]
    assert "No MQTT broker answers" in done.report["broker"]["text"]
    assert "secret" not in done.out


def test_recorded_messages_are_decoded(tmp_path: Path) -> None:
    lines = [
        {
            "topic": "saimi/v1/gw-1/senml",
            "payload": '[{"bn":"cuff/","bt":1763778000,"n":"systolic","u":"mm[Hg]","v":131}]',
        },
        {"topic": "saimi/v1/gw-1/senml", "payload": "[{]"},
    ]
    (tmp_path / "recorded.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = saimi("decode", "recorded.jsonl", cwd=tmp_path)
    assert done.status == 0
    good, bad = map(json.loads, done.out.splitlines())
    assert good == {
        "readings": [
            {
                "device": "cuff",
                "metric": "systolic",
                "value": 131.0,
                "unit": "mm[Hg]",
                "time": 1763778000.0,
            }
        ],
        "rejected": None,
    }
    assert bad["readings"] == []
    assert bad["rejected"]


async def test_what_was_rejected_is_listed_and_tried_again(
    plain_database_url: str, tmp_path: Path
) -> None:
    url = {"SAIMI_DATABASE_URL": plain_database_url}
    assert "Nothing is rejected" in saimi("rejected", "list", settings=url, cwd=tmp_path).out
    connection = await connect(plain_database_url)
    try:
        await connection.execute(
            """INSERT INTO telemetry.rejected
                      (received_at, gateway, topic, reason, detail, payload, size)
               VALUES (now(), 'gw-1', 'saimi/v1/gw-1/senml', 'unknown_gateway',
                       'Nobody knows gw-1.', $1::bytea, octet_length($1::bytea))""",
            b'[{"n":"cuff/systolic","u":"mm[Hg]","v":131}]',
        )
        await connection.execute(
            """INSERT INTO telemetry.rejected
                      (received_at, gateway, topic, reason, detail, record, size)
               VALUES (now(), 'gw-2', 'saimi/v1/gw-2/senml', 'future',
                       'The clock is ahead.', $1, 0)""",
            {"device": "scale", "metric": "weight", "value": 70, "unit": "kg", "time": 4e9},
        )
    finally:
        await connection.close()
    listed = saimi("rejected", "list", "--json", settings=url, cwd=tmp_path).report
    counts = {one["reason"]: one["count"] for one in listed["counts"]}
    assert counts == {"unknown_gateway": 1, "future": 1}
    assert [one["detail"] for one in listed["newest"]] == [
        "The clock is ahead.",
        "Nobody knows gw-1.",
    ]
    lines = saimi("rejected", "list", settings=url, cwd=tmp_path).out
    assert "gw-2/scale  The clock is ahead." in lines

    home = DOCUMENT["homes"][0] | {
        "devices": [{"name": "cuff", "kind": "cuff", "assigned_from": "2020-01-01T00:00:00Z"}]
    }
    (tmp_path / "registry.json").write_text(json.dumps(DOCUMENT | {"homes": [home]}))
    assert saimi("registry", "import", "registry.json", settings=url, cwd=tmp_path).status == 0
    ours = ("--gateway", "gw-1")
    tried = saimi("rejected", "retry", *ours, "--json", settings=url, cwd=tmp_path).report
    assert tried == {"tried": 1, "committed": 1, "duplicates": 0, "rejected": 0}


async def test_readings_are_put_right_from_the_command_line(
    plain_database_url: str, tmp_path: Path
) -> None:
    url = {"SAIMI_DATABASE_URL": plain_database_url}

    def reading(*arguments: str) -> Any:
        return saimi("reading", *arguments, settings=url, cwd=tmp_path)

    clients = [
        {"reference": name, "given_name": "A", "family_name": "B", "born": "1940-01-01"}
        for name in ("anna", "bent")
    ]
    cuffs = [
        {"name": "cuff", "kind": "cuff", "subject": name, "user_index": index,
         "assigned_from": "2020-01-01T00:00:00Z"}
        for index, name in enumerate(("anna", "bent"), start=1)
    ]  # fmt: skip
    home = DOCUMENT["homes"][0] | {"clients": clients, "devices": cuffs}
    (tmp_path / "registry.json").write_text(json.dumps(DOCUMENT | {"homes": [home]}))
    assert saimi("registry", "import", "registry.json", settings=url, cwd=tmp_path).status == 0
    assert "No reading waits" in reading("held").out
    connection = await connect(plain_database_url)
    try:
        await connection.execute(
            """WITH held AS (
                   INSERT INTO telemetry.held (device, metric, time, user_index, state, held_at)
                   SELECT id, 4, '2026-05-01 09:00Z', 3, 0, now() FROM registry.device
                    WHERE name = 'cuff' RETURNING device, metric, time)
               INSERT INTO telemetry.reading
                      (time, received_at, value, device, subject, metric, state)
               SELECT time, now(), 131, device, 0, metric, 1 FROM held"""
        )
    finally:
        await connection.close()
    (waiting,) = reading("held", "--json").report["held"]
    assert (waiting["value"], waiting["candidates"]) == (131, ["anna", "bent"])
    assert "anna, bent" in reading("held").out

    stretch = ("gw-1", "cuff", "--since", "2026-05-01", "--until", "2026-05-02")
    why = ("--reason", "Bent says so")
    done = reading("reassign", *stretch, *why, "--to", "bent", "--user-index", "3", "--json")
    assert done.report["readings"] == 1
    assert reading("held", "--json").report == {"held": []}
    struck = reading("strike-out", *stretch, "--reason", "wrong arm", "--json").report
    assert struck["readings"] == 1
    back = reading("restore", str(struck["correction"]), "--reason", "it was right", "--json")
    assert back.report["readings"] == 1
    whats = [row["what"] for row in reading("corrections", "--json").report["corrections"]]
    assert whats == ["restored", "struck_out", "reassigned"]
    assert "wrong arm" in reading("corrections").out
    assert "No clock was found wrong" in reading("clocks").out
    assert reading("clocks", "--json").report == {"clocks": []}
    for arguments in (
        ("strike-out", "gw-1", "scale", "--since", "2026-05-01", "--reason", "x"),
        ("reassign", *stretch, *why, "--to", "nobody"),
        ("strike-out", "gw-1", "cuff", "--since", "yesterday", "--reason", "x"),
        ("restore", "4711", "--reason", "x"),
    ):
        refused = reading(*arguments)
        assert refused.status == 2
        assert one_sentence(refused.err), refused.err


def test_grafana_files(tmp_path: Path) -> None:
    done = saimi("grafana", "render", "--out", tmp_path / "out", "--json")
    assert done.status == 0
    assert all(Path(name).is_file() for name in done.report["files"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sync",), "SAIMI_GRAFANA_URL"),
        (("role",), "--county"),
        (("role", "imatra", "--county"), "--county"),
    ],
)
def test_grafana_says_what_it_lacks(arguments: tuple[str, ...], said: str) -> None:
    refused = saimi("grafana", *arguments)
    assert refused.status == 2
    assert one_sentence(refused.err), refused.err
    assert said in refused.err
