"use strict";
// What the page does with what was embedded: shows a state, offers the steps that lead on from
// it, goes along a run.  All that is known of the pool stands in the data.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LARGEST = 16 * 1024 * 1024; // of a file, in bytes
const LONGEST = 1000; // of a text that is shown, in characters
const POOL = "ProcessPool"; // the model that has a picture

const by = (id) => document.getElementById(id);
const same = (one, other) => canonical(one) === canonical(other);

/** Return a value as a text that is the same for equal values, whatever the order of keys. */
function canonical(value) {
  return JSON.stringify(value, (_, each) =>
    each && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each);
}

/**
 * Return a text of others as it can be shown: of a very long one, the beginning, and nothing in it
 * that would be obeyed, as what turns the direction of all that follows.
 */
function short(text) {
  const plain = text.slice(0, LONGEST).replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu,
    (each) => `\\u{${each.codePointAt(0).toString(16)}}`);
  return text.length <= LONGEST ? plain : `${plain}... (${text.length.toLocaleString("en")} characters)`;
}

function made(name, text, ...classes) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  node.classList.add(...classes.filter(Boolean));
  return node;
}

// ------------------------------------------------------------------------- a run

const EMPTY = { title: "", fields: {}, variables: [], values: [], states: [[]], actions: [], edges: [[]],
  invariants: [], broken: {}, unknown: true };
let scene = DATA.scenes[0] || EMPTY;
let steps = []; // each: text, plain action, number of the state after it or null, what is wrong
let at = 0;
let chips = new Map();

/** Return the variables of a state of the scene, by its number. */
function decoded(number) {
  const row = scene.states[number];
  return Object.fromEntries(scene.variables.map((name, i) => [name, scene.values[i][row[i]]]));
}

const start = () => ({ number: 0, variables: decoded(0), wrong: [] });
const current = () => (at === 0 ? start() : steps[at - 1]);

/** Return the steps that the specification allows in a state. */
function enabled(number) {
  const edges = number === null ? null : scene.edges[number];
  if (!edges) return [];
  const found = [];
  for (let i = 0; i < edges.length; i += 2) found.push({ ...scene.actions[edges[i]], to: edges[i + 1] });
  return found;
}

function broken(before, after) {
  return [...(scene.broken[after] || []), ...(scene.broken[`${before}>${after}`] || [])]
    .map((name) => `breaks ${name}`);
}

function stepped(before, action) {
  return { text: action.text, plain: plain(action), number: action.to,
    variables: decoded(action.to), wrong: broken(before, action.to) };
}

function plain(action) {
  const { text, who, says, to, ...rest } = action;
  return rest;
}

function take(action) {
  const before = current().number;
  if (at < steps.length) about(""); // this is another run now
  steps = steps.slice(0, at);
  steps.push(stepped(before, action));
  go(at + 1);
}

function go(number) {
  at = Math.max(0, Math.min(number, steps.length));
  render();
}

function choose(number) {
  scene = DATA.scenes[number];
  by("scene").value = String(number);
  steps = [];
  at = 0;
  build();
  about("");
  alerted("");
  render();
}

// ----------------------------------------------------------------------- loading

/** Load a recorded run; say what is wrong with it, and where it leaves the specification. */
function load(text, own = false) {
  let raw;
  try {
    raw = JSON.parse(text);
    if (own) embedded = raw;
  } catch (error) {
    return alerted(`This is not JSON: ${short(error.message)}`);
  }
  const trouble = unreadable(raw);
  if (trouble) return alerted(trouble);
  const pool = raw.model === POOL;
  const found = pool ? DATA.scenes.findIndex((each) => same(each.fields, raw.fields)) : -1;
  const told = (raw.steps.length > 0 || isState(raw.initially)) && raw.steps.every((each) => isState(each.variables)) &&
    (!pool || (raw.steps.length > 0 && raw.steps.every((each) => complete(each.variables))));
  if (found < 0 && !told) {
    return alerted(pool ? "This page has no scene with the bounds of that run:\n" +
      `${said(raw.fields)}\nMake one that has: foregone-spec page --trace FILE` :
      `This is a run of the model ${short(raw.model)}, of which this page has no picture, and it does not ` +
      "say what its variables are.\nMake a page of it: foregone-spec page --trace FILE");
  }
  if (found >= 0) choose(found);
  else strange(raw, pool);
  follow(raw, found >= 0, raw === embedded ? DATA.judged : null);
  about(whose(raw, raw === embedded ? DATA.judged : null));
  go(firstWrong() || steps.length);
}

