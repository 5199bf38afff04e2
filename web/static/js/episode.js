// One alert: its buttons, its chart, and what others do to it meanwhile.
import { actionName } from "./app.js";
import { NoConnection, post } from "./api.js";
import { drawChart, fetchReadings } from "./chart.js";
import { prepareDialog } from "./dialogs.js";
import { prepareEntering } from "./entering.js";
import { keepFocus, returnFocus } from "./focus.js";
import { keepSoon, keptAlert, keptCode } from "./keep.js";
import { follow, isCurrent, shownFrom } from "./live.js";
import { act, changed as unsent, state, Unsent } from "./outbox.js";
import { now, tick } from "./time.js";
import { say } from "./words.js";

const article = document.getElementById("episode");
const id = article.dataset.id || location.pathname.split("/").pop();
const REDRAW_EVERY = 15000;
let redraw = () => {};
let version = Number(article.dataset.version ?? 0);

keepFocus(article);

/** Take over the changing part of the page. */
function take(html) {
  const open = [...article.querySelectorAll("details[open]")].map((one) => one.id);
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const name of ["episode", "history"]) {
    document.getElementById(name).replaceChildren(...fresh.getElementById(name).childNodes);
  }
  for (const one of open) document.getElementById(one)?.setAttribute("open", "");
  version = Number(article.querySelector("[data-version]").dataset.version);
  returnFocus();
  tick(article);
  redraw();
  showUnsent();
}

/** Bring the changing part of the page up to date. */
async function renew() {
  const answer = await fetch(`/episodes/${id}/part`, { cache: "no-store" });
  if (answer.ok) take(await answer.text());
  else if (answer.status === 404) showNotice(say("not_yours"));
}

function showNotice(sentence) {
  const notice = document.getElementById("act-failed");
  if (!notice) return;
  notice.textContent = sentence;
  notice.hidden = !sentence;
}

/** What was done here and waits on the phone stands with the alert. */
async function showUnsent() {
  const box = document.getElementById("act-unsent");
  if (!box) return;
  const { actions } = await state();
  const mine = actions.filter((one) => one.url.startsWith(`/api/episodes/${id}/`));
  box.replaceChildren(...mine.map((one) => {
    const line = document.createElement("li");
    line.textContent = `${actionName(one)}: ${say("unsent_chip")}`;
    return line;
  }));
  box.hidden = mine.length === 0;
  for (const button of article.querySelectorAll("[data-act]")) {
    if (mine.some((one) => one.url.endsWith(`/${button.dataset.act}`) && button.dataset.how === one.content.how)) button.disabled = true;
  }
}
unsent.addEventListener("change", showUnsent);

/** Do something with this alert; unsent counts as done here. */
async function perform(verb, content, what) {
  try {
    await act(`/api/episodes/${id}/${verb}`, content, what);
  } catch (error) {
    if (error instanceof Unsent) return;
    await renew().catch(() => {});
    throw error;
  }
  await renew().catch(() => {});
  keepSoon();
}

article.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act], [data-open]");
  if (!button) return;
  if (button.dataset.act === "door-code") return showCode(button);
  if (button.dataset.open) return openers[button.dataset.open]?.();
  if (button.tagName !== "A") button.disabled = true;
  showNotice("");
  try {
    const { act: verb, how } = button.dataset;
    await perform(verb, how ? { how } : {}, button.textContent.trim());
  } catch (error) {
    showNotice(error.message);
    button.disabled = false;
    returnFocus();
  }
});

/** The door code, by a tap that is on record; out of reach the one that was kept. */
async function showCode(button) {
  button.disabled = true;
  try {
    const { code } = await post(`/api/episodes/${id}/door-code`);
    button.replaceWith(codeShown(code));
  } catch (error) {
    const code = error instanceof NoConnection ? await keptCode(id) : null;
    if (code) return button.replaceWith(codeShown(code));
    showNotice(error.message);
    button.disabled = false;
    returnFocus();
  }
}

function codeShown(code) {
  const shown = document.createElement("strong");
  shown.className = "door-code";
  shown.textContent = code;
  return shown;
}

const dialogOf = (name) => document.getElementById(name);
const titleOf = (name) => dialogOf(name).querySelector("h2").textContent.trim();
const headOf = () => article.querySelector(".head");
let seen = 0;

const openClosing = prepareDialog(dialogOf("closing"), {
  check({ outcome, contact }) {
    if (!outcome) return say("choose");
    return headOf()?.dataset.needsContact !== undefined && !contact ? say("reached_first") : "";
  },
  send: (content) => perform("close", { ...content, seen }, titleOf("closing")),
});

