import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { ActionName } from "../../domain/ids.js";
import type { Context } from "../../semantics/request.js";
import { type Blob, type EncryptionContext, readBlob } from "../ciphertext.js";
import { ServiceError, invalid } from "../errors.js";
import { requireState } from "../key-state.js";
import type { SandboxKey } from "../world/key.js";
import { refuseDryRun } from "./dry-run.js";
import { type Call, type Operation, keyAction } from "./operation.js";
import { KEY_ID, type Resolved, resolveKey } from "./resolve.js";

const MAX_PLAINTEXT = 4096;
const MAX_CIPHERTEXT = 6144;

/** What a cryptographic request needs permission for. */
interface Use {
  readonly action: ActionName;
  readonly found: Resolved;
  readonly encryptionContext?: EncryptionContext;
  readonly context?: Context;
}

/** Access, key type and state, in this order. */
function requireUse(call: Call, use: Use): SandboxKey {
  const { key, alias } = use.found;
  call.services.grantTokens.check(call.input.strings("GrantTokens"));
  call.services.access.require(call.identity, use.action, key, call.now, {
    context: { ...(alias === undefined ? {} : { "kms:RequestAlias": alias }), ...use.context },
    ...(use.encryptionContext === undefined ? {} : { encryptionContext: use.encryptionContext }),
  });
  requireState(key, use.action);
  return key;
}

/** The sandbox encrypts with symmetric keys only. */
function requireSymmetric(key: SandboxKey): void {
  if (key.symmetricEncryption) return;
  throw new ServiceError(
    "UnsupportedOperationException",
    `The sandbox does not encrypt with keys of spec ${key.spec}: ${key.arn}`,
  );
}

function used(call: Call, key: SandboxKey, operation: string): void {
  key.lastUse = { at: call.now, operation, requestId: call.requestId };
}

function contextOf(call: Call, member: string): EncryptionContext {
  return call.input.stringMap(member) ?? {};
}

/** Encrypt. */
export const encrypt: Operation = (call) => {
  const plaintext = call.input.bytes("Plaintext", MAX_PLAINTEXT);
  const encryptionContext = contextOf(call, "EncryptionContext");
  const action = keyAction("Encrypt");
  const found = resolveKey(call, call.input.string("KeyId", KEY_ID), action, true);
  const key = requireUse(call, { action, found, encryptionContext });
  requireSymmetric(key);
  refuseDryRun(call.input);
  used(call, key, "Encrypt");
  return {
    KeyId: key.arn,
    EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    CiphertextBlob: call.services.cipher.encrypt(key, plaintext, encryptionContext).toString("base64"),
  };
};

/**
 * The key that is to decrypt a blob: the one that the request names, or the one that the blob names. A multi-Region key
 * decrypts what a sibling in another Region encrypted.
 */
function decryptingKey(call: Call, member: string, blob: Blob, action: ActionName): Resolved {
  const named = call.input.optionalString(member, KEY_ID);
  const maker = call.services.world.key(blob.arn);
  if (named !== undefined) {
    const found = resolveKey(call, named, action, true);
    if (found.key.family === maker?.family) return found;
    call.services.access.require(call.identity, action, found.key, call.now);
    throw new ServiceError(
      "IncorrectKeyException",
      "The key ID in the request does not identify a CMK that can perform this operation.",
    );
  }
  const key =
    maker?.region === call.region ? maker : maker && call.services.world.sibling(maker, call.region);
  if (key !== undefined) return { key, alias: undefined };
  throw new ServiceError(
    "AccessDeniedException",
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
  );
}

function readCiphertext(call: Call): Blob {
  const blob = readBlob(call.input.bytes("CiphertextBlob", MAX_CIPHERTEXT));
  if (blob === undefined) throw invalidCiphertext();
  return blob;
}

function invalidCiphertext(): ServiceError {
  return new ServiceError(
    "InvalidCiphertextException",
    "The ciphertext is invalid, or it was encrypted with another encryption context.",
  );
}

/** Decrypt. */
export const decrypt: Operation = (call) => {
  const blob = readCiphertext(call);
  const encryptionContext = contextOf(call, "EncryptionContext");
  const action = keyAction("Decrypt");
  const found = decryptingKey(call, "KeyId", blob, action);
  const key = requireUse(call, { action, found, encryptionContext });
  const plaintext = call.services.cipher.decrypt(key, blob, encryptionContext);
  if (plaintext === undefined) throw invalidCiphertext();
  refuseDryRun(call.input);
  used(call, key, "Decrypt");
  return {
    KeyId: key.arn,
    EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    Plaintext: plaintext.toString("base64"),
  };
};

