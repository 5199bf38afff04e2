// The live list. Cards are kept by alert and moved rather than drawn anew, so that a list of
// thousands stays quick and a finger does not lose its button.
import { keepSoon, keptList } from "./keep.js";
import { follow, isCurrent, shownFrom } from "./live.js";
import { heard } from "./missed.js";
import { act, Unsent } from "./outbox.js";
import { drawTo, prepare } from "./sound.js";
import { tick, tickShown } from "./time.js";
import { say } from "./words.js";

const list = document.getElementById("list");
const known = new Map(); // id -> {episode, card}
const news = []; // Alerts not yet announced.
let first = true;

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

/** A text by its key with {time} in it, which names the day as well once that is over. */
const dated = (key, at, values = {}) => {
  const [before, after] = say(key, { ...values, time: "\n" }).split("\n");
  return [before, age(at, "clock"), after];
};

const age = (at, how) => {
  const made = element("time", "tick");
  made.dateTime = at;
  made.dataset.tick = how;
  return made;
};

const byUrgency = (a, b) =>
  b.severity - a.severity || Date.parse(a.opened_at) - Date.parse(b.opened_at) || a.id - b.id;

function fill(card, episode) {
  const focused = card.contains(document.activeElement) && document.activeElement.tagName;
  card.className = "card" + (episode.acknowledged ? " taken" : "");
  card.dataset.id = episode.id;
  card.dataset.severity = episode.severity;
  const top = element("div", "card-top");
  const mark = element("span", "severity");
  mark.append(shape(`severity-${episode.severity}`), episode.urgency);
  const waited = element("span", "waited");
  waited.append(`${say("waited")} `, age(episode.opened_at, "waiting"));
  top.append(mark, waited);

  const name = element("h3", "card-name");
  const link = element("a", "", episode.client.name);
  link.href = `/episodes/${episode.id}`;
  name.append(link);
  const place = [episode.client.age && say("years", { n: episode.client.age }), episode.client.municipality]
    .filter(Boolean).join(" · ");

  card.replaceChildren(top, name);
  if (place) card.append(element("p", "card-place", place));
  card.append(element("p", "card-text", episode.summary.text));
  if (!episode.needs_contact && episode.evidence.length) card.append(values(episode));
  if (episode.needs_contact && episode.evidence.length) {
    const latest = element("p", "card-place", `${say("latest")} `);
    latest.append(age(episode.evidence[0].time, "ago"));
    card.append(latest);
  }
  if (episode.cleared_at) {
    const back = element("p", "card-state");
    back.append(...dated("cleared", episode.cleared_at));
    card.append(back);
  }
  if (episode.acknowledged) {
    const state = element("p", "card-state");
    state.append(shape("icon-check"), ...dated("acknowledged_by", episode.acknowledged.at, {
      name: episode.acknowledged.by,
    }));
    card.append(state);
  } else {
    const actions = element("div", "actions");
    const button = element("button", episode.severity >= 3 ? "button" : "button quiet", say("acknowledge"));
    button.type = "button";
    button.setAttribute("aria-label", `${say("acknowledge")}: ${episode.client.name}`);
    button.addEventListener("click", () => acknowledge(card, button, episode.id));
    actions.append(button);
    card.append(actions);
  }
  if (focused) (focused === "BUTTON" && card.querySelector(".actions button") || link).focus({ preventScroll: true });
}

function values(episode) {
  const box = element("ul", "values");
  const highest = (one) => (one.points ? one.points[1] : 0);
  const told = [...episode.evidence].sort((a, b) => highest(b) - highest(a)).slice(0, 4);
  for (const one of told) {
    const value = element("li", "value");
    if (one.points) value.dataset.points = highest(one);
    const when = element("small");
    when.append(age(one.time, "ago"));
    value.append(element("small", "", one.label), element("b", "", one.text), when);
    box.append(value);
  }
  return box;
}

async function acknowledge(card, button, id) {
  // A disabled button would drop the focus.
  if (document.activeElement === button) card.querySelector(".card-name a").focus({ preventScroll: true });
  button.disabled = true;
  button.textContent = say("acknowledging");
  card.querySelector(".notice")?.remove();
  try {
    change(await act(`/api/episodes/${id}/acknowledge`, {}, say("acknowledge")));
  } catch (error) {
    if (error instanceof Unsent) {
      button.textContent = say("unsent_chip");
      return;
    }
    button.disabled = false;
    button.textContent = say("acknowledge");
    const notice = element("p", "notice bad", error.message);
    notice.setAttribute("role", "alert");
    card.append(notice);
  }
}

function keep(episode) {
  const before = known.get(episode.id);
  if (before && before.episode.version > episode.version) return null;
  if (episode.closed_at) {
    known.delete(episode.id);
    return before ? { before: before.episode, gone: true } : null;
  }
  if (before && before.episode.version === episode.version) return null;
  const card = before?.card ?? element("article", "card");
  fill(card, episode);
  known.set(episode.id, { episode, card });
  return { before: before?.episode, episode, card };
}

