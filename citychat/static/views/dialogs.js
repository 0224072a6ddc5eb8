// Dialogs: leaving, blocking and reporting, more (settings, data, cases), erasing.

import { namesUnder } from "citychat/i18n.js";
import { NOTE_MAX_CHARS } from "citychat/shapes.js";
import { button, focusNext, h, link, round, show, t, toggle, write } from "citychat/views/dom.js";
import { languageChoice } from "citychat/views/language.js";
import { spokenLanguages } from "citychat/views/spoken.js";
import { allowed, canNotify } from "citychat/views/notices.js";
import { settles } from "citychat/views/settling.js";
import { textOf } from "citychat/views/texts.js";

/**
 * @import { Dialog, Page, Session } from "citychat/types.js"
 *
 * @typedef {{ heading: string, body: HTMLElement }} Content
 */

const TOLD_MS = 300; // after what gets the focus has been said, else that interrupts it
let count = 0;

/** Show `state.dialog` while it is set; the browser keeps the focus inside and Esc closes it. */
export class Dialogs {
  #page;
  /** @type {Dialog | null} */
  #shown = null;
  /** @type {HTMLDialogElement | null} */
  #element = null;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  update() {
    const { dialog } = this.#page.state;
    if (dialog === this.#shown) return;
    this.#element?.close(); // gives the focus back
    this.#element?.remove();
    this.#shown = dialog;
    this.#element = dialog && this.#open(dialog);
    // What had the focus before may be gone.
    if (!dialog && document.activeElement === document.body) focusNext(document.querySelector("h1"));
  }

  /** @param {Dialog} dialog */
  #open(dialog) {
    const { state } = this.#page;
    const close = () => {
      if (state.dialog === dialog) state.set({ dialog: null });
    };
    const { heading, body } = content(this.#page, dialog, close);
    const id = `dialog-${(count += 1)}`;
    const title = h("h2", { id }, heading);
    const element = h("dialog", {
      tabindex: "-1", "aria-labelledby": id, on: {
        close, click: (event) => outside(element, event) && !settles(element) && close(),
        input: ({ target }) => (dialog.typed ||= !/** @type {Element} */ (target).matches("[role=switch]")),
      },
    }, h("div", { class: "head" }, title, round(t("more.close"), "close", close)), body);
    document.body.append(element);
    element.showModal();
    element.focus(); // and not its title, on which Orca says nothing
    return element;
  }
}

/** @param {Page} page @param {Dialog} dialog @param {() => void} close @returns {Content} */
function content(page, dialog, close) {
  switch (dialog.kind) {
    case "leave": return leave(page, close);
    case "defend": return defend(page, dialog.session, close);
    case "more": return more(page);
    case "erase": return erase(page, close);
    case "text": return textOf(dialog.name);
  }
}

/** @param {HTMLElement} element @param {MouseEvent} click */
const outside = (element, { target, clientX: x, clientY: y }) => {
  const box = element.getBoundingClientRect();
  return target === element && (x < box.left || x > box.right || y < box.top || y > box.bottom);
};

/**
 * A button that says when it did not work; `work()` answers whether it did.
 * @param {string} label @param {string} kind @param {() => Promise<boolean>} work
 */
function working(label, kind, work) {
  const told = h("p", { class: "problem small", role: "alert", hidden: true }, t("link.failed"));
  const one = button(label, `${kind} wide`, async () => {
    one.disabled = true;
    show(told, false);
    const done = await work();
    one.disabled = false;
    show(told, !done);
  });
  return h("div", { class: "stack" }, one, told);
}

/** @param {Page} page @param {() => void} close @returns {Content} */
function leave({ chat }, close) {
  const body = h("div", { class: "sheet" }, h("p", { class: "soft" }, t("leave.text")),
    h("div", { class: "stack" },
      button(t("leave.yes"), "lamp wide", () => {
        chat.leave();
        close();
      }),
      button(t("leave.no"), "wide", close)));
  return { heading: t("leave.title"), body };
}

/** @param {Page} page @param {Session} session @param {() => void} close @returns {Content} */
function defend(page, session, close) {
  const { chat } = page;
  // The one live region, there from the start: what is inserted together with its words is not read by everybody.
  const told = h("p", { class: "unseen", role: "status" });
  const steps = h("div", { class: "sheet" });
  const end = (/** @type {string} */ sentence, /** @type {string} */ rest) => {
    const done = button(t("more.close"), "lamp wide", close);
    steps.replaceChildren(rest ? h("p", { class: "soft small" }, rest) : "", done);
    told.className = "";
    focusNext(done);
    setTimeout(() => write(told, sentence), TOLD_MS);
  };
  const block = working(t("defend.block"), "bad", async () => {
    const done = await chat.block(session.session);
    if (done) end(t("block.done"), "");
    return done;
  });
  const report = button(t("defend.report"), "bad wide", () => {
    steps.replaceChildren(...reasons(page, session, (code) => end(t("report.done", { code }), t("report.keep"))));
    const inputs = [...steps.querySelectorAll("input")];
    (inputs.find(({ checked }) => checked) ?? inputs[0]).focus();
  });
  steps.append(h("p", { class: "soft" }, t("defend.text")),
    h("section", {}, block, h("p", { class: "soft small" }, t("defend.block.text"))),
    h("section", {}, report, h("p", { class: "soft small" }, t("defend.report.text"))));
  return { heading: t("defend.title", { alias: session.alias }), body: h("div", { class: "sheet" }, told, steps) };
}

/**
 * The report, as far as it was written before: whoever comes back to it finds it so.
 * @param {Page} page @param {Session} session @param {(code: string) => void} done
 */
