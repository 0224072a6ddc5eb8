"""Metrics for Prometheus: what a scrape says is what was played, and the alerts and the dashboard stand on it."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.server.host import Host, refusal, with_files
from tests.server.rawclient import Raw
from tests.server.test_status import a_chat
from tests.support.patience import PATIENCE_S, until
from tests.support.server_process import ROOT, ServerProcess
from tests.support.services import Child, free_port

RULES = ROOT / "deploy" / "prometheus-rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
OF_PROMETHEUS = {"up"}
HOSTING = (ROOT / "docs" / "hosting.md").read_text("utf-8")
AS_DOCUMENTED = HOSTING.split("```yaml\n")[1].split("```")[0]
WORDS = {  # every label there may be, with what may stand in it
    "state": "free|looking|talking", "part": "bus|mailbox|history|disk|clock|process", "le": r"[\d.]+|\+Inf",
    "version": r"\d+\.\d+\.\d+", "kind": r"(bus|lobby|mailbox|history)?_?[a-z_]+",
}  # fmt: skip

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def program(name: str) -> str:
    """Debian's package `prometheus` brings it."""
    found = shutil.which(name)
    assert found, "not installed: apt-get install --no-install-recommends prometheus"
    return found


def promtool(*words: str, told: str = "") -> str:
    """What it says of that; it must not be a complaint."""
    done = subprocess.run([program("promtool"), *words], input=told, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def get(url: str | Request) -> str:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        text: str = answer.read().decode()
        return text


async def metrics_url(server: ServerProcess) -> str:
    await until(lambda: any(line.startswith("Metrics ") for line in server.output))
    return next(line.split()[1] for line in server.output if line.startswith("Metrics "))


async def scraped(server: ServerProcess) -> Samples:
    text = await asyncio.to_thread(get, await metrics_url(server))
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len(samples) > 50
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


async def test_a_scrape_says_what_two_guests_have_played(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, "--metrics", "0") as server:
        assert (await metrics_url(server)).startswith("http://127.0.0.1:"), "not to be reached from outside"
        before = await scraped(server)
        page = await a_chat(server)
        found = await scraped(server)
        await page.done()
    counted = {name: found[f"citychat_{name}", ()] - before[f"citychat_{name}", ()] for name in (
        "searches_total", "matches_total", "messages_total", "messages_delivered_total", "messages_stored_total",
        "gaps_total", "search_wait_seconds_count", "connections", "mail_waiting", "reports_open",
    )}  # fmt: skip
    assert counted == {
        "searches_total": 2, "matches_total": 1, "messages_total": 4, "messages_delivered_total": 3,
        "messages_stored_total": 1, "gaps_total": 0, "search_wait_seconds_count": 2, "connections": 1,
        "mail_waiting": 1, "reports_open": 0,
    }  # fmt: skip
    guests = {state: found["citychat_guests", (("state", state),)] for state in ("free", "looking", "talking")}
    assert guests == {"free": 0, "looking": 0, "talking": 1}
    assert found["citychat_delivery_seconds_count", ()] == 3, "each was answered before the next was written"
    assert found["citychat_delivery_seconds_bucket", (("le", "+Inf"),)] == 3
    assert found["citychat_delivery_seconds_sum", ()] > 0
    assert found["citychat_ready", ()] == 1
    assert found["process_resident_memory_bytes", ()] > 1e7


async def test_a_scrape_keeps_to_the_conventions_and_names_nobody(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, "--metrics", "127.0.0.1:0") as server:
        page = await a_chat(server)
        found = await scraped(server)
        text = await asyncio.to_thread(get, await metrics_url(server))
        await page.done()
        with pytest.raises(HTTPError, match="404"):
            await asyncio.to_thread(get, (await metrics_url(server)).replace("/metrics", "/"))
        assert await asyncio.to_thread(get, Request(await metrics_url(server), method="HEAD")) == ""
        assert await server.stop() == 0
    for _, labels in found:
        for name, value in labels:
            assert re.fullmatch(WORDS[name], value), (name, value)
    assert "127.0.0.1" not in "\n".join(server.output[server.output.index("Ctrl+C stops it.") :]), "no scrape is logged"
    assert await asyncio.to_thread(promtool, "check", "metrics", told=text) == "", "promtool knows the conventions"


async def test_nothing_listens_unless_asked_for_and_a_port_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path / "data") as server:
        assert not [line for line in server.output if line.startswith("Metrics")]
        with pytest.raises(HTTPError, match="404"):
            await asyncio.to_thread(get, f"{server.url}/metrics")
        line = await refusal("--data", str(tmp_path / "other"), "--port", "0", "--metrics", str(server.port))
    assert line.startswith(f"cannot listen on 127.0.0.1 port {server.port}: Address already in use; ")
    assert line.endswith("choose another with --metrics")


