import { afterEach, expect, test, vi } from "vitest";
import { captureConsole, entry, levelFrom, log } from "./log.ts";

const original = { ...console };

afterEach(() => {
  Object.assign(console, original);
  vi.restoreAllMocks();
});

test("an entry is one line of JSON", () => {
  const line = entry("info", 'two\nlines and a "quote"', { status: 200 });
  expect(line).not.toContain("\n");
  expect(JSON.parse(line)).toMatchObject({
    level: "info",
    message: 'two\nlines and a "quote"',
    status: 200,
  });
});

test("what is below the level is left out", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  log.debug("small");
  expect(write).not.toHaveBeenCalled();
  log.warning("large");
  expect(write).toHaveBeenCalledOnce();
});

test("the console goes through the log", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  captureConsole();
  console.error("%s broke", "it", new Error("cause"));
  const line = JSON.parse(String(write.mock.lastCall?.[0]));
  expect(line.level).toBe("error");
  expect(line.message).toContain("it broke Error: cause");
});

test("levels come in any case, and an unknown one is refused", () => {
  expect(levelFrom()).toBe("info");
  expect(levelFrom("DEBUG")).toBe("debug");
  expect(() => levelFrom("loud")).toThrow("LOG_LEVEL");
});
