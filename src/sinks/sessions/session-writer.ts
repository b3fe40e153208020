import { basename, dirname, join } from "node:path";
import { systemCode } from "../../core/errors.js";
import { type Files, replaceJson } from "./files.js";
import { LineFile } from "./line-file.js";
import { closeSession, DETECTIONS, OPEN, type SessionEnding, type SessionHeader } from "./session-file.js";
import { type Counted, SessionSummary, type SummaryFigures } from "./session-summary.js";

export interface WriterOptions {
  readonly files: Files;
}

/** A session's folder before it is one: "session id.owner.part", hidden. */
const UNBORN = /^\.(.+)\.([0-9a-f]+)\.part$/;

/** Where a session is made ready, so that its folder is never there without its open.json. */
export function unbornFolder(folder: string, owner: string): string {
  return join(dirname(folder), `.${basename(folder)}.${owner}.part`);
}

/** Of the name of such a folder. */
export function unbornOf(name: string): { readonly sessionId: string; readonly owner: string } | undefined {
  const [, sessionId, owner] = UNBORN.exec(name) ?? [];
  return sessionId === undefined || owner === undefined ? undefined : { sessionId, owner };
}

/** The files of one open session; its calls follow one another. What fails is tried again with the next record. */
export class SessionWriter {
  hasPoster = false;
  private summary = new SessionSummary();
  /** Of a session that is over. */
  private figures: SummaryFigures | undefined;
  private lines: LineFile | undefined;
  /** Of the lines, once they were closed. */
  private wholeBytes: number | undefined;
  private isBorn = false;

  constructor(
    private readonly folder: string,
    private readonly header: SessionHeader,
    private readonly options: WriterOptions,
  ) {}

  /** Makes its folder, where that was not done yet. @throws what the system says */
  async makeFolder(): Promise<void> {
    if (this.isBorn) return;
    const { files } = this.options;
    const unborn = unbornFolder(this.folder, this.header.owner ?? "0");
    await files.makeFolder(unborn).catch((error: unknown) => {
      // By an attempt before this one.
      if (systemCode(error) !== "EEXIST") throw error;
    });
    await replaceJson(files, join(unborn, OPEN), this.header);
    await files.rename(unborn, this.folder);
    this.isBorn = true;
    await files.syncFolder(dirname(this.folder));
  }

  /** Makes its folder and files. @throws what the system says */
  async begin(): Promise<void> {
    await this.makeFolder();
    this.lines ??= await LineFile.open(this.options.files, join(this.folder, DETECTIONS), this.wholeBytes);
  }

  /** Writes a line, or nothing. @throws what the system says */
  async append(line: Uint8Array, counted: Counted | null): Promise<void> {
    await this.begin();
    await this.lines?.append(line);
    this.summary.add(counted);
  }

  /** Closes the session. @throws what the system says; it stays open then, and this may be called again */
  async end(ending: Pick<SessionEnding, "endWallMs" | "reason">, notRecorded: number): Promise<void> {
    if (this.figures === undefined) {
      this.figures = this.summary.figures();
      // It may be long until the disk takes them, and the histograms are large.
      this.summary = new SessionSummary();
    }
    await this.begin();
    await this.lines?.sync();
    const all = { ...ending, hasPoster: this.hasPoster, notRecorded };
    await closeSession(this.options.files, this.folder, this.header, all, this.figures);
  }

  /** Closes what it has open. */
  async release(): Promise<void> {
    this.wholeBytes = this.lines?.wholeBytes ?? this.wholeBytes;
    await this.lines?.close();
    this.lines = undefined;
  }
}
