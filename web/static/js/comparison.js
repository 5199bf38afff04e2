// Two periods beside one another: a table of what was measured in both, and what changed.
import { HOURS, dates, numbers, say } from "./words.js";

const day = dates({ day: "numeric", month: "numeric", year: "numeric" });
const moment = dates({ day: "numeric", month: "numeric", year: "numeric", ...HOURS });
const DAYS = 3 * 24 * 3600 * 1000;

/** A span in words; of days the hour is told too. */
export function spanOf(from, to) {
  const [begins, ends] = [from, to].map((at) => Date.parse(at));
  const text = ends - begins > DAYS ? day : moment;
  return `${text.format(begins)} – ${text.format(ends)}`;
}

function cell(kind, strong, ...more) {
  const made = document.createElement(kind);
  if (kind === "th") made.scope = "row";
  else made.className = "number";
  made.append(strong);
  for (const text of more.filter(Boolean)) {
    const small = document.createElement("small");
    small.textContent = text;
    made.append(small);
  }
  return made;
}

function row(...cells) {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
}

function signed(value, number) {
  const text = number.format(Math.abs(value));
  if (!/[1-9]/.test(text)) return text; // What rounds to nothing did not change.
  return `${value > 0 ? "+" : "−"}${text}`;
}

/** As it is shown, so that what is shown adds up. */
const change = (now, earlier, decimals) => Number(now.toFixed(decimals)) - Number(earlier.toFixed(decimals));

function sign(one) {
  const decimals = Math.max(1, one.decimals); // a mean is finer than what it is the mean of
  const [number, value] = [numbers(decimals), numbers(one.decimals)];
  const of = (sum) => (sum
    ? cell("td", number.format(sum.mean), `${value.format(sum.low)}–${value.format(sum.high)}, ${say("readings", { n: numbers(0).format(sum.count) })}`)
    : cell("td", "–"));
  return row(
    cell("th", one.label, one.unit), of(one.earlier), of(one.now),
    cell("td", one.change === null ? "–" : signed(change(one.now.mean, one.earlier.mean, decimals), number)),
  );
}

function place(one) {
  const number = numbers(1);
  const nightly = (value) => (value == null ? "" : say("a_night", { n: value }));
  const of = (rate) => (rate ? cell("td", number.format(rate.a_day), nightly(rate.a_night == null ? null : number.format(rate.a_night))) : cell("td", "–"));
  if (!one.now || !one.earlier) return row(cell("th", one.name), of(one.earlier), of(one.now), cell("td", "–"));
  const dark = one.now.a_night != null && one.earlier.a_night != null;
  return row(
    cell("th", one.name), of(one.earlier), of(one.now),
    cell(
      "td", signed(change(one.now.a_day, one.earlier.a_day, 1), number),
      nightly(dark ? signed(change(one.now.a_night, one.earlier.a_night, 1), number) : null),
    ),
  );
}

/** Draw what /api/comparison gave, an Error's sentence, or with null nothing, into the page's part. */
export function drawComparison(found) {
  const host = document.getElementById("comparison");
  host.hidden = !found;
  if (!found) return;
  const failed = found instanceof Error;
  const [notice, table] = [host.querySelector(".notice"), host.querySelector("table")];
  notice.hidden = !failed;
  table.hidden = failed;
  host.querySelector("#spans").hidden = failed;
  if (failed) { notice.textContent = found.message; return; }
  host.querySelector("#span-now").textContent = spanOf(found.from, found.to);
  host.querySelector("#span-earlier").textContent = spanOf(found.earlier_from, found.earlier_to);
  const [signs, title, places] = table.tBodies;
  signs.replaceChildren(...found.signs.map(sign));
  title.hidden = !found.places.length;
  places.replaceChildren(...found.places.map(place));
}
