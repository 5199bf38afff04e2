// Changing something: with the session's form token, and an error as one readable sentence.
import { say } from "./words.js";

const token = document.querySelector('meta[name="saimi-token"]')?.content ?? "";

/** POST `content`; resolves to the answer, throws an Error whose message is for people. */
export async function post(url, content = {}) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Saimi-Token": token },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new Error(say("failed"));
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(body?.error ?? say("failed"));
  return body;
}
