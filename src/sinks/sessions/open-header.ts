import { join } from "node:path";
import { systemCode } from "../../core/errors.js";
import { readJson } from "./read-json.js";
import { OPEN, type SessionHeader } from "./session-file.js";
import { timeOfId } from "./session-id.js";

export interface OpenHeader {
  /** Who is to close the session; null where open.json is missing, or came to harm. */
  readonly by: "agent" | "worker" | null;
  /** What open.json does not say is "" or null; the start is then the id's time. */
  readonly header: SessionHeader;
}

/**
 * What open.json says of a session. It is an agent's where it has an `owner`, null or not, and the worker's where it has
 * none: the worker decides by the same, so that no session is both's or nobody's. Of the other fields each counts by
 * itself: where one came to harm, whose session it is still holds.
 * @throws what the system says, but that it is not there: who may not read it knows nothing of whose it is
 * @param id of the session, which its folder's name is, whatever the file says
 */
export async function readOpenHeader(folder: string, id: string): Promise<OpenHeader> {
  const json = await readJson(join(folder, OPEN));
  if ("error" in json && json.error !== undefined && systemCode(json.error) !== "ENOENT") throw json.error;
  const found = "value" in json && isObject(json.value) ? json.value : undefined;
  const { camera, client_id: client, start, model_id: model, owner } = found ?? {};
  const clientId = textOf(client) ?? textOf(camera) ?? "";
  return {
    by: found === undefined ? null : "owner" in found ? "agent" : "worker",
    header: {
      session_id: id,
      camera: textOf(camera) ?? clientId,
      client_id: clientId,
      start: isTime(start) ? start : new Date(timeOfId(id)).toISOString(),
      model_id: textOf(model),
      owner: textOf(owner),
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isTime(value: unknown): value is string {
  return typeof value === "string" && Number.isFinite(Date.parse(value));
}