/** ReEncrypt: kms:ReEncryptFrom on the old key, kms:ReEncryptTo on the new one. */
export const reEncrypt: Operation = (call) => {
  const blob = readCiphertext(call);
  const from = contextOf(call, "SourceEncryptionContext");
  const to = contextOf(call, "DestinationEncryptionContext");
  const actionFrom = keyAction("ReEncryptFrom");
  const actionTo = keyAction("ReEncryptTo");
  const source = decryptingKey(call, "SourceKeyId", blob, actionFrom);
  const destination = resolveKey(call, call.input.string("DestinationKeyId", KEY_ID), actionTo, true);
  const context = { "kms:ReEncryptOnSameKey": String(source.key === destination.key) };
  const use = { context };
  const oldKey = requireUse(call, { ...use, action: actionFrom, found: source, encryptionContext: from });
  const newKey = requireUse(call, { ...use, action: actionTo, found: destination, encryptionContext: to });
  requireSymmetric(newKey);
  const plaintext = call.services.cipher.decrypt(oldKey, blob, from);
  if (plaintext === undefined) throw invalidCiphertext();
  refuseDryRun(call.input);
  used(call, oldKey, "ReEncrypt");
  used(call, newKey, "ReEncrypt");
  return {
    KeyId: newKey.arn,
    SourceKeyId: oldKey.arn,
    SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    CiphertextBlob: call.services.cipher.encrypt(newKey, plaintext, to).toString("base64"),
  };
};

function dataKey(
  call: Call,
  operation: string,
): { readonly key: SandboxKey; readonly plain: Buffer; readonly blob: Buffer } {
  const { input } = call;
  const spec = input.optionalString("KeySpec", { oneOf: ["AES_128", "AES_256"] });
  const bytes = input.optionalInteger("NumberOfBytes", 1, 1024);
  if ((spec === undefined) === (bytes === undefined)) {
    throw invalid("Please specify either number of bytes or key spec.");
  }
  const encryptionContext = contextOf(call, "EncryptionContext");
  const action = keyAction(operation);
  const found = resolveKey(call, input.string("KeyId", KEY_ID), action, true);
  const key = requireUse(call, { action, found, encryptionContext });
  requireSymmetric(key);
  refuseDryRun(input);
  used(call, key, operation);
  const plain = randomBytes(bytes ?? (spec === "AES_128" ? 16 : 32));
  return { key, plain, blob: call.services.cipher.encrypt(key, plain, encryptionContext) };
}

/** GenerateDataKey. */
export const generateDataKey: Operation = (call) => {
  const { key, plain, blob } = dataKey(call, "GenerateDataKey");
  return { KeyId: key.arn, Plaintext: plain.toString("base64"), CiphertextBlob: blob.toString("base64") };
};

/** GenerateDataKeyWithoutPlaintext. */
export const generateDataKeyWithoutPlaintext: Operation = (call) => {
  const { key, blob } = dataKey(call, "GenerateDataKeyWithoutPlaintext");
  return { KeyId: key.arn, CiphertextBlob: blob.toString("base64") };
};

function mac(
  call: Call,
  operation: string,
): { readonly key: SandboxKey; readonly algorithm: string; readonly value: Buffer } {
  const message = call.input.bytes("Message", MAX_PLAINTEXT);
  const algorithm = call.input.string("MacAlgorithm");
  const action = keyAction(operation);
  const found = resolveKey(call, call.input.string("KeyId", KEY_ID), action, true);
  const key = requireUse(call, { action, found, context: { "kms:MacAlgorithm": algorithm } });
  const bits = key.spec.slice("HMAC_".length);
  if (algorithm !== `HMAC_SHA_${bits}`) {
    throw new ServiceError(
      "InvalidKeyUsageException",
      `Algorithm ${algorithm} is incompatible with key spec ${key.spec}.`,
    );
  }
  const secret = call.services.cipher.material(key, "mac");
  return { key, algorithm, value: createHmac(`sha${bits}`, secret).update(message).digest() };
}

/** GenerateMac. */
export const generateMac: Operation = (call) => {
  const { key, algorithm, value } = mac(call, "GenerateMac");
  refuseDryRun(call.input);
  used(call, key, "GenerateMac");
  return { KeyId: key.arn, MacAlgorithm: algorithm, Mac: value.toString("base64") };
};

/** VerifyMac. */
export const verifyMac: Operation = (call) => {
  const given = call.input.bytes("Mac", MAX_CIPHERTEXT);
  const { key, algorithm, value } = mac(call, "VerifyMac");
  if (given.length !== value.length || !timingSafeEqual(given, value)) {
    throw new ServiceError("KMSInvalidMacException", "The HMAC is not that of the message under this key.");
  }
  refuseDryRun(call.input);
  used(call, key, "VerifyMac");
  return { KeyId: key.arn, MacAlgorithm: algorithm, MacValid: true };
};
