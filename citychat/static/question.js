// The question that both see when a chat begins. Which one it is follows from the chat's id: nothing is sent for it.

const START = 2_166_136_261;
const PRIME = 16_777_619;

/**
 * By the hash FNV-1a of the session's id; the twin of `which` in citychat/questions. "" of none.
 * @param {string} session @param {string[]} questions
 */
export function which(session, questions) {
  let number = START;
  for (const byte of new TextEncoder().encode(session)) number = Math.imul(number ^ byte, PRIME) >>> 0;
  return questions.length ? questions[number % questions.length] : "";
}

/** The list, fetched when the first chat of a page begins; without a network there is none, and it is asked again. */
export class Questions {
  #url;
  /** @type {Promise<string[]> | undefined} */
  #list;

  /** @param {string} url "" where the host shows none */
  constructor(url) {
    this.#url = url;
  }

  /** From now on another list: of another language. @param {string} url */
  use(url) {
    this.#url = url;
    this.#list = undefined;
  }

  get any() {
    return this.#url !== "";
  }

  /** @param {string} session */
  async of(session) {
    this.#list ??= this.#fetched();
    return which(session, await this.#list);
  }

  async #fetched() {
    try {
      const answer = this.any ? await fetch(this.#url) : null;
      const text = answer?.ok ? await answer.text() : "";
      return text.split("\n").filter(Boolean);
    } catch {
      this.#list = undefined;
      return [];
    }
  }
}
