import { expect, it } from "vitest";
import { agentLine } from "./agent-line.js";

it("has those first that have more to tell, and ends where the line does", () => {
  const cameras = [
    { name: "yard", state: "idle", fps: 5.04 },
    { name: "door", state: "active", fps: 11.96 },
    { name: "gate", state: "closing", fps: 12 },
  ] as const;
  expect(agentLine(cameras, 79)).toBe("door active 12.0 fps · gate closing 12.0 fps · yard idle 5.0 fps");
  expect(agentLine(cameras, 30)).toBe("door active 12.0 fps · gate c…");
  expect(agentLine([], 79)).toBe("");
});
