// Movement at home by place: a strip over days, or a raster with a day a column and an hour a row.
import { colour } from "./colour.js";
import { HOURS, dates, numbers, say } from "./words.js";

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;
const localHour = dates({ hour: "numeric", hourCycle: "h23" });
const hour = dates(HOURS);
const day = dates({ day: "numeric", month: "numeric" });
const number = numbers(0);

/** Round county times in a span: every sixth hour, or midnights, at most seven. */
function* marks(start, length, every) {
  const found = [];
  const first = Math.ceil(start / HOUR) * HOUR;
  for (let at = first; at < start + length; at += HOUR) {
    if (parseInt(localHour.format(at), 10) % every === 0) found.push(at);
  }
  const step = Math.ceil(found.length / (innerWidth < 760 ? 4 : 7));
  for (let i = 0; i < found.length; i += step) {
    const share = (found[i] - start) / length;
    if (share > 0.03 && share < 0.97) yield [share, found[i]];
  }
}

/** The beginnings of days, as shares of the raster. A date is no moment: noon in UTC stands for it. */
function* dayMarks(first, days) {
  const step = Math.ceil(days / (innerWidth < 760 ? 4 : 7));
  for (let n = Math.floor(step / 2); n < days; n += step) {
    yield [(n + 0.5) / days, Date.parse(`${first}T12:00:00Z`) + n * DAY];
  }
}

function painted(canvas, place, found) {
  const most = place.counts.reduce((high, one) => Math.max(high, one), 1);
  const raster = found.layout === "raster";
  canvas.width = raster ? found.days : found.bins * 4;
  canvas.height = raster ? 24 : 1;
  canvas.classList.toggle("raster", raster);
  const context = canvas.getContext("2d");
  context.fillStyle = colour("--chart-1");
  place.counts.forEach((count, i) => {
    if (!count) return;
    context.globalAlpha = 0.2 + 0.8 * Math.sqrt(count / most);
    if (raster) context.fillRect(Math.floor(i / 24), i % 24, 1, 1);
    else context.fillRect(i * 4, 0, 4, 1);
  });
}

/** What a picture of a place shows, for who does not see it. */
function described(place, found, total) {
  const all = `${place.name}: ${say("times", { n: number.format(total) })}`;
  if (found.layout !== "raster") return all;
  const nightly = place.counts.reduce((sum, one, i) => (i % 24 < 6 || i % 24 > 21 ? sum + one : sum), 0);
  return `${all}. ${say("times_at_night", { n: number.format(nightly) })}`;
}

/** Draw what /api/activity gave into `host`. */
export function drawActivity(host, found) {
  host.replaceChildren();
  if (!found.places.length) {
    const none = document.createElement("p");
    none.className = "hint";
    none.textContent = say("no_readings");
    host.append(none);
    return;
  }
  for (const place of found.places) {
    const total = place.counts.reduce((sum, one) => sum + one, 0);
    const row = document.createElement("div");
    row.className = "place";
    const name = document.createElement("span");
    name.textContent = place.name;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", described(place, found, total));
    const sum = document.createElement("span");
    sum.textContent = number.format(total);
    row.append(name, canvas, sum);
    host.append(row);
    painted(canvas, place, found);
  }
  const axis = document.createElement("div");
  axis.className = "hours";
  const labels = document.createElement("div");
  const start = Date.parse(found.start);
  const length = found.bins * found.bin_s * 1000;
  const days = found.layout === "raster" || length > 2.5 * DAY;
  const marked = found.layout === "raster" ? dayMarks(found.first, found.days) : marks(start, length, days ? 24 : 6);
  for (const [share, at] of marked) {
    const label = document.createElement("span");
    label.textContent = (days ? day : hour).format(at);
    label.style.left = `${100 * share}%`;
    labels.append(label);
  }
  axis.append(labels);
  host.append(axis);
  if (found.layout === "raster") {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = say("raster_hint");
    host.append(hint);
  }
}
