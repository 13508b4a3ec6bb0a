"""The embedded databases: private, restartable, never root's, and found again after a crash of their starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from portal.embedded import sockets
from portal.embedded.account import CURRENT
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import PidFile, ServerError, spawn, stop, wait_until
from portal.embedded.supervisor import Command, Stopped, Supervisor
from portal.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parent.parent.parent


def eventually(question: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
    return True


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_postgres_keeps_its_data_over_a_restart_and_gives_the_portal_no_superuser(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "pg", durable=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        connection.execute("CREATE TABLE kept AS SELECT similarity('国保連合会', '国保中央会') AS score")

    with (
        EmbeddedPostgres(tmp_path / "pg", durable=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        role = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        kept = connection.execute("SELECT count(*) FROM kept").fetchone()

    assert role == (False,)
    assert kept == (1,)


def test_postgres_listens_on_a_private_socket_only_and_asks_for_the_password(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as server:
        assert server.sockets.stat().st_mode & 0o077 == 0
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(server.sockets), user="portal", password="wrong", dbname="portal")


def test_a_server_left_behind_by_a_killed_starter_is_taken_over(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path / "pg", durable=False)
    first.start(follow_parent=False)
    left_behind = first.process

    with EmbeddedPostgres(tmp_path / "pg", durable=False) as second:
        assert left_behind is not None
        assert eventually(lambda: left_behind.poll() is not None)
        assert second.answers()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")
def test_roots_servers_run_under_an_unprivileged_uid(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "pg", durable=False) as server,
        EmbeddedValkey(tmp_path / "valkey") as valkey,
    ):
        for process in (server.process, valkey.process):
            assert process is not None
            status = Path(f"/proc/{process.pid}/status").read_text()
            uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
            assert "0" not in uids


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a folder that only root may enter")
def test_a_folder_that_only_root_may_enter_works_and_keeps_its_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with EmbeddedPostgres(closed / "pg", durable=False) as server:
        assert server.answers()

    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


@pytest.fixture
def temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where short socket folders are made, so that none is left in /tmp."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.mark.usefixtures("temporary_folder")
def test_a_long_path_gets_a_short_socket_folder_that_is_found_again(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)

    with EmbeddedValkey(deep, durable=False) as server:
        assert server.answers()
        again = EmbeddedValkey(deep, durable=False)

    assert again.socket == server.socket
    assert len(os.fsencode(server.socket)) < 104


@pytest.mark.usefixtures("temporary_folder")
def test_a_socket_folder_that_others_could_write_is_not_trusted(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    first = sockets.socket_folder(deep, CURRENT)
    first.chmod(0o777)

    assert sockets.socket_folder(deep, CURRENT) != first


def test_valkey_keeps_the_queue_over_a_restart(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        redis.Redis(unix_socket_path=str(server.socket)).lpush("queue", "task")

    with EmbeddedValkey(tmp_path) as server:
        assert redis.Redis(unix_socket_path=str(server.socket)).llen("queue") == 1


def test_a_daemon_is_stopped_by_the_process_that_started_it(tmp_path: Path) -> None:
    EmbeddedValkey(tmp_path).start(follow_parent=False)

    again = EmbeddedValkey(tmp_path)
    assert again.answers()
    again.stop()

    assert not again.answers()


def test_a_server_that_cannot_start_says_where_its_log_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn(
        [sys.executable, "-c", "print('no such database'); raise SystemExit(3)"], account=CURRENT, log=log
    )

    with pytest.raises(ServerError, match=r"(?s)exit 3.*no such database"):
        wait_until(lambda: False, process=child, name="It", log=log, patience=20)


def test_stopping_leaves_no_process_of_the_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = "import os, subprocess, sys; p = subprocess.Popen(['sleep', '600']); open(sys.argv[1], 'w').write(str(p.pid)); p.wait()"
    child = spawn([sys.executable, "-c", script, note], account=CURRENT, log=tmp_path / "log")
    assert eventually(lambda: note.exists() and note.read_text() != "")

    stop(child, with_signal=signal.SIGTERM, patience=5)

    assert eventually(lambda: is_gone(int(note.read_text())))


def test_children_end_when_their_starter_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import sys, time, pathlib; from portal.embedded.process import spawn; from portal.embedded.account import CURRENT;"
        "p = spawn(['sleep', '600'], account=CURRENT, log=pathlib.Path(sys.argv[1] + '.log'));"
        "pathlib.Path(sys.argv[1]).write_text(str(p.pid)); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(note)], cwd=ROOT)
    assert eventually(lambda: note.exists() and note.read_text() != "")

    starter.kill()
    starter.wait()

    assert eventually(lambda: is_gone(int(note.read_text())))


def test_a_pid_of_a_later_process_is_not_taken_for_the_daemon(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "600"])
    note = PidFile(tmp_path / "pid")
    note.write(child.pid)
    assert note.pid() == child.pid

    pid, started = note.path.read_text().split()
    note.path.write_text(f"{pid} {int(started) - 1}")
    assert note.pid() is None
    note.stop()

    assert child.poll() is None
    child.kill()
    child.wait()


@pytest.fixture
def signals() -> Iterator[None]:
    """The supervisor takes the signals of its process, which here is pytest's."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def watch(servers: dict[str, Command], say: Callable[[str], None]) -> None:
    with Supervisor(say) as supervisor:
        for name, server in servers.items():
            supervisor.add(name, server)
            server.start()
        supervisor.watch()


def sleeping_server(tmp_path: Path, script: str = "import time; time.sleep(600)") -> Command:
    command: list[str | Path] = [sys.executable, "-c", script]
    return Command("It", command, account=CURRENT, log=tmp_path / "log", env=dict(os.environ), cwd=tmp_path)


@pytest.mark.usefixtures("signals")
def test_the_supervisor_starts_a_killed_server_again_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    server = sleeping_server(tmp_path, "import os; os.kill(os.getpid(), 9)")

    def stop_at_once(text: str) -> None:
        said.append(text)
        raise Stopped

    with pytest.raises(Stopped):
        watch({"It": server}, stop_at_once)

    assert "It ended (signal SIGKILL); starting it again" in said[0]
    assert server.process is None


@pytest.mark.usefixtures("signals")
def test_a_server_that_ends_again_and_again_stops_everything(tmp_path: Path) -> None:
    said: list[str] = []
    failing, other = sleeping_server(tmp_path, "raise SystemExit(7)"), sleeping_server(tmp_path)

    with pytest.raises(ServerError, match="5 times"):
        watch({"It": failing, "Other": other}, said.append)

    assert len(said) == 4
    assert other.process is None


def test_a_free_port_is_none_that_the_kernel_gives_to_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert all(sockets.free_port() < first for _ in range(50))
