// Refused requests as the client's own error types.
import assert from "node:assert/strict";
import { test } from "node:test";
import { client, counting, flora, here, prompt, refusal, setup, skippedWaits } from "./setup.mjs";

const body = { ...here, type: "text", prompt, model: "t2t-rehearsal" };

/** The body of a request in another workspace of the setup. */
const bodyOf = (account) => ({ ...body, workspace_id: account.workspace_id, project_id: account.project_id });

test("BadRequestError names every rejected field", async () => {
  const wrong = { ...body, prompt: undefined, type: "smell", params: { seconds: 3 }, surprise: 1 };
  const error = await refusal(client().runs.startGeneration(wrong), flora.BadRequestError);
  assert.equal(error.status, 400);
  assert.equal(error.error.error.code, "input_validation_error");
  const fields = error.error.error.fields.map((field) => field.field);
  assert.deepEqual(new Set(fields), new Set(["prompt", "type", "surprise"]));
  assert.match(error.headers.get("request-id"), /^req_/);
});

test("BadRequestError names the usable models", async () => {
  const error = await refusal(client().generations.create({ ...body, model: "t2i-none" }), flora.BadRequestError);
  assert.match(error.error.error.message, /^model: .*t2t-rehearsal/);
});

test("AuthenticationError for a bad key", async () => {
  const error = await refusal(client({ apiKey: "sk_live_bad" }).workspaces.list(), flora.AuthenticationError);
  assert.deepEqual(error.error, { error: { code: "unauthorized", message: "Invalid API key." } });
});

test("APIError with status 402 when the credits are spent", async () => {
  const poor = client({ apiKey: setup.poor.api_key });
  const error = await refusal(poor.runs.startGeneration(bodyOf(setup.poor)), flora.APIError);
  assert.equal(error.status, 402);
  assert.deepEqual(error.error, { error: { code: "insufficient_credits", message: "Insufficient credits." } });
});

test("PermissionDeniedError for a read-only key", async () => {
  const viewer = client({ apiKey: setup.viewer.api_key });
  assert.equal((await viewer.workspaces.list()).workspaces[0].role, "viewer");
  const start = viewer.runs.startGeneration(bodyOf(setup.viewer));
  const error = await refusal(start, flora.PermissionDeniedError);
  assert.equal(error.error.error.code, "forbidden");
});

test("NotFoundError for an unknown id and for another workspace's", async () => {
  for (const id of ["prj_none", setup.poor.project_id]) {
    const error = await refusal(client().projects.retrieve(id), flora.NotFoundError);
    assert.deepEqual(error.error, { error: { code: "not_found", message: "Not found." } });
  }
  await refusal(client().get("/runs/run_none"), flora.NotFoundError);
  await refusal(client().runs.startGeneration(bodyOf(setup.poor)), flora.NotFoundError);
});

test("ConflictError for a duplicate Idempotency-Key, without wasted retries", async () => {
  const { answers, fetch: fetchAndCount } = counting();
  const careful = client({ fetch: fetchAndCount });
  const options = { headers: { "Idempotency-Key": crypto.randomUUID() } };
  const started = await careful.runs.startGeneration(body, options);
  const error = await refusal(careful.runs.startGeneration(body, options), flora.ConflictError);
  assert.equal(error.error.error.code, "idempotency_duplicate");
  assert.deepEqual(answers.map((answer) => answer.status), [201, 409]);
  const holder = await fetch(error.headers.get("location"), {
    headers: { Authorization: `Bearer ${setup.api_key}` },
  });
  assert.equal((await holder.json()).run_id, started.run_id);
});

test("RateLimitError, after waiting as long as retry-after says", async (context) => {
  const { answers, fetch: fetchAndCount } = counting();
  const waits = skippedWaits(context, answers);
  const options = { apiKey: setup.slow.api_key, maxRetries: 1, timeout: 300_000, fetch: fetchAndCount };
  const slow = client(options);
  await slow.runs.startGeneration(bodyOf(setup.slow));
  const error = await refusal(slow.runs.startGeneration(bodyOf(setup.slow)), flora.RateLimitError);
  assert.deepEqual(error.error, { error: { code: "rate_limited", message: "Rate limit exceeded." } });
  assert.deepEqual(answers.map((answer) => answer.status), [201, 429, 429]);
  assert.equal(waits.length, 1);
  const retryAfter = Number(answers[1].headers.get("retry-after"));
  assert.ok(retryAfter >= 1 && retryAfter <= 60);
  assert.equal(waits[0], retryAfter * 1000);
});
