// npm run demo: the sandbox with the sample estate, `keyward scan` auditing one of its accounts over HTTP with the real
// AWS SDK, as it would audit AWS, and an outsider who tries the verdicts. Nothing leaves this machine.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { startSandbox } from "../dist/sandbox/index.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const main = join(root, "dist", "cli", "main.js");
const config = relative(root, join(here, "keyward.yaml"));
const report = join("reports", "report.json");
const kept = join("reports", "snapshot.ndjson");
const PRODUCTION = "111122223333";
const STRANGER = "999988887777";
/** The exit code of an audit that found something exposed, as in this estate. */
const EXPOSED = 1;

/** Runs keyward with the credentials of the production account's administrator. */
function keyward(...args) {
  console.log(`\n$ keyward ${args.join(" ")}\n`);
  const child = spawn(process.execPath, [main, ...args], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: `AKIA${PRODUCTION}`,
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_SESSION_TOKEN: "",
      AWS_PROFILE: "",
      AWS_REGION: "us-east-1",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 2));
  });
}

/** One request to KMS. The sandbox reads who signs it, and does not verify the signature. */
async function kms(endpoint, account, operation, input) {
  const credential = `AKIA${account}/20261123/us-east-1/kms/aws4_request`;
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=00`,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-date": "20261123T100000Z",
      "x-amz-target": `TrentService.${operation}`,
    },
    body: JSON.stringify(input),
  });
  const body = await answer.json();
  return answer.ok ? body : { refused: body.__type };
}

/** The owner encrypts, a stranger decrypts. */
async function strangerReads(endpoint, alias) {
  const Plaintext = Buffer.from("4111 1111 1111 1111").toString("base64");
  const sealed = await kms(endpoint, PRODUCTION, "Encrypt", { KeyId: alias, Plaintext });
  const opened = await kms(endpoint, STRANGER, "Decrypt", { CiphertextBlob: sealed.CiphertextBlob });
  const got = opened.refused ?? JSON.stringify(Buffer.from(opened.Plaintext, "base64").toString());
  console.log(`  ${alias}: account ${STRANGER} asks for Decrypt and gets ${got}`);
  return opened.Plaintext === Plaintext;
}

await mkdir(join(root, "reports"), { recursive: true });
const sandbox = await startSandbox({ snapshot: join(here, "estate.ndjson") });
try {
  console.log(`A local KMS with ${sandbox.keys} keys of three accounts listens at ${sandbox.url}.`);
  console.log(`keyward audits the production account, ${PRODUCTION}.`);
  const scanned = await keyward(
    "scan",
    "--endpoint-url",
    sandbox.url,
    "--config",
    config,
    "--snapshot",
    kept,
  );
  const checked = await keyward("check", kept, "--config", config, "--format", "json", "--output", report);

  console.log("Is it true? An outsider tries two of the keys whose policies say Principal *:");
  const exposed = await strangerReads(sandbox.url, "alias/card-vault");
  const closed = !(await strangerReads(sandbox.url, "alias/order-archive"));

  console.log(`\nThe report is in ${report}, what was read in ${kept}.`);
  const asExpected = scanned === EXPOSED && checked === EXPOSED && exposed && closed;
  console.log(
    asExpected
      ? "keyward ended with 1, which is right here: the sample estate has exposed keys."
      : `Not as expected: scan ended with ${scanned}, check with ${checked} instead of ${EXPOSED}.`,
  );
  process.exitCode = asExpected ? 0 : 2;
} finally {
  await sandbox.close();
}
