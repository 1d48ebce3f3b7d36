// How often the client sends a request: it retries 408, 409, 429 and 5xx by itself, unless the answer says not to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { client, counting, flora, here, prompt, refusal, setup, skippedWaits } from "./setup.mjs";

const body = { ...here, type: "text", prompt, model: "t2t-rehearsal" };
const keyed = () => ({ headers: { "Idempotency-Key": crypto.randomUUID() } });

/** A client of the setup, and the statuses of the answers it received. */
function counted(options = {}) {
  const { answers, fetch } = counting();
  return [client({ fetch, ...options }), () => answers.map((answer) => answer.status)];
}

test("a refused request is sent once", async () => {
  const poor = { ...body, workspace_id: setup.poor.workspace_id, project_id: setup.poor.project_id };
  const viewer = { ...body, workspace_id: setup.viewer.workspace_id, project_id: setup.viewer.project_id };
  const calls = [
    [400, {}, (flora) => flora.runs.startGeneration({ ...body, prompt: "" })],
    [401, { apiKey: "sk_live_bad" }, (flora) => flora.runs.startGeneration(body)],
    [402, { apiKey: setup.poor.api_key }, (flora) => flora.runs.startGeneration(poor)],
    [403, { apiKey: setup.viewer.api_key }, (flora) => flora.runs.startGeneration(viewer)],
    [404, {}, (flora) => flora.projects.retrieve("prj_none")],
  ];
  for (const [status, options, call] of calls) {
    const [careful, statuses] = counted(options);
    await assert.rejects(call(careful));
    assert.deepEqual(statuses(), [status]);
  }
});

test("a duplicate Idempotency-Key is refused once, on every operation that writes", async () => {
  const { run_id } = await client().runs.startGeneration({ ...body, params: { seconds: 30 } });
  const batch = { ...here, starts: [{ type: "text", prompt, model: "t2t-rehearsal" }] };
  const writes = [
    (flora, options) => flora.runs.startGeneration(body, options),
    (flora, options) => flora.generations.create(body, options),
    (flora, options) => flora.post("/runs/batch", { body: batch, ...options }),
    (flora, options) => flora.post(`/runs/${run_id}/rerun`, options),
    (flora, options) => flora.post("/projects", { body: { workspace_id: here.workspace_id, name: "Once" }, ...options }),
    (flora, options) => flora.post(`/runs/${run_id}/cancel`, options),
  ];
  for (const write of writes) {
    const [careful, statuses] = counted();
    const options = keyed();
    await write(careful, options);
    const error = await refusal(write(careful, options), flora.ConflictError);
    assert.equal(error.headers.get("x-should-retry"), "false");
    const [first, ...rest] = statuses();
    assert.ok(first === 200 || first === 201);
    assert.deepEqual(rest, [409]);
    const made = await client().get(new URL(error.headers.get("location")).pathname.replace("/api/v1", ""));
    assert.ok(made.run_id ?? made.project_id);
  }
});

test("polling beyond the limit is retried after the time that the answer says, and starts go on", async (context) => {
  const { answers, fetch } = counting();
  const waits = skippedWaits(context, answers);
  const slow = client({ apiKey: setup.slow.api_key, maxRetries: 2, timeout: 300_000, fetch });
  // The workspace may start one run and send ten other requests per minute.
  for (let number = 0; number < 10; number++) await slow.workspaces.list();
  await refusal(slow.workspaces.list(), flora.RateLimitError);
  const statuses = answers.map((answer) => answer.status);
  assert.deepEqual(statuses, [...Array(10).fill(200), 429, 429, 429]);
  assert.equal(answers[0].headers.get("ratelimit-limit"), "10");
  assert.equal(waits.length, 2);
  const start = { ...body, workspace_id: setup.slow.workspace_id, project_id: setup.slow.project_id };
  assert.match((await slow.runs.startGeneration(start)).run_id, /^run_/);
});

test("a start may wait for its run in one request", async () => {
  const [patient, statuses] = counted();
  const started = await patient.runs.startGeneration(body, { headers: { Prefer: "wait=30" } });
  assert.equal(started.run.status, "completed");
  assert.equal(started.run.run_id, started.run_id);
  assert.ok(started.run.outputs.length);
  assert.deepEqual(statuses(), [201]);
});
