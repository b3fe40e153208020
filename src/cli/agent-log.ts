import type { EventBus } from "../agent/event-bus.js";
import type { Logger } from "../core/logger.js";

/** Camera states that want looking after. */
const BAD: ReadonlySet<string> = new Set(["stalled", "blocked", "lost"]);

/** Writes what people want to know of an agent that runs for months: not each frame, and no event twice. */
export function logEvents(bus: EventBus, log: Logger): void {
  bus.on("camera.state", ({ value: { camera, state, before, text } }) => {
    // Each attempt to reach one that is away.
    const isRetry =
      state === "connecting" || before === "connecting" || (before === "lost" && state === "lost");
    const write = isRetry && state !== "live" ? log.debug : BAD.has(state) ? log.warn : log.info;
    write(`camera ${state}`, { camera, text: text || undefined });
  });
  bus.on("worker.state", ({ value: { camera, state, text } }) =>
    (state === "ready" ? log.info : log.warn)(`worker ${state}`, { camera, text }),
  );
  bus.on("session.open", ({ value: { camera, session } }) => log.info("session opened", { camera, session }));
  bus.on("session.close", ({ value: { camera, session, reason, results } }) =>
    log.info("session closed", { camera, session, reason, results }),
  );
  bus.on("fsm.transition", ({ value: { camera, from, to, because, session } }) =>
    log.debug("watch", { camera, from, to, because, session: session ?? undefined }),
  );
  bus.on("ai.detection", ({ value: { camera, seq, session, relevant, detections } }) =>
    log.debug("detections", {
      camera,
      session: session ?? undefined,
      seq,
      relevant,
      count: detections.length,
    }),
  );
}
