import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSecretName, maskCredentials, maskSecrets, privacyMask, secretsMask } from "./mask.js";

const FACTS = { homes: ["/home/zelda", "/data/people/zelda"], userName: "zelda", secrets: ["hunter22"] };
const mask = privacyMask(FACTS);

describe("isSecretName", () => {
  it.each([
    "AIW_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "db_password",
    "apiKey",
    "KEY",
    "pwd",
    "user",
    "GITHUB_PAT",
    "x-auth",
    "signature",
  ])("%s", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each(["PATH", "PWD", "OLDPWD", "AIW_CACHE", "keyboard", "AI_MODEL_NAME", "monkey", "width"])(
    "not %s",
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});

describe("maskSecrets", () => {
  it.each([
    ["http://cam/v?size=2&token=abc failed", "http://cam/v?size=2&token=*** failed"],
    ["http://cam/v?user=me&pwd=a&b c", "http://cam/v?user=*** c"],
    ["rtsp://u:p@cam/1?x=1", "rtsp://***@cam/1?x=1"],
    ["tokens are words; key = none", "tokens are words; key = none"],
  ])("%s", (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
  });
});

describe("maskCredentials", () => {
  it("finds a scheme whatever it is glued to", () => {
    for (const glued of ["", "1", "x.", "-", "see:", "(", "=", "+"]) {
      expect(maskCredentials(`${glued}rtsp://u:p@cam/1`)).toBe(`${glued}rtsp://***@cam/1`);
    }
  });

  it("is through with a word of a million letters", () => {
    const word = "x".repeat(1_000_000);
    expect(maskCredentials(word)).toBe(word);
    expect(secretsMask([])(word)).toBe(word);
  });
});

describe("privacyMask", () => {
  it.each([
    ["source: rtsp://me:p/a@ss w@cam/1", "source: rtsp://***"],
    ["opened rtsp://me:pass@cam:554/1 twice", "opened rtsp://***@cam:554/1 twice"],
    ["ended with hunter22!", "ended with ***!"],
    ["api_token: abc def # mine", "api_token: ***"],
    ["AIW_TOKEN=abc", "AIW_TOKEN=***"],
    ['"password": "x", "model": "m"', '"password": ***'],
    ["Authorization: Basic dTpw", "Authorization: ***"],
    ["sent Bearer abc.def to it", "sent Bearer *** to it"],
    ["said ghp_0123456789abcdef", "said ***"],
    ["/home/zelda/.cache/aiw", "~/.cache/aiw"],
    ["/data/people/zelda.", "~."],
    ["/home/link/x and C:\\Users\\Link\\y", "/home/***/x and C:\\Users\\***\\y"],
    ["by Zelda, not zeldas", "by ***, not zeldas"],
    ["model: yolo.onnx", "model: yolo.onnx"],
    ["PATH is /usr/bin:/bin", "PATH is /usr/bin:/bin"],
  ])("%s", (text, masked) => {
    expect(mask(text)).toBe(masked);
  });

  it("hides the lines of YAML that belong to a secret's value", () => {
    const text = "token: |\n  first\n\n  second\nfps: 12\ncamera:\n  - password:\n      deep\n    url: x\n";
    expect(mask(text)).toBe(
      "token: ***\n  ***\n\n  ***\nfps: 12\ncamera:\n  - password:\n      ***\n    ***\n",
    );
  });

  it("leaves alone what names nobody, and a home that is the root", () => {
    const plain = privacyMask({ homes: ["/", ""], userName: "root", secrets: ["", "yes"] });
    expect(plain("yes, root runs /usr/bin/python")).toBe("yes, root runs /usr/bin/python");
  });

  // A marker that no other part of a text has, and around it whatever a password may hold.
  const anything = fc.string({ unit: fc.constantFrom(...":/?#&@=%+;,.'\"\\ $^*()[]{}|~aZ0é") });
  const secret = fc.tuple(anything, anything).map(([a, b]) => `${a}S3CR3T${b}`);
  const sentence = fc.constantFrom("", "ffmpeg said: ", "[rtsp @ 0x5] ", "see http://a/b then ");

  it("never shows the credentials of a URL", () => {
    fc.assert(
      fc.property(sentence, fc.constantFrom("rtsp", "https", "tls"), secret, (before, scheme, password) => {
        expect(mask(`${before}${scheme}://user:${password}@cam:554/x failed`)).not.toContain("S3CR3T");
      }),
    );
  });

  it("never shows the value of a secret's name", () => {
    const name = fc.constantFrom("token", "api_key", "PASSWORD", "my-secret", "AIW_ACCESS_KEY");
    const value = secret.map((text) => text.replaceAll(/\s/g, "_"));
    fc.assert(
      fc.property(sentence, name, value, fc.constantFrom("=", ": ", ":", " = "), (before, key, text, is) => {
        expect(mask(`${before}${key}${is}${text}`)).not.toContain("S3CR3T");
        expect(mask(`${before}http://cam/?${key}=${text} failed`)).not.toContain("S3CR3T");
      }),
    );
  });

  it("never shows a value that the environment keeps secret, whatever it is made of", () => {
    fc.assert(
      fc.property(secret, anything, (value, around) => {
        const masked = privacyMask({ ...FACTS, secrets: [value] })(`${around}${value}${around}`);
        expect(masked).not.toContain("S3CR3T");
      }),
    );
  });

  it("never shows the home folder or the user, whatever they are called", () => {
    const part = fc.string({ unit: fc.constantFrom(..."abcdeXYZ.-+($ é"), minLength: 3 });
    fc.assert(
      fc.property(part, fc.constantFrom("/x", "", ":/bin", "'", " is"), (name, after) => {
        const user = `zq${name.trim()}z`;
        const hide = privacyMask({ homes: [`/srv/${user}`], userName: user, secrets: [] });
        expect(hide(`in /srv/${user}${after}`)).toBe(`in ~${after}`);
        expect(hide(`by ${user}${after}`)).toBe(`by ***${after}`);
      }),
    );
  });

  it("changes nothing when it is done again", () => {
    fc.assert(
      fc.property(sentence, secret, (before, password) => {
        const once = mask(`${before}rtsp://u:${password}@cam/x?token=${password} for zelda in /home/zelda/y`);
        expect(mask(once)).toBe(once);
      }),
    );
  });
});
