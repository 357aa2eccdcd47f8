import { afterEach, describe, expect, test, vi } from "vitest";
import { keyward } from "../../test/io.js";
import { KeywardError } from "../domain/result.js";
import * as runCheck from "./check/run.js";

afterEach(() => vi.restoreAllMocks());

describe("help and version", () => {
  test("--version", async () => {
    expect(await keyward(["--version"])).toMatchObject({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });

  test("--help names every command and exit code", async () => {
    const { code, stdout } = await keyward(["--help"]);
    expect(code).toBe(0);
    for (const text of ["scan", "check", "sandbox", "Exit codes:", "  3  incomplete"])
      expect(stdout).toContain(text);
  });

  test("check --help names the shared flags", async () => {
    const { code, stdout } = await keyward(["check", "--help"]);
    expect(code).toBe(0);
    for (const flag of [
      "--config",
      "--format",
      "--output",
      "--fail-on",
      "--no-color",
      "--account",
      "--region",
      "--key-id",
    ]) {
      expect(stdout).toContain(flag);
    }
  });
});

test("what a user is told holds neither escapes of the terminal nor lines that somebody else wrote", async () => {
  const hostile = "x\u001b[2J\u202e\n::error::y";
  for (const args of [
    ["check", hostile],
    ["check", ".", "--config", hostile],
    ["explain", hostile, "examples/estate.ndjson"],
    ["scan", "--accounts", hostile],
    ["scan", "--endpoint-url", hostile],
  ]) {
    const { code, stderr } = await keyward(args);
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/[\u001b\u202e]|^\s*::error/m);
    expect(stderr).toContain("\\n::error::y");
  }
  const { stderr } = await keyward([hostile]);
  expect(stderr).toContain("unknown command");
  expect(stderr).not.toMatch(/[\u001b\u202e]/);
});

test("scan refuses one file for both the snapshot and the result, before it asks anything", async () => {
  const { code, stdout, stderr } = await keyward(["scan", "--snapshot", "a.out", "--output", "./a.out"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("cannot go to the same file");
});

describe("wrong usage ends with 2 and says what would be right, on stderr", () => {
  test.each([
    [[], "Usage: keyward"],
    [["chekc", "x"], "Did you mean check?"],
    [["check"], "missing required argument 'path'"],
    [["check", "x", "--fromat", "json"], "Did you mean --format?"],
    [["check", "x", "--format", "yaml"], "Allowed choices are table, json."],
    [["check", "x", "--fail-on", "bad"], "Allowed choices are exposed, weak, not-assessed, critical"],
    [["check", "x", "--account", "12"], "Expected twelve digits."],
    [["check", "x", "--region", "mars"], "Expected a Region, such as eu-west-1."],
    [["check", "x", "--key-id", "a:b"], "Expected a key id"],
  ])("%j", async (args, expected) => {
    const { code, stdout, stderr } = await keyward(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(expected);
  });
});

describe("failures", () => {
  test("a user's mistake has no stack", async () => {
    const error = new KeywardError({ what: "it is wrong", where: "x.json", next: "mend it" });
    vi.spyOn(runCheck, "runCheck").mockRejectedValue(error);
    expect(await keyward(["check", "x"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "x.json: it is wrong\n  next:     mend it\n",
    });
  });

  test("a bug is one line that asks for a report", async () => {
    vi.spyOn(runCheck, "runCheck").mockRejectedValue(new TypeError("oops\nmore"));
    const { code, stderr } = await keyward(["check", "x"]);
    expect(code).toBe(2);
    expect(stderr).toBe("keyward: unexpected failure, please report it (run again with --debug): oops\n");
  });

  test.each([
    ["--debug", ["check", "x", "--debug"], {}],
    ["KEYWARD_DEBUG", ["check", "x"], { KEYWARD_DEBUG: "1" }],
  ])("with %s it has its stack", async (_name, args, env) => {
    vi.spyOn(runCheck, "runCheck").mockRejectedValue(new TypeError("oops"));
    expect((await keyward(args, { env })).stderr).toContain("program.test.ts");
  });
});
