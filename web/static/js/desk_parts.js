// What the live pages of the desk are built from.
import { say } from "./words.js";

/** An element with classes and a text. */
export const element = (tag, classes, text) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
};

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing, with attributes and a text. */
export const drawn = (tag, attributes = {}, text) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

/** A shape of templates/shapes.html. */
export const shape = (name) => {
  const svg = drawn("svg", { "aria-hidden": "true" });
  svg.append(drawn("use", { href: `#${name}` }));
  return svg;
};

/** How long ago, counted on by time.js. */
export const since = (at) => {
  const made = element("time", "tick");
  made.dateTime = at;
  made.dataset.tick = "waiting";
  return made;
};

/** The mark of a severity: shape and word. */
export function severityMark(alert) {
  const mark = element("span", "severity");
  mark.append(shape(`severity-${alert.severity}`), alert.urgency);
  return mark;
}

/**
 * A list of alerts that is shown anew whenever it changes, each keeping its element, and with it the
 * focus. `parts(alert)`: what stands in an alert's link; `nothing`: what is said of an empty list.
 */
export function keptList(list, parts, nothing) {
  const known = new Map(); // An alert's id -> {item, shown}
  return (alerts) => {
    const ids = new Set(alerts.map((one) => one.id));
    for (const [id, { item: gone }] of known) if (!ids.has(id)) { gone.remove(); known.delete(id); }
    list.querySelector(".nothing")?.remove();
    alerts.forEach((alert, place) => {
      const shown = JSON.stringify(alert);
      let entry = known.get(alert.id);
      if (!entry) {
        const item = element("li");
        const link = element("a");
        link.href = `/episodes/${alert.id}`;
        item.append(link);
        known.set(alert.id, entry = { item, shown: "" });
      }
      if (entry.shown !== shown) {
        entry.item.firstChild.replaceChildren(...parts(alert));
        entry.item.dataset.severity = alert.severity;
        entry.shown = shown;
      }
      if (list.children[place] !== entry.item) list.insertBefore(entry.item, list.children[place] ?? null);
    });
    if (!alerts.length && nothing) list.append(element("li", "nothing", say(nothing)));
  };
}

/** A text that is hidden while there is none. */
export const told = (id, text) => {
  const hint = document.getElementById(id);
  hint.hidden = !text;
  hint.textContent = text;
};

/** Say something to screen readers; gone after a while. */
export function announce(text) {
  const line = element("p", "", text);
  document.getElementById("said").append(line);
  setTimeout(() => line.remove(), 30000);
}
