// The street: seeded by the key of the place, so that each city has its own and it stays the same. Decoration with a
// meaning: one window is yours, the other lit ones say how many people are free, as coarsely as the sentence beside
// them.

import { s } from "citychat/views/dom.js";

/** @import { FreeNearby } from "citychat/types.js" */

const WIDTH = 640;
const GROUND = 128;
/** @type {Record<FreeNearby, number>} */
const LIT = { none: 0, few: 3, many: 14 };
const WINDOW = { width: 7, height: 10 };

/** A small generator (mulberry32): same key, same street. @param {string} key */
function dice(key) {
  let a = [...key].reduce((sum, c) => Math.imul(sum ^ Number(c.codePointAt(0)), 0x01000193), 0x811c9dc5);
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Street {
  /** @type {SVGElement[]} */
  #windows = [];
  /** Indices of windows, in the order in which they are lit. @type {number[]} */
  #order = [];

  constructor(key = "") {
    const random = dice(key);
    this.key = key;
    this.element = s("svg", { class: "street", viewBox: `0 0 ${WIDTH} ${GROUND + 2}`, "aria-hidden": "true" });
    this.#far(random);
    this.#houses(random);
    this.element.append(s("rect", { class: "ground", x: 0, y: GROUND, width: WIDTH, height: 2 }));
    const rest = this.#windows.map((_, i) => i);
    for (let i = rest.length - 1; i > 0; i -= 1) {
      const j = Math.floor(random() * (i + 1));
      [rest[i], rest[j]] = [rest[j], rest[i]];
    }
    this.#order = rest;
  }

  /**
   * `mine`: whether your window is lit; `met`: one more beside it.
   * @param {{mine?: boolean, free?: FreeNearby, breathing?: boolean, met?: boolean}} facts
   */
  light({ mine = true, free = "none", breathing = false, met = false }) {
    const lit = new Set(this.#order.slice(1, 1 + LIT[free]));
    const yours = this.#order[0];
    if (met) lit.add(this.#neighbour(yours));
    this.#windows.forEach((pane, i) => {
      pane.setAttribute("class", mine && i === yours ? "yours" : lit.has(i) ? "lit" : "unlit");
    });
    this.element.classList.toggle("breathing", breathing);
    return this.element;
  }

  /** A window two houses on: near enough to be meant, far enough to be somebody else's. @param {number} yours */
  #neighbour(yours) {
    return (yours + 9) % this.#windows.length;
  }

  /** @param {() => number} random */
  #far(random) {
    let path = `M0 ${GROUND}`;
    for (let x = 0; x < WIDTH; ) {
      const width = 26 + random() * 46;
      const top = 34 + random() * 44;
      const right = Math.min(WIDTH, x + width);
      path += ` L${x.toFixed(1)} ${top.toFixed(1)} L${right.toFixed(1)} ${top.toFixed(1)}`;
      x = right;
    }
    const tower = 90 + random() * 440;
    this.element.append(
      s("path", { class: "far", d: `${path} L${WIDTH} ${GROUND}Z` }),
      s("path", { class: "far", d: `M${tower} ${GROUND}V30l9 -24 9 24V${GROUND}Z` }),
    );
  }

  /** @param {() => number} random */
  #houses(random) {
    let x = 0;
    while (x < WIDTH - 20) {
      const columns = 2 + Math.floor(random() * 3);
      let width = columns * 17 + 11;
      if (WIDTH - (x + width) < 48) width = WIDTH - x;
      this.#house(random, x, width - 2, Math.floor((width - 11) / 17));
      x += width;
    }
  }

  /** @param {() => number} random @param {number} x @param {number} width @param {number} columns */
  #house(random, x, width, columns) {
    const floors = 2 + Math.floor(random() * 3);
    const top = GROUND - floors * 20 - 12;
    const right = x + width;
    const roofs = [
      `M${x} ${GROUND}V${top}H${right}V${GROUND}Z`,
      `M${x} ${GROUND}V${top}L${x + width / 2} ${top - 15}L${right} ${top}V${GROUND}Z`,
      `M${x} ${GROUND}V${top}L${x + 8} ${top - 11}H${right - 8}L${right} ${top}V${GROUND}Z`,
      `M${x} ${GROUND}V${top - 9}L${right} ${top}V${GROUND}Z`,
    ];
    const kind = Math.floor(random() * roofs.length);
    this.element.append(s("path", { class: "wall", d: roofs[kind] }));
    if (kind !== 1 && random() < 0.6) {
      const chimney = x + 8 + random() * Math.max(1, width - 24);
      this.element.append(s("rect", { class: "wall", x: chimney.toFixed(1), y: top - 17, width: 6, height: 18 }));
    }
    const start = x + (width - columns * 17 + 10) / 2;
    const door = Math.floor(random() * columns);
    for (let floor = 0; floor < floors; floor += 1) {
      for (let column = 0; column < columns; column += 1) {
        this.#opening(start + column * 17, top + 8 + floor * 20, floor === floors - 1 && column === door);
      }
    }
  }

  /** @param {number} x @param {number} y @param {boolean} door */
  #opening(x, y, door) {
    if (door) {
      this.element.append(s("rect", { class: "unlit", x: x.toFixed(1), y: y + 3, width: 8, height: GROUND - y - 3 }));
      return;
    }
    const pane = s("rect", { class: "unlit", x: x.toFixed(1), y, rx: 0.8, ...WINDOW });
    this.#windows.push(pane);
    this.element.append(pane);
  }
}
