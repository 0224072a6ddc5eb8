// All my chats with their messages, page by page, for "Download my chats".

import { placeOf } from "citychat/state.js";

/**
 * @import { Answer, Message, Session } from "citychat/types.js"
 * @import { Socket } from "citychat/socket.js"
 */

const EXPORT_ROWS = 100;
const AGAIN_MS = 1000; // without a link, until it is looked for again

/**
 * As one value. However many chats: where the server says "too fast" that time is waited, and a cut is waited out.
 * @param {Socket} socket @param {number} now @param {(n: number, all: number) => void} told
 */
export async function everything(socket, now, told) {
  const all = await allChats(socket);
  const chats = [];
  for (const session of all) {
    told(chats.length, all.length);
    const messages = await wholeHistory(socket, session.session);
    const { alias, you, city, side, started, ended } = session;
    chats.push({
      with: alias, you, city, started: iso(started), ended: ended ? iso(ended) : null,
      messages: messages.map((one) => ({ from: one.side === side ? you : alias, at: iso(one.at), text: one.text })),
    });
  }
  return { made: iso(now), chats };
}

/** The place of the last one in the list of my chats. @param {Session[]} chats */
export function placeIn(chats) {
  const last = chats.at(-1);
  return last && /** @type {[number, string]} */ ([last.started, last.session]);
}

/**
 * The good answer, sooner or later. Raises an Error for an answer that will never be another.
 * @template {Answer<object>} Any
 * @param {() => Promise<Any>} ask @returns {Promise<Extract<Any, { ok: true }>>}
 */
async function answered(ask) {
  for (;;) {
    const answer = await ask();
    if (answer.ok) return /** @type {Extract<Any, { ok: true }>} */ (answer);
    if (answer.retry_ms === undefined && answer.error !== "cut") throw new Error(answer.error);
    await new Promise((resolve) => setTimeout(resolve, answer.retry_ms ?? AGAIN_MS));
  }
}

/** @param {Socket} socket */
async function allChats(socket) {
  /** @type {Session[]} */
  const chats = [];
  for (let more = true; more; ) {
    const answer = await answered(() => socket.chats(placeIn(chats)));
    chats.push(...answer.chats);
    more = answer.more && answer.chats.length > 0;
  }
  return chats;
}

/** @param {Socket} socket @param {string} session */
async function wholeHistory(socket, session) {
  /** @type {Message[]} */
  const messages = [];
  for (let more = true; more; ) {
    const [first] = messages;
    const answer = await answered(() => socket.history(session, first && placeOf(first), EXPORT_ROWS));
    messages.unshift(...answer.messages);
    more = answer.more && answer.messages.length > 0;
  }
  return messages;
}

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();
