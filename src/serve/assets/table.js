// The table of connections, one page at a time.
"use strict";

const DAYS = 90;
const SVG = "http://www.w3.org/2000/svg";
const FRESH_MAX = 5; // more changed rows than this are ordinary traffic and are not highlighted
const PAGE_WIDE = 50;
const PAGE_NARROW = 20;

const narrow = matchMedia("(max-width: 43rem)");

// -- sparklines ------------------------------------------------------------------------------------------------------

const BAR = 2; // a day's width; the view is DAYS of them wide
const HEIGHT = 24;

function makeSpark() {
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("class", "spark");
  root.setAttribute("viewBox", `0 0 ${DAYS * BAR} ${HEIGHT}`);
  root.setAttribute("preserveAspectRatio", "none");
  root.setAttribute("role", "img");
  const [words, ground, bars] = ["title", "path", "path"].map((tag) => document.createElementNS(SVG, tag));
  ground.setAttribute("class", "ground");
  ground.setAttribute("d", `M0 ${HEIGHT - 1}h${DAYS * BAR}v1h${-DAYS * BAR}z`);
  bars.setAttribute("class", "bars");
  root.append(words, ground, bars);
  return { root, words, bars, of: null };
}

// Scaled to the row's busiest day.
function updateSpark(spark, entry) {
  const { days } = entry.row;
  const today = report.now.slice(0, 10);
  const of = `${today} ${days.join(" ")}`;
  if (spark.of === of) return;
  spark.of = of;
  const most = Math.max(0, ...days);
  const first = DAYS - days.length;
  spark.bars.setAttribute("d", days.map((hits, i) => {
    const height = Math.max(2, Math.round((hits / most) * (HEIGHT - 1)));
    return hits > 0 ? `M${(first + i) * BAR} ${HEIGHT}v${-height}h1.5v${height}z` : "";
  }).join(""));
  const busiest = new Date(Date.parse(today) - (days.length - 1 - days.indexOf(most)) * DAY_MS).toISOString().slice(0, 10);
  const hits = `${count(entry.recent, "hit", "hits")} in ${DAYS} days, most on ${busiest}: ${number(most)}`;
  setText(spark.words, most === 0 ? `No hit in ${DAYS} days` : hits);
}

// -- rows ------------------------------------------------------------------------------------------------------------

const cell = (name, ...children) => make("td", { role: "cell", class: name }, ...children);

function makeRow() {
  const line = { root: make("tbody", { role: "rowgroup" }), key: null, detail: null };
  line.toggle = make("button", { type: "button", class: "toggle" });
  line.about = make("span", { class: "about" });
  line.dot = make("span", { "aria-hidden": "true" });
  line.state = make("span");
  line.hits = make("span");
  line.failed = make("span");
  line.failedCell = cell("failed number", line.failed);
  line.spark = makeSpark();
  line.seen = make("time");
  line.seenCell = cell("seen", line.seen);
  line.toggle.addEventListener("click", () => toggleRow(line));
  line.root.append(make("tr", { role: "row" },
    make("th", { role: "rowheader", scope: "row", class: "name" }, line.toggle, line.about),
    cell("state", line.dot, line.state), cell("hits number", line.hits), line.failedCell, cell("days", line.spark.root), line.seenCell));
  return line;
}

// Label and source; also the connection id if the search matched nothing else.
function aboutOf(entry) {
  const { row } = entry;
  const words = [row.label, row.source === "default" ? null : row.source];
  if (!terms().every((term) => entry.visible.includes(term))) words.unshift(row.connection_id);
  return words.filter(Boolean).join(" · ");
}

function updateRow(line, entry, light) {
  const { row } = entry;
  const isOpen = opened.has(entry.key);
  const stays = line.key === entry.key;
  line.key = entry.key;
  setName(line.toggle, row.identifier);
  setAttribute(line.toggle, "aria-expanded", String(isOpen));
  setText(line.about, aboutOf(entry));
  setAttribute(line.dot, "class", `dot ${STATES.includes(row.state) ? row.state : ""}`);
  setText(line.state, row.state);
  setText(line.hits, number(row.hits));
  if (light && entry.fresh) relight(line.hits);
  else if (!stays) line.hits.classList.remove("fresh");
  line.failedCell.hidden = report.failed === 0;
  setText(line.failed, number(entry.failed));
  setAttribute(line.failedCell, "class", entry.failed > 0 ? "failed some number" : "failed number");
  updateSpark(line.spark, entry);
  setAgo(line.seen, row.last_seen, neverSeen("never"));
  setAttribute(line.seenCell, "class", row.idle ? "seen idle" : "seen");
  updateDetail(line, entry, isOpen);
}

function relight(element) {
  element.classList.remove("fresh");
  void element.offsetWidth; // restarts the animation
  element.classList.add("fresh");
}

function toggleRow(line) {
  if (!opened.delete(line.key)) opened.add(line.key);
  updateRow(line, byKey.get(line.key), false);
}

const columnCount = () => (report.counting === "off" ? 2 : report.failed > 0 ? 6 : 5);

