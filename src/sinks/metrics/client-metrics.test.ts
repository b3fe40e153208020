import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tally } from "../../results/tally.js";
import { blankFrame } from "../../testing/blank-frame.js";
import { LATENCY_BUCKETS_MS } from "./buckets.js";
import { closed, opened, seriesOf, setUpMetrics } from "./testing.js";

describe("ClientMetrics", () => {
  it("has of each camera what its ledger has, which adds up, from 0 on", async () => {
    const { metrics, add, frame, failure } = setUpMetrics();
    const cam = add();
    const before = seriesOf(await metrics.text());
    for (const name of ["frames_offered", "frames_sent", "results", "drops_latestwins", "reconnects"]) {
      expect(before.get(`ai_${name}_total{camera="cam"}`)).toBe(0);
    }
    await frame(cam, 10_000, "cat", "dog", "cat");
    failure(cam);
    for (let i = 0; i < 3; i++) cam.stream.offer(blankFrame(), 0);
    cam.stream.offerMissing(0);
    Object.assign(cam.link, { inits: 3, reconnects: 2 });
    const now = seriesOf(await metrics.text());
    expect(Object.fromEntries(now)).toMatchObject({
      'ai_init_ok_total{camera="cam"}': 3,
      'ai_reconnects_total{camera="cam"}': 2,
      'ai_frames_offered_total{camera="cam"}': 6,
      'ai_frames_sent_total{camera="cam"}': 3,
      'ai_results_total{camera="cam"}': 1,
      'ai_errors_total{camera="cam",code="WORKER_REFUSED"}': 1,
      'ai_frame_inflight{camera="cam"}': 2,
      'ai_drops_latestwins_total{camera="cam"}': 1,
      'ai_drops_total{camera="cam",reason="latest_wins"}': 1,
      'ai_drops_total{camera="cam",reason="source_late"}': 1,
      'ai_drops_total{camera="cam",reason="disconnected"}': 0,
      'ai_drops_total{camera="cam",reason="interrupted"}': 0,
      'ai_detections_total{camera="cam",class="cat"}': 2,
      'ai_detections_total{camera="cam",class="dog"}': 1,
      'ai_result_latency_ms_count{camera="cam"}': 1,
    });
    expect((await metrics.text()).match(/^ai_frames_offered_total/gm)).toHaveLength(1);
  });

  it("puts a latency into the bucket that can judge it, total and stages, in milliseconds", async () => {
    const { metrics, add, frame } = setUpMetrics();
    const cam = add();
    await frame(cam, 150_000);
    await frame(cam, 150_001);
    await frame(cam, 83_000);
    const series = seriesOf(await metrics.text());
    const upTo = (ms: number) => series.get(`ai_result_latency_ms_bucket{le="${ms}",camera="cam"}`);
    expect([80, 83, 86, 145, 150, 155].map(upTo)).toEqual([0, 1, 1, 1, 2, 3]);
    expect(series.get('ai_result_latency_ms_sum{camera="cam"}')).toBeCloseTo(383.001, 6);
    // The fake worker says 3 us of inference.
    const inference = (what: string) =>
      series.get(`ai_stage_latency_ms_${what}camera="cam",stage="inference"}`);
    expect(inference("count{")).toBe(3);
    expect(inference("sum{")).toBeCloseTo(0.009, 9);
  });

  it("agrees with the p95 that a bench reports, within a bucket", async () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(latencies, async (all) => {
        const { metrics, add, frame } = setUpMetrics();
        const cam = add();
        const tally = new Tally();
        cam.stream.on("outcome", (outcome) => tally.add(outcome));
        for (const us of all) await frame(cam, us);
        const series = seriesOf(await metrics.text());
        const upTo = (ms: number) => series.get(`ai_result_latency_ms_bucket{le="${ms}",camera="cam"}`) ?? 0;
        const at = LATENCY_BUCKETS_MS.findIndex((ms) => upTo(ms) >= 0.95 * all.length);
        const [lower = 0, upper = 0] = [LATENCY_BUCKETS_MS[at - 1], LATENCY_BUCKETS_MS[at]];
        // The bench's own histogram has three significant figures.
        const { p95 } = tally.latency.of("total").summary();
        expect(p95).toBeGreaterThanOrEqual(lower);
        expect(p95).toBeLessThanOrEqual(upper * 1.001);
      }),
      { numRuns: 30 },
    );
  });

  it("has bounds on both sides of 150 and 83 ms that are within 5 ms", () => {
    for (const limit of [83, 150]) {
      const at = LATENCY_BUCKETS_MS.findIndex((ms) => ms === limit);
      const [below = 0, above = 0] = [LATENCY_BUCKETS_MS[at - 1], LATENCY_BUCKETS_MS[at + 1]];
      expect(Math.max(limit - below, above - limit)).toBeLessThanOrEqual(5);
    }
    expect([...LATENCY_BUCKETS_MS]).toEqual([...new Set(LATENCY_BUCKETS_MS)].sort((a, b) => a - b));
  });

  it("makes no label of a class that the model does not have", async () => {
    const { metrics, add, frame } = setUpMetrics();
    const cam = add({ classNames: ["cat", 'd"o\\g\u001b'] });
    await frame(cam, 1, "cat", "hostile 1", "hostile 2", 'd"o\\g\u001b');
    const text = await metrics.text();
    expect(text.match(/^ai_detections_total.*/gm)).toEqual([
      'ai_detections_total{camera="cam",class="cat"} 1',
      'ai_detections_total{camera="cam",class="other"} 2',
      'ai_detections_total{camera="cam",class="d\\"o\\\\g?"} 1',
    ]);
  });

  it("takes a camera's series away with it, and begins anew when it comes back", async () => {
    const { metrics, add, frame } = setUpMetrics();
    const [first, second] = [add({ name: "a" }), add({ name: "b", isWatched: true })];
    metrics.cameraState("b", "live");
    metrics.onEvent(opened("b"));
    await frame(first, 1000, "cat");
    await frame(second, 1000, "cat");
    metrics.removeCamera("b");
    await frame(second, 1000, "cat");
    metrics.removeCamera("b");
    const text = await metrics.text();
    expect(text).not.toContain('"b"');
    expect(text).toContain('ai_results_total{camera="a"} 1');
    await frame(add({ name: "b" }), 1000);
    expect(await metrics.text()).toContain('ai_result_latency_ms_count{camera="b"} 1');
  });

  it("tells cameras of the same name apart, and shows no secret", async () => {
    const { metrics, add } = setUpMetrics();
    expect(add({ name: "rtsp://u:p@cam/1?token=abc" }).camera.name).toBe("rtsp://***@cam/1?token=***");
    expect(add({ name: "rtsp://u:q@cam/1?token=def" }).camera.name).toBe("rtsp://***@cam/1?token=***#2");
    const text = await metrics.text();
    for (const secret of ["u:", "abc", "def"]) expect(text).not.toContain(secret);
  });

  it("says in which state camera and link are, also before the camera's pipeline is there", async () => {
    const { metrics, add } = setUpMetrics();
    metrics.cameraState("cam", "connecting");
    expect(seriesOf(await metrics.text()).get('ai_camera_state{camera="cam",state="connecting"}')).toBe(1);
    const cam = add();
    metrics.cameraState("cam", "live");
    cam.link.linkState = "away";
    const text = await metrics.text();
    const inForce = (name: string) =>
      text.match(new RegExp(`^${name}\\{.*`, "gm"))?.filter((line) => line.endsWith(" 1"));
    expect(inForce("ai_camera_state")).toEqual(['ai_camera_state{camera="cam",state="live"} 1']);
    expect(inForce("ai_worker_link_state")).toEqual(['ai_worker_link_state{camera="cam",state="away"} 1']);
    expect(text.match(/^ai_camera_state/gm)).toHaveLength(6);
  });

  it("counts an agent's sessions and its watch, of a camera that is watched only", async () => {
    const { metrics, add } = setUpMetrics();
    add({ name: "plain" });
    add({ isWatched: true });
    for (let i = 0; i < 3; i++) metrics.onEvent(opened("cam"));
    metrics.onEvent(closed("cam"));
    metrics.onEvent(opened("gone"));
    metrics.onEvent({
      name: "fsm.transition",
      value: { camera: "cam", wallMs: 0, from: "dwell", to: "active", because: "", session: "s" },
    });
    metrics.onEvent({
      name: "camera.state",
      value: { camera: "cam", wallMs: 0, state: "stalled", before: "live", text: "" },
    });
    metrics.recordsLost("cam", 4);
    metrics.sessionsRecovered(2);
    const text = await metrics.text();
    expect(Object.fromEntries(seriesOf(text))).toMatchObject({
      'ai_sessions_opened_total{camera="cam"}': 3,
      'ai_sessions_closed_total{camera="cam",reason="silence"}': 1,
      'ai_open_sessions{camera="cam"}': 2,
      'ai_watch_state{camera="cam",state="active"}': 1,
      'ai_watch_state{camera="cam",state="idle"}': 0,
      'ai_camera_state{camera="cam",state="stalled"}': 1,
      'ai_session_records_lost_total{camera="cam"}': 4,
      ai_sessions_recovered_total: 2,
    });
    expect(text).not.toMatch(/ai_(sessions|watch|open).*"(plain|gone)"/);
  });

  it("asks each output what became of its events, until it is taken away", async () => {
    const { metrics } = setUpMetrics();
    const counts = { delivered: 1, dropped: 2, waiting: 3 };
    const output = { name: "mqtt://u:p@broker/aiw", counts: () => counts };
    const [first] = [metrics.addOutput(output), metrics.addOutput(output)];
    counts.delivered = 9;
    const text = await metrics.text();
    expect(Object.fromEntries(seriesOf(text))).toMatchObject({
      'ai_output_delivered_total{output="mqtt://***@broker/aiw"}': 9,
      'ai_output_dropped_total{output="mqtt://***@broker/aiw#2"}': 2,
      'ai_output_waiting{output="mqtt://***@broker/aiw"}': 3,
    });
    first();
    expect(await metrics.text()).not.toContain('aiw"}');
  });

  it("asks the recorder hook what became of its runs, and has no series of it where there is none", async () => {
    const { metrics } = setUpMetrics();
    expect(await metrics.text()).not.toMatch(/^ai_recorder_runs_total/m);
    metrics.countRecorder(() => ({ ok: 4, failed: 3, timeout: 2, not_run: 1 }));
    const runs = [...seriesOf(await metrics.text())].filter(([name]) => name.startsWith("ai_recorder_"));
    expect(runs).toEqual([
      ['ai_recorder_runs_total{outcome="ok"}', 4],
      ['ai_recorder_runs_total{outcome="failed"}', 3],
      ['ai_recorder_runs_total{outcome="timeout"}', 2],
      ['ai_recorder_runs_total{outcome="not_run"}', 1],
    ]);
  });

  it("is ready while frames are processed, and says so as a gauge of each camera", async () => {
    const { clock, metrics, add, frame } = setUpMetrics();
    expect(metrics.health().ready).toBe(false);
    const cam = add();
    expect(metrics.health()).toEqual({ ready: false, reason: "cam: no result for 0.0 s" });
    await frame(cam, 20_000);
    await clock.advanceBy(4_000_000);
    expect(metrics.health()).toEqual({ ready: true, reason: "cam: a frame was processed 4.0 s ago" });
    expect(seriesOf(await metrics.text()).get('ai_camera_ready{camera="cam"}')).toBe(1);
    await clock.advanceBy(4_000_000);
    metrics.cameraState("cam", "lost");
    expect(metrics.health()).toEqual({
      ready: false,
      reason: "cam: the camera is lost: no result for 8.0 s",
    });
    expect(seriesOf(await metrics.text()).get("ai_ready")).toBe(0);
    cam.camera.setRate(0.5);
    expect(metrics.health().ready).toBe(true);
    cam.camera.rest("its source has come to its end");
    await clock.advanceBy(60_000_000);
    expect(metrics.health().ready).toBe(true);
    cam.camera.rest(undefined);
    expect(metrics.health().ready).toBe(false);
  });

  it("does not take a frame that failed for one that was processed", () => {
    const { metrics, add, failure } = setUpMetrics();
    failure(add());
    expect(metrics.health().ready).toBe(false);
  });

  it("keeps to itself: two of them share nothing", async () => {
    const [one, other] = [setUpMetrics(), setUpMetrics()];
    one.add();
    expect(await other.metrics.text()).not.toContain('"cam"');
  });

  it("says what it exports", () => {
    const { metrics } = setUpMetrics();
    const catalogue = metrics.catalogue();
    const find = (name: string) => catalogue.find((one) => one.name === name);
    expect(find("ai_drops_total")).toMatchObject({ labels: ["camera", "reason"] });
    for (const { name, help } of catalogue) {
      expect(name).toMatch(/^(ai|process)_[a-z_]+$/);
      expect(help).not.toBe("");
    }
  });
});
