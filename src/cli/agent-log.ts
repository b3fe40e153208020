import type { EventBus } from "../agent/event-bus.js";
import type { Logger } from "../core/logger.js";
import type { Progress } from "./progress.js";

/**
 * What people are told while the command runs, as lines of its log: whoever reads that as JSON reads nothing else.
 * @param progress its spinner, which is at work until the agent watches
 */
export function loggedProgress(progress: Progress, log: Logger): Progress {
  return {
    isLive: progress.isLive,
    step: (text) => progress.step(text),
    show: (line) => progress.show(line),
    clear: () => progress.clear(),
    note(text) {
      const [, isWarning, said = text] = /^aiw: (warning: )?(.*)$/s.exec(text) ?? [];
      progress.clear();
      (isWarning === undefined ? log.info : log.warn)(said);
    },
  };
}

/** Camera states that want looking after. */
const BAD: ReadonlySet<string> = new Set(["stalled", "blocked", "lost"]);

/** Writes what people want to know of an agent that runs for months: not each frame, and no event twice. */
export function logEvents(bus: EventBus, log: Logger, debug: boolean): void {
  bus.on("camera.state", ({ value: { camera, state, before, text } }) => {
    // Each attempt to reach one that is away.
    const isRetry =
      state === "connecting" || before === "connecting" || (before === "lost" && state === "lost");
    const write = isRetry && state !== "live" ? log.debug : BAD.has(state) ? log.warn : log.info;
    write(`camera ${state}`, { camera, text: text || undefined });
  });
  const away = new Set<string>();
  bus.on("worker.state", ({ value: { camera, state, text } }) => {
    // That it is there at the start goes without saying.
    const isNews = state !== "ready" || away.delete(camera);
    if (state !== "ready") away.add(camera);
    const write = !isNews ? log.debug : state === "ready" ? log.info : log.warn;
    write(`worker ${state}`, { camera, text });
  });
  bus.on("session.open", ({ value: { camera, session } }) => log.info("session opened", { camera, session }));
  bus.on("session.close", ({ value: { camera, session, reason, results } }) =>
    log.info("session closed", { camera, session, reason, results }),
  );
  bus.on("fsm.transition", ({ value: { camera, from, to, because, session } }) =>
    log.debug("watch", { camera, from, to, because, session: session ?? undefined }),
  );
  bus.on("ai.detection", ({ value: { camera, seq, session, relevant, detections } }) => {
    if (!debug) return;
    const found = detections
      .map(({ className, confidence }) => `${className} ${confidence.toFixed(2)}`)
      .join(", ");
    log.debug("detections", { camera, session: session ?? undefined, seq, relevant, found });
  });
}
