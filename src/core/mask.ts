/** What stands in the place of what is hidden. */
export const MASK = "***";

/**
 * A text with the credentials of every URL in it replaced by ***, fit for logs, records and errors.
 * Greedy up to the last @ before a slash: a password may have an @ in it. A scheme is looked for once in each word,
 * from its beginning: from each letter anew would take a second for a word of 30,000.
 */
export function maskCredentials(text: string): string {
  return text.replace(/((?<![a-z0-9+.-])[a-z0-9+.-]+:\/\/)[^\s/]+@/gi, `$1${MASK}@`);
}

/** Words that make a parameter, a key or a variable one to keep quiet about, in any spelling of case. */
const SECRET_WORDS = "token|secret|passw|passphrase|pwd|apikey|api[-_]?key|credential|auth|signature";

/** True for names as AIW_TOKEN, AWS_SECRET_ACCESS_KEY, GH_PAT_PASSWORD. */
export function isSecretName(name: string): boolean {
  // PWD and OLDPWD are folders.
  if (/^(?:OLD)?PWD$/.test(name)) return false;
  return new RegExp(
    `${SECRET_WORDS}|(?:^|[-_.])(?:key|pass|pat|sig|user|username|login)(?:$|[-_.\\d])`,
    "i",
  ).test(name);
}

/**
 * Also what stands behind a secret's name in a query ("?token=…"), to the end of the word: an unescaped
 * password may hold an & itself.
 */
export function maskSecrets(text: string): string {
  return maskCredentials(text).replace(/\S+/g, (word) => {
    for (const { 0: found, index, 1: name = "" } of word.matchAll(/[?&;]([\w.-]+)=/g)) {
      if (isSecretName(name.toLowerCase())) return `${word.slice(0, index + found.length)}${MASK}`;
    }
    return word;
  });
}

/** What must not leave this machine. */
export interface PrivateFacts {
  /** This user's home folder, by all the names it has. */
  readonly homes: readonly string[];
  readonly userName: string;
  /** Values that are secret wherever they appear (those of environment variables). */
  readonly secrets: readonly string[];
}

/** Shorter ones are in half of all words, and protect nothing. */
const SHORTEST_SECRET = 6;
const SHORTEST_USER_NAME = 3;
/** Accounts of containers and images: they name nobody, and are words of their own. */
const NOBODY = new Set(["root", "user", "node", "admin", "runner", "ubuntu", "debian", "worker", "app"]);

/**
 * What takes private things out of a text that is handed to strangers. It hides rather too much: all of
 * a line from a URL's scheme to the last @, all behind the name of a secret.
 */
export function privacyMask({ homes, userName, secrets }: PrivateFacts): (text: string) => string {
  const hideSecrets = secretsMask(secrets);
  const ownHomes = homes.filter((home) => home.length > 1).sort((a, b) => b.length - a.length);
  const homePattern = new RegExp(`(?:${ownHomes.map(escaped).join("|")})(?![\\w-])`, "gi");
  const hidesUser = userName.length >= SHORTEST_USER_NAME && !NOBODY.has(userName.toLowerCase());
  const userPattern = new RegExp(`(?<![\\p{L}\\p{N}_])${escaped(userName)}(?![\\p{L}\\p{N}_])`, "giu");
  return (text) => {
    let masked = maskAssignments(hideSecrets(text));
    masked = masked.replace(/\b(Bearer|Basic)\s+\S+/gi, `$1 ${MASK}`).replace(TOKEN_SHAPES, MASK);
    if (ownHomes.length > 0) masked = masked.replace(homePattern, "~");
    masked = masked.replace(OTHER_HOMES, `$1${MASK}`);
    return hidesUser ? masked.replace(userPattern, MASK) : masked;
  };
}

/**
 * What takes these values out of a text that another program wrote, and the credentials of every URL: all of
 * a line from its scheme to the last @.
 */
export function secretsMask(secrets: readonly string[]): (text: string) => string {
  const values = [...new Set(secrets)]
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let masked = text;
    for (const value of values) masked = masked.replaceAll(value, MASK);
    return maskSecrets(maskUrls(masked));
  };
}

/**
 * All of a line from a URL's scheme to the last @. Where that holds more than a plain name and password,
 * the @ may be one of a query's value, and what stands behind it is hidden as well.
 */
function maskUrls(text: string): string {
  return text.replace(
    /((?<![a-z0-9+.-])[a-z0-9+.-]+:\/\/)([^\n]*)@(\S*)/gi,
    (_, scheme: string, user: string, rest: string) =>
      /[/?#&=\s]/.test(user) ? `${scheme}${MASK}` : `${scheme}${MASK}@${rest}`,
  );
}

/** Tokens that tell by their form what they are. */
const TOKEN_SHAPES =
  /\b(?:gh[oprsu]_|github_pat_|glpat-|hf_|sk-|xox[abps]-)[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

/** Home folders of whomever: their names are people's. */
const OTHER_HOMES = /((?:\/home\/|\/Users\/|[A-Za-z]:[\\/]Users[\\/]))[^\\/\s:;,"'<>|]+/g;

/** Lines "name: value" and "NAME=value" of secrets; of YAML, also the lines that belong to the value. */
function maskAssignments(text: string): string {
  let hiddenBelow: number | undefined;
  return text
    .split("\n")
    .map((line) => {
      const indent = /^\s*/.exec(line)?.[0].length ?? 0;
      if (hiddenBelow !== undefined && (indent > hiddenBelow || line.trim() === "")) {
        return line.trim() === "" ? line : `${line.slice(0, indent)}${MASK}`;
      }
      hiddenBelow = undefined;
      for (const { 0: found, index, 1: name = "" } of line.matchAll(/([\w.-]+)["']?\s*[:=]\s*(?=\S|$)/g)) {
        if (!isSecretName(name)) continue;
        hiddenBelow = indent;
        const end = index + found.length;
        return end === line.length ? line : `${line.slice(0, end)}${MASK}`;
      }
      return line;
    })
    .join("\n");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