const groups = new Map();

function group(name) {
  if (!groups.has(name)) {
    const section = element("section", "group");
    const head = element("h2", "group-head");
    const count = element("b");
    head.append(say(name), " ", count);
    const cards = element("div", "cards");
    section.append(head, cards);
    groups.set(name, { section, cards, count });
  }
  return groups.get(name);
}

const empty = (() => {
  const box = element("div", "empty");
  box.append(shape("icon-check"), element("p", "empty-title", say("none")), element("p", "", say("none_help")));
  return box;
})();

/** The nearest card that stays, of one that goes and has the focus. */
function neighbour(card) {
  const order = [...list.querySelectorAll(".card")];
  const at = order.indexOf(card);
  const stays = (one) => known.has(Number(one.dataset.id));
  const next = order.slice(at + 1).find(stays) ?? order.slice(0, at).reverse().find(stays);
  return next?.querySelector(".card-name a") ?? document.getElementById("main");
}

function arrange() {
  let focused = document.activeElement;
  const held = focused?.closest(".card");
  if (held && !known.has(Number(held.dataset.id))) focused = neighbour(held);
  const all = [...known.values()].sort((a, b) => byUrgency(a.episode, b.episode));
  const sections = [];
  for (const [name, taken] of [["waiting", false], ["taken", true]]) {
    const cards = all.filter((one) => Boolean(one.episode.acknowledged) === taken).map((one) => one.card);
    const { section, cards: box, count } = group(name);
    place(box, cards);
    count.textContent = cards.length;
    if (cards.length) sections.push(section);
  }
  place(list, sections.length ? sections : [empty]);
  list.removeAttribute("aria-busy");
  const waiting = all.filter((one) => !one.episode.acknowledged).length;
  document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

/** Make `wanted` the children of `parent`, moving only what is out of place. */
function place(parent, wanted) {
  const keepers = new Set(wanted);
  for (const child of [...parent.children]) if (!keepers.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = child.nextElementSibling;
    // The one between has gone further down: it is moved, not all that come before it now.
    else if (next && child === next.nextElementSibling) next = child.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

function announce(change) {
  const { before, episode } = change;
  const worse = !before || episode.severity > before.severity
    || (before.cleared_at && !episode.cleared_at) || (before.acknowledged && !episode.acknowledged);
  if (!worse || episode.acknowledged) return;
  news.push(episode);
}

const SPOKEN = 5; // More at once is noise; the list shows them all.

/** Say what is new, most urgent first, and make one sound for all of it. */
function speak() {
  const told = news.splice(0).sort(byUrgency);
  if (!told.length) return;
  const cards = told.map(({ id }) => known.get(id)?.card).filter(Boolean);
  for (const card of cards) card.classList.remove("fresh");
  void list.offsetWidth; // Let the animations start again, all with one layout.
  for (const card of cards) card.classList.add("fresh");
  for (const episode of told.slice(0, SPOKEN)) {
    const line = element("p", "", say("new_alert", {
      severity: episode.urgency, name: episode.client.name, sentence: episode.summary.text,
    }));
    document.getElementById(episode.severity >= 3 ? "said-now" : "said").append(line);
    setTimeout(() => line.remove(), 30000);
  }
  drawTo(told, "stream");
}

let planned = false;
function plan() {
  // Many changes at once make one arrangement.
  if (planned) return;
  planned = true;
  // Not an animation frame: those rest in a hidden tab, whose title and sound must not.
  setTimeout(() => { planned = false; arrange(); tickShown(); speak(); }, 30);
}

function change(episode) {
  const found = keep(episode);
  if (!found) return;
  if (found.episode) announce(found);
  plan();
}

// What is off the screen is not written anew every second; time.js comes to it in its turn.
list.addEventListener("contentvisibilityautostatechange", ({ target, skipped }) => {
  target.toggleAttribute("data-away", skipped);
  if (!skipped) tick(target);
});

prepare();
document.addEventListener("saimi:live", () => { if (isCurrent()) heard(); });
follow("/api/stream", {
  snapshot({ episodes }) {
    const ids = new Set(episodes.map((one) => one.id));
    for (const id of [...known.keys()]) if (!ids.has(id)) known.delete(id);
    const changes = episodes.map(keep).filter((found) => found?.episode);
    if (!first) changes.forEach(announce); // What came while the page was not live is new too.
    first = false;
    plan();
    keepSoon();
  },
  episode(episode) {
    change(episode);
    keepSoon();
  },
});

/** Out of reach the list is as it was kept, and says so. */
async function showKept() {
  if (isCurrent()) return;
  const found = await keptList();
  if (isCurrent() || !found) return;
  found.episodes.forEach(keep);
  plan();
  shownFrom(found.time);
}
if (document.body.dataset.shell !== undefined || !navigator.onLine) showKept();