async def test_who_fills_it_with_silence_takes_no_file_of_the_pages_and_is_closed_after_a_while(tmp_path: Path) -> None:
    async with Host(tmp_path / "data", "--metrics", "0", first=with_files(420, 420)) as host:
        url = next(line.split()[1] for line in host.out if line.startswith("Metrics "))
        silent = [await Raw.tcp(urlsplit(url).port or 0) for _ in range(480)]
        async with asyncio.timeout(PATIENCE_S):
            assert await host.lets_in()
            await (await host.page()).close()
            while not await asyncio.to_thread(answers, url):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.2)
        for each in silent:
            await each.close()
        host.signal(signal.SIGTERM)
        status, log = await host.end()
    assert status == 0 and len([line for line in log.splitlines() if "Refused: " in line]) == 1
    assert " ERROR " not in log


def expressions() -> list[str]:
    """What alerts and panels ask Prometheus for."""
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [*rules, *(target["expr"] for panel in panels for target in panel["targets"])]


async def test_alerts_and_dashboard_name_only_metrics_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "geoip").mkdir()
    async with ServerProcess(tmp_path, "--metrics", "0") as server:
        there = {name for name, _ in await scraped(server)} | OF_PROMETHEUS
    there |= {"citychat_odd_total", "citychat_city_database_timestamp_seconds"}  # once there is something to tell
    source = (ROOT / "citychat" / "server" / "metrics.py").read_text("utf-8")
    named = set()
    for expression in expressions():
        found = set(re.findall(r"\b(?:citychat|process)_\w+", re.sub(r'"[^"]*"', "", expression)))
        assert found or "up{" in expression, expression
        named |= found
    assert len(named) > 15 and named <= there
    told = {f"citychat_{name}" for name in re.findall(r'"citychat_(\w+?)"', source)}
    unused = {name for name in told if not any(each.startswith(name) for each in named)}
    assert unused == set(), "a metric that neither dashboard nor alert shows"


def test_prometheus_takes_the_rules_and_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    panels = [re.sub(r"\$__rate_interval", "5m", each).replace("$job", ".*") for each in expressions()]
    rules = [{"record": f"panel_{n}", "expr": expression} for n, expression in enumerate(panels)]
    asked = tmp_path / "panels.yml"
    asked.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    for file in (RULES, asked):
        promtool("check", "rules", str(file))


