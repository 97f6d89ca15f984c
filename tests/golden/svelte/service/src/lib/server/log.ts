/** Structured logs: one JSON object a line, on standard output. */

import { format } from "node:util";

const LEVELS = ["debug", "info", "warning", "error"] as const;

type Level = (typeof LEVELS)[number];
type Fields = Record<string, unknown>;

/** The level of LOG_LEVEL; throws where there is no such level. */
export function levelFrom(name = "info"): Level {
  const level = LEVELS.find((known) => known === name.toLowerCase());
  if (!level) throw new Error(`LOG_LEVEL is not a log level: ${name}`);
  return level;
}

/** One line of the log, without its end. */
export function entry(level: Level, message: string, fields: Fields): string {
  const time = new Date().toISOString();
  return JSON.stringify({ time, level, message, ...fields });
}

const threshold = LEVELS.indexOf(levelFrom(process.env.LOG_LEVEL));

function at(level: Level) {
  return (message: string, fields: Fields = {}): void => {
    if (LEVELS.indexOf(level) < threshold) return;
    process.stdout.write(`${entry(level, message, fields)}\n`);
  };
}

export const log = {
  debug: at("debug"),
  info: at("info"),
  warning: at("warning"),
  error: at("error"),
};

/** Send what the server and libraries write to the console through the log too. */
export function captureConsole(): void {
  console.debug = (...words) => log.debug(format(...words));
  console.log = (...words) => log.info(format(...words));
  console.info = (...words) => log.info(format(...words));
  console.warn = (...words) => log.warning(format(...words));
  console.error = (...words) => log.error(format(...words));
}
