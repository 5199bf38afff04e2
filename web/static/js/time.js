// Saimi's clock on the page: set by every heartbeat, running on in between, and the ages that
// count up with it. A simulated county's clock may run faster than the one on the wall.
import { clockTime, say } from "./words.js";

let base = Date.now();
let at = performance.now();
let factor = 1;

/** Take over the service's time. */
export function setClock(iso, rate = 1) {
  base = Date.parse(iso);
  at = performance.now();
  factor = rate;
}

/** Saimi's time now, in milliseconds. */
export function now() {
  return base + (performance.now() - at) * factor;
}

/** How long, in its two largest units: "1 t 5 min". */
export function lengthOf(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60000));
  if (minutes >= 1440) {
    return say("days", { days: Math.floor(minutes / 1440), hours: Math.floor(minutes / 60) % 24 });
  }
  if (minutes >= 60) return say("hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return say("minutes", { minutes });
}

const written = {
  age: (ms) => lengthOf(ms),
  ago: (ms) => (ms < 60000 ? say("now") : say("ago", { age: lengthOf(ms) })),
  waiting: (ms) => lengthOf(ms),
  clock: (ms, moment) => clockTime(moment - ms, moment),  // The day is named once it is another.
};

function write(elements) {
  const moment = now();
  for (const element of elements) {
    const text = written[element.dataset.tick](moment - Date.parse(element.dateTime), moment);
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Write every age below `root` anew. */
export const tick = (root = document) => write(root.querySelectorAll("time.tick"));

const SHARES = 15;
let turn = 0;

/**
 * Write the ages on the screen anew, and each time another share of those in [data-away], which
 * wait for `SHARES` turns: ages are told in minutes.
 */
export function tickShown() {
  write(document.querySelectorAll("time.tick:not([data-away] *)"));
  const away = document.querySelectorAll("[data-away]");
  turn = (turn + 1) % SHARES;
  for (let i = turn; i < away.length; i += SHARES) tick(away[i]);
}

setInterval(tickShown, 1000);
