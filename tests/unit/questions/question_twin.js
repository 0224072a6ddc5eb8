// What static/question.js makes of sessions: the other half of test_first_questions.py.

import { readFileSync } from "node:fs";
import { which } from "citychat/question.js";

const [sessions, questions] = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(sessions.map((session) => which(session, questions))));
