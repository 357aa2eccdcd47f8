import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { KeyArn } from "../domain/ids.js";
import { parseKeyArn } from "../domain/ids.js";
import type { SandboxKey } from "./world/key.js";

/** Pairs that ciphertext is bound to. */
export type EncryptionContext = Readonly<Record<string, string>>;

const MAGIC = Buffer.from("KWS1", "ascii");
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A ciphertext blob, taken apart. */
export interface Blob {
  /** The key that encrypted it. */
  readonly arn: KeyArn;
  readonly header: Buffer;
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly body: Buffer;
}

/**
 * Encrypts with AES-256-GCM; the encryption context is additional authenticated data, as in KMS. A blob names its key,
 * so that Decrypt needs no KeyId. Key material is derived from the sandbox's seed: the same seed and key decrypt what an
 * earlier run encrypted, and nothing here is secret.
 *
 * Format: `KWS1`, length of the key ARN (2 bytes), key ARN, IV (12), tag (16), ciphertext.
 */
export class Cipher {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Encrypts under a key. */
  encrypt(key: SandboxKey, plaintext: Buffer, context: EncryptionContext): Buffer {
    const header = headerOf(key.arn);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.material(key, "encryption"), iv);
    cipher.setAAD(additionalData(header, context));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return Buffer.concat([header, iv, cipher.getAuthTag(), body]);
  }

  /** Decrypts under a key of the blob's family. Undefined: another key, another context, or changed bytes. */
  decrypt(key: SandboxKey, blob: Blob, context: EncryptionContext): Buffer | undefined {
    const decipher = createDecipheriv("aes-256-gcm", this.material(key, "encryption"), blob.iv);
    decipher.setAAD(additionalData(blob.header, context));
    decipher.setAuthTag(blob.tag);
    try {
      return Buffer.concat([decipher.update(blob.body), decipher.final()]);
    } catch (error) {
      // The only failure of final() in GCM mode: the tag does not fit.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  /** 32 bytes of key material for a purpose; the same for all Regions of a multi-Region key. */
  material(key: SandboxKey, purpose: string): Buffer {
    return createHmac("sha256", `keyward sandbox ${this.#seed}`).update(`${purpose}\n${key.family}`).digest();
  }
}

function headerOf(key: KeyArn): Buffer {
  const arn = Buffer.from(key, "ascii");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(arn.length);
  return Buffer.concat([MAGIC, length, arn]);
}

/**
 * A blob that names a key and that no key has made: Decrypt refuses it with InvalidCiphertextException, after it has
 * decided whether the caller may decrypt at all.
 */
export function emptyBlob(key: KeyArn): Buffer {
  return Buffer.concat([headerOf(key), Buffer.alloc(IV_BYTES + TAG_BYTES)]);
}

/** Takes a ciphertext blob apart; undefined for bytes that the sandbox did not make. */
export function readBlob(bytes: Buffer): Blob | undefined {
  if (bytes.length < MAGIC.length + 2 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const end = MAGIC.length + 2 + bytes.readUInt16BE(MAGIC.length);
  if (bytes.length < end + IV_BYTES + TAG_BYTES) return undefined;
  const arn = parseKeyArn(bytes.subarray(MAGIC.length + 2, end).toString("latin1"));
  if (arn === undefined) return undefined;
  return {
    arn,
    header: bytes.subarray(0, end),
    iv: bytes.subarray(end, end + IV_BYTES),
    tag: bytes.subarray(end + IV_BYTES, end + IV_BYTES + TAG_BYTES),
    body: bytes.subarray(end + IV_BYTES + TAG_BYTES),
  };
}

/** Header and context, without ambiguity: pairs in order of name, each part with its length. */
function additionalData(header: Buffer, context: EncryptionContext): Buffer {
  const parts = Object.entries(context)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flat()
    .map((text) => Buffer.from(text, "utf8"));
  const lengths = parts.map((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return length;
  });
  return Buffer.concat([header, ...parts.flatMap((part, i) => [lengths[i] ?? Buffer.alloc(0), part])]);
}
