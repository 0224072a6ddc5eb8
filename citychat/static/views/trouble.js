// What is wrong with the link, in one sentence wherever it is said.

/** @import { Link } from "citychat/types.js" */

/** @type {Partial<Record<Link, string>>} */
const SENTENCES = {
  cut: "link.cut.short", blocked: "link.blocked", drain: "link.drain", away: "link.unavailable",
};

/** The sentence's name, or "". @param {Link} link */
export const trouble = (link) => SENTENCES[link] ?? "";

/** To somebody who writes, and may go on. @param {Link} link */
export const troubleForWriters = (link) => (link === "first" || link === "cut" ? "link.cut" : trouble(link));