function updateDetail(line, entry, isOpen) {
  if (!isOpen) {
    line.detail?.root.remove();
    line.detail = null;
    return;
  }
  if (line.detail === null) {
    const facts = make("dl", { class: "facts" });
    const only = make("td", { role: "cell" }, facts);
    line.detail = { root: make("tr", { role: "row", class: "detail" }, only), only, facts };
    line.root.append(line.detail.root);
  }
  setAttribute(line.detail.only, "colspan", String(columnCount())); // one more would be a column of its own
  showFacts(line.detail.facts, entry.row);
}

const NEXT = {
  stytch: ["Take it back", "legacy"],
  legacy: ["Cut it over", "stytch"],
  disabled: ["Switch it on", "stytch"],
};

function showFacts(list, row) {
  const outcomes = Object.entries(row.outcomes ?? {}).filter(([, hits]) => hits > 0);
  const facts = [
    ["Connection", row.connection_id, "exact"],
    ["Decisions", outcomes.map(([outcome, hits]) => `${number(hits)} ${outcome}`).join(", ")],
    ["First seen", row.first_seen && exactly(row.first_seen)],
    ["Last seen", row.last_seen ? exactly(row.last_seen) : neverSeen("never")],
  ];
  if (Object.hasOwn(NEXT, row.state)) facts.push([NEXT[row.state][0], setCommand(row, NEXT[row.state][1]), "exact"]);
  fill(list, facts.filter(([, value]) => value), makeFact, (fact, [name, value, style]) => {
    setText(fact.name, name);
    setName(fact.value, value);
    setAttribute(fact.value, "class", style ?? "");
  });
}

// A name and its value are side by side in the list's grid.
function makeFact() {
  const fact = { name: make("dt"), value: make("dd") };
  fact.root = document.createDocumentFragment();
  fact.root.append(fact.name, fact.value);
  fact.root.remove = () => { fact.name.remove(); fact.value.remove(); };
  return fact;
}

// Its bytes as bash and zsh take them within $'...', whatever the locale.
const shellBytes = (text) => [...new TextEncoder().encode(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

function shellWord(word) {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const parts = word.split(INVISIBLE);
  if (parts.length === 1) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${parts.map((part, i) => (i % 2 === 0 ? part.replace(/[\\']/g, "\\$&") : shellBytes(part))).join("")}'`;
}

function setCommand(row, state) {
  const source = row.source === "default" ? [] : ["--source", shellWord(row.source)];
  const dashes = row.identifier.startsWith("-") ? ["--"] : [];
  const lacks = state === "stytch" && !row.connection_id ? ["connection_id=ID"] : []; // for which `set` would ask
  return ["ssoferry set", ...source, ...dashes, shellWord(row.identifier), `state=${state}`, ...lacks].join(" ");
}

// If the focus is in a row, it follows that row to its new place.
function showRows(shown) {
  const table = byId("table");
  const focused = (parts.get(table) ?? []).find((line) => line.toggle === document.activeElement)?.key;
  const light = shown.filter((entry) => entry.fresh).length <= FRESH_MAX;
  const pool = fill(table, shown, makeRow, (line, entry) => updateRow(line, entry, light));
  if (focused !== undefined) pool.find((line) => line.key === focused)?.toggle.focus({ preventScroll: true });
  for (const entry of shown) entry.fresh = false;
}

function showTable() {
  byId("table").classList.toggle("uncounted", report.counting === "off");
  const found = findRows();
  const size = narrow.matches ? PAGE_NARROW : PAGE_WIDE;
  const pages = Math.max(1, Math.ceil(found.length / size));
  view.page = Math.min(view.page, pages - 1);
  const from = view.page * size;
  showRows(found.slice(from, from + size));
  byId("failed").hidden = report.failed === 0;
  showOrder();
  showCount(found.length);
  byId("table").hidden = found.length === 0;
  byId("pages").hidden = pages === 1;
  setText(byId("page"), `${number(from + 1)} to ${number(Math.min(from + size, found.length))} of ${number(found.length)}`);
  byId("previous").disabled = view.page === 0;
  byId("next").disabled = view.page === pages - 1;
}

function showOrder() {
  for (const button of document.querySelectorAll("[data-sort]")) {
    const order = view.descending ? "descending" : "ascending";
    setAttribute(button.parentElement, "aria-sort", button.dataset.sort === view.sort ? order : null);
  }
}

function showCount(found) {
  const all = count(rows.length, "connection", "connections");
  const words = found === rows.length ? all : `${number(found)} of ${all}`;
  setText(byId("count"), words);
  byId("none").hidden = found > 0;
  setSentence(byId("none"), noneHint());
}

function noneHint() {
  if (rows.length === 0) return "The table has no connection. Load a mapping file: `ssoferry load FILE`";
  if (!report.truncated) return "No connection is like that. Search for less, or show all states.";
  return `None of the first ${number(rows.length)} connections is like that. To ask all of them: \`ssoferry get ID\`, or \`ssoferry list --match '*PART*'\``;
}
