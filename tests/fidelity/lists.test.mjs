// Every list, its pages, its filters, and the empty values that the client sends for null.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { client, collect, here, polled, setup } from "./setup.mjs";

const workspace_id = setup.pages.workspace_id;
const flora = client({ apiKey: setup.pages.api_key });
const names = ["mug", "lamp", "chair", "table", "roof"];
let project, runIds;

before(async () => {
  for (const name of names) project = await flora.projects.create({ name, workspace_id });
  runIds = [];
  for (const prompt of names) {
    const body = { workspace_id, project_id: project.project_id, type: "text", prompt, model: "t2t-rehearsal" };
    const started = await flora.generations.create(body);
    runIds.push((await polled(started.poll_url, setup.pages.api_key)).run_id);
  }
});

test("workspaces.list shows the key's workspace", async () => {
  const { workspaces } = await flora.workspaces.list();
  assert.deepEqual(workspaces.map((one) => one.workspace_id), [workspace_id]);
  assert.equal(workspaces[0].role, "editor");
});

test("models.list filters by type and declares the parameters", async () => {
  const { models } = await flora.models.list();
  assert.deepEqual(new Set(models.map((model) => model.type)), new Set(["audio", "image", "text", "video"]));
  for (const type of ["audio", "image", "text", "video"]) {
    const ofType = await flora.models.list({ type });
    assert.deepEqual(ofType.models, models.filter((model) => model.type === type));
  }
  const { params } = models.find((model) => model.model_id === "t2i-sketch");
  const ratio = params.find((param) => param.name === "aspect_ratio");
  assert.ok(ratio.options.some((option) => option.value === "16:9"));
  const options = models.flatMap((model) => model.params.flatMap((param) => param.options ?? []));
  assert.deepEqual([...new Set(options.map((option) => typeof option.value))], ["string"]);
});

test("projects.create and projects.retrieve agree", async () => {
  const made = await flora.projects.create({ name: "A new one", workspace_id });
  assert.deepEqual(await flora.projects.retrieve(made.project_id), made);
  assert.match(made.project_id, /^prj_\S+$/);
  assert.equal(made.origin, "api");
});

test("projects.list pages through all of them, most recently used first", async () => {
  const all = await collect(flora.projects.list({ workspace_id }));
  const paged = await collect(flora.projects.list({ workspace_id, limit: 2 }));
  assert.deepEqual(paged, all);
  assert.ok(all.length > names.length);
  const times = all.map((one) => one.last_modified);
  assert.deepEqual(times, times.toSorted((a, b) => b - a));
  const found = await collect(flora.projects.list({ workspace_id, query: "ROO" }));
  assert.deepEqual(found.map((one) => one.name), ["roof"]);
});

test("projects.listNodes pages through the canvas in order", async () => {
  const paged = await collect(flora.projects.listNodes(project.project_id, { limit: 2 }));
  assert.deepEqual(paged.map((node) => node.label), names);
  assert.deepEqual(paged.map((node) => node.url), names);
  const page = await flora.projects.listNodes(project.project_id, { limit: 2 });
  assert.equal(page.hasNextPage(), true);
  const next = await page.getNextPage();
  assert.deepEqual(next.nodes.map((node) => node.label), names.slice(2, 4));
});

test("generations.list pages newest first and filters", async () => {
  const project_id = project.project_id;
  const paged = await collect(flora.generations.list({ project_id, limit: 2 }));
  assert.deepEqual(paged.map((run) => run.run_id), runIds.toReversed());
  for (const run of paged) {
    assert.equal(run.generation_id, run.run_id);
    assert.equal(run.project_id, project_id);
    assert.equal(run.workspace_id, workspace_id);
    assert.equal(run.model.model_id, "t2t-rehearsal");
  }
  const completed = await collect(flora.generations.list({ workspace_id, project_id, status: "completed" }));
  assert.equal(completed.length, names.length);
  assert.deepEqual(await collect(flora.generations.list({ project_id, status: "failed" })), []);
});

test("null query values, sent as empty ones, mean no filter", async () => {
  const none = { limit: null, cursor: null };
  assert.deepEqual((await flora.models.list({ type: null })).models, (await flora.models.list()).models);
  const projects = await flora.projects.list({ workspace_id, query: null, ...none });
  assert.ok(projects.projects.length > 0);
  const nodes = await flora.projects.listNodes(project.project_id, none);
  assert.equal(nodes.nodes.length, names.length);
  const filters = { workspace_id: null, project_id: null, status: null };
  const generations = await flora.generations.list({ ...filters, ...none });
  assert.equal(generations.generations.length, names.length);
});
