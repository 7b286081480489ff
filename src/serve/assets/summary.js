// The header, the verdict, the bar of states and the figures below it.
"use strict";

const changed = make("time");
const revision = document.createTextNode("");
byId("revision").append(revision, changed);

function showHeader() {
  setText(byId("version"), report.version);
  setText(revision, report.revision > 0 ? `revision ${number(report.revision)}, changed ` : "no revision yet");
  changed.hidden = report.revision === 0;
  setAgo(changed, report.changed_at);
}

const COUNTING = {
  off: "Hits, last uses and unknown identifiers are not counted. To count them, set `usage: true` and restart the daemon.",
  failing: "What is counted cannot be written: the figures lack it, until it can. The daemon's messages say why: `journalctl -u ssoferryd`",
};

const OBSERVED_SHOWN = 3;

function rehearsalNotice() {
  const names = report.observed_routes;
  const more = names.length - OBSERVED_SHOWN;
  const which = names.length === 0 ? "all of them go to the legacy side."
    : `those by ${names.slice(0, OBSERVED_SHOWN).map((name) => `\`${name}\``).join(", ")}${more > 0 ? ` and ${count(more, "more route", "more routes")}` : ""} go to the legacy side.`;
  return `Rehearsal: \`observe\` is on. Requests are decided, logged and counted, but ${which}`;
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
  const done = `${number(report.states.stytch)} of ${number(all)}`;
  document.title = all === 0 ? "ssoferry" : report.observe ? `Rehearsal: ${done} stytch - ssoferry` : `${done} cut over - ssoferry`;
}

function makeFigure() {
  const figure = {
    root: make("div"),
    dot: make("span", { "aria-hidden": "true" }),
    label: make("span"),
    value: make("dd", { class: "value" }),
    note: make("dd", { class: "note" }),
  };
  figure.root.append(make("dt", {}, figure.dot, figure.label), figure.value, figure.note);
  return figure;
}

function updateFigure(figure, { state, label, value, note }) {
  setAttribute(figure.dot, "class", state ? `dot ${state}` : "");
  setText(figure.label, label);
  setText(figure.value, number(value));
  setText(figure.note, note);
}

function showSummary() {
  const seen = (state) => (report.states[state] === 0 || !isCounted() ? "" : `${number(report.seen[state])} seen in ${idleSpan()}`);
  setText(byId("verdict"), report.verdict);
  byId("observe").hidden = !report.observe;
  setSentence(byId("observe"), rehearsalNotice());
  byId("refused").hidden = report.configuration_current;
  byId("counting").hidden = isCounted();
  setSentence(byId("counting"), COUNTING[report.counting] ?? "");
  byId("unused").hidden = report.hits + report.unknown_hits > 0 || !isCounted();
  showBar();
  const states = [
    { state: "stytch", label: report.observe ? "stytch (rehearsal)" : "stytch (cut over)", value: report.states.stytch, note: seen("stytch") },
    { state: "legacy", label: "legacy", value: report.states.legacy, note: seen("legacy") },
    { state: "disabled", label: "disabled", value: report.states.disabled, note: seen("disabled") },
  ];
  const uses = [
    { label: report.may_retire ? `idle for ${idleSpan()}` : "idle so far", value: report.idle, note: report.never > 0 && isCounted() ? `${number(report.never)} never seen` : "" },
    { label: "hits in total", value: report.hits, note: report.unknown_hits > 0 ? `and ${number(report.unknown_hits)} unknown` : "" },
  ];
  fill(byId("figures"), report.counting === "off" ? states : [...states, ...uses], makeFigure, updateFigure);
}
