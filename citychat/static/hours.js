// When people of the city meet, and when nobody new is led together: which of these hours matters now.

/**
 * @import { Hours, Span } from "citychat/types.js"
 *
 * @typedef {{ kind: "now" | "meeting" | "quiet" | "soon", span: Span, zone: string, city: string }} Hour
 */

const SOON_MS = 3_600_000; // quiet hours are told of an hour before

/** What the page was told; null: no hours. @param {string} told @returns {Hours | null} */
export const hoursOf = (told) => (told ? JSON.parse(told) : null);

/**
 * Quiet hours matter more than the meeting hour to come, which they never touch.
 * @param {Hours | null} hours @param {number} now @returns {Hour | null}
 */
export function hourNow(hours, now) {
  if (!hours) return null;
  const { zone, city } = hours;
  const quiet = next(hours.quiet, now);
  if (quiet && quiet[0] - now < SOON_MS) {
    return { kind: quiet[0] <= now ? "quiet" : "soon", span: quiet, zone, city };
  }
  const meeting = next(hours.meeting, now);
  return meeting && { kind: meeting[0] <= now ? "now" : "meeting", span: meeting, zone, city };
}

/** @param {Span[]} spans @param {number} now */
const next = (spans, now) => spans.find(([, end]) => end > now) ?? null;

/**
 * When what is said of it changes next: with each minute of its countdown, and at its ends.
 * @param {Hour} hour @param {number} now
 */
export function changesIn({ span: [begin, end] }, now) {
  const left = (begin > now ? begin : end) - now;
  return left % 60_000 || 60_000;
}
