import { markup, type Part } from "./markup.js";
import { style } from "./style.js";

/**
 * A page that is one file: nothing is loaded and nothing runs, and its own policy says so to the browser.
 * @returns HTML that is well-formed XML as well
 */
export function page(title: string, ...body: readonly Part[]): string {
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>${title}</title>
${style()}
</head>
<body>
<main>
${body}</main>
</body>
</html>
`.text;
}
