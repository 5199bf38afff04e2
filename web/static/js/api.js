// Asking the service: with the session's form token, and an error as one readable sentence.
import { say } from "./words.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
let token = meta("saimi-token");
let member = meta("saimi-member");

/** What an answer without connection is: nobody knows whether it went through. */
export class NoConnection extends Error {}

/** The session is over; what is unsent stays. */
export class SessionEnded extends Error {}

/** Who is logged in, and their form token; a page that was kept on the phone asks for them. */
export async function session() {
  if (!token) {
    let answer;
    try {
      answer = await fetch("/api/session", { cache: "no-store", signal: AbortSignal.timeout(15000) });
    } catch {
      throw new NoConnection(say("failed"));
    }
    if (answer.status === 401) throw new SessionEnded(say("ended"));
    if (!answer.ok) throw new NoConnection(say("failed"));
    ({ token, username: member } = await answer.json());
  }
  return { token, member };
}

/**
 * POST `content`; resolves to the answer, throws an Error whose message is for people, with the
 * answer's `status`.
 */
export async function post(url, content = {}, headers = {}, again = true) {
  const { token: known } = await session();
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Saimi-Token": known, ...headers },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new NoConnection(say("failed"));
  }
  if (answer.status === 403 && again) {
    // A page that is older than the session: it logged in anew elsewhere.
    token = "";
    return post(url, content, headers, false);
  }
  const body = await answer.json().catch(() => null);
  if (answer.status === 401) throw new SessionEnded(body?.error ?? say("ended"));
  if (!answer.ok) {
    throw Object.assign(new Error(body?.error ?? say("failed")), { status: answer.status });
  }
  return body;
}
