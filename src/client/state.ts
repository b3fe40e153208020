import { AiwError } from "../core/errors.js";

/**
 * Where a client stands with its worker. One of these and nothing else decides what may be sent.
 * - `connected`: a stream, no session; only Init may be sent
 * - `initialising`: the first Init sent, InitOk not there yet
 * - `opening`: InitOk came, its Ready not yet
 * - `ready`: one credit: a frame may be sent
 * - `reinitialising`: another Init sent; should it be refused, session and credit stay as they were
 * - `inFlight`: a frame sent, its answer not there yet
 * - `inFlightCredited`: the same, and a Ready came before the answer
 * - `starved`: an Error answered the frame, and its Ready has not come yet
 */
export type ClientState =
  | "connected"
  | "initialising"
  | "opening"
  | "ready"
  | "reinitialising"
  | "inFlight"
  | "inFlightCredited"
  | "starved"
  | "closed";

export type ClientEvent =
  "sendInit" | "initOk" | "initRefused" | "ready" | "sendFrame" | "result" | "frameError" | "close";

/**
 * The one transition table. What is missing is not allowed. Ready sets the credit to one and never
 * adds to it; a Result gives the credit back by itself, an Error does not (Ready follows it).
 */
const TRANSITIONS: Readonly<Record<ClientState, Partial<Record<ClientEvent, ClientState>>>> = {
  connected: { sendInit: "initialising", ready: "connected", close: "closed" },
  initialising: { initOk: "opening", initRefused: "connected", ready: "initialising", close: "closed" },
  opening: { ready: "ready", close: "closed" },
  ready: { sendInit: "reinitialising", ready: "ready", sendFrame: "inFlight", close: "closed" },
  reinitialising: { initOk: "opening", initRefused: "ready", ready: "reinitialising", close: "closed" },
  inFlight: { ready: "inFlightCredited", result: "ready", frameError: "starved", close: "closed" },
  inFlightCredited: { ready: "inFlightCredited", result: "ready", frameError: "ready", close: "closed" },
  starved: { ready: "ready", close: "closed" },
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
