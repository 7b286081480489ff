// Elements, numbers and times. Whatever comes from outside becomes text here, never markup.
"use strict";

const DAY_MS = 86400000;

const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Writes only if the text differs, so as not to disturb a selection, a tooltip or a screen reader.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A sentence written by us, in which `text in backticks` is code.
function setSentence(element, sentence) {
  if (element.shownSentence === sentence) return;
  element.shownSentence = sentence;
  element.replaceChildren(...sentence.split("`").map((part, i) => (i % 2 === 0 ? part : make("code", {}, part))));
}

function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// What nobody sees in a name. As a separator it stands at the odd places of what split() makes.
const INVISIBLE = /([\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|^ +| +$)/u;

// A name with invisible characters written out, so that identifiers that look alike can be told apart.
function setName(element, name) {
  if (element.shownName === name) return;
  element.shownName = name;
  const parts = name.split(INVISIBLE);
  element.replaceChildren(...parts.filter((part) => part !== "").map((part) =>
    /^(?:[\p{C}\p{Z}])+$/u.test(part) ? make("span", { class: "invisible" }, [...part].map(codePoint).join("")) : part));
}

function codePoint(character) {
  return `<U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`;
}

// Makes `parent` hold one part per item. Parts are { root, ... } and are kept in place.
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

// -- numbers and times -----------------------------------------------------------------------------------------------

const numbers = new Intl.NumberFormat("en");
const number = (value) => numbers.format(value);
const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

let clockAhead = 0; // the server's clock minus this browser's
let stoppedAt = null; // when the server was last heard, by its clock, if it is lost: times go on only if what they are about does
const serverNow = () => stoppedAt ?? Date.now() + clockAhead;

function ago(time) {
  const seconds = Math.max(0, (serverNow() - Date.parse(time)) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${count(Math.floor(seconds / 86400), "day", "days")} ago`;
}

const exactly = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

// A <time> element that says how long ago it was; `time` may be null.
function setAgo(element, time, never = "never") {
  setAttribute(element, "datetime", time);
  setAttribute(element, "title", time && exactly(time));
  setText(element, time ? ago(time) : never);
}

function refreshTimes() {
  for (const element of document.querySelectorAll("time[datetime]")) setText(element, ago(element.dateTime));
}
