// Runs traces through static/outbox.js and answers what it called: the other half of test_outbox_twin.py.
async (text) => {
  const { Outbox } = await import("citychat/outbox.js");
  const run = (steps) => {
    const storage = new Map();
    let streams = 0;
    let calls = [];
    const out = [];
    const tell = Object.fromEntries(["emit", "draw", "mark", "alarm"].map((name) => [name, (...args) => calls.push([name, ...args])]));
    const newPage = (page) => new Outbox(storage, page, () => `st${(streams += 1)}`, tell);
    let box = newPage("p0");
    for (const [name, ...args] of steps) {
      calls = [];
      let answer = null;
      if (name === "reload") box = newPage(...args);
      else if (name === "steal") storage.set("citychat.writer", ...args);
      else answer = box[name](...args) ?? null;
      out.push(JSON.parse(JSON.stringify({ calls, answer, have: box.have() })));
    }
    const kept = Object.fromEntries([...storage].map(([key, value]) => [key, key === "citychat.writer" ? value : JSON.parse(value)]));
    return { out, kept };
  };
  return JSON.stringify(JSON.parse(text).map(run));
};
