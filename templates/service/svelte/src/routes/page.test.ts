import { render } from "svelte/server";
import { expect, test } from "vitest";
import service from "#lib/service.json";
import { GET } from "./healthz/+server.ts";
import Page from "./+page.svelte";

/** Text as HTML holds it; Svelte escapes no more than it has to. */
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

test("the page says what this is", () => {
  const { head, body } = render(Page);
  expect(head).toContain(`<title>${escaped(service.title)}</title>`);
  expect(body).toContain(`${escaped(service.title)}</h1>`);
  expect(body).toContain(`${escaped(service.description)}</p>`);
});

test("health answers", async () => {
  const answer = GET();
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: "ok" });
});
