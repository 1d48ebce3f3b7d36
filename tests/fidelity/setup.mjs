// The setup of every test: the unchanged official client of the version under test, and a real server. Only
// the base URL and the key are set, as the client's documentation says.
import assert from "node:assert/strict";

export const flora = await import(process.env.FLORA_PACKAGE);
export const setup = JSON.parse(process.env.SETUP);
export const here = { workspace_id: setup.workspace_id, project_id: setup.project_id };
export const prompt = "A cinematic product photo of a ceramic mug on a sunlit table";

/** A client with the setup's base URL and key. */
export function client(options = {}) {
  return new flora.default({ baseURL: setup.base_url, apiKey: setup.api_key, ...options });
}

/** A `fetch` that remembers every answer. */
export function counting() {
  const answers = [];
  const fetchAndCount = async (url, init) => {
    const answer = await fetch(url, init);
    answers.push(answer);
    return answer;
  };
  return { answers, fetch: fetchAndCount };
}

/** Record the client's waits for `retry-after` and skip them; all other timers are unchanged. */
export function skippedWaits(context, answers) {
  const waits = [];
  const realSetTimeout = globalThis.setTimeout;
  context.mock.method(globalThis, "setTimeout", (call, delay, ...rest) => {
    const retryAfter = Number(answers.at(-1)?.headers.get("retry-after") ?? NaN) * 1000;
    if (delay === retryAfter) waits.push(delay);
    return realSetTimeout(call, delay === retryAfter ? 0 : delay, ...rest);
  });
  return waits;
}

/** Fetch a run's unchanged poll_url until the run is over, as users' scripts do. */
export async function polled(pollUrl, apiKey = setup.api_key) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const answer = await fetch(pollUrl, { headers: { Authorization: `Bearer ${apiKey}` } });
    assert.equal(answer.status, 200);
    const run = await answer.json();
    if (run.status === "completed" || run.status === "failed") return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not over in time: ${pollUrl}`);
}

/** The error that a call is refused with. */
export async function refusal(call, type) {
  try {
    await call;
  } catch (error) {
    assert.equal(error.constructor, type, String(error.stack));
    return error;
  }
  throw new assert.AssertionError({ message: `expected ${type.name}, but the call succeeded` });
}

/** All rows of an auto-paging list. */
export async function collect(list) {
  const rows = [];
  for await (const row of list) rows.push(row);
  return rows;
}
