/** What some settings may be. Apart from their schema, which `--help` would wait for. */
export const PIXEL_FORMATS = ["auto", "rgb24", "i420", "nv12", "jpeg", "webp"] as const;
export const ENGINES = ["auto", "onnxruntime", "openvino"] as const;
export const DEVICES = ["cpu", "cuda"] as const;
export const LOG_FORMATS = ["pretty", "json"] as const;
