// What the modules of the page give each other. What travels is documented in docs/events.yaml; messages have names
// here where the wire has letters (wire.js).

import type { Chat } from "citychat/chat.js";
import type { Drafts } from "citychat/drafts.js";
import type { Joining } from "citychat/joining.js";
import type { Matching } from "citychat/matching.js";
import type { Nudge } from "citychat/nudge.js";
import type { Sentence } from "citychat/i18n.js";
import type { Questions } from "citychat/question.js";
import type { Sign } from "citychat/sign.js";
import type { Socket } from "citychat/socket.js";
import type { Speaking } from "citychat/speaking.js";
import type { State } from "citychat/state.js";

/** What becomes of a message of mine; "" is a message of the partner. */
export type Tick = "" | "waiting" | "stored" | "delivered" | "refused" | "undelivered";

export interface Message {
  session: string;
  side: number; // the sender: 0 is who asked
  stream: string;
  number: number;
  lamport: number;
  text: string;
  at: number;
  previous?: [stream: string, number: number];
  kind?: string; // "gap" stands for what has not come: `number` alone, or all up to `to`; "late" takes its place
  to?: number;
}

/** A message of mine in the outbox; `since`: when it left the state "waiting". */
export type Entry = Message & { state: Tick; since?: number };

/** A message on the screen; `why`: the reason of a refusal. */
export type Row = Message & { tick: Tick; why: string };

/** A chat, as the server describes it to one side. */
export interface Session {
  session: string;
  side: number;
  alias: string; // the partner
  you: string;
  city: string;
  started: number;
  expires: number;
  ended?: number;
  here?: boolean;
  away_since?: number;
  by?: "you" | "partner"; // who ended it, as far as this page knows
}

/** From when to when, ms since 1970. */
export type Span = [number, number];

/** Meeting hours and quiet hours of the next two weeks, by the clock of a zone that is called after a city. */
export interface Hours {
  zone: string;
  city: string;
  meeting: Span[];
  quiet: Span[];
}

export interface Place {
  key: string;
  city: string;
  country: string;
  source: "position" | "ip" | "chosen" | "home" | "network";
  towns?: number; // nearby, whose guests this one may meet; not told by servers up to 0.3.0
}

export interface City {
  id: string;
  name: string;
  region: string;
  country: string;
}

export interface Position {
  lat: number;
  lon: number;
  accuracy: number;
}

export type FreeNearby = "none" | "few" | "many";

export type Reply = "yes" | "no" | "later";

/** What the server asks, and what the page adds. */
export interface Offer {
  offer: string;
  city: string;
  seconds: number;
  looking: boolean;
  starts: number; // when a page that looks answers by itself
  ends: number;
  answered?: Reply;
}

export interface Pause {
  until: number;
  reason: string;
  rule: string; // "": the machine has paused
  automatic: boolean;
  reference: string; // "": nothing to object to here
  objection: string;
  answer: string;
  contact: string;
  network: boolean; // not this guest is paused, but new ones of the network
  asking?: boolean; // the page's: the server is asked once more
}

/** A pause that the host has ended, or a warning. */
export interface Lifted {
  at: number;
  answer: string;
  rule: string; // "": no warning
  reason: string;
}

export interface Settings {
  ask: boolean;
  slow: boolean; // rings of 60 s
  typing: boolean;
  enter: boolean; // the key sends
  notices: boolean; // of the browser, while the page is not looked at
  question: boolean; // the first one of a chat is shown
  towns: boolean; // may meet guests of towns nearby
}

/** Whom the guest would like to meet. */
export interface Preferences {
  towns: boolean;
  languages: string[]; // the first parts of their tags; none for any
}

export type Link = "off" | "first" | "on" | "cut" | "blocked" | "drain" | "away";

export type Screen =
  | "loading" | "arrive" | "locating" | "city" | "ready" | "talk" | "chats" | "past" | "replaced" | "banned"
  | "lifted" | "erased";

/** `typed`: something was written or chosen in it. */
export type Dialog =
  & ({ kind: "leave" | "more" | "erase" } | { kind: "defend"; session: Session } | { kind: "text"; name: string })
  & { typed?: boolean };

export interface Tokens {
  token?: string;
  old_token?: string;
}

export interface SignRequest {
  want: "ask" | "stop" | "look";
  endpoint?: string;
  left_ms?: number;
}

export interface JoinRequest extends Tokens, Preferences {
  v: number;
  consent: string;
  adult: true;
  available: boolean;
  slow: boolean;
  visible: boolean;
  have: Record<string, number>;
  position?: Position;
  objection?: string;
}