/** Say of a counterexample whose it is, and what breaks where. */
function whose(raw, judged) {
  const word = (name) => (typeof raw[name] === "string" ? short(raw[name]) : "");
  if (!word("design") && !word("violates")) return "";
  const lines = [word("design") ? `A counterexample of ${word("design")}` : "A counterexample"];
  const ending = word("ending") && `, ${word("ending")}`;
  if (word("violates")) lines.push(`It breaks ${word("violates")} at step ${steps.length}${ending}.`);
  const left = steps.findIndex((each) => each.left) + 1;
  if (left) lines.push(`It leaves the specification at step ${left}, ${steps[left - 1].text}.`);
  else if (!scene.unknown || (judged && !judged.unknown))
    lines.push("The specification can do all of its steps.");
  else lines.push(`Nothing is said here of whether its steps are the specification's: ` +
    (judged ? `${judged.unknown}.` : "foregone-spec explain FILE may know."));
  return lines.join("\n");
}

function unreadable(raw) {
  if (!raw || typeof raw !== "object" || raw.format !== "foregone-trace")
    return "This is no recorded run: its format is not foregone-trace.";
  if (raw.version !== 1) return `This run has version ${said(raw.version)}; this page reads 1.`;
  if (typeof raw.model !== "string") return "This run does not name its model.";
  if (!Array.isArray(raw.steps) || !raw.fields || typeof raw.fields !== "object")
    return "This run has no steps, or no fields.";
  if (!raw.steps.every((each) => each && typeof each === "object" && typeof each.action === "string"))
    return "A step of this run names no action.";
  return "";
}

const isState = (value) => Boolean(value) && typeof value === "object" && !Array.isArray(value);

/** Say whether these variables are enough for the picture. */
function complete(variables) {
  if (!isState(variables)) return false;
  const lists = ["workIds", "callQueue", "processes", "runs", "resultQueue", "futures", "calls",
    "begun", "closers", "watched"];
  return lists.every((name) => Array.isArray(variables[name])) &&
    variables.resultQueue.every(Array.isArray) && typeof variables.phase === "string";
}

/** Show a run that the page does not know: what it tells is shown, and not checked. */
function strange(raw, pool) {
  const names = Object.keys(raw.steps.length ? raw.steps[0].variables : raw.initially);
  const known = isState(raw.initially) && (!pool || complete(raw.initially));
  const row = known ? raw.initially : pool ? made_up(raw.steps[0].variables) : {};
  scene = { ...EMPTY, title: pool ? "A run of other bounds" : `A run of ${short(raw.model)}`, fields: raw.fields,
    picture: pool, variables: names, values: names.map((name) => [row[name] ?? "?"]),
    states: [names.map(() => 0)] };
  by("scene").selectedIndex = -1;
  build();
}

/** Return the state that a process pool of these bounds begins in. */
const made_up = (first) => ({ ...first, workIds: [], callQueue: [], phase: "OPEN", awake: false,
  collected: false, processes: first.processes.map(() => "unborn"), runs: first.runs.map(() => 0),
  resultQueue: first.resultQueue.map(() => []), futures: first.futures.map(() => "PENDING"),
  calls: first.calls.map(() => "out"), begun: first.begun.map(() => 0),
  closers: first.closers.map(() => "out"), watched: first.watched.map(() => false) });

