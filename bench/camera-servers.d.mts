/** A stand-in for a camera: a process that serves a clip on loopback. */
export interface CameraServer {
  /** Lines of its stdout so far. */
  readonly lines: readonly string[];
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>;
}

/** A port of loopback that is free just now. */
export function freePort(): Promise<number>;

/**
 * Serves rtsp://127.0.0.1:PORT/live; says the transport of each client.
 * @param python with the packages of the worker's dev extra
 */
export function rtspServer(
  python: string,
  port: number,
  clip: string,
  ...options: "--refuse-tcp"[]
): Promise<CameraServer>;

/** Serves http://127.0.0.1:PORT/cam.mjpg to one client, with ffmpeg's own server. */
export function mjpegServer(
  ffmpeg: string,
  port: number,
  clip: string,
  filter?: string,
): Promise<CameraServer>;
