import { createHash, createHmac } from "node:crypto";
import { SignatureV4, getSigningKey } from "@smithy/signature-v4";
import type { Credentials } from "./credentials.js";

type Data = string | ArrayBuffer | ArrayBufferView;

/**
 * SHA-256, or HMAC with a secret, as the SDK's signer wants it. The SDK's own copies the state of each hash for a reader
 * that might go on, and there is none.
 */
export class Sha256 {
  private hash;

  constructor(private readonly secret?: Data) {
    this.hash = begin(secret);
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    this.hash = begin(this.secret);
  }
}

function begin(secret: Data | undefined): { update(data: Uint8Array): unknown; digest(): Uint8Array } {
  if (secret === undefined) return createHash("sha256");
  return createHmac("sha256", typeof secret === "string" ? secret : bytes(secret));
}

function bytes(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/**
 * The SDK's signer for one service in one Region, with its signing key kept: the SDK itself keeps fifty, and a scan of
 * many accounts has hundreds in use, each of which takes five HMACs. Should the SDK ask for keys in another way one day,
 * this is slower and no less right.
 */
export function signer(
  credentials: () => Promise<Credentials>,
  region: string,
  service: string,
): SignatureV4 {
  const made = new SignatureV4({ credentials, region, service, sha256: Sha256 });
  let last: { readonly secret: string; readonly name: string; readonly key: Promise<Uint8Array> } | undefined;
  const signingKey = (who: Credentials, where: string, date: string, what = service): Promise<Uint8Array> => {
    const name = `${who.accessKeyId}/${date}/${where}/${what}`;
    if (last?.name !== name || last.secret !== who.secretAccessKey) {
      last = { secret: who.secretAccessKey, name, key: getSigningKey(Sha256, who, date, where, what) };
    }
    return last.key;
  };
  Object.defineProperty(made, "getSigningKey", { value: signingKey });
  return made;
}
