"""Name, colour and logo of a real server: at its start, after SIGHUP, and when they are wrong."""

from pathlib import Path

from tests.server.host import Host, run
from tests.server.test_reload import ReloadingHost

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
BAD = LOGO.replace("<path", '<script href="https://tracker.example/x.js"/>\n<path')


async def test_a_reload_takes_up_name_colour_and_logo_and_keeps_what_is_shown_when_they_are_wrong(
    tmp_path: Path,
) -> None:
    config, logo = tmp_path / "citychat.toml", tmp_path / "data" / "logo.svg"
    config.write_text('name = "One"\n')
    async with ReloadingHost(tmp_path / "data", "--config", str(config)) as host:
        before = (await host.get("/"))[1]
        assert "<title>One</title>" in before and "logo.svg" not in before and "face.css" not in before
        config.write_text('name = "Zwei"\naccent = "#0b6e4f"\n')
        logo.write_text(LOGO)
        assert await host.reload() == ["INFO Reloaded: own texts logo; city database none"]
        shown = (await host.get("/"))[1]
        assert "<title>Zwei</title>" in shown and '"/face.css?v=' in shown and 'src="/logo.svg?v=' in shown
        assert '"name": "Zwei"' in (await host.get("/manifest.webmanifest"))[1]
        logo.write_text(BAD)
        config.write_text('name = "Drei"\naccent = "#ffcc00"\n')
        settings, picture, kept = await host.reload()
        assert settings.startswith('ERROR Not reloaded: accent = "#ffcc00" (from ')
        assert "has 1.3:1 on the page of the light theme, less than 4.5:1" in settings
        assert picture == (
            f"ERROR Not reloaded: {logo} is not shown: line 1 has <script>, which is not allowed: save it as plain "
            "SVG, texts as paths; what was there stays in use"
        )
        assert kept == "INFO Reloaded: own texts logo; city database none"
        assert (await host.get("/"))[1] == shown
        logo.unlink()
        config.write_text('name = "Zwei"\n')
        assert await host.reload() == ["INFO Reloaded: own texts none; city database none"]
        after = (await host.get("/"))[1]
        assert "logo.svg" not in after and "face.css" not in after and (await host.get("/logo.svg"))[0] == 404


async def test_a_start_with_a_wrong_logo_says_why_and_shows_the_built_in_sign(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    said = f"{logo} is not shown: line 1 has <script>, which is not allowed: save it as plain SVG, texts as paths"
    logo.write_text(BAD)
    async with Host(tmp_path) as host:
        assert f"Logo          {said}" in host.out
        assert 'class="mark-sign"' in (await host.get("/"))[1] and (await host.get("/logo.svg"))[0] == 404
    assert (await run("--check", "--data", str(tmp_path))).err == [f"citychat: {said}"]
    logo.unlink()
    logo.mkdir()
    async with Host(tmp_path) as host:
        assert f"Logo          {logo} is not shown: Is a directory" in host.out
    logo.rmdir()
    logo.write_text(LOGO)
    async with Host(tmp_path) as host:
        assert not any("Logo" in line for line in host.out)
        assert 'src="/logo.svg?v=' in (await host.get("/"))[1]