BUCKET = "citychat_delivery_seconds_bucket"
# For each alert: series that make it fire within 13 hours, and those with which it must be silent.
FIRES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "CityChatDown": ({'up{job="citychat"}': "0x160"}, {'up{job="citychat"}': "1x160"}),
    "CityChatNotReady": ({"citychat_ready": "0x160"}, {"citychat_ready": "1x160"}),
    "CityChatPartWrong": ({'citychat_part_ok{part="bus"}': "0x160"}, {'citychat_part_ok{part="bus"}': "1x160"}),
    "CityChatSlow": (
        {f'{BUCKET}{{le="2.5"}}': "0x160", f'{BUCKET}{{le="+Inf"}}': "0+9x160"},
        {f'{BUCKET}{{le="0.1"}}': "0+9x160", f'{BUCKET}{{le="+Inf"}}': "0+9x160"},
    ),
    "CityChatGaps": ({"citychat_gaps_total": "0+1x160"}, {"citychat_gaps_total": "5x160"}),
    "CityChatDiskFull": (
        {"citychat_disk_free_bytes": "4e9x160", "citychat_disk_size_bytes": "100e9x160"},
        {"citychat_disk_free_bytes": "40e9x160", "citychat_disk_size_bytes": "100e9x160"},
    ),
    "CityChatBackupOld": (
        {"citychat_last_backup_timestamp_seconds": "0x160"}, {"citychat_last_backup_timestamp_seconds": "0+300x160"},
    ),
    "CityChatFilesUsedUp": (
        {'process_open_fds{job="citychat"}': "95x160", 'process_max_fds{job="citychat"}': "100x160"},
        {'process_open_fds{job="citychat"}': "50x160", 'process_max_fds{job="citychat"}': "100x160"},
    ),
    "CityChatReportWaits": ({"citychat_reports_open": "1x160"}, {"citychat_reports_open": "0x160"}),
    "CityChatCityDatabaseOld": (
        {"citychat_city_database_timestamp_seconds": "-6e6x160"}, {"citychat_city_database_timestamp_seconds": "0x160"},
    ),
}  # fmt: skip


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == set(FIRES)
    tests = []
    for alert, cases in FIRES.items():
        for number, series in enumerate(cases):
            values = [{"series": name, "values": value} for name, value in series.items()]
            query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
            samples = [{"labels": "{}", "value": 1}] if number == 0 else []
            tests.append({
                "interval": "5m", "input_series": values,
                "promql_expr_test": [{"expr": query, "eval_time": "13h", "exp_samples": samples}],
            })  # fmt: skip
    file = tmp_path / "fires.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "15m", "tests": tests}))
    promtool("test", "rules", str(file))


async def test_prometheus_scrapes_a_server_and_raises_an_alert(tmp_path: Path) -> None:
    """Debian's own, set up as docs/hosting.md says; of our rules the patience is shortened. Nobody made a backup."""
    async with ServerProcess(tmp_path / "data", "--metrics", "0") as server:
        page = await a_chat(server)
        (tmp_path / "citychat-rules.yml").write_text(re.sub(r"for: \w+", "for: 0s", RULES.read_text("utf-8")))
        target = (await metrics_url(server)).removeprefix("http://").removesuffix("/metrics")
        config = yaml.safe_load(AS_DOCUMENTED.replace("127.0.0.1:9888", target))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        listen = f"127.0.0.1:{free_port()}"
        flags = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
        prometheus = Child([program("prometheus"), *flags, f"--web.listen-address={listen}"], tmp_path)
        await asyncio.to_thread(prometheus.start, lambda: answers(f"http://{listen}/-/ready"))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while "CityChatBackupOld" not in await asyncio.to_thread(firing, listen):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.2)
            assert await asyncio.to_thread(firing, listen) == {"CityChatBackupOld"}
            assert await asyncio.to_thread(value, listen, "citychat_messages_total") == "4"
        finally:
            await asyncio.to_thread(prometheus.stop)
        await page.done()


def answers(url: str) -> bool:
    try:
        return bool(get(url))
    except OSError:
        return False


def firing(listen: str) -> set[str]:
    found: dict[str, Any] = json.loads(get(f"http://{listen}/api/v1/alerts"))
    return {alert["labels"]["alertname"] for alert in found["data"]["alerts"] if alert["state"] == "firing"}


def value(listen: str, query: str) -> str:
    found: dict[str, Any] = json.loads(get(f"http://{listen}/api/v1/query?query={quote(query)}"))
    told: str = found["data"]["result"][0]["value"][1]
    return told
