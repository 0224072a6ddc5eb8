// What static/contact.js finds in texts: the other half of test_contacts.py.

import { readFileSync } from "node:fs";
import { contactIn } from "citychat/contact.js";

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(contactIn)));
