"""Coverage-guided fuzzing over all decoders, ending in figures.

    python -m tests.fuzz --seconds 600

Starts a child that atheris drives, from realistic messages and, where they are beside the project,
the recorded ones. What crashed or was slow stays in the folder of findings. Times are measured
again at the end without the fuzzer's instrumentation.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.series import Cost, cost, packed, seeds

LIMIT = 50.0
"""CPU milliseconds a kilobyte."""
_SUSPECT = 20.0
"""With instrumentation, an input so slow is measured again."""
_KEPT = 200


def child(corpus: Path, findings: Path, seconds: int) -> None:
    """Fuzz until the time is over; never returns."""
    import atheris  # type: ignore[import-untyped] # it has no types; only on Linux, and only here

    with atheris.instrument_imports(include=["ingest"]):
        for name in [one for one in sys.modules if one.startswith("ingest")]:
            del sys.modules[name]
        del sys.modules["tests.fuzz.series"]
        from tests.fuzz.series import decode_series

    kept = 0

    def one(data: bytes) -> None:
        nonlocal kept
        took = decode_series(data)
        if took.ms_per_kb > _SUSPECT and kept < _KEPT:
            kept += 1
            name = f"slow-{hashlib.sha256(data).hexdigest()[:16]}"
            (findings / name).write_bytes(data)

    atheris.Setup(
        [
            "fuzz", str(corpus), f"-max_total_time={seconds}", f"-artifact_prefix={findings}/",
            "-print_final_stats=1", "-timeout=60", "-rss_limit_mb=4096", "-max_len=65536",
        ],
        one,
    )  # fmt: skip
    atheris.Fuzz()


def recorded() -> list[bytes]:
    """The recorded messages beside the project, if they are there."""
    import pytest

    from ingest.decoders import FORMATS
    from tests.support.recordings import cases

    found: list[bytes] = []
    for name in (
        "fhir_r4",
        "kanta_phr",
        "senml",
        "zigbee2mqtt_exposes",
        "gatt_11073",
        "ruuvi_adv",
        "ruuvi_gateway",
    ):
        try:
            messages = cases(name)
        except (pytest.skip.Exception, pytest.fail.Exception):
            return []
        for case in messages:
            source, rest = FORMATS.get(case["format"], ("senml", ""))
            uuid = (case["expected"] or {}).get("uuid")
            payload = case["payload"].encode()
            if case.get("encoding") == "base64":
                payload = base64.b64decode(payload + b"==")
            if len(payload) < 60_000:
                found.append(packed([(source, f"{rest}/{uuid}" if uuid else rest, payload)]))
    return found


def main() -> int:
    """Run the child, measure what was slow, say what came of it."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--findings", type=Path, default=None)
    parser.add_argument("--child", type=Path, default=None)
    given = parser.parse_args()
    findings = given.findings or Path(tempfile.mkdtemp(prefix="saimi-fuzz-"))
    findings.mkdir(parents=True, exist_ok=True)
    if given.child:
        child(given.child, findings, given.seconds)
    with tempfile.TemporaryDirectory() as folder:
        started = [*seeds(), *recorded()]
        for number, data in enumerate(started):
            (Path(folder) / f"seed-{number}").write_bytes(data)
        command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(given.seconds)]
        command += ["--findings", str(findings), "--child", folder]
        ran = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        reached = [path.read_bytes() for path in Path(folder).iterdir()]
    slow = [path.read_bytes() for path in findings.glob("slow-*")]
    worst = max((cost(data) for data in (*slow, *reached)), default=Cost(0.0, ""))
    crashes = [path for path in findings.iterdir() if not path.name.startswith("slow-")]
    executions = re.search(r"number_of_executed_units:\s*(\d+)", ran.stderr)
    bad = bool(crashes) or ran.returncode != 0 or worst.ms_per_kb > LIMIT
    if bad:
        sys.stderr.write(ran.stderr[-8_000:])
    print(f"seeds {len(started)}, inputs kept {len(reached)}")  # noqa: T201
    print(f"executions {executions[1] if executions else 'unknown'} in {given.seconds} s")  # noqa: T201
    print(f"worst {worst.ms_per_kb:.2f} ms per kilobyte ({worst.source}), limit {LIMIT:g}")  # noqa: T201
    print(f"crashes {len(crashes)}{f', in {findings}' if bad else ''}")  # noqa: T201
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
