import { join } from "node:path";
import { AiwError } from "../core/errors.js";

/**
 * What the worker's environment is made for: onnxruntime on the CPU; that and OpenVINO; or onnxruntime-gpu
 * with CUDA, which takes onnxruntime's place. Each has a lock file of its own, all made from the one lock.
 */
export const VARIANTS = ["cpu", "openvino", "cuda"] as const;
export type Variant = (typeof VARIANTS)[number];

/** The settings that choose it. */
export interface EngineWish {
  readonly engine?: string | undefined;
  readonly device?: string | undefined;
}

/** Lock files whose environments serve a variant. */
export interface VariantLocks {
  /** The one that is made where none is there. */
  readonly lockFile: string;
  /** Those that serve as well where they are there already. */
  readonly servedBy: readonly string[];
}

export function variantFor({ engine, device }: EngineWish): Variant {
  if (device === "cuda") return "cuda";
  return engine === "openvino" ? "openvino" : "cpu";
}

/** The setting that asks for a variant, as a flag. */
export function flagOf(variant: Variant): string {
  if (variant === "cpu") return "--device cpu";
  return variant === "cuda" ? "--device cuda" : "--engine openvino";
}

/** @param workerDir where the lock files lie */
export function locksOf(workerDir: string, variant: Variant): VariantLocks {
  const lockFile = (of: Variant) =>
    join(workerDir, of === "cpu" ? "requirements.lock" : `requirements-${of}.lock`);
  // All of cpu is in openvino, in the same versions; cuda has another onnxruntime.
  return { lockFile: lockFile(variant), servedBy: variant === "cpu" ? [lockFile("openvino")] : [] };
}

/**
 * Where the lock leaves a variant's engine out, for want of wheels, an environment would be made without it.
 * @throws AiwError ENGINE_MISSING
 */
export function refuseWithoutWheels(variant: Variant, platform: NodeJS.Platform, arch: string): void {
  const lacks = {
    cpu: undefined,
    openvino:
      platform === "darwin" && arch === "x64" ? "OpenVINO is no longer built for Intel Macs" : undefined,
    cuda: platform === "darwin" ? "there is no CUDA on a Mac" : undefined,
  }[variant];
  if (lacks !== undefined) throw new AiwError("ENGINE_MISSING", `${flagOf(variant)}: ${lacks}`);
}

/** An error of making a variant's environment, which says what that is for: others may be there and do. */
export function variantError(error: unknown, variant: Variant): unknown {
  const isOfMaking = error instanceof AiwError && /^ENV_(OFFLINE|FAILED)$/.test(error.code);
  if (!isOfMaking || variant === "cpu") return error;
  const { code, detail, message } = error;
  return new AiwError(code, `${flagOf(variant)} needs an environment of its own: ${message}`, {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
  });
}
