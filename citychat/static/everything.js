// All my chats with their messages, page by page, for "Download my chats".

import { placeOf } from "citychat/state.js";

/**
 * @import { Message, Session } from "citychat/types.js"
 * @import { Socket } from "citychat/socket.js"
 */

const EXPORT_ROWS = 100;

/** As one value; null when it could not be had. @param {Socket} socket @param {number} now */
export async function everything(socket, now) {
  const all = await allChats(socket);
  if (!all) return null;
  const chats = [];
  for (const session of all) {
    const messages = await wholeHistory(socket, session.session);
    if (!messages) return null;
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

/** @param {Socket} socket */
async function allChats(socket) {
  /** @type {Session[]} */
  const chats = [];
  for (let more = true; more; ) {
    const answer = await socket.chats(placeIn(chats));
    if (!answer.ok) return null;
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
    const answer = await socket.history(session, first && placeOf(first), EXPORT_ROWS);
    if (!answer.ok) return null;
    messages.unshift(...answer.messages);
    more = answer.more && answer.messages.length > 0;
  }
  return messages;
}

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();
