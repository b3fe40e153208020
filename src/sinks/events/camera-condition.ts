import type { AgentEvent, WatchState } from "../../results/agent-event.js";

/** Events that say how a camera is: of these only the last of each counts. */
export type ConditionEvent = Extract<
  AgentEvent,
  { name: "camera.state" | "worker.state" | "fsm.transition" }
>;

export function isConditionEvent(event: AgentEvent): event is ConditionEvent {
  return event.name === "camera.state" || event.name === "worker.state" || event.name === "fsm.transition";
}

/** How one camera is, put together from the events about it; null is what none has told so far. */
export class CameraCondition {
  private watch: WatchState = "idle";
  private session: string | null = null;
  private camera: string | null = null;
  private cameraText: string | null = null;
  private worker: string | null = null;
  private workerText: string | null = null;
  private wallMs = 0;

  take(event: ConditionEvent): void {
    this.wallMs = event.value.wallMs;
    switch (event.name) {
      case "camera.state":
        this.camera = event.value.state;
        this.cameraText = event.value.text;
        return;
      case "worker.state":
        this.worker = event.value.state;
        this.workerText = event.value.text;
        return;
      case "fsm.transition":
        this.watch = event.value.to;
        this.session = this.isPresent ? event.value.session : null;
    }
  }

  /** Somebody is there as long as a session is open: it outlasts a moment in which nobody is seen. */
  private get isPresent(): boolean {
    return this.watch === "active" || this.watch === "closing";
  }

  /** The record `aiw.camera/1`. */
  record(name: string): object {
    return {
      schema: "aiw.camera/1",
      presence: this.isPresent ? "ON" : "OFF",
      watch: this.watch,
      camera: this.camera,
      worker: this.worker,
      session: this.session,
      camera_text: this.cameraText,
      worker_text: this.workerText,
      name,
      time: this.wallMs === 0 ? null : new Date(this.wallMs).toISOString(),
    };
  }
}
