import { AiwError, ERROR_CODES } from "../../dist/core/errors.js";
import { code, table } from "./table.mjs";

/** Every error of the client: how a command ends with it, and what it advises. */
export function errorTable() {
  return table(
    ["code", "exit", "what to do"],
    ERROR_CODES.map((name) => {
      const { exitCode, advice } = new AiwError(name, "");
      return [code(name), String(exitCode), advice || "The message says it."];
    }),
  );
}
