import { slugOf } from "./slug.js";

/** What Home Assistant is told of one camera. */
export interface DiscoveredCamera {
  /** For people. */
  readonly name: string;
  /** See slugOf. */
  readonly slug: string;
  /** What all topics of the agent begin with. */
  readonly prefix: string;
  /** What the topics of discovery begin with. */
  readonly discovery: string;
  /** Of this package. */
  readonly version: string;
}

export interface DiscoveryMessage {
  readonly topic: string;
  readonly payload: object;
}

const WATCH_STATES = ["idle", "dwell", "active", "closing"];
const CAMERA_STATES = ["connecting", "live", "stalled", "blocked", "lost", "ended"];
const WORKER_STATES = ["ready", "lost", "gone"];
/** States of a camera, and of its worker, in which nobody knows whether somebody is there. */
const BLIND = CAMERA_STATES.filter((state) => state !== "live" && state !== "blocked");
const UNJUDGED = WORKER_STATES.filter((state) => state !== "ready");
/** What an MQTT sensor of Home Assistant takes for "unknown", whatever its options are. */
const UNKNOWN = "None";

/**
 * The retained messages by which Home Assistant finds a camera: its presence, and how the watch, the camera and its
 * worker are. The ids follow from the prefix and the camera's name alone, so they are the same at every start.
 * Sources: home-assistant.io, integrations/mqtt, "MQTT Discovery"; for UNKNOWN, PAYLOAD_NONE of Home Assistant's
 * components/mqtt/sensor.py.
 */
export function discoveryMessages(camera: DiscoveredCamera): DiscoveryMessage[] {
  const { prefix, discovery, slug } = camera;
  const id = `aiw_${slugOf(prefix)}_${slug}`;
  const stateTopic = `${prefix}/${slug}/state`;
  const common = {
    state_topic: stateTopic,
    device: {
      identifiers: [id],
      name: camera.name,
      manufacturer: "aiw",
      model: "camera",
      sw_version: camera.version,
    },
    origin: { name: "aiw", sw_version: camera.version },
  };
  const agentIsThere = { topic: `${prefix}/status` };
  const presence = {
    ...common,
    name: "Presence",
    unique_id: `${id}_presence`,
    device_class: "occupancy",
    value_template: "{{ value_json.presence }}",
    payload_on: "ON",
    payload_off: "OFF",
    json_attributes_topic: stateTopic,
    availability_mode: "all",
    availability: [
      agentIsThere,
      {
        topic: stateTopic,
        value_template:
          `{{ 'offline' if value_json.camera in ${pythonList(BLIND)} ` +
          `or value_json.worker in ${pythonList(UNJUDGED)} else 'online' }}`,
      },
    ],
  };
  const sensor = (key: string, name: string, options: readonly string[]): DiscoveryMessage => ({
    topic: `${discovery}/sensor/${id}/${key}/config`,
    payload: {
      ...common,
      name,
      unique_id: `${id}_${key}`,
      device_class: "enum",
      options,
      entity_category: "diagnostic",
      // Of what was not told so far it is null, and of a state that an older agent left it may not be there.
      value_template: `{{ value_json.${key} | default('${UNKNOWN}', true) }}`,
      availability: [agentIsThere],
    },
  });
  return [
    { topic: `${discovery}/binary_sensor/${id}/presence/config`, payload: presence },
    sensor("watch", "Watch", WATCH_STATES),
    sensor("camera", "Camera", CAMERA_STATES),
    sensor("worker", "Worker", WORKER_STATES),
  ];
}

/** As a template of Home Assistant, which is Jinja, has it. */
function pythonList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(", ")}]`;
}