export interface JoinAnswer {
  token: string;
  same?: boolean; // not told by servers up to 0.2.0, nor is the next
  now?: number; // the server's hour, ms since 1970
  place: Place | null;
  state: "free" | "chat";
  free_nearby: FreeNearby;
  session?: Session;
  seen?: Record<string, number>;
  messages?: Message[];
  lifted?: Lifted;
}

export interface Failure extends Partial<Pause> {
  ok: false;
  error: string; // a code of docs/events.yaml, or "cut": the link did not hold until the answer
  message?: string;
  retry_ms?: number;
  consent?: string;
}

export type Answer<Fields> = ({ ok: true; error?: undefined; retry_ms?: undefined } & Fields) | Failure;

/** The fields of each answer, besides `ok`. */
export interface Answers {
  "user-join": JoinAnswer;
  "user-seek": { state: "asking" | "waiting" | "matched" };
  "user-stop": {};
  "user-match": {};
  "user-leave": {};
  "user-available": {};
  "user-prefer": {};
  "user-view": {};
  "user-cities": { cities: City[] };
  "user-place": { place: Place | null };
  "user-chats": { chats: Session[]; more: boolean };
  "user-block": {};
  "user-report": { code: string };
  "user-case": { state: "received" | "held" | "acted" | "none" | "lifted" | "objected" };
  "user-again": {};
  "user-sign": { until: number | null };
  "user-erase": {};
  "chat-history": { messages: Message[]; more: boolean };
}

/** Closed ranges of one stream's numbers, exact. */
export type Ranges = [first: number, last: number][];

/** What became of exactly these messages of mine. */
export interface Status {
  session: string;
  stream: string;
  ranges: Ranges;
  state: "stored" | "delivered" | "refused";
  error?: string;
}

export interface Busy {
  session: string;
  retry_ms: number;
}

/** What the socket tells the page. */
export interface Events {
  joined: JoinAnswer;
  refused: Failure;
  closed: void;
  blocked: void;
  partnerJoined: { session: string };
  partnerLeft: { session: string; how: "away" | "left"; since: number };
  seeking: { state: "asking" | "next" | "waiting" };
  offer: Omit<Offer, "starts" | "ends">;
  offerEnd: { offer: string; looking: boolean };
  session: Session;
  nearby: { free_nearby: FreeNearby };
  replaced: void;
  drain: { retry_ms: number };
  banned: Pause;
  shut: { text: string; until?: number }; // "" when it is over; until: the end of quiet hours
  message: Message;
  status: Status;
  busy: Busy;
  typing: { session: string; on: boolean };
  erased: { session: string };
}

/** What an outbox asks of its page. */
export interface Calls {
  emit(event: string, payload: object): void;
  /** Show a message at its place in the transcript. */
  draw(message: Message, tick: Tick): void;
  mark(session: string, stream: string, number: number, tick: Tick, why: string): void;
  /** Call `tick` at that time or soon after; an earlier alarm stays. */
  alarm(at: number): void;
  /** The hour, ms since 1970: for what is shown or outlives the page. Somebody may set it at any moment. */
  wall(): number;
}

/** What outlives the page: localStorage, or memory where the browser refuses it. */
export interface Kept {
  get(name: string): string | undefined;
  /** Answers false where it is in memory alone. */
  set(name: string, value: string): unknown;
  delete(name: string): unknown;
  keys(): Iterable<string>;
}

/** The link to the message written last; without a Lamport number, from an old page, it is 0. */
export type Last = [session: string, stream: string, number: number, lamport: number];

/** What a page has left in the browser's storage; `torn`: not all of it could be read. */
export interface Left {
  entries: Entry[];
  last?: Last;
  torn: boolean;
}

/** What the views get. */
/** Everything that a page needs to speak another language (`/sentences/<code>.json`). */
export interface Told {
  language: string;
  direction: string;
  worker: string;
  words: Record<string, Sentence>;
  questions: string; // where they are
}

/** A report that is being written; `reason` is "" until one is chosen. */
export interface ReportDraft {
  reason: string;
  note: string;
}

export interface Page {
  state: State;
  speaking: Speaking;
  socket: Socket;
  chat: Chat;
  drafts: Drafts;
  joining: Joining;
  matching: Matching;
  nudge: Nudge;
  questions: Questions;
  hours: Hours | null;
  sign: Sign;
  now: () => number; // ms of a clock that nobody sets: for intervals
  wall: () => number; // the hour, ms since 1970
}

/** A screen: `update` draws what has changed, `kind` is the class of the body. */
export interface View {
  root: HTMLElement | HTMLElement[];
  update?: () => void;
  close?: () => void;
  focus?: HTMLElement;
  kind?: string;
}