/** Follow a run; where the page cannot judge it, what was said when the page was made may. */
function follow(run, known, judged) {
  let number = known ? 0 : null;
  steps = [];
  at = 0;
  for (const [index, each] of run.steps.entries()) {
    const { variables, ...action } = each;
    const text = [short(action.action), ...Object.values(plainFields(action)).map(worded)].join(" ");
    const step = { text, plain: action, number: null, variables, wrong: [], left: false };
    const next = enabled(number).find((one) => same(plain(one), action));
    if (next) {
      Object.assign(step, { number: next.to, wrong: broken(number, next.to) });
      const here = decoded(next.to);
      for (const [name, value] of Object.entries(variables || {}))
        if (!same(here[name], value))
          step.wrong.push(`${name} is ${said(value)}, and the specification has ${said(here[name])}`);
      step.left = step.wrong.length > 0;
      step.variables = here;
    } else if (number !== null) {
      const instead = enabled(number).map((one) => one.text).join(", ");
      const ours = scene.actions.some((one) => one.action === action.action);
      step.wrong.push(`the specification ${ours ? "does not allow this here" : "has no such step"}; ` +
        `it allows: ${instead || "nothing"}`);
      step.left = true;
    } else if (judged && judged.reason && judged.followed === index) {
      const instead = judged.enabled.join(", ") || "nothing";
      step.wrong.push(`${judged.reason}; the specification allows: ${instead}`);
      step.left = true;
    }
    if (typeof run.violates === "string" && run.violates && index === run.steps.length - 1)
      step.wrong.push(`breaks ${short(run.violates)}${run.ending ? `, ${worded(run.ending)}` : ""}`);
    number = next ? next.to : null;
    const enough = scene.picture === false ? isState : complete;
    if (!enough(step.variables || null)) step.variables = (steps.at(-1) || start()).variables;
    steps.push(step);
  }
}

const worded = (value) => short(typeof value === "string" ? value : said(value));
const plainFields = ({ action, ...rest }) => rest;
const said = (value) => short(JSON.stringify(value) ?? "nothing");
const firstWrong = () => steps.findIndex((each) => each.wrong.length) + 1;

function saved() {
  const lines = steps.slice(0, at).map((each) => `  ${JSON.stringify(each.plain)}`).join(",\n");
  return `{"format": "foregone-trace", "version": 1, "model": "${POOL}",\n` +
    ` "fields": ${JSON.stringify(scene.fields)},\n "steps": [\n${lines}\n ]}\n`;
}

// ----------------------------------------------------------------------- showing

/** Make what a scene has: its processes, and a token for each call. */
function build() {
  const now = decoded(0);
  const picture = scene.picture !== false && scene !== EMPTY;
  by("flow").hidden = !picture;
  by("all").open = by("all").open || !picture;
  by("save").disabled = scene.unknown === true;
  by("scenes").hidden = DATA.scenes.length === 0;
  by("title").textContent = `${picture ? "The process pool" : scene.title || "A run"}, step by step`;
  for (const each of chips.values()) each.remove();
  chips = new Map();
  by("bounds").textContent = "";
  if (!picture) return;
  by("processes").replaceChildren(...now.processes.map((_, i) => {
    const room = made("div", undefined, "room", "process");
    const calls = made("div", undefined, "calls");
    calls.dataset.room = `process ${i + 1}`;
    room.append(made("h2", `Process #${i + 1}`), calls, made("div", undefined, "text"));
    return room;
  }));
  chips = new Map(now.calls.map((_, i) => [i + 1, made("span", String(i + 1), "call")]));
  by("bounds").textContent = scene.unknown || scene.edges.includes(null) ? "" :
    `This scene: ${scene.states.length.toLocaleString("en")} states, every one of them checked ` +
    `against ${scene.invariants.length} invariants when the page was made.`;
}

const room = (name) => document.querySelector(`[data-room="${name}"]`);

/** Return for each call the room it is in, and in what order. */
function places(now) {
  const found = new Map();
  const put = (numbers, name) => numbers.forEach((each) => found.set(each, name));
  now.calls.forEach((_, i) => found.set(i + 1, "executor"));
  put(now.workIds, "workIds");
  put(now.callQueue, "callQueue");
  now.resultQueue.forEach((each) => put(each, "resultQueue"));
  now.runs.forEach((each, i) => each && found.set(each, `process ${i + 1}`));
  return found;
}

function render() {
  const here = current();
  const now = here.variables;
  const before = new Map([...chips].map(([number, chip]) => [number, chip.getBoundingClientRect()]));
  if (!by("flow").hidden) drawn(now);
  listed(now, at > 1 ? steps[at - 2].variables : at ? decoded(0) : now);
  offered(here.number);
  told(here);
  travel(before);
}

