"""Writes the pages that are made from the code: python -m docs.generate (make docs). A test holds them up to date."""

from pathlib import Path

from citychat.limits import LIMITS, Limit
from citychat.settings import FIELDS, PREFIX, default_shown, flag_of

HERE = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py from {source}; change it there. -->\n"


def settings_page() -> str:
    lines = [
        MADE.format(source="citychat/settings.py"),
        "# Settings\n",
        "A flag wins over a variable, a variable over the file named by `--config` (TOML), the file over the default.",
        "A list is one text with commas in a flag or a variable, and a list in the file. A wrong value stops the start",
        "with one line that names it, and exit status 2; `--print-settings` shows what is in force and where from.\n",
        "| Flag | Variable | In the file | Default | Meaning |",
        "|---|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        only = field.metadata["flag_only"]
        variable = "" if only else f"`{PREFIX}{name.upper()}`"
        key = "" if only or name == "config" else f"`{name}`"
        default = default_shown(name) if field.metadata["shown"] else f"`{default_shown(name)}`"
        default = "" if only else default
        lines.append(f"| `{flag_of(name)}` | {variable} | {key} | {default} | {field.metadata['help']} |")
    return "\n".join(lines) + "\n"


def limits_page() -> str:
    lines = [
        MADE.format(source="citychat/limits.py"),
        "# Limits\n",
        "Who has a limit is decided by the server: a guest by the token, a network by the address of the connection",
        "(an IPv4 address, or an IPv6 /64; loopback has none). Over a rate the answer is `busy` with a waiting time.\n",
        "| What | Limit | For each | Why | Setting |",
        "|---|---|---|---|---|",
    ]
    for limit in LIMITS.values():
        setting = ", ".join(f"`{flag_of(name)}`" for name in limit.setting.split())
        lines.append(f"| {limit.name} | {_amount(limit)} | {limit.each} | {limit.reason} | {setting} |")
    return "\n".join(lines) + "\n"


def _amount(limit: Limit) -> str:
    amount = f"{limit.value:,.0f} {limit.unit}"
    if limit.per_s is None:
        return amount
    for seconds, period in ((1, "a second"), (60, "a minute"), (3600, "an hour")):
        rate = limit.per_s * seconds
        if rate > 0.5 and abs(rate - round(rate)) < 1e-9:
            return f"{amount}, then {rate:.0f} {period}"
    raise ValueError(f"{limit.name}: the rate is no whole number a second, a minute or an hour")


PAGES = {"settings.md": settings_page, "limits.md": limits_page}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), "utf-8")
