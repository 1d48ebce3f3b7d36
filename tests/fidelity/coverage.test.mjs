// The methods of the client that these tests use, and those whose endpoints are not served yet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { client, setup } from "./setup.mjs";

const SERVED = [
  "generations.create generations.list generations.retrieve models.list projects.create projects.list",
  "projects.listNodes projects.retrieve runs.startGeneration workspaces.list",
];
const LATER = [
  "actions.list actions.retrieve actions.run assets.complete assets.create assets.list assets.retrieve",
  "assets.retry assets.upload feedback.record projects.actions.create projects.actions.run",
  "projects.assets.attachAsset projects.canvas.retrieve projects.canvas.update runs.startTechnique",
  "techniques.list techniques.retrieve techniques.runs.create techniques.runs.list",
  "techniques.runs.retrieve webhooks.unwrap webhooks.verify workspaces.folders.createProject",
  "workspaces.library.folders.addItem workspaces.library.folders.create workspaces.library.folders.delete",
  "workspaces.projects.canvas.applyChangeset workspaces.projects.canvas.replaceDefinition",
  "workspaces.projects.canvas.retrieveDefinition workspaces.projects.create workspaces.projects.graph",
  "workspaces.projects.runNodes",
];
const ABSENT_IN = {
  "0.7.1": /^(actions|webhooks|workspaces\.(folders|library|projects))\.|^(generations\.retrieve|assets\.upload)$/,
  "0.11.0": /^$/,
};

/** Every method of every resource, by its dotted name. */
function methodsOf(resource, prefix = "") {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource))
    .filter((name) => name !== "constructor" && !name.startsWith("_"))
    .map((name) => prefix + name);
  const nested = Object.keys(resource)
    .filter((name) => !name.startsWith("_"))
    .flatMap((name) => methodsOf(resource[name], `${prefix}${name}.`));
  return [...own, ...nested];
}

test("every method of the client is either served and tested or listed as later", () => {
  const flora = client();
  const resources = Object.keys(flora).filter((name) => flora[name]?._client === flora || name === "webhooks");
  const found = resources.flatMap((name) => methodsOf(flora[name], `${name}.`));
  const expected = [...SERVED, ...LATER].flatMap((line) => line.split(" "));
  const here = expected.filter((name) => !ABSENT_IN[setup.version].test(name));
  assert.deepEqual(found.toSorted(), here.toSorted());
});
