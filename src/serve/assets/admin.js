// The operator's page: polls report.json, updates the page in place, and handles user input.
"use strict";

const POLL_MS = 2000;
const TIMEOUT_MS = 15000;
const SETTLE_MS = 300; // after typing, before the address and the live region are updated

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

// The report, or null if it is the one already shown.
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
  if (asking !== mine) return; // superseded by a newer request, or paused
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
if (!document.hidden) poll();
