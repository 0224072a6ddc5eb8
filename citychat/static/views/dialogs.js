// Dialogs: leaving, blocking and reporting, more (settings, data, cases), erasing.

import { button, h, link, round, say, show, t, toggle, write } from "citychat/views/dom.js";

const REASONS = ["minor", "threat", "sexual", "hate", "spam", "other"];
const NOTE_MAX = 500;
let count = 0;

/** Show `state.dialog` while it is set; the browser keeps the focus inside and Esc closes it. */
export class Dialogs {
  #shown = null;
  #element = null;

  constructor(page) {
    this.page = page;
  }

  update() {
    const { dialog } = this.page.state;
    if (dialog === this.#shown) return;
    this.#element?.remove();
    this.#shown = dialog;
    this.#element = dialog && this.#open(dialog);
  }

  #open(dialog) {
    const close = () => this.page.state.dialog === dialog && this.page.state.set({ dialog: null });
    const { heading, body } = KINDS[dialog.kind](this.page, dialog, close);
    const id = `dialog-${(count += 1)}`;
    const element = h("dialog", { "aria-labelledby": id, on: { close, click: (event) => outside(element, event) && close() } },
      h("div", { class: "head" }, h("h2", { id, tabindex: "-1" }, heading), round(t("more.close"), "close", close)), body);
    const back = document.activeElement;
    document.body.append(element);
    element.showModal();
    element.querySelector("h2").focus();
    element.addEventListener("close", () => back?.isConnected && back.focus());
    return element;
  }
}

const outside = (element, { target, clientX: x, clientY: y }) => {
  const box = element.getBoundingClientRect();
  return target === element && (x < box.left || x > box.right || y < box.top || y > box.bottom);
};

/** A button that says when it did not work; `work()` answers whether it did. */
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

function leave({ talking }, _dialog, close) {
  const body = h("div", { class: "sheet" }, h("p", { class: "soft" }, t("leave.text")),
    h("div", { class: "stack" },
      working(t("leave.yes"), "lamp", async () => {
        const done = await talking.leave();
        if (done) close();
        return done;
      }),
      button(t("leave.no"), "wide", close)));
  return { heading: t("leave.title"), body };
}

function defend(page, { chat }, close) {
  const body = h("div", { class: "sheet" });
  const end = (sentence, more) => {
    body.replaceChildren(h("p", { role: "status" }, sentence), more ? h("p", { class: "soft small" }, more) : "", button(t("more.close"), "lamp wide", close));
    say(sentence);
    body.querySelector("button").focus();
  };
  const block = working(t("defend.block"), "bad", async () => {
    const done = await page.talking.block(chat.session);
    if (done) end(t("block.done"));
    return done;
  });
  const report = button(t("defend.report"), "bad wide", () => {
    body.replaceChildren(reasons(page, chat, (code) => end(t("report.done", { code }), t("report.keep"))));
    body.querySelector("input").focus();
  });
  body.append(h("p", { class: "soft" }, t("defend.text")),
    h("section", {}, block, h("p", { class: "soft small" }, t("defend.block.text"))),
    h("section", {}, report, h("p", { class: "soft small" }, t("defend.report.text"))));
  return { heading: t("defend.title", { alias: chat.alias }), body };
}

function reasons({ talking }, chat, done) {
  const choices = REASONS.map((reason) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "reason", value: reason }), h("span", {}, t(`report.${reason}`))));
  const note = h("textarea", { class: "field", id: "note", rows: 2, maxlength: NOTE_MAX });
  const list = h("fieldset", {}, h("legend", { class: "label" }, t("report.title")), h("div", { class: "choices" }, ...choices));
  const send = working(t("report.send"), "lamp", async () => {
    const chosen = list.querySelector(":checked");
    if (!chosen) {
      list.querySelector("input").focus();
      return true;
    }
    const code = await talking.report(chat.session, chosen.value, note.value.trim());
    if (code) done(code);
    return Boolean(code);
  });
  return h("div", { class: "sheet" }, list, h("div", {}, h("label", { class: "label", for: "note" }, t("report.note")), note), send);
}

function more(page, _dialog, close) {
  const { state, visit } = page;
  const settings = h("section", {}, h("h3", {}, t("more.settings")),
    toggle(t("ready.ask"), t("ready.ask.text"), state.settings.ask, (on) => visit.use({ ask: on })),
    toggle(t("more.slow"), t("more.slow.text"), state.settings.slow, (on) => visit.use({ slow: on })),
    toggle(t("more.typing"), "", state.settings.typing, (on) => visit.use({ typing: on })));
  const told = h("p", { class: "soft small", role: "status" });
  const data = h("section", {}, h("h3", {}, t("more.data")),
    link(t("ready.chats"), () => state.set({ dialog: null, screen: "chats", notice: "" })),
    link(t("more.download"), () => download(page, told)), told,
    link(t("more.erase"), () => state.set({ dialog: { kind: "erase" } }), "bad"));
  return { heading: t("more.title"), body: h("div", { class: "sheet" }, settings, data, cases(page)) };
}

async function download({ talking }, told) {
  write(told, t("more.download.wait"));
  const all = await talking.everything();
  write(told, all ? "" : t("link.failed"));
  if (!all) return;
  const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" }));
  h("a", { href: url, download: "citychat.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function cases({ socket }) {
  const field = h("input", { class: "field", id: "case", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 20 });
  const told = h("p", { role: "status", class: "small" });
  const find = button(t("case.find"), "", async () => {
    const code = field.value.trim();
    if (!code) return field.focus();
    const answer = await socket.case(code);
    write(told, answer.ok ? t(`case.${answer.state}`) : t(answer.error === "busy" ? "case.busy" : "link.failed"));
  });
  return h("section", {}, h("h3", {}, t("case.title")), h("label", { class: "small", for: "case" }, t("case.label")),
    h("div", { class: "codes" }, field, find), told);
}

function erase({ visit }, _dialog, close) {
  const body = h("div", { class: "sheet" }, h("p", {}, t("erase.text")), h("p", { class: "soft small" }, t("erase.kept")),
    h("p", { class: "soft small" }, t("erase.new")),
    h("div", { class: "stack" }, working(t("erase.yes"), "bad", () => visit.erase()), button(t("erase.no"), "wide", close)));
  return { heading: t("erase.title"), body };
}

const KINDS = { leave, defend, more, erase };
