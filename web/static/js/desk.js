// The county's desk: every area on one screen, renewed whole whenever a figure changes. Names of
// clients are not on it; an alert opened from here is a look on record.
import { follow } from "./live.js";
import { draw, prepare } from "./sound.js";
import { tickShown } from "./time.js";
import { say } from "./words.js";

const desk = document.getElementById("desk");
const rows = document.querySelector("#board tbody");
const list = document.getElementById("pressing");
const known = new Map(); // An alert's id -> {item, shown}
const title = document.title;
let late = null; // Ids that were overdue when last told.

const element = (tag, classes, text) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
};

const shape = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
};

const since = (at) => {
  const made = element("time", "tick");
  made.dateTime = at;
  made.dataset.tick = "waiting";
  return made;
};

function cell(count, severity) {
  const made = element("td");
  made.dataset.severity = severity;
  made.dataset.state = count.overdue ? "overdue" : count.waiting ? "waiting" : count.open ? "open" : "none";
  made.append(element("span", "unseen", count.open ? say("desk_counts", count) : say("desk_nothing")));
  const seen = element("span", "count");
  seen.setAttribute("aria-hidden", "true");
  if (count.open) {
    seen.append(element("b", "", count.waiting), element("small", "", `/${count.open}`));
  } else seen.append("·");
  if (count.overdue) {
    const mark = element("span", "late");
    mark.append(shape("icon-overdue"), String(count.overdue));
    seen.append(mark);
  }
  made.append(seen);
  return made;
}

function row(area, whole) {
  const made = element("tr", whole ? "whole" : "");
  const name = element("th", "", area.name);
  name.scope = "row";
  made.append(name, ...area.by_severity.map((count, index) => cell(count, 4 - index)));
  return made;
}

function item(alert) {
  const made = element("li");
  made.dataset.severity = alert.severity;
  const link = element("a");
  link.href = `/episodes/${alert.id}`;
  const mark = element("span", "severity");
  mark.append(shape(`severity-${alert.severity}`), alert.urgency);
  const what = element("span", "what", `${alert.title} · ${alert.area}`);
  const waited = element("span", "waited");
  if (alert.overdue) {
    const badge = element("span", "late");
    badge.append(shape("icon-overdue"), say("desk_overdue"));
    waited.append(badge, " ");
  }
  waited.append(since(alert.since));
  link.append(mark, waited, what, element("span", "called", alert.called));
  made.append(link);
  return made;
}

/** The list anew, each alert keeping its element, and with it the focus. */
function press(alerts) {
  const ids = new Set(alerts.map((one) => one.id));
  for (const [id, { item: gone }] of known) if (!ids.has(id)) { gone.remove(); known.delete(id); }
  alerts.forEach((alert, place) => {
    const shown = JSON.stringify(alert);
    let entry = known.get(alert.id);
    if (!entry) known.set(alert.id, entry = { item: item(alert), shown });
    else if (entry.shown !== shown) {
      entry.item.firstChild.replaceChildren(...item(alert).firstChild.childNodes);
      entry.item.dataset.severity = alert.severity;
      entry.shown = shown;
    }
    if (list.children[place] !== entry.item) list.insertBefore(entry.item, list.children[place] ?? null);
  });
  list.querySelector(".nothing")?.remove();
  if (!alerts.length) list.append(element("li", "nothing", say("desk_none_waits")));
}

/** Say and sound what is overdue from now on; not what was when the page was opened. */
function tell(alerts) {
  const found = alerts.filter((one) => one.overdue);
  const fresh = late === null ? [] : found.filter((one) => !late.has(one.id));
  late = new Set(found.map((one) => one.id));
  if (!fresh.length) return;
  const [worst] = fresh;
  const line = element("p", "", `${say("desk_overdue")}: ${worst.urgency}, ${worst.title}, ${worst.area}`);
  document.getElementById("said").append(line);
  setTimeout(() => line.remove(), 30000);
  draw(worst.severity);
}

const told = (id, text) => {
  const hint = document.getElementById(id);
  hint.hidden = !text;
  hint.textContent = text;
};

prepare();
follow("/api/desk/stream", {
  snapshot(board) {
    const { all } = board.county;
    for (const name of ["open", "waiting", "overdue"]) {
      document.getElementById(`total-${name}`).textContent = all[name];
    }
    document.getElementById("overdue").toggleAttribute("data-late", all.overdue > 0);
    rows.replaceChildren(row(board.county, true), ...board.areas.map((area) => row(area, false)));
    press(board.waiting);
    told("more", board.more ? say("desk_more", { n: board.more }) : "");
    told("explained", board.explained ? say("desk_explained", { n: board.explained }) : "");
    document.title = (all.waiting ? `(${all.waiting}) ` : "") + title;
    desk.removeAttribute("aria-busy");
    tell(board.waiting);
    tickShown();
  },
});
