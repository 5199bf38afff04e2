// What a member does, applied once and in order, also out of reach.
//
// Each action has a number of its own and the time at which it was done. It is on the phone before
// it is sent, and leaves it when the service has said what became of it: applied; or refused, which
// is shown where it was done, or kept as a conflict until somebody has read it.
import { NoConnection, post, session, SessionEnded } from "./api.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

const GIVE_UP = 7 * 24 * 3600e3;
const waiting = new Map(); // action id -> {resolve, reject} of a page that waits for it
let ended = false;
let flushing = null;

export const changed = new EventTarget(); // "change": another number of unsent actions or conflicts

const tell = () => changed.dispatchEvent(new Event("change"));

/** Kept on the phone and not sent yet. */
export class Unsent extends Error {}

const headers = (action) => ({
  "Idempotency-Key": action.id,
  "Saimi-Made-At": new Date(action.made).toISOString(),
  "Saimi-Sent-At": new Date().toISOString(),
});

/**
 * Do something: resolves to the answer; throws `Unsent` if it waits on the phone, or the refusal.
 * `what` names it where it is listed.
 */
export async function act(url, content = {}, what = "") {
  const action = { id: newId(), url, content, what, made: Date.now(), member: whoActs() };
  if (!vault.able) return post(url, content, headers(action));
  await vault.append("outbox", action);
  tell();
  const answer = new Promise((resolve, reject) => waiting.set(action.id, { resolve, reject }));
  flush();
  return answer;
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const shown = document.querySelector('meta[name="saimi-member"]')?.content ?? "";
let known = shown;
const whoActs = () => known;

/** On a page that was kept: whose shift it is. */
export async function prepare() {
  if (!known) known = (await vault.shift().catch(() => null))?.member ?? "";
}

/** Report a look at a kept card; nobody waits for it. */
export async function looked(episode, what = "episode") {
  if (!vault.able) return;
  const at = new Date().toISOString();
  await vault.append("outbox", {
    id: newId(), url: "/api/looks", content: { looks: [{ episode, at, what }] }, what: "", made: Date.now(),
    member: whoActs(), quiet: true,
  });
}

/** Send what waits, in order. One page at a time does; the numbers make a repeat harmless. */
export function flush() {
  flushing ??= (async () => {
    try {
      if (navigator.locks) await navigator.locks.request("saimi-outbox", send);
      else await send();
    } catch (error) {
      console.warn("outbox", error);
    } finally {
      flushing = null;
      settle();
    }
  })();
  return flushing;
}

async function send() {
  if (!vault.able) return;
  for (;;) {
    const [first] = (await vault.listed("outbox")).filter((one) => !known || one.member === known);
    if (!first) return;
    try {
      const { member } = await session();
      known = member;
      if (first.member && first.member !== member) {
        if ((await vault.listed("outbox")).some((one) => one.member === member)) continue;
        return;
      }
      const answer = await post(first.url, first.content, headers(first));
      ended = false;
      await vault.take("outbox", first.seq);
      waiting.get(first.id)?.resolve(answer);
      waiting.delete(first.id);
    } catch (error) {
      if (error instanceof SessionEnded) {
        ended = true;
        await vault.endShift();
        return;
      }
      const final = error.status >= 400 && error.status < 500 && ![403, 408, 429].includes(error.status);
      if (!final && Date.now() - first.made < GIVE_UP) return;
      await refused(first, error);
    }
    tell();
  }
}

async function refused(action, error) {
  const waits = waiting.get(action.id);
  waiting.delete(action.id);
  // Where it was done it is shown there, what was written still before them; else it is kept.
  const instead = waits || action.quiet
    ? null : { store: "conflicts", content: { ...action, error: error.message } };
  await vault.take("outbox", action.seq, instead);
  waits?.reject(error);
}

/** Whoever still waits learns that their action is on the phone, to be sent later. */
async function settle() {
  const left = vault.able ? await vault.listed("outbox").catch(() => []) : [];
  for (const one of left) {
    waiting.get(one.id)?.reject(new Unsent(say(ended ? "unsent_ended" : "unsent_now")));
    waiting.delete(one.id);
  }
  tell();
}

/** {actions, conflicts, ended}: what is to be shown. */
export async function state() {
  const [actions, conflicts] = await Promise.all([vault.listed("outbox"), vault.listed("conflicts")]);
  return { actions: actions.filter((one) => !one.quiet), conflicts, ended };
}

/** A conflict that was read. */
export async function dismiss(seq) {
  await vault.take("conflicts", seq);
  tell();
}

addEventListener("online", () => flush());
document.addEventListener("saimi:live", () => flush());
document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
