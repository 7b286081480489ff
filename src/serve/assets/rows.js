// The report's rows, and which of them are shown in what order. Search, filter and order are kept in the address, so that
// a link includes them.
"use strict";

const STATES = ["stytch", "legacy", "disabled"];
const ID_TERM_MIN = 4; // shorter search terms would match most connection ids, which are hexadecimal

let report = null;
let rows = [];   // the table's rows, in the report's order
let sorted = []; // the same rows in the chosen order
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
      failed: row.outcomes.failed ?? 0,
      recent: row.days.reduce((sum, hits) => sum + hits, 0),
      fresh: known !== undefined && known.row.hits !== row.hits,
    };
    byKey.set(key, entry);
    return entry;
  });
}

const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// For each column: how two entries compare, and whether the first click puts the largest on top.
const columns = {
  identifier: { compare: (a, b) => compareText(a.visible, b.visible), descending: false },
  state: { compare: (a, b) => STATES.indexOf(a.row.state) - STATES.indexOf(b.row.state), descending: false },
  hits: { compare: (a, b) => a.row.hits - b.row.hits, descending: true },
  failed: { compare: (a, b) => a.failed - b.failed, descending: true },
  days: { compare: (a, b) => a.recent - b.recent, descending: true },
  seen: { compare: (a, b) => compareText(a.row.last_seen ?? "", b.row.last_seen ?? ""), descending: true },
};

// What an absent time or figure means: nothing, only if all is counted.
const isCounted = () => report.counting === "on";
const neverSeen = (words) => (isCounted() ? words : "not known");

const idleSpan = () => count(report.idle_days, "day", "days");

// -- search, filter and order ----------------------------------------------------------------------------------------

const view = { query: "", filter: "", sort: "identifier", descending: false, page: 0 };
const opened = new Set(); // keys of rows whose details are shown

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const sort = asked.get("sort");
  view.query = asked.get("q") ?? "";
  view.filter = [...STATES, "idle", "failed"].includes(asked.get("state")) ? asked.get("state") : "";
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

function passes(entry) {
  switch (view.filter) {
    case "": return true;
    case "idle": return entry.row.idle;
    case "failed": return entry.failed > 0;
    default: return entry.row.state === view.filter;
  }
}

function findRows() {
  const wanted = terms();
  return sorted.filter((entry) =>
    passes(entry) && wanted.every((term) => (term.length < ID_TERM_MIN ? entry.visible : entry.text).includes(term)));
}
