"""Settings: one order of precedence, one line for every wrong value, and no secret shown."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citychat.setting_types import host_and_port, place_of
from citychat.settings import FIELDS, NAMES, Settings, SettingsError, describe, flag_of, load, load_with_words

HOME = {"HOME": "/home/ada"}


def refusal(argv: list[str], environ: dict[str, str] | None = None) -> str:
    """The one line that the host is told."""
    with pytest.raises(SettingsError) as caught:
        load(argv, HOME | (environ or {}))
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_defaults_are_those_of_the_product_page() -> None:
    settings = load([], HOME, "linux")
    assert (settings.listen, settings.port) == ("127.0.0.1", 8888)
    assert settings.trusted_proxies == ("127.0.0.1", "::1")
    assert (settings.bus, settings.mailbox, settings.history) == ("embedded", "embedded", "embedded")
    assert (settings.history_days, settings.message_burst, settings.message_rate) == (30, 40, 5.0)
    assert (settings.ring_s, settings.connections_per_address, settings.guests_per_hour) == (15, 200, 100)
    assert (settings.geoip, settings.home_city, settings.contact, settings.origins) == ((), "", "", ())
    assert not settings.check and not settings.print_settings


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "citychat.toml"
    file.write_text('port = 1001\nring_s = 21\nhistory_days = 7\ncontact = "ada@chat.example"\n')
    environ = HOME | {"CITYCHAT_PORT": "1002", "CITYCHAT_RING_S": "22", "CITYCHAT_CONFIG": str(file)}
    settings = load(["--port", "1003"], environ)
    assert (settings.port, settings.ring_s, settings.history_days) == (1003, 22, 7)
    assert settings.message_burst == 40
    assert settings.sources == {
        "port": "--port", "ring_s": "CITYCHAT_RING_S", "config": "CITYCHAT_CONFIG",
        "history_days": str(file), "contact": str(file),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/citychat"}, "linux", "/var/lib/citychat"),
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "linux", "/var/lib/one"),
        ({}, "linux", "/home/ada/.local/share/citychat"),
        ({"XDG_DATA_HOME": "/data/ada"}, "linux", "/data/ada/citychat"),
        ({"XDG_DATA_HOME": "relative"}, "linux", "/home/ada/.local/share/citychat"),
        ({}, "darwin", "/home/ada/Library/Application Support/CityChat"),
    ],
)
def test_the_data_folder_is_systemds_else_the_users(environ: dict[str, str], platform: str, folder: str) -> None:
    settings = load([], HOME | environ, platform)
    assert settings.data == Path(folder)
    assert settings.secret_file == Path(folder, "secret.keys")


def test_the_key_file_lies_in_the_data_folder_that_was_named() -> None:
    assert load(["--data", "/srv/chat"], HOME).secret_file == Path("/srv/chat/secret.keys")
    assert load(["--data", "/srv/chat", "--secret-file", "/etc/key"], HOME).secret_file == Path("/etc/key")


def test_without_a_home_the_data_folder_must_be_named() -> None:
    with pytest.raises(SettingsError, match="expected --data FOLDER"):
        load([], {}, "linux")
    assert load(["--data", "/srv/chat"], {}, "linux").data == Path("/srv/chat")


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("port", "eighty", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("port", "-1", "a whole number from 0 to 65535"),
        ("port", "80.5", "a whole number from 0 to 65535"),
        ("listen", "http://127.0.0.1", "without scheme or port"),
        ("listen", "127.0.0.1:80", "without scheme or port"),
        ("listen", "1.2.3", "an address or a host name"),
        ("listen", "", "an address or a host name"),
        ("data", "", "a path"),
        ("trusted_proxies", "127.0.0.1,proxy", "addresses or networks"),
        ("origins", "chat.example", "origins such as https://chat.example"),
        ("origins", "https://chat.example/page", "without a path"),
        ("origins", "https://user@chat.example", "origins such as"),
        ("origins", "https://chat.example:x", "origins such as"),
        ("origins", "*", "origins such as"),
        ("contact", "ada\nbcc: all", "one line of text"),
        ("bus", "amqp://localhost", "redis or rediss"),
        ("bus", "redis", "a URL such as redis://:password@host:6379/0"),
        ("bus", "redis://", "embedded, a URL such as redis://"),
        ("bus", "redis://localhost/two", "embedded, a URL such as redis://"),
        ("bus", "redis://localhost:x/0", "embedded, a URL such as redis://"),
        ("bus", "redis://localhost:99999/0", "a port from 1 to 65535"),
        ("bus", "redis://localhost:0", "a port from 1 to 65535"),
        ("history", "mongodb://localhost:27017,localhost:65536", "a port from 1 to 65535"),
        ("bus", "redis://localhost,127.0.0.1/0", "one host: only mongodb:// takes several"),
        ("mailbox", "redis://localhost", "a URL such as amqp://user:password@host:5672/"),
        ("mailbox", "amqp://localhost/a/b", "amqp or amqps"),
        ("history", "mongo://localhost", "a URL such as mongodb://user:password@host:27017/citychat (mongodb or mon"),
        ("history", "mongodb+srv://cluster.example:27017/", "no port behind mongodb+srv://"),
        ("history", "mongodb+srv://one.example,two.example/", "one host: only mongodb:// takes several"),
        ("history", "mongodb://localhost/a.b", "a URL such as mongodb://user:password@host:27017/citychat"),
        ("history", "mongodb://[::1/x", "a URL such as mongodb://"),
        ("history", "sqlite:///tmp/x.db", "embedded, a URL such as mongodb://"),
        ("history", "file://etc/x", "file:/// and the whole path of a file"),
        ("history", "file:///no/such/file", "a file that can be read (No such file or directory)"),
        ("allow_open_services", "maybe", "yes or no"),
        ("history_days", "0", "a whole number from 1 to 365"),
        ("history_days", "366", "a whole number from 1 to 365"),
        ("message_rate", "nan", "a number from 0.1 to 1000"),
        ("message_rate", "0", "a number from 0.1 to 1000"),
        ("message_burst", "0", "a whole number from 1 to 1000"),
        ("ring_s", "4", "a whole number from 5 to 60"),
        ("connections_per_address", "none", "a whole number from 1"),
        ("guests_per_hour", "0", "a whole number from 1"),
        *[("metrics", wrong, "a port, or an address and") for wrong in ("9xxx", "127.0.0.1:65536", "box:", "/m")],
        ("log_level", "debug", "info, warning or error"),
    ],
)
def test_a_wrong_value_is_named_with_its_source_and_what_was_expected(name: str, wrong: str, expected: str) -> None:
    flag, variable = flag_of(name), "CITYCHAT_" + name.upper()
    for line, source in ((refusal([f"{flag}={wrong}"]), flag), (refusal([], {variable: wrong}), variable)):
        assert line.startswith(f"{name} = ")
        assert json.dumps(wrong) in line
        assert f"(from {source}): expected " in line
        assert expected in line


@pytest.mark.parametrize("wrong", ['port = "eighty"', "port = true", "port = [80]", "[port]\nx = 1", "port = 8.5"])
def test_a_wrong_value_in_the_file_is_named_with_the_file(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "citychat.toml"
    file.write_text(wrong)
    line = refusal(["--config", str(file)])
    assert line.startswith("port = ")
    assert f"(from {file}): expected a whole number from 0 to 65535" in line


def test_a_wrong_value_is_refused_even_where_another_layer_overrules_it() -> None:
    assert "CITYCHAT_PORT" in refusal(["--port", "80"], {"CITYCHAT_PORT": "eighty"})


def test_unknown_names_are_answered_with_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "citychat.toml"
    file.write_text("history-days = 3")
    assert "history-days in" in (line := refusal(["--config", str(file)])) and line.endswith("is history_days")
    assert refusal(["--prot", "80"]).endswith("nearest known one is --port")
    assert refusal(["--prot=80"]).endswith("nearest known one is --port")
    assert refusal([], {"CITYCHAT_HOMECITY": "Lyon"}).endswith("nearest known one is CITYCHAT_HOME_CITY")
    assert "gest is no command" in refusal(["gest"])


def test_flags_cannot_be_shortened_so_that_new_ones_never_change_their_meaning() -> None:
    assert "--hist is no flag" in refusal(["--hist", "embedded"])


@pytest.mark.parametrize("variable", ["CITYCHAT_TEST_REDIS_URL", "CITYCHAT_SIM_SEEDS", "CITY", "PORT"])
def test_variables_that_are_not_ours_are_left_alone(variable: str) -> None:
    assert load([], HOME | {variable: "1"}) == load([], HOME)


def test_variables_that_kubernetes_or_an_image_has_made_are_ignored_and_named() -> None:
    service = {"CITYCHAT_SERVICE_HOST": "10.96.12.7", "CITYCHAT_SERVICE_PORT_HTTP": "8888"}
    port = {"CITYCHAT_PORT_8888_TCP_ADDR": "10.96.12.7", "CITYCHAT_PORT_8888_TCP": "tcp://10.96.12.7:8888"}
    ours = {"CITYCHAT_PORT": "tcp://10.96.12.7:8888", "CITYCHAT_VERSION": "1.2"}
    another = {"CITYCHAT_BUS_PORT": "tcp://10.96.12.8:6379", "CITYCHAT_BUS_SERVICE_HOST": "10.96.12.8"}
    linked = {"CITYCHAT_NAME": "/web/citychat", "CITYCHAT_ENV_PATH": "/usr/bin", "CITYCHAT_BUS_NAME": "/web/bus"}
    settings = load([], HOME | service | port | ours | another | linked)
    assert (settings.port, settings.name, settings.sources) == (8888, "CityChat", {})
    assert settings.ignored == tuple(sorted(service | port | ours | another | linked))
    assert load([], HOME | {"CITYCHAT_NAME": "Lyon / Villeurbanne"}).name == "Lyon / Villeurbanne"
    assert "# CITYCHAT_PORT: ignored, of Kubernetes or an image" in describe(settings)
    assert load([], HOME | {"CITYCHAT_PORT": "8000"}).port == 8000
    assert "CITYCHAT_PORT" in refusal([], {"CITYCHAT_PORT": "http://10.96.12.7"})
    assert "CITYCHAT_PROT" in refusal([], {"CITYCHAT_PROT": "tcp://10.96.12.7:8888"})


def test_a_byte_order_mark_in_front_of_the_file_or_of_a_url_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "bus.url").write_text("redis://localhost/0\r\n", "utf-8-sig")
    (tmp_path / "bus.url").chmod(0o600)
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf" + f'port = 81\r\nbus = "file://{tmp_path}/bus.url"\r\n'.encode())
    settings = load(["--config", str(tmp_path / "c.toml"), "--secret-file", "k"], HOME)
    assert (settings.port, settings.bus) == (81, "redis://localhost/0")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "expected a readable TOML file (No such file" in refusal(["--config", str(tmp_path / "none.toml")])
    assert "expected a readable TOML file (Is a directory)" in refusal(["--config", str(tmp_path)])
    for content in (b"port = ", b"\xff\xfe"):
        (tmp_path / "bad.toml").write_bytes(content)
        assert "expected a TOML file (" in refusal(["--config", str(tmp_path / "bad.toml")])


def test_the_file_cannot_name_another_file_or_a_command(tmp_path: Path) -> None:
    for key in ("config", "check", "print_settings", "sources"):
        (tmp_path / "c.toml").write_text(f"{key} = 1")
        assert f"{key} in " in refusal(["--config", str(tmp_path / "c.toml")])


def test_lists_come_as_text_or_as_a_list_and_are_written_as_browsers_do(tmp_path: Path) -> None:
    file = tmp_path / "citychat.toml"
    file.write_text('origins = ["https://Chat.Example:443/", "http://[::1]:8080"]\ntrusted_proxies = []')
    settings = load(["--config", str(file), "--geoip", "/srv/my files/4.mmdb,/srv/6.mmdb"], HOME)
    assert settings.origins == ("https://chat.example", "http://[::1]:8080")
    assert settings.trusted_proxies == ()
    assert settings.geoip == (Path("/srv/my files/4.mmdb"), Path("/srv/6.mmdb"))
    proxies = load([], HOME | {"CITYCHAT_TRUSTED_PROXIES": "10.0.0.1, 10.1.2.3/8 ::1"}).trusted_proxies
    assert proxies == ("10.0.0.1", "10.0.0.0/8", "::1")


def test_an_address_in_brackets_and_a_host_name_are_listened_on() -> None:
    assert load(["--listen", "[::1]"], HOME).listen == "::1"
    assert load(["--listen", "chat-1.local"], HOME).listen == "chat-1.local"


def test_metrics_are_told_nowhere_or_on_loopback_unless_the_host_says_otherwise(tmp_path: Path) -> None:
    assert load([], HOME).metrics == load(["--metrics", ""], HOME).metrics == ""
    assert load(["--metrics", "9888"], HOME).metrics == "127.0.0.1:9888"
    (tmp_path / "c.toml").write_text("metrics = 9888")
    assert load(["--config", str(tmp_path / "c.toml")], HOME).metrics == "127.0.0.1:9888"
    for said, place in (("[::1]:0", ("::1", 0)), ("10.0.0.5:9888", ("10.0.0.5", 9888)), ("box:1", ("box", 1))):
        assert host_and_port(load(["--metrics", said], HOME).metrics) == place


def test_the_console_is_nowhere_or_where_this_machine_alone_comes(tmp_path: Path) -> None:
    assert load([], HOME).console == load(["--console", ""], HOME).console == ""
    for said, place in (("8889", "127.0.0.1:8889"), ("[::1]:0", "[::1]:0"), ("localhost:1", "localhost:1")):
        assert load(["--console", said], HOME).console == place
    path = str(tmp_path / "console.sock")
    assert load(["--console", path], HOME).console == path
    for said in ("0.0.0.0:8889", "[::]:8889", "10.0.0.5:8889", "box:8889", "203.0.113.7:1"):
        assert "expected an address of this machine alone, such as 127.0.0.1:8889" in refusal(["--console", said])
    for said in ("/", "console.sock", "/run/", "127.0.0.1", "127.0.0.1:99999"):
        assert said in refusal(["--console", said])


def test_a_password_in_a_url_is_shown_nowhere() -> None:
    assert "secret" not in refusal(["--bus", "redis://localhost/0?PassWord=secret&x=1"])
    line = refusal(["--bus", "redis://ada:pass/w@rd@localhost/0"])
    assert "redis://ada:***@localhost/0" in line
    assert line.endswith("signs such as / @ : in a password are written %2F %40 %3A")
    assert "rd@l" not in line and "pass/" not in line


KEY = ["--secret-file", "/srv/secret.keys"]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("bus", "redis://127.0.0.1:6379/0"),
        ("bus", "rediss://:p%40ss@redis.example"),
        ("bus", "redis://[::1]:6379"),
        ("mailbox", "amqp://localhost"),
        ("mailbox", "amqps://ada:x@rabbit.example:5671/chat"),
        ("mailbox", "amqp://127.0.0.1:5672/%2F"),
        ("history", "mongodb://127.0.0.2:27017,[::1]:27018,localhost/chat?replicaSet=rs0"),
        ("history", "mongodb://ada:x@cluster.example/?tls=true"),
        ("history", "mongodb+srv://ada:x@cluster.example/citychat"),
        ("history", "mongodb://%2Ftmp%2Fmongodb-27017.sock"),
    ],
)
def test_the_url_of_a_service_is_taken_as_it_is(name: str, url: str) -> None:
    assert getattr(load([flag_of(name), url, *KEY], HOME), name) == url


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("bus", "redis://redis.example:6379/0"),
        ("bus", "redis://ada@10.0.0.1"),
        ("bus", "redis://:@10.0.0.1"),
        ("mailbox", "amqp://ada:@10.0.0.1"),
        ("mailbox", "amqp://localhost.example/"),
        ("mailbox", "amqps://[2001:db8::1]/"),
        ("history", "mongodb://localhost,mongo.example"),
        ("history", "mongodb://10.0.0.1"),
        ("history", "mongodb+srv://cluster.example/"),
    ],
)
def test_a_service_elsewhere_without_a_password_is_refused_unless_the_host_insists(name: str, url: str) -> None:
    line = refusal([flag_of(name), url, *KEY])
    assert line.startswith(f"{name} is on another host and its URL has no password")
    assert line.endswith("--allow-open-services yes if nobody else can reach that host")
    assert getattr(load([flag_of(name), url, "--allow-open-services", "yes", *KEY], HOME), name) == url


def test_the_url_of_a_service_comes_from_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / "my bus.url"
    file.write_text("redis://:secret@redis.example/1\n# the second line is not read\n")
    file.chmod(0o600)
    named = "file://" + str(file).replace(" ", "%20")
    settings = load(["--bus", named, *KEY], HOME)
    assert settings.bus == "redis://:secret@redis.example/1"
    assert "secret@" not in describe(settings) and "redis://:***@redis.example/1" in describe(settings)
    file.chmod(0o604)
    assert "a file that only its owner can read; others can read it (mode 604): run chmod 600" in refusal(
        ["--bus", named, *KEY]
    )
    file.chmod(0o600)
    for content in (b"", b"\xff", b"amqp://ada:secret@host/", b"redis://:se\x07cret@host/", f"file://{file}".encode()):
        file.write_bytes(content)
        line = refusal(["--bus", named, *KEY])
        assert "cret" not in line and str(file).replace(" ", "%20") in line


def test_several_processes_are_given_their_key_file() -> None:
    assert "expected --secret-file FILE" in refusal(["--bus", "redis://localhost"])
    assert load(["--bus", "redis://localhost"], HOME | {"CITYCHAT_SECRET_FILE": "/k"}).secret_file == Path("/k")
    assert load(["--mailbox", "amqp://localhost", "--history", "mongodb://localhost"], HOME).bus == "embedded"


def test_hours_are_read_from_a_flag_or_a_list_and_printed_as_they_were(tmp_path: Path) -> None:
    flags = ["--meeting-hours", "Thu 20:00-21:00, sunday 18:00-19:00", "--time-zone", "Europe/Paris"]
    settings = load([*flags, "--quiet-hours", "23:00-07:00"], HOME)
    assert list(map(str, settings.meeting_hours)) == ["Thu 20:00-21:00", "Sun 18:00-19:00"]
    (tmp_path / "again.toml").write_text(describe(settings))
    again = load(["--config", str(tmp_path / "again.toml")], HOME)
    assert (again.meeting_hours, again.quiet_hours) == (settings.meeting_hours, settings.quiet_hours)
    assert load(["--home-city", "Lyon", *flags[:2]], HOME).time_zone == ""


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--meeting-hours", "Thu 20-21"], 'meeting_hours = "Thu 20-21" (from --meeting-hours): expected hours such'),
        (["--quiet-hours", "Don 1:00-2:00"], "the days are Mon, Tue"),
        (["--meeting-hours", "Thu 20:00-21:00"], "expected --home-city, or --time-zone"),
        (["--quiet-hours", "01:00-07:00"], "quiet_hours is given and no city"),
        (["--time-zone", "Lyon"], 'time_zone = "Lyon" (from --time-zone): expected the name of a time zone'),
        (
            ["--time-zone", "UTC", "--meeting-hours", "Thu 20:00-21:00", "--quiet-hours", "20:30-07:00"],
            "meeting_hours has Thu 20:00-21:00 while quiet_hours has 20:30-07:00",
        ),
        (["--first-question", "maybe"], "expected yes or no"),
    ],
)
def test_hours_that_cannot_be_are_refused_at_the_start(argv: list[str], expected: str) -> None:
    assert expected in refusal(argv)


def test_what_is_shown_of_a_url_holds_no_password() -> None:
    assert place_of("redis://ada:secret@[::1]:6379/0?password=x#y") == "redis://[::1]:6379/0"
    assert place_of("mongodb://ada:x@a:1,b:2/chat?tlsCertificateKeyFilePassword=x") == "mongodb://a:1,b:2/chat"
    assert place_of("embedded") == "embedded"


def test_printed_settings_are_a_settings_file_with_the_same_meaning(tmp_path: Path) -> None:
    origins = "https://a.example https://b.example"
    argv = ["--port", "1003", "--origins", origins, "--contact", 'Ada "A" Ü', "--data", "/d", "--geoip", "/a.mmdb"]
    settings = load([*argv, "--backup-hook", "/hook"], HOME)
    printed = describe(settings)
    assert "port = 1003  # --port" in printed and "ring_s = 15  # default" in printed
    assert set(tomllib.loads(printed)) == set(NAMES) - {"config"}
    (tmp_path / "again.toml").write_text(printed)
    again = load(["--config", str(tmp_path / "again.toml")], HOME)
    assert [getattr(again, name) for name in NAMES if name != "config"] == [
        getattr(settings, name) for name in NAMES if name != "config"
    ]


def test_help_documents_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(["--help"], HOME)
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for name in FIELDS:
        assert flag_of(name) in printed
    assert "(default: 8888)" in printed


def test_commands_share_the_flags_and_keep_their_own_words() -> None:
    settings, words = load_with_words(["geoip", "--data", "/d", "lookup", "-33.9,151.2"], HOME)
    assert settings.data == Path("/d")
    assert words == ["geoip", "lookup", "-33.9,151.2"]


def test_settings_do_not_change_after_the_start() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


@example("contact", "a\u2028b")
@given(st.sampled_from(NAMES), st.text(max_size=40).filter(lambda text: "\0" not in text))
def test_any_text_is_read_or_refused_in_one_line(name: str, text: str) -> None:
    if name == "config":
        return
    try:
        load([], HOME | {"CITYCHAT_" + name.upper(): text})
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1
