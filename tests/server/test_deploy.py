"""The units of deploy/: accepted by systemd, closed to the outside, and matched to what the program does."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from citychat.server.listeners import SPARE_FILES
from citychat.server.stopping import STOP_S
from citychat.server.systemd import BEATS
from citychat.settings import load
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVERS = ["citychat.service", "citychat@.service"]
SERVICES = [*SERVERS, "citychat-backup.service"]
PROGRAM = "/opt/citychat/current/bin/citychat"
EXPOSURE_MAX = 1.5
CLOSED = {  # each line that keeps a broken program in: the score alone would let one of them go
    "CapabilityBoundingSet": [""], "DynamicUser": ["yes"], "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"], "NoNewPrivileges": ["yes"], "PrivateDevices": ["yes"], "PrivateTmp": ["yes"],
    "PrivateUsers": ["yes"], "ProcSubset": ["pid"], "ProtectClock": ["yes"], "ProtectControlGroups": ["yes"],
    "ProtectHome": ["yes"], "ProtectHostname": ["yes"], "ProtectKernelLogs": ["yes"], "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"], "ProtectProc": ["invisible"], "ProtectSystem": ["strict"], "RemoveIPC": ["yes"],
    "RestrictNamespaces": ["yes"], "RestrictRealtime": ["yes"], "RestrictSUIDSGID": ["yes"],
    "CacheDirectoryMode": ["0700"], "StateDirectoryMode": ["0700"], "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"], "UMask": ["0077"],
}  # fmt: skip


def analyze(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Debian's package `systemd` brings it; it needs no running systemd."""
    assert shutil.which("systemd-analyze"), "not installed: apt-get install --no-install-recommends systemd"
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)