function reasons({ chat, drafts }, { session }, done) {
  const begun = drafts.report(session);
  const inputs = namesUnder("report.reason.").map((value) => h("input", { type: "radio", name: "reason", value }));
  const choices = inputs.map((input) =>
    h("label", { class: "choice" }, input, h("span", {}, t(`report.reason.${input.value}`))));
  const attributes = { class: "field", id: "note", rows: 2, maxlength: NOTE_MAX_CHARS, dir: "auto" };
  const note = h("textarea", attributes, begun.note);
  const chosen = () => inputs.find((input) => input.checked)?.value ?? "";
  for (const input of inputs) input.checked = input.value === begun.reason;
  const keep = () => drafts.keepReport(session, { reason: chosen(), note: note.value });
  for (const field of [...inputs, note]) field.addEventListener("input", keep);
  const list = h("fieldset", {}, h("legend", { class: "label" }, t("report.title")),
    h("div", { class: "choices" }, ...choices));
  const problem = h("p", { class: "problem small", role: "alert", hidden: true }, t("report.choose"));
  const send = working(t("report.send"), "lamp", async () => {
    show(problem, !chosen());
    if (!chosen()) {
      inputs[0].focus();
      return true;
    }
    const code = await chat.report(session, chosen(), note.value.trim());
    if (code) done(code);
    return Boolean(code);
  });
  return [list, h("div", {}, h("label", { class: "label", for: "note" }, t("report.note")), note), problem, send];
}

/** @param {Page} page @returns {Content} */
function more(page) {
  const { state, joining } = page;
  const settings = h("section", {}, h("h3", {}, t("more.settings")),
    toggle(t("ready.ask"), t("ready.ask.text"), state.settings.ask, (on) => joining.use({ ask: on })),
    state.place?.towns
      ? toggle(t("ready.towns"), t("ready.towns.text"), state.settings.towns, (on) => joining.use({ towns: on })) : "",
    toggle(t("more.slow"), t("more.slow.text"), state.settings.slow, (on) => joining.use({ slow: on })),
    toggle(t("more.typing"), "", state.settings.typing, (on) => joining.use({ typing: on })),
    toggle(t("more.enter"), t("more.enter.text"), state.settings.enter, (on) => joining.use({ enter: on })),
    page.questions.any ? firstQuestion(page) : "",
    canNotify() ? notices(page) : "", spokenLanguages(page));
  const language = languageChoice(page);
  const data = h("section", {}, h("h3", {}, t("more.data")),
    link(t("ready.chats"), () => state.set({ dialog: null, screen: "chats", notice: "" })),
    link(t("more.download"), () => download(page)), progress,
    link(t("more.erase"), () => state.set({ dialog: { kind: "erase" } }), "bad"));
  return { heading: t("more.title"), body: h("div", { class: "sheet" }, language, settings, data, cases(page)) };
}

/** @param {Page} page */
const firstQuestion = ({ state, joining }) =>
  toggle(t("more.question"), t("more.question.text"), state.settings.question, (on) => joining.use({ question: on }));

/** The switch at which the browser is asked, and nowhere else. @param {Page} page */
function notices({ state, joining }) {
  const refused = h("p", { class: "problem small", role: "alert", hidden: true }, t("more.notices.refused"));
  const one = toggle(t("more.notices"), t("more.notices.text"), state.settings.notices, async (on) => {
    const notify = on && (await allowed());
    show(refused, on && !notify);
    const input = one.querySelector("input");
    if (input) input.checked = notify;
    joining.use({ notices: notify });
  });
  return h("div", {}, one, refused);
}

// How far the download is: it goes on while its dialog is closed, and another one shows the same line.
const progress = h("p", { class: "soft small", role: "status" });
let downloading = false;

/** @param {Page} page */
async function download({ chat }) {
  if (downloading) return;
  downloading = true;
  write(progress, t("more.download.wait"));
  try {
    const all = await chat.everything((n, of) => write(progress, t("more.download.some", { n, all: of })));
    const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" }));
    h("a", { href: url, download: "citychat.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    write(progress, "");
  } catch {
    write(progress, t("link.failed"));
  }
  downloading = false;
}

let askedCode = ""; // as it stands in the field, when the dialog is opened again

/** @param {Page} page */
function cases({ socket }) {
  const field = h("input", {
    class: "field", id: "case", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
    maxlength: 40, value: askedCode, on: { input: () => (askedCode = field.value) },
  });
  const told = h("p", { role: "status", class: "small" });
  const find = button(t("case.find"), "", async () => {
    const code = field.value.replace(/\s/g, "");
    if (!code) {
      field.focus();
      return;
    }
    const answer = await socket.case(code);
    const refused = { busy: "case.busy", "bad-payload": "case.unknown" }[answer.error ?? ""] ?? "link.failed";
    write(told, t(answer.ok ? `case.${answer.state}` : refused));
  });
  const label = h("label", { class: "small", for: "case" }, t("case.label"));
  return h("section", {}, h("h3", {}, t("case.title")), label, h("div", { class: "codes" }, field, find), told);
}

/** @param {Page} page @param {() => void} close @returns {Content} */
function erase({ joining }, close) {
  const body = h("div", { class: "sheet" }, h("p", {}, t("erase.text")),
    h("p", { class: "soft small" }, t("erase.kept")), h("p", { class: "soft small" }, t("erase.new")),
    h("div", { class: "stack" },
      working(t("erase.yes"), "bad", () => joining.erase()), button(t("erase.no"), "wide", close)));
  return { heading: t("erase.title"), body };
}