function drawn(now) {
  const where = places(now);
  const order = [...now.workIds, ...now.callQueue, ...now.resultQueue.flat()];
  const sorted = [...chips.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b) || a - b);
  for (const number of sorted) dress(chips.get(number), number, now, where.get(number));
  texts(now);
}

/** List all variables; those that the last step has changed are marked. */
function listed(now, was) {
  by("variables").replaceChildren(...Object.entries(now).map(([name, value]) => {
    const changed = !same(value, was[name] ?? null);
    const line = made("tr", undefined, changed && "changed");
    const head = made("th", short(name));
    head.scope = "row";
    line.append(head, made("td", worded(value)), made("td", changed ? `was ${worded(was[name])}` : ""));
    return line;
  }));
}

function dress(chip, number, now, place) {
  const future = now.futures[number - 1];
  const out = now.calls[number - 1] === "out";
  const refused = now.calls[number - 1] === "raised";
  const settled = !out && DATA.done.includes(future);
  const how = out ? "not submitted" : refused ? "submit raised" : future;
  chip.className = "call";
  if (out) chip.classList.add("out");
  else if (refused) chip.classList.add("refused");
  else if (settled) chip.classList.add("settled");
  if (settled && future !== "FINISHED") chip.classList.add("cancelled");
  chip.title = `call ${number}: ${how}`;
  chip.setAttribute("role", "img");
  chip.setAttribute("aria-label", `call ${number}, ${how}, in ${place}`);
  chip.dataset.call = number;
  const target = room(place);
  if (target) target.append(chip);
}

function texts(now) {
  const lines = [now.phase, ...(now.collected ? ["collected"] : [])];
  now.closers.forEach((stands, i) => stands !== "out" && lines.push(`shutdown ${i + 1}: ${stands}`));
  by("executor").querySelector(".text").textContent = lines.join("\n");
  by("work-items").querySelector(".text").textContent = now.calls
    .map((call, i) => [call, i + 1])
    .filter(([call]) => call !== "out")
    .map(([call, number]) => `${number}: ${item(now, call, number)}`)
    .join("\n") || "-";
  const early = now.early ? `\n${now.early} died early` : "";
  by("worker").querySelector(".text").textContent = (now.awake ? "awake" : "asleep") + early;
  [...by("processes").children].forEach((each, i) => {
    const stands = now.processes[i];
    const text = each.querySelector(".text");
    const unwatched = !DATA.absent.includes(stands) && !now.watched[i];
    text.textContent = stands + (unwatched ? ", unwatched" : "");
    text.classList.toggle("gone", DATA.dead.includes(stands));
    each.classList.toggle("absent", DATA.absent.includes(stands));
  });
}

function item(now, call, number) {
  if (call === "raised") return "submit raised";
  const future = now.futures[number - 1];
  return future === "PENDING" && now.begun[number - 1] ? "PENDING (claimed)" : future;
}

/** Let each call travel from where it was to where it is. */
function travel(before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [number, chip] of chips) {
    const from = before.get(number);
    const to = chip.getBoundingClientRect();
    const [x, y] = [from.left - to.left, from.top - to.top];
    if (!from.width || (!x && !y)) continue;
    chip.style.transition = "none";
    chip.style.transform = `translate(${x}px, ${y}px)`;
    chip.getBoundingClientRect(); // it is there now
    chip.style.transition = "";
    chip.style.transform = "";
  }
}

function offered(number) {
  const box = by("actions");
  const focused = box.contains(document.activeElement);
  const found = enabled(number);
  const nodes = [];
  let who = "";
  found.sort((a, b) => rank(a.who) - rank(b.who) || (a.who < b.who ? -1 : a.who > b.who ? 1 : 0));
  found.forEach((action, i) => {
    if (action.who !== who) nodes.push(made("div", heading((who = action.who)), "who"));
    const button = made("button");
    button.type = "button";
    button.dataset.action = action.text;
    if (i < 9) button.append(made("kbd", String(i + 1)));
    button.append(made("b", action.text), made("small", action.says));
    button.addEventListener("click", () => take(action));
    nodes.push(button);
  });
  if (!found.length) nodes.push(made("p", nothing(number)));
  box.replaceChildren(...nodes);
  if (focused) (box.querySelector("button") || by("undo")).focus({ preventScroll: true });
}

