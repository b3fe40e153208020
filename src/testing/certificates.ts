import { generate } from "selfsigned";

/** PEM texts of one who can speak TLS. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

const VALID_MS = 24 * 3600 * 1000;
const base = { keyType: "ec", algorithm: "sha256" } as const;

/** An authority that is known to nobody but the test. */
export async function authority(name = "authority"): Promise<Identity> {
  const extensions = [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ] as const;
  return made(name, { extensions: [...extensions] });
}

/** An identity that the authority has signed, good for these hosts (names, or addresses of 127.0.0.0/8). */
export async function identity(
  ca: Identity,
  hosts: readonly string[],
  validFromMs = Date.now(),
): Promise<Identity> {
  const altNames = hosts.map((host) =>
    host.startsWith("127.") ? ({ type: 7, ip: host } as const) : ({ type: 2, value: host } as const),
  );
  const extensions = [
    { name: "basicConstraints" as const, cA: false },
    { name: "subjectAltName" as const, altNames },
  ];
  return made("someone", { extensions, ca, validFromMs });
}

interface Making {
  readonly extensions: NonNullable<Parameters<typeof generate>[1]>["extensions"];
  readonly ca?: Identity;
  readonly validFromMs?: number;
}

async function made(name: string, { extensions, ca, validFromMs = Date.now() }: Making): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    ...base,
    extensions: extensions ?? [],
    ...(ca === undefined ? {} : { ca }),
    // A clock that differs by little must not decide.
    notBeforeDate: new Date(validFromMs - VALID_MS),
    notAfterDate: new Date(validFromMs + VALID_MS),
  });
  return { cert, key };
}