const colleagues = dialogOf("handing").querySelector("select");
const services = dialogOf("asking").querySelector("select");
async function fetchPeople() {
  const answer = await fetch(`/api/episodes/${id}/colleagues`, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const found = await answer.json();
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  colleagues.replaceChildren(...found.colleagues.map((one) =>
    option(one.username, one.display_name + (one.on_duty ? ` · ${say("on_duty")}` : ""))));
  services.replaceChildren(...found.services.map((one) =>
    option(one.service, `${one.name} · ${one.on_duty ? say("on_duty") : say("desk_asks")}`)));
}
const openHanding = prepareDialog(dialogOf("handing"), {
  check: ({ to }) => (to ? "" : say("choose_person")),
  send: (content) => perform("hand-over", content, titleOf("handing")),
});
const openAsking = prepareDialog(dialogOf("asking"), {
  check: ({ service, note }) => (service ? note.trim() ? "" : say("write_first") : say("choose_person")),
  send: (content) => perform("ask", content, titleOf("asking")),
});

const openers = {
  closing() {
    // The page goes on behind the dialog; what it shows there, nobody has looked at.
    seen = Number(headOf().dataset.seen);
    dialogOf("closing").querySelector("[data-contact]").hidden = headOf().dataset.needsContact === undefined;
    openClosing();
  },
  handing() { fetchPeople(); openHanding(); },
  asking() { fetchPeople(); openAsking(); },
  noting: prepareDialog(dialogOf("noting"), {
    check: ({ note }) => (note.trim() ? "" : say("write_first")),
    send: (content) => perform("note", content, titleOf("noting")),
  }),
  going: prepareDialog(dialogOf("going"), {
    send: (content) => perform("on-way", content, titleOf("going")),
  }),
  alone: prepareDialog(dialogOf("alone"), {
    send: (content) => perform("alone", content, titleOf("alone")),
  }),
  entering: prepareEntering(dialogOf("entering"), () => article, (content) =>
    perform("readings", content, titleOf("entering"))),
};

globalThis.tappedEarly?.();

/** Out of reach the alert is as it was kept, and says so. */
async function showKept() {
  const found = await keptAlert(id);
  if (isCurrent()) return;
  if (!found) {
    article.querySelector("[data-missing]")?.removeAttribute("hidden");
    return;
  }
  take(found.html);
  shownFrom(found.time);
}
if (document.body.dataset.shell !== undefined) showKept();
else showUnsent();

const stale = (episode) => String(episode.id) === id && episode.version > version;
const changed = async (episode) => {
  if (!stale(episode)) return;
  version = episode.version;
  await renew().catch(() => { version = 0; });
  document.getElementById("said").textContent = `${say("updated")}: ${episode.summary.text}`;
};
follow(`/api/stream?episode=${id}`, {
  snapshot({ episodes }) {
    if (episodes.length) changed(episodes[0]);
    else renew().catch(() => {}); // Closed while this page was not live.
    keepSoon();
  },
  episode: changed,
});

const charts = document.getElementById("charts");
if (charts) {
  const names = charts.dataset.metrics.split(",");
  const together = names.includes("systolic") && names.includes("diastolic");
  const shown = names.filter((name) => !(together && name === "diastolic"));
  const boxes = shown.map(() => charts.appendChild(document.createElement("section")));
  const mark = Date.parse(charts.dataset.mark) / 1000;
  let drawn = [];
  let content = null;
  let view = null;
  let fetched = -Infinity;

  const draw = () => {
    drawn.forEach((one) => one?.destroy());
    drawn = shown.map((name, i) =>
      drawChart(boxes[i], together && name === "systolic" ? ["systolic", "diastolic"] : [name],
        content, { ...view }, { mark, sync: "episode", height: 140 }));
  };
  const load = async () => {
    const to = Math.max(Date.parse(charts.dataset.until), open() ? now() : 0) / 1000;
    view = { from: Math.min(to - Number(charts.dataset.hours) * 3600, mark - 3600), to };
    fetched = performance.now();
    content = await fetchReadings(charts.dataset.subject, names, view.from, view.to, 400);
    draw();
  };
  const open = () => article.querySelector("[data-closed]") === null;
  // New readings come with new versions of the alert; many of them in a busy hour.
  redraw = () => {
    if (content && performance.now() - fetched > REDRAW_EVERY) load().catch(() => {});
  };
  load().then(() => {
    document.addEventListener("saimi:theme", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }, (error) => {
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.textContent = error.message || say("chart_failed");
    charts.replaceChildren(notice);
  });
}
