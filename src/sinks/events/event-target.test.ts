import { describe, expect, it } from "vitest";
import { AiwError } from "../../core/errors.js";
import { AGENT_EVENT_NAMES } from "../../results/agent-event.js";
import { type MqttTarget, parseEventTarget } from "./event-target.js";
import { checkEventSink, checkEventSinkWritable } from "./open-event-sink.js";

const parse = (text: string) => {
  const at = text.indexOf(":");
  return parseEventTarget({ kind: text.slice(0, at), target: text.slice(at + 1) });
};
const errorOf = (text: string) => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AiwError) return error;
  }
  throw new Error(`${text} was accepted`);
};

describe("a broker", () => {
  it.each([
    [
      "mqtt://broker",
      { host: "broker", port: 1883, prefix: "aiw", discovery: "homeassistant", isTls: false },
    ],
    ["mqtts://broker/", { port: 8883, prefix: "aiw", isTls: true, name: "mqtts://broker:8883/aiw" }],
    [
      "mqtt://me:p%40ss@[::1]:99/home/yard/",
      { username: "me", password: "p@ss", host: "::1", prefix: "home/yard" },
    ],
    ["mqtt://me@broker/x?discovery=0", { username: "me", password: undefined, discovery: undefined }],
    ["mqtt://broker/x?discovery=ha/disc", { discovery: "ha/disc" }],
    ["mqtt://b/x?discovery=0#events=session.*", { events: new Set(["session.open", "session.close"]) }],
  ] as [string, Partial<MqttTarget>][])("%s", (text, expected) => {
    expect(parse(text)).toMatchObject({ kind: "mqtt", ...expected });
  });

  it("has no credentials in its name", () => {
    expect(parse("mqtt://me:S3CR3T@broker/x").name).toBe("mqtt://broker:1883/x");
  });
});

describe("a webhook", () => {
  it("keeps its query, and shows nothing of where it goes but the host", () => {
    const target = parse(
      "webhook:https://me:S3CR3T@host/S3CR3T?token=S3CR3T#events=camera.state,session.open",
    );
    expect(target).toMatchObject({ kind: "webhook", name: "webhook:https://host/…043a" });
    expect(parse("webhook:https://host/other").name).not.toBe(parse("webhook:https://host/path").name);
    expect(target).toHaveProperty("url.search", "?token=S3CR3T");
    expect([...target.events].sort()).toEqual(["camera.state", "session.open"]);
  });

  it("gets no event of each frame unless it is asked for", () => {
    const events = AGENT_EVENT_NAMES.filter((name) => !name.startsWith("ai."));
    expect([...parse("webhook:http://host").events]).toEqual(events);
    expect([...parse("webhook:http://host#events=*").events]).toEqual(AGENT_EVENT_NAMES);
  });
});

it("takes a file by any name, and says where it writes", () => {
  expect(checkEventSink({ kind: "ndjson", target: "a#b.ndjson#events=ai.*" })).toEqual({
    name: "ndjson:a#b.ndjson",
    place: "a#b.ndjson",
  });
  expect(checkEventSink({ kind: "ndjson", target: "-" }).place).toBe("-");
  expect(checkEventSink({ kind: "mqtt", target: "//broker" }).place).toBeUndefined();
});

it("finds before anything is started that a file can't be written", () => {
  const none = { kind: "ndjson", target: "none/such/x.ndjson" };
  expect(() => checkEventSinkWritable(none)).toThrow(/none\/such\/x.ndjson cannot be written \(ENOENT\)/);
  expect(() => checkEventSinkWritable({ kind: "webhook", target: "http://nobody.invalid" })).not.toThrow();
});

it.each([
  ["kafka://host", /--out kafka:\/\/host: known kinds are ndjson, mqtt, mqtts, webhook/],
  ["mqtt:broker/aiw", /is not mqtt:\/\/HOST/],
  ["mqtt:///aiw", /names no host|is not mqtt/],
  ["mqtt://host:99999/aiw", /is not mqtt/],
  ["mqtt://host/a/+/b", /prefix/],
  ["mqtt://host/a//b", /prefix/],
  ["mqtt://host/$SYS", /prefix/],
  ["mqtt://host/a%23b", /prefix/],
  ["mqtt://host/x?qos=2", /only parameter/],
  ["mqtt://host/x?discovery=a//b", /\?discovery=/],
  ["mqtt://:pw@host/x", /needs a user/],
  ["webhook:host/path", /is not webhook:https/],
  ["webhook:ftp://host/path", /is not webhook:https/],
  ["webhook:https://", /is not webhook:https/],
  ["webhook:https://host/#more", /behind # there is only/],
  ["webhook:https://host/#events=session", /no event is called "session"/],
  ["webhook:https://host/#events=", /no event is called ""/],
  ["ndjson:x#events=detection", /no event is called "detection"/],
  ["ndjson:x#event=session.*", /behind # there is only/],
])("refuses %s in one line", (text, message) => {
  const error = errorOf(text);
  expect(error.code).toBe("USAGE");
  expect(error.message).toMatch(message);
});

it.each([
  "mqtt://me:S3CR3T@host/a//b",
  "mqtt://me:S3/CR3T@host/x",
  "mqtt://me:S3CR3T#x@host/x",
  "mqtt://me:S3CR3T@host:bad/x",
  "kafka://me:S3CR3T@host/x",
  "webhook:ftp://host/S3CR3T",
  "webhook:host/S3CR3T",
  "webhook:https://host/S3CR3T#more",
  "webhook:https://host/S3CR3T#events=none",
  "webhook:https://me:S3/CR3T@host/S3CR3T#more",
])("shows no secret of %s", (text) => {
  expect(errorOf(text).message).not.toMatch(/S3|CR3T/);
});
