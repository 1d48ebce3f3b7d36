// The vendor's own live checks, for the endpoints that are served here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { client, flora, here, refusal } from "./setup.mjs";

test("there is a workspace", async () => {
  const { workspaces } = await client().workspaces.list();
  assert.ok(workspaces.length > 0);
  assert.match(workspaces[0].workspace_id, /^ws_\S+$/);
});

test("there are image models, and only those in their list", async () => {
  const { models } = await client().models.list({ type: "image" });
  assert.ok(models.length > 0);
  for (const model of models) assert.equal(model.type, "image");
});

test("a page of one project", async () => {
  const page = await client().projects.list({ workspace_id: here.workspace_id, limit: 1 });
  assert.equal(page.projects.length, 1);
});

test("the nodes of a project", async () => {
  const page = await client().projects.listNodes(here.project_id);
  assert.ok(Array.isArray(page.nodes));
});

for (const name of ["runs.startGeneration", "generations.create", "projects.create"]) {
  test(`an empty body to ${name} is a bad request that names what is required`, async () => {
    const [resource, method] = name.split(".");
    const error = await refusal(client()[resource][method]({}), flora.BadRequestError);
    assert.ok(error.error.error.fields.every((field) => field.message === "Required"));
    assert.ok(error.error.error.fields.some((field) => field.field === "workspace_id"));
  });
}
