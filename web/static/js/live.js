// The stream of changes, and an honest word about whether the page can be relied on.
import { endShift } from "./vault.js";
import { clockTime, say } from "./words.js";
import { now, setClock, tickShown } from "./time.js";

const SILENT_AFTER = 8000; // Heartbeats come every two seconds.
const RETRY = [500, 1000, 2000, 4000];

const banner = document.getElementById("banner");
const live = document.getElementById("live");
const liveText = document.getElementById("live-text");

let source = null;
let attempt = 0;
let heard = performance.now();
let beat = null;
let current = false; // Whether what is shown is what the service last said.
let ended = false;
let left = false;
let shownAt = null;
let trouble;
let told = -Infinity;

/** What is shown was kept on the phone and is as it was at `time`. */
export function shownFrom(time) {
  shownAt ??= Date.parse(time);
  trouble = undefined;
  judge();
}

/** Whether what is shown is what the service last said. */
export const isCurrent = () => current;

/**
 * Follow the stream at `url`; handlers: snapshot(data), episode(data).
 * The browser's own reconnecting gives up on some answers, so this does it itself.
 */
export function follow(url, handlers) {
  const connect = () => {
    if (ended || left || (source && source.readyState !== EventSource.CLOSED)) return;
    source = new EventSource(url);
    source.addEventListener("snapshot", (event) => {
      const data = JSON.parse(event.data);
      current = true;
      attempt = 0;
      shownAt = now();
      handlers.snapshot?.(data);
      judge();
    });
    source.addEventListener("episode", (event) => {
      handlers.episode?.(JSON.parse(event.data));
    });
    source.addEventListener("heartbeat", (event) => {
      beat = JSON.parse(event.data);
      heard = performance.now();
      setClock(beat.time, beat.factor);
      if (current) shownAt = now();
      tickShown();
      judge();
      // Whoever has something to send hears that the service can be reached again.
      if (performance.now() - told > 5000) {
        told = performance.now();
        document.dispatchEvent(new Event("saimi:live"));
      }
    });
    source.addEventListener("session", () => {
      if (left) return;
      ended = true;
      document.dispatchEvent(new Event("saimi:live"));
      source.close();
      judge();
    });
    source.addEventListener("error", () => {
      source.close();
      current = false;
      judge();
      setTimeout(check, RETRY[Math.min(attempt++, RETRY.length - 1)]);
    });
  };
  const check = async () => {
    if (left) return;
    // An ended session and a dead service look alike to EventSource: ask which it is.
    try {
      const answer = await fetch("/api/session", { cache: "no-store" });
      if (answer.status === 401) {
        ended = true;
        document.dispatchEvent(new Event("saimi:live")); // What is unsent must be said to stay.
      }
    } catch { /* no connection: try again */ }
    judge();
    connect();
  };
  if (document.body.dataset.shell !== undefined) heard = -Infinity; // Kept: not live until told so.
  const again = () => { source?.close(); current = false; connect(); };
  window.addEventListener("online", again);
  window.addEventListener("offline", () => { heard = -Infinity; judge(); });
  document.addEventListener("visibilitychange", () => {
    // A phone out of the pocket: what it shows may be old.
    if (!document.hidden && performance.now() - heard > SILENT_AFTER) again();
  });
  window.addEventListener("pagehide", () => source?.close());
  // Logged out by hand: the service ends the stream, and nobody need ask it why.
  document.addEventListener("saimi:leaving", () => { left = true; source?.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) again(); });
  setInterval(() => {
    judge();
    if (!ended && performance.now() - heard > 2 * SILENT_AFTER) { heard = performance.now() - SILENT_AFTER - 1; again(); }
  }, 1000);
  connect();
}

function judge() {
  const silent = performance.now() - heard > SILENT_AFTER;
  let found = "";
  if (ended) found = "ended";
  else if (silent || !navigator.onLine) found = "offline";
  else if (beat && beat.database_alive === false) found = "database";
  else if (beat && !beat.alerts_alive) found = "engine";
  else if (beat && !beat.ingest_alive) found = "ingest";
  else if (!current) found = "connecting";
  if (live) {
    live.dataset.state = found === "" ? "live" : found === "connecting" ? "waiting" : "lost";
    const text = say(found === "" ? "live" : found === "connecting" ? "connecting" : "not_live");
    if (liveText.textContent !== text) liveText.textContent = text;
  }
  if (found === trouble) return;
  trouble = found;
  document.body.dataset.live = found || "live";
  if (found === "" || found === "connecting") {
    banner.hidden = true;
    banner.replaceChildren();
    return;
  }
  const what = document.createElement("strong");
  what.textContent = say(found, { time: shownAt ? clockTime(shownAt, now()) : "–" });
  const act = document.createElement(found === "ended" ? "a" : "span");
  if (found === "ended") {
    act.href = "/login?next=" + encodeURIComponent(location.pathname);
    endShift().catch(() => {});
    act.textContent = say("log_in");
  } else {
    act.textContent = say(found + "_do");
  }
  banner.replaceChildren(what, act);
  banner.hidden = false;
}
