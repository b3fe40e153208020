import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommandLineError, splitCommandLine } from "./command-line.js";

describe("a command line is split as a shell splits it", () => {
  it.each([
    ["aiw bench --threads 1", ["aiw", "bench", "--threads", "1"]],
    ["  a\t b\n c ", ["a", "b", "c"]],
    ["", []],
    ["   ", []],
    [`a '' ""`, ["a", "", ""]],
    [`--model 'my model.onnx'`, ["--model", "my model.onnx"]],
    [`--model="my model.onnx"`, ["--model=my model.onnx"]],
    [`my\\ model.onnx`, ["my model.onnx"]],
    [`'a\\b' "a\\b" a\\b`, ["a\\b", "a\\b", "ab"]],
    [`"a\\"b\\\\c\\$d"`, ['a"b\\c$d']],
    [`'it'\\''s'`, ["it's"]],
    [`"it's"`, ["it's"]],
    ["a$HOME *.jpg ~", ["a$HOME", "*.jpg", "~"]],
    ["--source synthetic:?seed=7&objects=6", ["--source", "synthetic:?seed=7&objects=6"]],
    [`'>' "|" \\;`, [">", "|", ";"]],
  ])("%j", (text, words) => {
    expect(splitCommandLine(text)).toEqual(words);
  });

  it.each([
    ["aiw bench 'open", "has a quote (') at character 11 that does not end"],
    [`a "b\\"`, 'has a quote (") at character 3 that does not end'],
    ["a \\", "ends with a backslash that nothing follows"],
    ["cd base && aiw bench", "is not run by a shell, which && would need"],
    ["aiw bench > x", "is not run by a shell, which > would need"],
    ["aiw bench 2>/dev/null", "is not run by a shell, which 2> would need"],
    ["aiw bench | tee", "is not run by a shell, which | would need"],
    ["cd base; aiw bench", "is not run by a shell, which ; would need"],
    ["aiw bench --model $(which m)", "is not run by a shell, which $( would need"],
  ])("%j is refused", (text, said) => {
    expect(() => splitCommandLine(text)).toThrow(new CommandLineError(said));
  });

  it("gives back any words that were quoted", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.boolean()), (words, marks) => {
        const quoted = words.map((word, i) =>
          marks[i] === true ? `"${word.replace(/[\\"$`]/g, "\\$&")}"` : `'${word.replaceAll("'", "'\\''")}'`,
        );
        expect(splitCommandLine(quoted.join(" "))).toEqual(words);
      }),
    );
  });
});
