// The county's desk: every area on one screen, renewed whole whenever a figure changes. Names of
// clients are not on it; an alert opened from here is a look on record.
import { announce, element, keptList, severityMark, shape, since, told } from "./desk_parts.js";
import { follow } from "./live.js";
import { draw, prepare } from "./sound.js";
import { tickShown } from "./time.js";
import { say } from "./words.js";

const desk = document.getElementById("desk");
const rows = document.querySelector("#board tbody");
const title = document.title;
let late = null; // Ids that were overdue when last told.

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

const press = keptList(document.getElementById("pressing"), (alert) => {
  const waited = element("span", "waited");
  if (alert.overdue) {
    const badge = element("span", "late");
    badge.append(shape("icon-overdue"), say("desk_overdue"));
    waited.append(badge, " ");
  }
  waited.append(since(alert.since));
  return [severityMark(alert), waited, element("span", "what", `${alert.title} · ${alert.area}`),
    element("span", "called", alert.called)];
}, "desk_none_waits");

/** Say and sound what is overdue from now on; not what was when the page was opened. */
function tell(alerts) {
  const found = alerts.filter((one) => one.overdue);
  const fresh = late === null ? [] : found.filter((one) => !late.has(one.id));
  late = new Set(found.map((one) => one.id));
  if (!fresh.length) return;
  const [worst] = fresh;
  announce(`${say("desk_overdue")}: ${worst.urgency}, ${worst.title}, ${worst.area}`);
  draw(worst.severity);
}

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
