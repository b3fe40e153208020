import { AiwError } from "../core/errors.js";

/**
 * Where a client stands with its worker. One of these and nothing else decides what may be sent.
 * - `connected`: a stream, no session; only Init may be sent
 * - `initialising`: Init sent, InitOk not there yet
 * - `starved`: a session without credit and without a frame in flight (after InitOk, after an Error)
 * - `ready`: one credit: a frame may be sent
 * - `inFlight`: a frame sent, its answer not there yet
 * - `inFlightCredited`: the same, and a Ready came before the answer
 */
export type ClientState =
  | "connected"
  | "initialising"
  | "starved"
  | "ready"
  | "inFlight"
  | "inFlightCredited"
  | "closed";

export type ClientEvent =
  | "sendInit"
  | "initOk"
  | "initRefused"
  | "ready"
  | "sendFrame"
  | "result"
  | "frameError"
  | "close";

/**
 * The one transition table. What is missing is not allowed. Ready sets the credit to one and never
 * adds to it; a Result gives the credit back by itself, an Error does not (Ready follows it).
 */
const TRANSITIONS: Readonly<Record<ClientState, Partial<Record<ClientEvent, ClientState>>>> = {
  connected: { sendInit: "initialising", ready: "connected", close: "closed" },
  initialising: { initOk: "starved", initRefused: "connected", ready: "initialising", close: "closed" },
  starved: { sendInit: "initialising", ready: "ready", close: "closed" },
  ready: { sendInit: "initialising", ready: "ready", sendFrame: "inFlight", close: "closed" },
  inFlight: { ready: "inFlightCredited", result: "ready", frameError: "starved", close: "closed" },
  inFlightCredited: { ready: "inFlightCredited", result: "ready", frameError: "ready", close: "closed" },
  closed: { close: "closed" },
};

/** @throws PROTOCOL when `event` may not happen in `state` */
export function nextState(state: ClientState, event: ClientEvent): ClientState {
  const next = TRANSITIONS[state][event];
  if (next === undefined) throw new AiwError("PROTOCOL", `"${event}" is not allowed while ${state}`);
  return next;
}

export function isAllowed(state: ClientState, event: ClientEvent): boolean {
  return TRANSITIONS[state][event] !== undefined;
}
