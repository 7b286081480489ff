// The operator's page: asks for report.json again and again and shows it in place. Whatever comes from outside becomes text, never markup.
"use strict";
(() => {
  const POLL_MS = 2000;
  const TIMEOUT_MS = 15000;
  const SETTLE_MS = 300; // after typing: before the address and the live region follow
  const FRESH_MAX = 5;   // more changed rows than these are traffic, not an event: they are not lit up
  const LIST_FIRST = 8;
  const LIST_STEP = 100;
  const ID_TERM_MIN = 4; // shorter search terms would match most connection ids, which are hexadecimal
  const PAGE_WIDE = 50;
  const PAGE_NARROW = 20;
  const DAYS = 90;
  const DAY_MS = 86400000;
  const STATES = ["stytch", "legacy", "disabled"];
  const SVG = "http://www.w3.org/2000/svg";

  const byId = (id) => document.getElementById(id);
  const narrow = matchMedia("(max-width: 43rem)");

  // -- elements -------------------------------------------------------------------------------------------------------

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // Writes only what differs, so that a selection, a tooltip or a screen reader is not disturbed.
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // A sentence of our own in which `what stands like this` is code.
  function setSentence(element, sentence) {
    if (element.shownSentence === sentence) return;
    element.shownSentence = sentence;
    element.replaceChildren(...sentence.split("`").map((part, i) => (i % 2 === 0 ? part : make("code", {}, part))));
  }

  function setAttribute(element, name, value) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  // A name as it stands, with what would not be seen written out: two identifiers that look alike are told apart.
  function setName(element, name) {
    if (element.shownName === name) return;
    element.shownName = name;
    const parts = name.split(/([\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|^ +| +$)/u);
    element.replaceChildren(...parts.filter((part) => part !== "").map((part) =>
      /^(?:[\p{C}\p{Z}])+$/u.test(part) ? make("span", { class: "invisible" }, [...part].map(codePoint).join("")) : part));
  }

  function codePoint(character) {
    return `<U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`;
  }

  // Makes `parent` hold one part for each item; parts are { root, ... } and stay where they are.
  const parts = new Map();
  function fill(parent, items, create, update) {
    const pool = parts.get(parent) ?? [];
    parts.set(parent, pool);
    items.forEach((item, i) => {
      if (i === pool.length) {
        pool.push(create());
        parent.append(pool[i].root);
      }
      update(pool[i], item);
    });
    while (pool.length > items.length) pool.pop().root.remove();
    return pool;
  }

  // -- numbers and times ----------------------------------------------------------------------------------------------

  const numbers = new Intl.NumberFormat("en");
  const number = (value) => numbers.format(value);
  const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

  let clockAhead = 0; // the server's clock less this browser's
  const serverNow = () => Date.now() + clockAhead;

  function ago(time) {
    const seconds = Math.max(0, (serverNow() - Date.parse(time)) / 1000);
    if (seconds < 10) return "just now";
    if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    return `${count(Math.floor(seconds / 86400), "day", "days")} ago`;
  }

  const exactly = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

  // A <time> that says how long ago; `time` may be null.
  function setAgo(element, time, never = "never") {
    setAttribute(element, "datetime", time);
    setAttribute(element, "title", time && exactly(time));
    setText(element, time ? ago(time) : never);
  }

  function refreshTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) setText(element, ago(element.dateTime));
  }

  const idleSpan = () => count(report.idle_days, "day", "days");

  // -- the report's rows ----------------------------------------------------------------------------------------------

  let report = null;
  let rows = [];   // what the table is made of, in the report's order
  let sorted = []; // the same in the order asked for
  let byKey = new Map();

  const keyOf = (row) => `${row.source}\0${row.identifier}`;
  const fold = (text) => text.toLowerCase();

  function takeRows(next) {
    const before = byKey;
    byKey = new Map();
    rows = next.rows.map((row) => {
      const key = keyOf(row);
      const known = before.get(key);
      const same = known && known.row.label === row.label && known.row.connection_id === row.connection_id;
      const visible = same ? known.visible : fold(`${row.identifier}\n${row.label ?? ""}\n${row.source}`);
      const entry = {
        row, key, visible,
        text: same ? known.text : `${visible}\n${fold(row.connection_id ?? "")}`,
        recent: row.days.reduce((sum, hits) => sum + hits, 0),
        fresh: known !== undefined && known.row.hits !== row.hits,
      };
      byKey.set(key, entry);
      return entry;
    });
  }

  const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  // By column: how two entries compare, and whether the first click puts the largest on top.
  const columns = {
    identifier: { compare: (a, b) => compareText(a.visible, b.visible), descending: false },
    state: { compare: (a, b) => STATES.indexOf(a.row.state) - STATES.indexOf(b.row.state), descending: false },
    hits: { compare: (a, b) => a.row.hits - b.row.hits, descending: true },
    days: { compare: (a, b) => a.recent - b.recent, descending: true },
    seen: { compare: (a, b) => compareText(a.row.last_seen ?? "", b.row.last_seen ?? ""), descending: true },
  };

  // -- what is looked at: search, filter and order, kept in the address ---------------------------------------------------

  const view = { query: "", filter: "", sort: "identifier", descending: false, page: 0 };
  const opened = new Set(); // keys of rows whose details are shown

  function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const sort = asked.get("sort");
    view.query = asked.get("q") ?? "";
    view.filter = [...STATES, "idle"].includes(asked.get("state")) ? asked.get("state") : "";
    view.sort = Object.hasOwn(columns, sort ?? "") ? sort : "identifier";
    view.descending = asked.has("dir") ? asked.get("dir") === "desc" : columns[view.sort].descending;
    view.page = 0;
    byId("search").value = view.query;
    byId("filter").value = view.filter;
  }

  function writeAddress() {
    const asked = new URLSearchParams();
    if (view.query) asked.set("q", view.query);
    if (view.filter) asked.set("state", view.filter);
    if (view.sort !== "identifier" || view.descending) {
      asked.set("sort", view.sort);
      asked.set("dir", view.descending ? "desc" : "asc");
    }
    const fragment = asked.toString();
    if (fragment !== location.hash.slice(1)) {
      history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
    }
  }

  function sortRows() {
    const { compare } = columns[view.sort];
    sorted = [...rows].sort(view.descending ? (a, b) => compare(b, a) : compare);
  }

  const terms = () => fold(view.query).split(/\s+/).filter(Boolean);

  const passes = (entry) => view.filter === "" || (view.filter === "idle" ? entry.row.idle : entry.row.state === view.filter);

  function findRows() {
    const wanted = terms();
    return sorted.filter((entry) =>
      passes(entry) && wanted.every((term) => (term.length < ID_TERM_MIN ? entry.visible : entry.text).includes(term)));
  }

  // -- header and summary -------------------------------------------------------------------------------------------------

  const changed = make("time");
  const revision = document.createTextNode("");
  byId("revision").append(revision, changed);

  function showHeader() {
    setText(byId("version"), report.version);
    setText(revision, report.revision > 0 ? `revision ${number(report.revision)}, changed ` : "no revision yet");
    changed.hidden = report.revision === 0;
    setAgo(changed, report.changed_at);
  }

  function showBar() {
    const all = STATES.reduce((sum, state) => sum + report.states[state], 0);
    for (const state of STATES) {
      const share = byId("bar").querySelector(`.${state}`);
      share.style.flexGrow = String(all === 0 ? 0 : report.states[state] / all);
      share.classList.toggle("some", report.states[state] > 0);
      share.hidden = report.states[state] === 0;
    }
    const words = STATES.map((state) => `${number(report.states[state])} ${state}`).join(", ");
    setAttribute(byId("bar"), "aria-label", `Of ${count(all, "connection", "connections")}: ${words}`);
    document.title = all === 0 ? "ssoferry" : `${number(report.states.stytch)} of ${number(all)} cut over - ssoferry`;
  }

  function makeFigure() {
    const figure = { root: make("div"), name: make("dt"), value: make("dd", { class: "value" }), note: make("dd", { class: "note" }) };
    figure.dot = make("span", { "aria-hidden": "true" });
    figure.label = make("span");
    figure.name.append(figure.dot, figure.label);
    figure.root.append(figure.name, figure.value, figure.note);
    return figure;
  }

  function updateFigure(figure, { state, label, value, note }) {
    setAttribute(figure.dot, "class", state ? `dot ${state}` : "");
    setText(figure.label, label);
    setText(figure.value, number(value));
    setText(figure.note, note);
  }

  function showSummary() {
    const seen = (state) => (report.states[state] === 0 ? "" : `${number(report.seen[state])} seen in ${idleSpan()}`);
    setText(byId("verdict"), report.verdict);
    byId("observe").hidden = !report.observe;
    byId("unused").hidden = report.hits + report.unknown_hits > 0;
    showBar();
    fill(byId("figures"), [
      { state: "stytch", label: "stytch (cut over)", value: report.states.stytch, note: seen("stytch") },
      { state: "legacy", label: "legacy", value: report.states.legacy, note: seen("legacy") },
      { state: "disabled", label: "disabled", value: report.states.disabled, note: seen("disabled") },
      { label: `idle for ${idleSpan()}`, value: report.idle, note: report.never > 0 ? `${number(report.never)} never seen` : "" },
      { label: "hits in all", value: report.hits, note: report.unknown_hits > 0 ? `and ${number(report.unknown_hits)} unknown` : "" },
    ], makeFigure, updateFigure);
  }

  // -- sparklines ---------------------------------------------------------------------------------------------------------

  const BAR = 2; // a day's width; the view is DAYS of them wide
  const HEIGHT = 24;

  function makeSpark() {
    const root = document.createElementNS(SVG, "svg");
    for (const [name, value] of [["class", "spark"], ["viewBox", `0 0 ${DAYS * BAR} ${HEIGHT}`], ["preserveAspectRatio", "none"], ["role", "img"]]) {
      root.setAttribute(name, value);
    }
    const [words, ground, bars] = ["title", "path", "path"].map((tag) => document.createElementNS(SVG, tag));
    ground.setAttribute("class", "ground");
    ground.setAttribute("d", `M0 ${HEIGHT - 1}h${DAYS * BAR}v1h${-DAYS * BAR}z`);
    bars.setAttribute("class", "bars");
    root.append(words, ground, bars);
    return { root, words, bars, of: null };
  }

  // Scaled to the row's own busiest day.
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
    setText(spark.words, most === 0 ? `No hit in ${DAYS} days` : `${count(entry.recent, "hit", "hits")} in ${DAYS} days, most on ${busiest}: ${number(most)}`);
  }

  // -- the table ----------------------------------------------------------------------------------------------------------

  const cell = (name, ...children) => make("td", { role: "cell", class: name }, ...children);

  function makeRow() {
    const line = { root: make("tbody", { role: "rowgroup" }), key: null, detail: null };
    line.toggle = make("button", { type: "button", class: "toggle" });
    line.about = make("span", { class: "about" });
    line.dot = make("span", { "aria-hidden": "true" });
    line.state = make("span");
    line.hits = make("span");
    line.spark = makeSpark();
    line.seen = make("time");
    line.seenCell = cell("seen", line.seen);
    line.toggle.addEventListener("click", () => toggleRow(line));
    line.root.append(make("tr", { role: "row" },
      make("th", { role: "rowheader", scope: "row", class: "name" }, line.toggle, line.about),
      cell("state", line.dot, line.state), cell("hits number", line.hits), cell("days", line.spark.root), line.seenCell));
    return line;
  }

  // Label and source; the connection id too where the search found nothing else.
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
    updateSpark(line.spark, entry);
    setAgo(line.seen, row.last_seen);
    setAttribute(line.seenCell, "class", row.idle ? "seen idle" : "seen");
    updateDetail(line, entry, isOpen);
  }

  function relight(element) {
    element.classList.remove("fresh");
    void element.offsetWidth; // so that the animation starts anew
    element.classList.add("fresh");
  }

  function toggleRow(line) {
    if (!opened.delete(line.key)) opened.add(line.key);
    updateRow(line, byKey.get(line.key), false);
  }

  function updateDetail(line, entry, isOpen) {
    if (!isOpen) {
      line.detail?.root.remove();
      line.detail = null;
      return;
    }
    if (line.detail === null) {
      const facts = make("dl", { class: "facts" });
      line.detail = { root: make("tr", { role: "row", class: "detail" }, make("td", { role: "cell", colspan: "5" }, facts)), facts };
      line.root.append(line.detail.root);
    }
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
      ["Answers", outcomes.map(([outcome, hits]) => `${number(hits)} ${outcome}`).join(", ")],
      ["First seen", row.first_seen && exactly(row.first_seen)],
      ["Last seen", row.last_seen ? exactly(row.last_seen) : "never"],
    ];
    if (Object.hasOwn(NEXT, row.state)) facts.push([NEXT[row.state][0], setCommand(row, NEXT[row.state][1]), "exact"]);
    fill(list, facts.filter(([, value]) => value), makeFact, (fact, [name, value, style]) => {
      setText(fact.name, name);
      setName(fact.value, value);
      setAttribute(fact.value, "class", style ?? "");
    });
  }

  // A name and its value stand side by side in the list's grid.
  function makeFact() {
    const fact = { name: make("dt"), value: make("dd") };
    fact.root = document.createDocumentFragment();
    fact.root.append(fact.name, fact.value);
    fact.root.remove = () => { fact.name.remove(); fact.value.remove(); };
    return fact;
  }

  function shellWord(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  }

  function setCommand(row, state) {
    const source = row.source === "default" ? [] : ["--source", shellWord(row.source)];
    const dashes = row.identifier.startsWith("-") ? ["--"] : [];
    return ["ssoferry set", ...source, ...dashes, shellWord(row.identifier), `state=${state}`].join(" ");
  }

  // Where the focus is in a row, it follows that row to its new place.
  function showRows(shown) {
    const table = byId("table");
    const focused = (parts.get(table) ?? []).find((line) => line.toggle === document.activeElement)?.key;
    const light = shown.filter((entry) => entry.fresh).length <= FRESH_MAX;
    const pool = fill(table, shown, makeRow, (line, entry) => updateRow(line, entry, light));
    if (focused !== undefined) pool.find((line) => line.key === focused)?.toggle.focus({ preventScroll: true });
    for (const entry of shown) entry.fresh = false;
  }

  function showTable() {
    const found = findRows();
    const size = narrow.matches ? PAGE_NARROW : PAGE_WIDE;
    const pages = Math.max(1, Math.ceil(found.length / size));
    view.page = Math.min(view.page, pages - 1);
    const from = view.page * size;
    showRows(found.slice(from, from + size));
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
    setSentence(byId("none"), rows.length === 0
      ? "The table has no connection. Load a mapping file: `ssoferry load FILE`"
      : "No connection is like that. Search for less, or show all states.");
  }

  // -- the lists beside it --------------------------------------------------------------------------------------------------

  const limits = { unknown: LIST_FIRST, retire: LIST_FIRST, history: LIST_FIRST };

  function showList(name, items, create, update, none) {
    const left = items.length - limits[name];
    fill(byId(`${name}-list`), items.slice(0, limits[name]), create, update);
    byId(`${name}-none`).hidden = items.length > 0;
    setText(byId(`${name}-none`), none);
    byId(`${name}-more`).hidden = left <= 0;
    setText(byId(`${name}-more`), `Show ${number(Math.min(left, LIST_STEP))} more`);
  }

  function makeItem() {
    const item = { root: make("li"), name: make("span", { class: "exact" }), figure: make("span"), about: make("span", { class: "about" }), seen: make("time", { class: "quiet" }) };
    item.root.append(item.name, item.figure, item.about, item.seen);
    return item;
  }

  function makeUnknown() {
    const item = makeItem();
    item.source = make("span");
    item.meant = make("button", { type: "button", class: "plain exact" });
    item.did = make("span", {}, "Did you mean ", item.meant, "?");
    item.about.append(item.source, item.did);
    item.meant.addEventListener("click", () => searchFor(item.of));
    return item;
  }

  function updateUnknown(item, unknown) {
    item.of = unknown.meant;
    setName(item.name, unknown.identifier);
    setText(item.figure, number(unknown.hits));
    setText(item.source, unknown.source === "default" ? "" : `${unknown.source} `);
    item.did.hidden = !unknown.meant;
    setName(item.meant, unknown.meant ?? "");
    setAgo(item.seen, unknown.last_seen);
  }

  function showUnknown() {
    setText(byId("unknown-count"), report.unknown.length > 0 ? number(report.unknown.length) : "");
    showList("unknown", report.unknown, makeUnknown, updateUnknown, "None so far.");
  }

  // The longest silent first.
  const retired = () => rows.filter((entry) => entry.row.idle).sort(columns.seen.compare);

  function updateRetired(item, { row }) {
    setName(item.name, row.identifier);
    setText(item.figure, row.state);
    setText(item.about, [row.label, row.source === "default" ? null : row.source].filter(Boolean).join(" · "));
    setAgo(item.seen, row.last_seen, "never seen");
  }

  // When counting began, as far as is known: null where nothing was ever counted.
  function countedSince() {
    const first = rows.reduce((time, { row }) => (row.first_seen && !(time <= row.first_seen) ? row.first_seen : time), undefined);
    return report.counted_since ?? first ?? null;
  }

  // Silence means something only once it has been listened for as long.
  function retireHint() {
    const since = countedSince();
    if (since === null) return "Nothing has been counted yet: too early to retire one.";
    const listened = Math.floor((Date.parse(report.now) - Date.parse(since)) / DAY_MS);
    if (listened >= report.idle_days) return `No hit for ${idleSpan()}: nobody seems to need their old address.`;
    return `Counting began ${listened === 0 ? "less than a day" : count(listened, "day", "days")} ago: too early to retire one.`;
  }

  function showRetired() {
    const list = retired();
    setText(byId("retire-count"), list.length > 0 ? number(list.length) : "");
    setText(byId("retire-hint"), retireHint());
    byId("copy").hidden = list.length === 0;
    showList("retire", list, makeItem, updateRetired, rows.length === 0 ? "Nothing is loaded." : "Empty: every connection was used.");
  }

  // One identifier a line, with its source before it where there is more than the default one.
  function retiredText() {
    const list = retired().map((entry) => entry.row);
    const plain = list.every((row) => row.source === "default");
    return list.map((row) => (plain ? row.identifier : `${row.source}\t${row.identifier}`) + "\n").join("");
  }

  async function copyRetired() {
    const copied = await putOnClipboard(retiredText());
    const words = copied ? "Copied" : "Not copied";
    setText(byId("copy"), words);
    setText(byId("copied"), copied ? `${count(retired().length, "identifier", "identifiers")} copied` : "The browser does not allow copying");
    setTimeout(() => { setText(byId("copy"), "Copy"); setText(byId("copied"), ""); }, 2500);
  }

  // navigator.clipboard is only there for https and loopback addresses.
  async function putOnClipboard(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = make("textarea", { class: "heard", readonly: "", "aria-hidden": "true", tabindex: "-1" });
      const focused = document.activeElement;
      area.value = text;
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      focused?.focus({ preventScroll: true });
      return copied;
    }
  }

  function makeRevision() {
    const item = { root: make("li"), what: make("span"), time: make("time", { class: "quiet" }), who: make("span", { class: "quiet" }), rows: make("span", { class: "quiet" }), why: make("span", { class: "whole" }) };
    item.root.append(item.what, item.time, item.who, item.rows, item.why);
    return item;
  }

  function updateRevision(item, entry) {
    const parts = [["added", entry.added], ["changed", entry.changed], ["removed", entry.removed]];
    setText(item.what, `${number(entry.revision)} ${entry.command}`);
    setAgo(item.time, entry.time);
    setText(item.who, entry.actor ?? "");
    setText(item.rows, parts.filter(([, rowCount]) => rowCount > 0).map(([verb, rowCount]) => `${number(rowCount)} ${verb}`).join(", ") || "no row");
    setText(item.why, entry.message ?? "");
    item.why.hidden = !entry.message;
  }

  // -- all of it ----------------------------------------------------------------------------------------------------------

  function take(next) {
    report = next;
    clockAhead = Date.parse(next.now) - Date.now();
    takeRows(next);
    sortRows();
    show();
  }

  function show() {
    byId("main").hidden = false;
    byId("nothing").hidden = report.revision > 0;
    document.querySelector(".summary").hidden = report.revision === 0;
    document.querySelector(".columns").hidden = report.revision === 0;
    byId("truncated").hidden = !report.truncated;
    setSentence(byId("truncated"), `These are the first ${number(rows.length)} of ${number(report.rows_total)} connections. For all of them: \`ssoferry report\``);
    showHeader();
    showSummary();
    showTable();
    showUnknown();
    showRetired();
    showList("history", report.history, makeRevision, updateRevision, "No revision yet.");
  }

  // -- polling ------------------------------------------------------------------------------------------------------------

  let timer = 0;
  let asking = null; // the request under way
  let entityTag = null;
  let answered = null; // when the server last answered, by its own clock

  function showStatus(status, words) {
    setAttribute(byId("status"), "data-status", status);
    setText(byId("status-text"), words);
  }

  function showLost(error) {
    const reason = error instanceof BadAnswer ? error.message : "Connection lost";
    showStatus("lost", `${reason}, retrying${answered ? `. As of ${exactly(answered)}` : ""}`);
  }

  class BadAnswer extends Error {}

  // The report, or null where it is the one already shown.
  async function ask(signal) {
    const headers = entityTag ? { "If-None-Match": entityTag } : {};
    const answer = await fetch("report.json", { headers, signal, cache: "no-store", credentials: "same-origin" });
    if (answer.status === 304) return null;
    if (!answer.ok) throw new BadAnswer(`The server answers ${answer.status}`);
    return { tag: answer.headers.get("ETag"), report: await answer.json() };
  }

  async function poll() {
    clearTimeout(timer);
    asking?.abort();
    const mine = asking = new AbortController();
    const patience = setTimeout(() => mine.abort(), TIMEOUT_MS);
    let answer, failure;
    try {
      answer = await ask(mine.signal);
    } catch (error) {
      failure = error;
    }
    clearTimeout(patience);
    if (asking !== mine) return; // given up for a newer one, or paused
    asking = null;
    timer = setTimeout(poll, POLL_MS);
    refreshTimes();
    if (failure) return showLost(failure);
    if (answer) take(answer.report);
    entityTag = answer ? answer.tag : entityTag;
    answered = new Date(serverNow()).toISOString();
    showStatus("live", "Live");
  }

  function pause() {
    clearTimeout(timer);
    const given = asking;
    asking = null;
    given?.abort();
    showStatus("paused", "Paused");
  }

  // -- what a person does ---------------------------------------------------------------------------------------------------

  let settling = 0;

  function look() {
    if (report === null) return;
    showTable();
    clearTimeout(settling);
    settling = setTimeout(() => {
      writeAddress();
      setText(byId("count-heard"), byId("count").textContent);
    }, SETTLE_MS);
  }

  function searchFor(query) {
    view.query = byId("search").value = query;
    view.filter = byId("filter").value = "";
    view.page = 0;
    look();
    byId("search").focus();
  }

  function sortBy(column) {
    view.descending = view.sort === column ? !view.descending : columns[column].descending;
    view.sort = column;
    view.page = 0;
    sortRows();
    look();
  }

  function turn(pages) {
    view.page += pages;
    look();
    byId("connections").scrollIntoView();
    const pressed = byId(pages < 0 ? "previous" : "next");
    if (pressed.disabled) byId("connections").focus({ preventScroll: true });
  }

  function listen() {
    byId("search").addEventListener("input", (event) => { view.query = event.target.value; view.page = 0; look(); });
    byId("filter").addEventListener("change", (event) => { view.filter = event.target.value; view.page = 0; look(); });
    byId("previous").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
    byId("copy").addEventListener("click", copyRetired);
    for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortBy(button.dataset.sort));
    for (const name of Object.keys(limits)) {
      byId(`${name}-more`).addEventListener("click", () => { limits[name] += LIST_STEP; show(); });
    }
    // The fragment belongs to the search; a jump only moves.
    for (const link of document.querySelectorAll('a[href^="#"]')) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const target = document.querySelector(link.getAttribute("href"));
        target.scrollIntoView();
        target.focus({ preventScroll: true });
      });
    }
    narrow.addEventListener("change", look);
    addEventListener("hashchange", () => { readAddress(); sortRows(); look(); });
    document.addEventListener("visibilitychange", () => (document.hidden ? pause() : poll()));
  }

  readAddress();
  listen();
  if (!document.hidden) poll();
})();
