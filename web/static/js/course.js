// A client's course beside the readings, as /api/course tells it: NEWS2 and what of it was known,
// nights, whether devices were heard, and a list of what happened.
import { colour } from "./colour.js";
import { OUTLINES } from "./marks.js";
import { HOURS, dates, say } from "./words.js";

/** Charts that are shown where there is something to show. */
export const EXTRA = ["news2", "in_bed", "risings", "arrived"];

const WIDE = 720;
const HOLDS = 12 * 3600; // What was known at a time is taken to be so for as long, at most; by days, until the next.
const moment = dates({ weekday: "short", day: "numeric", month: "numeric", year: "numeric", ...HOURS });

/** Midday in UTC of a date, in Unix s: within that day in the county, whatever the season. */
const midday = (date) => Date.parse(`${date}T12:00:00Z`) / 1000;

const columns = (label, unit, decimals, form, time, values, high = values) => ({
  label, unit, decimals, form, time, mean: values, low: values, high,
});

/** Put what can be charted of a course beside the readings. */
export function joinCourse(content, { score, nights, arrived, week_means: weekly, marks }) {
  const days = nights.day.map(midday);
  Object.assign(content.series, {
    news2: columns("NEWS2", "", 0, "steps", score.time, score.low, score.high),
    in_bed: columns(say("in_bed"), "h", 1, "bars", days, nights.in_bed_h),
    risings: columns(say("risings"), "", 0, "bars", days, nights.risings),
    arrived: columns(say("arrived"), "%", 0, "bars", arrived.day.map(midday), arrived.percent),
  });
  for (const [metric, { time, mean }] of Object.entries(weekly)) {
    if (content.series[metric]) content.series[metric].weekly = { time, mean, low: mean, high: mean };
  }
  content.bands = { ...content.bands, news2: { low: 0, high: 4 } };
  content.marks = marks;
}

function row(name, label, sum, paint) {
  const made = document.createElement("div");
  made.className = "place";
  const [title, total] = [name, sum].map((text) => {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  });
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  canvas.height = 1;
  paint(canvas);
  made.append(title, canvas, total);
  return made;
}

/** Which parameters of NEWS2 were known, over the range. */
function drawKnown(host, score, view) {
  const { time, parameters } = score;
  const gaps = time.slice(1).map((at, i) => at - time[i]).sort((a, b) => a - b);
  const holds = Math.max(HOLDS, 1.5 * (gaps[Math.floor(gaps.length / 2)] ?? 0));
  const until = (i) => Math.min(time[i + 1] ?? view.to, time[i] + holds, view.to);
  const whole = time.reduce((sum, at, i) => sum + until(i) - at, 0);
  host.replaceChildren(...parameters.map(({ name, known }) => {
    const held = known.reduce((sum, one, i) => (one ? sum + until(i) - time[i] : sum), 0);
    const share = `${Math.round(100 * held / whole)} %`;
    return row(name, `${name}: ${say("known_share", { share })}`, share, (canvas) => {
      canvas.width = WIDE;
      const context = canvas.getContext("2d");
      context.fillStyle = colour("--chart-1");
      const x = (at) => WIDE * (at - view.from) / (view.to - view.from);
      known.forEach((one, i) => { if (one) context.fillRect(x(time[i]), 0, Math.max(1, x(until(i)) - x(time[i])), 1); });
    });
  }));
}

/** Days on which each device was heard, and on which it was not. */
function drawHeard(host, { days, devices }) {
  host.replaceChildren(...devices.map(({ name, counts }) => {
    const there = counts.filter((one) => one !== null);
    const n = there.filter((one) => one > 0).length;
    const label = `${name}: ${say("heard_days", { n, all: there.length })}`;
    return row(name, label, `${n}/${there.length}`, (canvas) => {
      canvas.width = days;
      canvas.classList.add("days");
      const context = canvas.getContext("2d");
      const [heard, missing] = [colour("--chart-1"), colour("--bad")];
      counts.forEach((one, i) => {
        if (one === null) return;
        context.fillStyle = one ? heard : missing;
        context.fillRect(i, 0, 1, 1);
      });
    });
  }));
}

function symbol(kind, fill) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-8 -8 16 16");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(svg.namespaceURI, kind === "pause" ? "rect" : "polygon");
  if (kind === "pause") for (const [name, value] of Object.entries({ x: -7, y: -7, width: 14, height: 14, opacity: 0.3 })) shape.setAttribute(name, value);
  else shape.setAttribute("points", OUTLINES[kind](6).join(" "));
  shape.setAttribute("fill", `var(${fill})`);
  svg.append(shape);
  return svg;
}

/** Alerts, visits and times away as a list, the newest first. */
function drawMarks(host, { alerts, visits, pauses, more }) {
  const span = (one) => [one.from, one.to].map((time) => (time ? moment.format(Date.parse(time)) : say("goes_on"))).join(" – ");
  const found = [
    ...alerts.map((one) => ({ at: one.from, kind: "alert", fill: `--s${one.severity}`, text: one.text, more: [span(one), one.outcome], episode: one.id })),
    ...visits.map((one) => ({ at: one.at, kind: "visit", fill: "--good", text: one.text, more: [moment.format(Date.parse(one.at))], episode: one.episode })),
    ...pauses.map((one) => ({ at: one.from, kind: "pause", fill: "--ink-2", text: one.text, more: [span(one)] })),
  ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  host.querySelector("ul").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    const text = document.createElement(one.episode ? "a" : "span");
    if (one.episode) text.href = `/episodes/${one.episode}`;
    text.textContent = one.text;
    const rest = document.createElement("small");
    rest.textContent = one.more.filter(Boolean).join(" · ");
    item.append(symbol(one.kind, one.fill), text, rest);
    return item;
  }));
  host.querySelector("[data-none]").hidden = found.length > 0;
  host.querySelector("[data-more]").hidden = !more;
}

/** Draw what of a course is no chart. */
export function drawCourse({ score, heard, marks }, view) {
  const [known, devices, happened] = ["known", "heard", "happened"].map((id) => document.getElementById(id));
  known.closest("section").hidden = score.time.length === 0;
  devices.closest("section").hidden = heard.devices.length === 0;
  drawKnown(known, score, view);
  drawHeard(devices, heard);
  drawMarks(happened, marks);
}
