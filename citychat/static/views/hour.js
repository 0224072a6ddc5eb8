// The line about the meeting hour, or quiet hours: it counts down by the minute, and is read out only when one begins.

import { clock, inHours, inLanguage, soon } from "citychat/i18n.js";
import { changesIn, hourNow } from "citychat/hours.js";
import { h, show, t, write } from "citychat/views/dom.js";

/**
 * @import { Page } from "citychat/types.js"
 * @import { Hour } from "citychat/hours.js"
 * @import { State } from "citychat/state.js"
 */

const IS_ON = ["now", "quiet"];

/** @param {Hour} hour @param {number} now */
function told({ kind, span: [begin, end], zone, city }, now) {
  const when = inHours(begin, end, zone);
  const here = inHours(begin, end);
  const name = kind === "meeting" && when !== here ? "far" : kind;
  return t(`hours.${name}`, { when, here, city, begin: clock(begin), time: clock(end), soon: soon(begin, now) });
}

/** Why nobody new is led together now: quiet hours, or the host's word; "" otherwise. @param {State} state */
export const closedWords = ({ quietUntil, closed }) =>
  quietUntil ? t("hours.quiet", { time: clock(quietUntil) }) : closed;

/** @param {Page} page */
export function hourLine({ hours, wall }) {
  const line = h("span", {});
  // What begins while somebody waits for it is said. Without a role: Orca would begin the page with "statusbar".
  const begun = h("span", { "aria-live": "polite" });
  const calendar = h("a", { href: inLanguage("/meeting.ics") }, t("hours.calendar"));
  // Never hidden, but out of sight: what is shown together with its words is not heard.
  const element = h("p", { class: "hour" }, line, begun, " ", calendar);
  let timer = 0;
  let isAside = false;

  /** Draw it; `aside`: the screen is about something else now. */
  function update(aside = isAside) {
    isAside = aside;
    clearTimeout(timer);
    const now = wall();
    const hour = hourNow(hours, now);
    const text = hour ? told(hour, now) : "";
    const isOn = hour !== null && IS_ON.includes(hour.kind);
    write(line, isOn || aside ? "" : text);
    // What is taken away and comes again would be said again; of quiet hours the server's own word tells then.
    if (!aside || hour?.kind === "quiet") write(begun, isOn && !aside ? text : "");
    show(calendar, !aside && hour !== null && Boolean(hours?.meeting.length));
    element.classList.toggle("unseen", !hour || aside);
    element.classList.toggle("on", hour?.kind === "now");
    if (!hour) return;
    timer = setTimeout(() => update(), changesIn(hour, now));
  }
  update();
  return { element, update, close: () => clearTimeout(timer) };
}
