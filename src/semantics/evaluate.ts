import type { AccessRequest, Decision, KeyDocument } from "./request.js";

export function evaluate(_request: AccessRequest, _key: KeyDocument): Decision {
  throw new Error("being written");
}
