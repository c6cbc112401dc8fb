/**
 * Reads a Matrix event, and prints the line for the other side of the bridge. For Node 18 or later.
 *
 *     API_TOKEN_FILE=/etc/bridge/api-token node announce.js < event.json
 *
 * API_TOKEN_FILE names the file with the bridge's `api_token`; without it, API_TOKEN holds it.
 * API_URL is Medialink's internal listener, http://127.0.0.1:8481 if it is not given.
 */
import { readFile } from "node:fs/promises";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 5;
const TIMEOUT_MS = 40_000;
const LONGEST_WAIT_MS = 60_000;

interface MatrixError {
  errcode: string;
  error: string;
  retry_after_ms?: number;
}

interface LinkedEvent {
  links: { path: string; kind: string; link?: { url: string }; error?: MatrixError }[];
  text: string;
  html: string;
}

/** Medialink's answer, if it is none that another attempt would change. */
class ApiError extends Error {}

/** Has the media of an event linked. Asking again is safe: it gives the same links. */
async function linkEvent(url: string, token: string, event: unknown): Promise<LinkedEvent> {
  for (let attempt = 0; ; attempt++) {
    let problem: string;
    let told: number | undefined;
    try {
      const response = await fetch(`${url}/v1/events`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ event }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) {
        return (await response.json()) as LinkedEvent;
      }
      [problem, told] = await readError(response);
      if (response.status !== 429 && response.status < 500) {
        throw new ApiError(problem);
      }
    } catch (error) {
      if (error instanceof ApiError) {
        throw error;
      }
      problem = `no answer from ${url}: ${causeOf(error)}`;
    }
    // Half of it by chance, so that many bridges do not come back all at once.
    const wait = told ?? 2 ** attempt * (250 + 250 * Math.random());
    if (attempt + 1 === ATTEMPTS || wait > LONGEST_WAIT_MS) {
      throw new ApiError(problem);
    }
    await sleep(wait);
  }
}

/** What went wrong, and for how long to wait, in milliseconds, if the answer says it. */
async function readError(response: Response): Promise<[string, number | undefined]> {
  const header = response.headers.get("Retry-After") ?? "";
  const retryAfter = /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
  const body = (await response.json().catch(() => ({}))) as Partial<MatrixError>;
  if (typeof body?.errcode !== "string") {
    // Of a proxy between, for instance.
    return [`${response.status} ${response.statusText}`, retryAfter];
  }
  const told = typeof body.retry_after_ms === "number" ? body.retry_after_ms : retryAfter;
  return [`${response.status} ${body.errcode}: ${body.error}`, told];
}

/** `fetch` says only that it failed; the cause says why. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** From a file or the environment: arguments are in the list of processes, for all to see. */
async function apiToken(): Promise<string> {
  const { API_TOKEN_FILE, API_TOKEN } = process.env;
  if (API_TOKEN_FILE) {
    return (await readFile(API_TOKEN_FILE, "utf8")).trim();
  }
  if (!API_TOKEN) {
    throw new Error("API_TOKEN is missing");
  }
  return API_TOKEN;
}

async function main(): Promise<void> {
  const url = process.env.API_URL ?? "http://127.0.0.1:8481";
  const answer = await linkEvent(url, await apiToken(), await json(process.stdin));
  for (const { path, error } of answer.links) {
    if (error) {
      console.error(`${path}: ${error.errcode}: ${error.error}`);
    }
  }
  // A bridge sends it where it sends its messages. It is empty if the event says nothing.
  if (answer.text) {
    console.log(answer.text);
  }
}

main().catch((error: unknown) => {
  console.error(`announce: ${causeOf(error)}`);
  process.exitCode = 1;
});
