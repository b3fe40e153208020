/**
 * A text without what a terminal would obey instead of showing: control characters, and the marks that turn
 * the direction of writing. Each becomes one "?". For texts of others: names in a model, messages about them.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g, "?");
}
