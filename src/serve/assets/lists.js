// The lists beside the table: unknown identifiers, the retire list and the revisions.
"use strict";

const LIST_FIRST = 8;
const LIST_STEP = 100;

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
  const item = {
    root: make("li"),
    name: make("span", { class: "exact" }),
    figure: make("span"),
    about: make("span", { class: "about" }),
    seen: make("time", { class: "quiet" }),
  };
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
  showList("unknown", report.unknown, makeUnknown, updateUnknown, isCounted() ? "None so far." : "Not known.");
}

// Those silent for longest come first.
const retired = () => (report.counting === "off" ? [] : rows).filter((entry) => entry.row.idle).sort(columns.seen.compare);

function updateRetired(item, { row }) {
  setName(item.name, row.identifier);
  setText(item.figure, row.state);
  setText(item.about, [row.label, row.source === "default" ? null : row.source].filter(Boolean).join(" · "));
  setAgo(item.seen, row.last_seen, neverSeen("never seen"));
}

const TOO_EARLY = "too early to retire any connection.";

function countedFor() {
  const days = Math.floor((Date.parse(report.now) - Date.parse(report.counted_since)) / DAY_MS);
  return days === 0 ? "less than a day" : count(days, "day", "days");
}

// By the report's doubt. It never has idle_too_long, which is of other spans of time.
const doubts = {
  counting_is_off: () => `Counting is off: ${TOO_EARLY}`,
  counting_fails: () => `Counts cannot be written: ${TOO_EARLY}`,
  nothing_counted: () => `Nothing has been counted yet: ${TOO_EARLY}`,
  counting_is_new: () => `Counting began ${countedFor()} ago: ${TOO_EARLY}`,
  days_missed: () => `Nothing was counted on ${number(report.uncounted_days)} of the last ${count(report.idle_days + 1, "day", "days")}: ${TOO_EARLY}`,
  rows_may_be_new: () => `Connections added before ${exactly(report.additions_known_since)} cannot be told from old ones: find out when those never seen were added before you retire any.`,
};

// Silence is meaningful only if counting has gone on for that long.
function retireHint() {
  if (report.observe) return `Rehearsal: ${TOO_EARLY}`;
  if (report.may_retire) return `No hit for ${idleSpan()}: nobody seems to need their old address.`;
  return doubts[report.doubt]();
}

function showRetired() {
  const list = retired();
  setText(byId("retire-count"), list.length > 0 ? number(list.length) : "");
  const whole = report.truncated ? ` These are of the first ${number(rows.length)} connections; \`ssoferry report --silent\` has all.` : "";
  setSentence(byId("retire-hint"), retireHint() + whole);
  byId("copy").hidden = list.length === 0;
  const which = report.truncated ? `each of the first ${number(rows.length)} connections` : "every connection";
  const none = rows.length === 0 ? "Nothing is loaded." : !isCounted() ? "Not known." : `Empty: ${which} was used, or is new.`;
  showList("retire", list, makeItem, updateRetired, none);
}

// One identifier per line, preceded by its source if there are sources besides the default one.
function retiredText() {
  const list = retired().map((entry) => entry.row);
  const plain = list.every((row) => row.source === "default");
  return list.map((row) => (plain ? row.identifier : `${row.source}\t${row.identifier}`) + "\n").join("");
}

async function copyRetired() {
  const copied = await putOnClipboard(retiredText());
  const say = (button, words) => { setText(byId("copy"), button); setText(byId("copied"), words); };
  const whole = report.truncated ? `, of the first ${number(rows.length)} connections` : "";
  if (copied) say("Copied", `${count(retired().length, "identifier", "identifiers")} copied${whole}`);
  else say("Not copied", "The browser does not allow copying");
  setTimeout(say, 2500, "Copy", "");
}

// navigator.clipboard exists only for https and loopback addresses.
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
  const item = {
    root: make("li"),
    what: make("span"),
    time: make("time", { class: "quiet" }),
    who: make("span", { class: "quiet" }),
    rows: make("span", { class: "quiet" }),
    why: make("span", { class: "whole" }),
  };
  item.root.append(item.what, item.time, item.who, item.rows, item.why);
  return item;
}

function updateRevision(item, entry) {
  const counts = [["added", entry.added], ["changed", entry.changed], ["removed", entry.removed]].filter(([, many]) => many > 0);
  setText(item.what, `${number(entry.revision)} ${entry.command}`);
  setAgo(item.time, entry.time);
  setText(item.who, entry.actor ?? "");
  setText(item.rows, counts.map(([verb, many]) => `${number(many)} ${verb}`).join(", ") || "no row");
  setText(item.why, entry.message ?? "");
  item.why.hidden = !entry.message;
}