function nothing(number) {
  if (scene === EMPTY) return "Nothing is loaded.";
  if (scene.picture === false) return "The page has no picture of this model: it shows what the run tells.";
  if (scene.unknown) return "The page does not know these bounds: it shows what the run tells.";
  if (number === null) return "This run has left the specification, which says nothing of what follows.";
  if (!scene.edges[number]) return "This page was made for one run: it does not know what follows here.";
  return "Nothing may happen any more.";
}

const rank = (who) => ["users", "local worker"].indexOf(who) + 1 || 3;
const heading = (who) => (who === "users" ? "Whoever uses the pool" :
  who === "local worker" ? "The local worker, or the parent" : who.replace("process ", "Process #"));

function told(here) {
  by("undo").disabled = at === 0;
  by("redo").disabled = at === steps.length;
  by("random").disabled = enabled(here.number).length === 0;
  by("scrub").max = steps.length;
  by("scrub").value = at;
  by("at").textContent = `${at} of ${steps.length}`;
  const lines = [{ text: "initially", wrong: [] }, ...steps].map((each, i) => {
    const line = made("li", undefined, i > at && "later", each.wrong.length && "wrong");
    const button = made("button", each.wrong.length ? `${each.text}: ${each.wrong.join("; ")}` : each.text);
    button.type = "button";
    button.addEventListener("click", () => go(i));
    if (i === at) line.setAttribute("aria-current", "step");
    line.append(button);
    return line;
  });
  by("story").replaceChildren(...lines);
  const marked = lines[at];
  by("story").scrollTop = Math.max(0, marked.offsetTop - by("story").offsetTop - 80);
  alerted(here.wrong.length ? `Step ${at}, ${here.text}: ${here.wrong.join("; ")}` : "");
  document.querySelectorAll("#flow .room").forEach((each) => each.classList.toggle("wrong", here.wrong.length > 0));
  by("live").textContent = at === 0 ? "initially" : `step ${at}: ${steps[at - 1].text}`;
}

function about(text) {
  by("about").hidden = !text;
  by("about").textContent = text;
}

function alerted(text) {
  by("alert").hidden = !text;
  by("alert").textContent = text;
}

// ---------------------------------------------------------------------- commands

const commands = {
  undo: () => go(at - 1),
  redo: () => go(at + 1),
  random: () => {
    const found = enabled(current().number);
    if (found.length) take(found[Math.floor(Math.random() * found.length)]);
  },
  reset: () => {
    if (!scene.unknown) {
      steps = [];
      about("");
    }
    go(0);
  },
  save: () => {
    const link = made("a");
    link.href = URL.createObjectURL(new Blob([saved()], { type: "application/json" }));
    link.download = "run.json";
    link.click();
    URL.revokeObjectURL(link.href);
  },
};

for (const [name, command] of Object.entries(commands)) by(name).addEventListener("click", command);
by("scrub").addEventListener("input", (event) => go(Number(event.target.value)));
by("scene").append(...DATA.scenes.map((each, i) => {
  const option = made("option", each.title);
  option.value = String(i);
  return option;
}));
by("scene").addEventListener("change", (event) => choose(Number(event.target.value)));
by("load").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file && file.size > LARGEST) alerted(`${file.name} is longer than ${LARGEST} bytes.`);
  else if (file) load(await file.text());
  event.target.value = "";
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, input")) return;
  const button = /^[1-9]$/.test(event.key) && by("actions").querySelectorAll("button")[event.key - 1];
  const command = { u: commands.undo, y: commands.redo, r: commands.random }[event.key];
  if (button) button.click();
  else if (command) command();
  else return;
  event.preventDefault();
});

let embedded = null; // the run that the page was made for
if (DATA.scenes.length) choose(0);
else {
  build();
  render();
}
if (DATA.trace !== null) load(DATA.trace, true);
/** For who asks from outside what is shown now. */
window.foregone = { variables: () => current().variables, enabled: () => enabled(current().number).map((each) => each.text) };
