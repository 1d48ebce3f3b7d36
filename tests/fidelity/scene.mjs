// What every test here starts from: the official client of the version under test, unchanged, and a real
// server. Only the base URL and the key are set, as its documentation says.
import assert from "node:assert/strict";

export const flora = await import(process.env.FLORA_PACKAGE);
export const scene = JSON.parse(process.env.SCENE);
export const here = { workspace_id: scene.workspace_id, project_id: scene.project_id };
export const prompt = "A cinematic product photo of a ceramic mug on a sunlit table";

/** A client with the scene's base URL and key. */
export function client(options = {}) {
  return new flora.default({ baseURL: scene.base_url, apiKey: scene.api_key, ...options });
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

/** Fetch a run's poll_url as it was given until the run is over, as users' scripts do. */
export async function polled(pollUrl, apiKey = scene.api_key) {
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
  throw new assert.AssertionError({ message: `expected ${type.name}, but the call went through` });
}

/** All rows of an auto-paging list. */
export async function collect(list) {
  const rows = [];
  for await (const row of list) rows.push(row);
  return rows;
}
