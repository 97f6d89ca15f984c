import { expect, test, vi } from "vitest";
import { handle, handleError } from "./hooks.server.ts";
import { exposition } from "#lib/server/metrics.ts";

type Event = Parameters<typeof handle>[0]["event"];

/** What the log says of a request. */
async function logged(path: string, route: string | null, status: number) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const url = new URL(path, "http://localhost");
  const event = { url, request: new Request(url), route: { id: route } };
  const resolve = async () => new Response(null, { status });
  await handle({ event: event as unknown as Event, resolve });
  const lines = write.mock.calls.map(([line]) => JSON.parse(String(line)));
  write.mockRestore();
  return lines;
}

test("a request is logged", async () => {
  const [line] = await logged("/?token=secret", "/", 200);
  expect(line).toMatchObject({ method: "GET", path: "/", status: 200 });
});

test("a probe is logged only where it fails", async () => {
  expect(await logged("/healthz", "/healthz", 200)).toEqual([]);
  expect(await logged("/healthz", "/healthz", 500)).toHaveLength(1);
});

test("an unexpected error is logged with its stack", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const event = { url: new URL("http://localhost/x") } as Event;
  const caught = { kind: "unknown", error: new Error("broken"), event };
  handleError(caught as Parameters<typeof handleError>[0]);
  const line = JSON.parse(String(write.mock.lastCall?.[0]));
  write.mockRestore();
  expect(line.level).toBe("error");
  expect(line.exception).toContain("Error: broken");
});

test("metrics count requests by route", async () => {
  await logged("/healthz", "/healthz", 200);
  await logged("/no/such/path", null, 404);
  const text = (await exposition()).text();
  expect(await text).toContain(
    'http_requests_total{method="GET",route="/healthz",status="200"}',
  );
  expect(await text).toContain(
    'http_requests_total{method="other",route="unmatched",status="404"} 1',
  );
  expect(await text).not.toContain("/no/such/path");
});
