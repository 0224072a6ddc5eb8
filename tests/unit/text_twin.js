// What static/text.js makes of texts: the other half of test_text_twin.py.

import { readFileSync } from "node:fs";
import { chars, cleanText, fits, isBlank } from "citychat/text.js";

const measured = (raw) => {
  const text = cleanText(raw);
  return { text, chars: chars(text), blank: isBlank(text), fits: fits(text) };
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(measured)));
