"""Services as child processes: readiness, restart, the end in order, the end of the supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from core.errors import EmbeddedError
from saimi.supervisor import Service
from tests.support.waiting import eventually

# A service that says where it lives, is ready at once, and ends in order when told to.
GOOD = """
import os, pathlib
from saimi.running import notify_ready, run
async def work(stop):
    with open("pids", "a") as file:
        print(os.getpid(), file=file)
    notify_ready()
    await stop.wait()
    print('{"sent": 7}')
run(work, watch_stdin=True)
"""
DEAF = GOOD.replace("await stop.wait()", "while True: pass")


def service(folder: Path, code: str, *, output: bool = False) -> Service:
    command = [sys.executable, "-c", f"import os; os.chdir({str(folder)!r})\n{code}"]
    return Service("good", command, logs=folder / "logs", output=output)


def pids(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / "pids").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_it_is_ready_when_start_returns_and_ends_in_order(tmp_path: Path) -> None:
    good = service(tmp_path, GOOD, output=True)
    await good.start()
    assert pids(tmp_path) == [good.pid]

    assert await good.stop() == b'{"sent": 7}\n'
    assert good.pid is None
    assert not alive(pids(tmp_path)[0])


async def test_it_is_started_again_when_it_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = service(tmp_path, GOOD)
    await good.start()
    first = good.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    async def again() -> bool:
        return len(pids(tmp_path)) == 2

    await eventually(again)
    assert good.pid == pids(tmp_path)[1] != first
    assert "good ended (status -9) and is started again" in capsys.readouterr().err
    await good.stop()
    assert not alive(pids(tmp_path)[1])


async def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    bad = service(tmp_path, "import sys; sys.exit('saimi: The moon is in the way.')")
    with pytest.raises(EmbeddedError, match=r"good ended \(status 1\): The moon is in the way\."):
        await bad.start()
    assert bad.pid is None


SICKLY = """
import pathlib, sys
born = pathlib.Path("born")
born.touch()
born.write_text(born.read_text() + "x")
if len(born.read_text()) < 3:
    sys.exit("saimi: The database has just died.")
"""


async def test_one_that_dies_before_it_is_ready_is_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sickly = service(tmp_path, SICKLY + GOOD)
    await sickly.start(attempts=3)
    assert pids(tmp_path) == [sickly.pid]
    said = capsys.readouterr().err
    assert said.count("The database has just died. It is started again.") == 2
    await sickly.stop()


async def test_one_that_always_dies_is_given_up(tmp_path: Path) -> None:
    sickly = service(tmp_path, SICKLY + GOOD)
    with pytest.raises(EmbeddedError, match=r"The database has just died\. The whole log"):
        await sickly.start(attempts=2)
    assert (tmp_path / "born").read_text() == "xx"
    assert sickly.pid is None


async def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = service(tmp_path, DEAF)
    await deaf.start()
    await deaf.stop(grace=0.2)
    assert not alive(pids(tmp_path)[0])


@pytest.mark.parametrize("code", [GOOD, DEAF.replace("while True", "while not stop.is_set()")])
async def test_it_ends_when_its_supervisor_is_killed(tmp_path: Path, code: str) -> None:
    supervisor = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.integration.test_cli_supervisor import service
async def main():
    await service(pathlib.Path({str(tmp_path)!r}), {code!r}).start()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", supervisor, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.kill()
    await process.wait()

    async def gone() -> bool:
        return not alive(pids(tmp_path)[0])

    await eventually(gone)
