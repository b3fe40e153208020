/**
 * A reader of an installer's lines: returns, for the lines that mean a step to people, what to show.
 * Both pip's and uv's output is understood; either may change, and then there are only fewer steps.
 * @param pinned number of lines in the lock file that name a package
 */
export function installProgress(pinned: number): (line: string) => string | undefined {
  // pip first names the lines whose markers do not hold here, then collects the others one by one.
  let total = pinned;
  let collected = 0;
  return (line) => {
    if (/^Ignoring \S+: markers /.test(line)) {
      total -= 1;
      return undefined;
    }
    const pip = /^Collecting ([\w.-]+)==(\S+)/.exec(line);
    if (pip !== null) {
      collected += 1;
      return `installing ${pip[1]} ${pip[2]} (${collected} of ${Math.max(total, collected)})`;
    }
    if (line.startsWith("Installing collected packages:")) return `unpacking ${collected} packages`;

    const resolved = /^Resolved (\d+) packages?/.exec(line);
    if (resolved !== null) return `installing ${resolved[1]} packages`;
    // pip tells the downloads of what it collects by file name; those are the same step.
    const uv = /^\s*Downloading (\S+) \((.+)\)$/.exec(line);
    return uv === null || uv[1]?.endsWith(".whl") ? undefined : `downloading ${uv[1]} (${uv[2]})`;
  };
}

/** The number of packages that a lock file pins, whatever their markers. */
export function countPinned(lockText: string): number {
  return (lockText.match(/^[A-Za-z0-9][\w.-]*==/gm) ?? []).length;
}
