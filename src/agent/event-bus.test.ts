import { expect, it, vi } from "vitest";
import { EventBus } from "./event-bus.js";

const OPEN = { camera: "door", wallMs: 1, session: "s", startWallMs: 0 };

it("hands events to who wants them, in the order of subscription, until they want no more", () => {
  const seen: string[] = [];
  const bus = new EventBus(() => {});
  bus.on("*", ({ name }) => seen.push(`all ${name}`));
  const off = bus.on("session.open", ({ value }) => seen.push(`open ${value.session}`));
  bus.publish("session.open", OPEN);
  bus.publish("worker.state", { camera: "door", wallMs: 1, state: "ready", text: "" });
  off();
  bus.publish("session.open", OPEN);
  expect(seen).toEqual(["all session.open", "open s", "all worker.state", "all session.open"]);
});

it("keeps subscribers from breaking one another, and tells of what they throw, at once or later", async () => {
  const onFault = vi.fn();
  const bus = new EventBus(onFault);
  const after = vi.fn();
  bus.on("*", () => {
    throw new Error("at once");
  });
  bus.on("*", () => Promise.reject(new Error("later")));
  bus.on("session.open", after);
  bus.publish("session.open", OPEN);
  expect(after).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(onFault).toHaveBeenCalledTimes(2));
  expect(onFault.mock.calls.map(([error]) => (error as Error).message)).toEqual(["at once", "later"]);
  expect(onFault.mock.calls.map(([, name]) => name as string)).toEqual(["session.open", "session.open"]);
});

it("may be subscribed to and left while an event is handed out", () => {
  const bus = new EventBus(() => {});
  const late = vi.fn();
  const off = bus.on("*", () => {
    off();
    bus.on("*", late);
  });
  bus.publish("session.open", OPEN);
  expect(late).not.toHaveBeenCalled();
  bus.publish("session.open", OPEN);
  expect(late).toHaveBeenCalledTimes(1);
});
