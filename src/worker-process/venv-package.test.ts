import { expect, test } from "vitest";
import { venvPackage } from "./venv-package.js";

test.each([
  ["ID=debian\n", "apt install python3.11-venv"],
  ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt install python3.11-venv"],
  ["ID=fedora\n", "dnf install"],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install"],
  ["ID=alpine\n", "apk add"],
  ["", "venv and ensurepip of Python 3.11"],
])("%j", (osRelease, expected) => {
  expect(venvPackage({ version: [3, 11, 7] }, osRelease)).toContain(expected);
});
