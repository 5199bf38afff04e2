// One alert: its buttons, its chart, and what others do to it meanwhile.
import { post } from "./api.js";
import { drawChart, fetchReadings } from "./chart.js";
import { follow } from "./live.js";
import { now, tick } from "./time.js";
import { say } from "./words.js";

const article = document.getElementById("episode");
const id = article.dataset.id;
const dialog = document.getElementById("closing");
const form = document.getElementById("close-form");
const note = form.elements.note;
const left = document.getElementById("note-left");
const failed = document.getElementById("close-failed");
const REDRAW_EVERY = 15000;
let redraw = () => {};
let version = Number(article.dataset.version);

/** Bring the changing part of the page up to date. */
async function renew() {
  const answer = await fetch(`/episodes/${id}/part`, { cache: "no-store" });
  if (!answer.ok) return;
  const focused = document.activeElement?.dataset?.act;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const name of ["episode", "history"]) {
    document.getElementById(name).replaceChildren(...fresh.getElementById(name).childNodes);
  }
  version = Number(article.querySelector("[data-version]").dataset.version);
  if (focused) article.querySelector(`[data-act="${focused}"]`)?.focus();
  tick(article);
  redraw();
}

article.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  if (button.dataset.act === "close") {
    failed.hidden = true;
    // The page goes on behind the dialog; what it shows there, nobody has looked at.
    form.dataset.seen = article.querySelector("[data-seen]").dataset.seen;
    dialog.showModal();
    return;
  }
  button.disabled = true;
  try {
    const { act, how } = button.dataset;
    await post(`/api/episodes/${id}/${act}`, how ? { how } : {});
    await renew();
  } catch (error) {
    await renew().catch(() => {});
    const notice = document.getElementById("act-failed");
    notice.textContent = error.message;
    notice.hidden = false;
    button.disabled = false;
  }
});

function count() {
  // The server counts code points of the trimmed text, and so does this.
  const free = Number(note.dataset.max) - [...note.value.trim()].length;
  left.textContent = free < 0 ? say("too_long", { n: -free }) : free < 500 ? say("characters", { n: free }) : "";
  left.toggleAttribute("data-over", free < 0);
  note.setAttribute("aria-invalid", String(free < 0));
  return free >= 0;
}

function refuse(sentence) {
  failed.textContent = sentence;
  failed.hidden = false;
}

note.addEventListener("input", count);
document.getElementById("close-cancel").addEventListener("click", () => dialog.close());
form.addEventListener("submit", async (event) => {
  event.preventDefault(); // What was written stays until the service has it.
  failed.hidden = true;
  const outcome = form.elements.outcome.value;
  const contact = form.elements.contact?.checked ?? false;
  if (!outcome) return refuse(say("choose"));
  if (form.dataset.needsContact === "yes" && !contact) return refuse(say("reached_first"));
  if (!count()) return note.focus();
  const send = document.getElementById("close-send");
  send.disabled = true;
  try {
    await post(`/api/episodes/${id}/close`, {
      outcome, note: note.value, contact, seen: Number(form.dataset.seen),
    });
    dialog.close();
    await renew();
  } catch (error) {
    refuse(error.message);
    renew().catch(() => {});
  } finally {
    send.disabled = false;
  }
});

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
