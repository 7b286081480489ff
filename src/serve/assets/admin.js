// The operator's page: polls report.json, updates the page in place, and handles user input.
"use strict";

const POLL_MS = 2000;     // after each answer
const TIMEOUT_MS = 15000; // of silence
const SLOW_MS = 5000;     // a report that takes longer is said to
const LATE_MS = 10000;    // figures that are older are said to be
const WATCH_MS = 1000;    // how often a request under way is looked after
const SETTLE_MS = 300;    // after typing, before the address and the live region are updated

function take(next) {
  report = next;
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
  const first = `These are the first ${number(rows.length)} of ${number(report.rows_total)} connections.`;
  setSentence(byId("truncated"), `${first} For all of them: \`ssoferry report\``);
  showHeader();
  showSummary();
  showTable();
  showUnknown();
  showRetired();
  showList("history", report.history, makeRevision, updateRevision, "No revision yet.");
}

// -- polling ---------------------------------------------------------------------------------------------------------

let timer = 0;
let asking = null; // the request under way
let asked = 0;     // when it was made, by this browser's clock
let heard = 0;     // when the server was last heard
let arrived = 0;   // bytes of its answer's body
let probing = false;
let lost = false;
let entityTag = null;
let asOf = null; // the time that the figures are of, by the server's clock

function showStatus(status, words) {
  setAttribute(byId("status"), "data-status", status);
  setText(byId("status-text"), words);
}

const asOfWords = () => (asOf === null ? "" : `. As of ${exactly(asOf)}`);

function showLost(error) {
  const reason = error instanceof BadAnswer ? error.message : "Connection lost";
  lost = true;
  stoppedAt ??= asOf && Date.parse(asOf);
  showStatus("lost", `${reason}, retrying${asOfWords()}`);
}

function find() {
  lost = false;
  stoppedAt = null;
}

function showLive(age) {
  asOf = new Date(serverNow() - age).toISOString();
  showStatus("live", age < LATE_MS ? "Live" : `Live${asOfWords()}`);
}

class BadAnswer extends Error {}

// A body may take minutes to come by a slow line, so each piece of it is a sign of life.
async function readReport(answer) {
  const pieces = [];
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    heard = Date.now();
    arrived += piece.value.byteLength;
    pieces.push(decoder.decode(piece.value, { stream: true }));
  }
  return JSON.parse(pieces.join("") + decoder.decode());
}

// The report, or null if it is the one already shown; and how many milliseconds old its figures are.
async function ask(signal) {
  const headers = entityTag ? { "If-None-Match": entityTag } : {};
  const answer = await fetch("report.json", { headers, signal, cache: "no-store", credentials: "same-origin" });
  const answered = Date.now();
  const age = Number(answer.headers.get("Age") ?? 0) * 1000;
  if (answer.status === 304) return { report: null, age };
  if (!answer.ok) throw new BadAnswer(`The server answers ${answer.status}`);
  const next = await readReport(answer);
  entityTag = answer.headers.get("ETag");
  clockAhead = Date.parse(next.now) + age - answered;
  return { report: next, age: age + Date.now() - answered };
}

async function poll() {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  asked = heard = Date.now();
  arrived = 0;
  let answer, failure;
  try {
    answer = await ask(mine.signal);
  } catch (error) {
    failure = error;
  }
  if (asking !== mine) return; // superseded by a newer request, or paused
  asking = null;
  timer = setTimeout(poll, POLL_MS);
  if (failure) return showLost(failure);
  find();
  refreshTimes();
  if (answer.report) take(answer.report);
  showLive(answer.age);
}

// A report of a large table takes long. Meanwhile something that does not tells a busy server from one that is gone.
async function probe() {
  const about = asking;
  probing = true;
  try {
    await (await fetch("livez", { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store", credentials: "same-origin" })).text();
    heard = Date.now();
    find();
  } catch {
    about.abort();
  }
  probing = false;
}

function watch() {
  if (asking === null) return;
  const now = Date.now();
  if (!probing && now - heard >= (lost ? WATCH_MS : TIMEOUT_MS)) probe();
  if (arrived > 0) find();
  const what = arrived > 0 ? `Loading, ${(arrived / 1e6).toFixed(1)} MB so far` : "Waiting for the report";
  if (!lost && now - asked >= SLOW_MS) showStatus("loading", what + asOfWords());
}

function pause() {
  clearTimeout(timer);
  const given = asking;
  asking = null;
  given?.abort();
  showStatus("paused", "Paused");
}

// -- what a person does ----------------------------------------------------------------------------------------------

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
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => sortBy(button.dataset.sort));
  }
  for (const name of Object.keys(limits)) {
    byId(`${name}-more`).addEventListener("click", () => { limits[name] += LIST_STEP; show(); });
  }
  // The fragment holds the search, so a jump only scrolls.
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
setInterval(watch, WATCH_MS);
if (!document.hidden) poll();