def settings_of(unit: str) -> dict[str, list[str]]:
    """Each key of a unit with its values, in order."""
    found: dict[str, list[str]] = {}
    text = (DEPLOY / unit).read_text("utf-8").replace("\\\n", "")
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are installed, with a program where they look for one; the template has become an instance."""
    program = Path(shutil.which("true") or "/bin/true")
    for unit in DEPLOY.iterdir():
        if unit.suffix in (".service", ".timer"):
            target = tmp_path / unit.name.replace("@.", "@8888.")
            target.write_text(unit.read_text("utf-8").replace(PROGRAM, str(program)))
    return tmp_path


def test_systemd_accepts_every_unit_without_a_word(installed: Path) -> None:
    units = sorted(path.name for path in installed.iterdir())
    assert len(units) == 4
    done = analyze("verify", "--man=no", *units, folder=installed)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_refuses_a_unit_with_a_wrong_line(installed: Path) -> None:
    unit = installed / "citychat.service"
    unit.write_text(unit.read_text().replace("DynamicUser=yes", "DynamicUser=perhaps"))
    assert "Failed to parse boolean value: perhaps" in analyze("verify", "--man=no", unit.name, folder=installed).stderr


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_closed_to_the_outside(unit: str, installed: Path) -> None:
    threshold = str(round(EXPOSURE_MAX * 10))
    name = unit.replace("@.", "@8888.")
    done = analyze("security", "--offline=true", f"--threshold={threshold}", "--no-pager", name, folder=installed)
    assert done.returncode == 0, done.stdout[-2_000:]
    score = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert score is not None and float(score[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize("unit", SERVICES)
def test_every_line_that_closes_a_service_is_there_once(unit: str) -> None:
    found = settings_of(unit)
    assert {key: found.get(key) for key in CLOSED} == CLOSED
    if unit in SERVERS:
        assert found["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
        assert all(re.fullmatch(r"[1-8]\d%", found[key][0]) for key in ("MemoryHigh", "MemoryMax"))
    else:
        assert (found["RestrictAddressFamilies"], found["PrivateNetwork"]) == (["none"], ["yes"])


def test_the_units_differ_only_where_they_must() -> None:
    one, many = map(settings_of, SERVERS)
    differ = {key for key in one.keys() | many.keys() if one.get(key) != many.get(key)}
    assert differ == {"Description", "ExecStart", "LoadCredential", "MemoryHigh", "MemoryMax"}
    backup = settings_of("citychat-backup.service")
    for key in ("DynamicUser", "User", "StateDirectory", "CacheDirectory", "UMask", "SystemCallFilter"):
        assert backup[key] == one[key], "a backup is made by the server's own user, in its folder"


@pytest.mark.parametrize("unit", SERVERS)
def test_time_limits_leave_room_for_what_the_program_does(unit: str) -> None:
    found = settings_of(unit)
    assert float(found["TimeoutStopSec"][0]) >= 2 * STOP_S, "a machine may be slow"
    assert float(found["WatchdogSec"][0]) / BEATS >= 5, "a loop that is busy for seconds is not dead"
    assert (found["Type"], found["NotifyAccess"], found["Restart"]) == (["notify"], ["main"], ["always"])
    assert int(found["LimitNOFILE"][0]) >= 65_536
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@pytest.mark.parametrize("unit", SERVERS)
def test_the_command_of_a_unit_is_one_the_program_takes(unit: str, tmp_path: Path) -> None:
    """With files in place of the credentials, as systemd would lay them out."""
    found = settings_of(unit)
    credentials = tmp_path / "run" / unit.replace("@.", "@8888.")
    credentials.mkdir(parents=True)
    contents = {
        "citychat.toml": 'contact = "you@example.org"\n',
        "bus.url": "rediss://:secret@redis.example/0\n",
        "mailbox.url": "amqps://citychat:secret@rabbit.example/\n",
        "history.url": "mongodb://citychat:secret@mongo.example/citychat?tls=true\n",
    }
    for line in found["LoadCredential"]:
        name, _, source = line.partition(":")
        assert source == f"/etc/citychat/{name}"
        (credentials / name).write_text(contents.get(name, ""))
        (credentials / name).chmod(0o400)
    program, *flags = found["ExecStart"][0].replace("%d", str(credentials)).replace("%i", "8889").split()
    assert program == PROGRAM
    settings = load(flags, {"STATE_DIRECTORY": "/var/lib/citychat"})
    assert settings.contact == "you@example.org"
    assert settings.data == Path("/var/lib/citychat")
    if unit == "citychat@.service":
        assert (settings.port, settings.secret_file) == (8889, credentials / "secret.keys")
        assert settings.bus.startswith("rediss://") and settings.history.startswith("mongodb://")


@pytest.mark.parametrize("unit", SERVERS)
def test_a_service_starts_after_the_clock_is_right_where_something_waits_for_that(unit: str) -> None:
    (after,) = settings_of(unit)["After"]
    assert "time-sync.target" in after.split()
    assert "systemd-time-wait-sync" in (ROOT / "docs" / "hosting.md").read_text("utf-8")


def test_the_guests_that_the_page_promises_behind_nginx_are_what_its_own_numbers_make() -> None:
    page = " ".join((ROOT / "docs" / "hosting.md").read_text("utf-8").split())

    def said(before: str, after: str = "") -> list[int]:
        (found,) = re.findall(rf"{before}([\d, to]*\d){after}", page)
        return [int(each.replace(",", "")) for each in re.split(r" to | ", found)]

    low, high = said(r"`net\.ipv4\.ip_local_port_range`, ", r"\)")
    assert said("Linux has ") == [high - low + 1], "nginx takes a port for each guest of a process on one address"
    low, high = said(r"`net\.ipv4\.ip_local_port_range = ", "`")
    (reserved,) = re.findall(r"ip_local_reserved_ports = ([\d,]+)`", page)
    kept = [port for port in map(int, reserved.split(",")) if low <= port <= high]
    assert said("makes them ") == [high - low + 1 - len(kept)]
    (connections,) = said("worker_connections ", ";/;")
    assert said("so the ", " above are") == [connections]
    assert said("above are ", " guests for each of nginx's workers") == [connections // 2]
    (files,) = said("the unit allows ", ", of which")
    assert all(f"LimitNOFILE={files}" in (DEPLOY / unit).read_text("utf-8") for unit in SERVERS)
    assert said("of which ", " are kept:") == [SPARE_FILES]
    assert said("are kept: ", " guests") == [files - SPARE_FILES]


def test_the_filter_of_system_calls_lets_the_program_raise_its_limit_of_open_files() -> None:
    """By prlimit64, which the C library uses; setrlimit is filtered."""
    listed = analyze("syscall-filter", "@default", folder=ROOT).stdout.split()
    assert "prlimit64" in listed
