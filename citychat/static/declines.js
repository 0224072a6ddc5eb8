// The noes that no answer has come to, in the browser's storage: a no is for ever (M5), also on a dead link.
//
// The twin of noes.py.

const NOES = "citychat.noes";
const NOES_MAX = 50; // without an answer; nobody says more in the hour for which the server knows ended offers
const NO_ANSWER = ["cut", "unavailable", "busy", "internal", "not-joined"]; // the server has not taken it yet

export class Noes {
  #timer = 0;

  /** `page` is {storage, socket}. */
  constructor(page) {
    this.page = page;
  }

  /** Keep the no, then send it; the server's answer. */
  async say(offer) {
    this.#keep([...this.#without(offer), offer]);
    return this.#send(offer);
  }

  /** After a join, before the page looks for anybody. */
  sayAgain() {
    clearTimeout(this.#timer);
    for (const offer of this.#kept()) this.#send(offer);
  }

  async #send(offer) {
    const answer = await this.page.socket.match(offer, "no");
    if (!NO_ANSWER.includes(answer.error)) this.#keep(this.#without(offer));
    else if (answer.retry_ms !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.sayAgain(), answer.retry_ms);
    }
    return answer;
  }

  #kept() {
    return JSON.parse(this.page.storage.get(NOES) ?? "[]");
  }

  #without(offer) {
    return this.#kept().filter((kept) => kept !== offer);
  }

  #keep(offers) {
    if (offers.length) this.page.storage.set(NOES, JSON.stringify(offers.slice(-NOES_MAX)));
    else this.page.storage.delete(NOES);
  }
}
