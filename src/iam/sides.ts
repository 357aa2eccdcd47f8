import type { IamPrincipal, IdentityDocument, ServiceControl } from "../domain/iam.js";
import type { Documents, KmsDocument } from "./documents.js";

/** What decides beside the resource: everything on the principal's side. */
export interface PrincipalSide {
  readonly documents: readonly KmsDocument[];
  /** Undefined: none, or not known (see `uncertain`). */
  readonly boundary: KmsDocument | undefined;
  /** One policy for each level of the organization above the account; all must allow. */
  readonly serviceControl: readonly KmsDocument[];
  /** Something of it was not read or not understood: no answer is certain. */
  readonly uncertain: boolean;
  /** Service control policies that bind the principal were not all read: they may take away what the rest allows. */
  readonly serviceControlUnread: boolean;
}

/** A document of a principal, with its reduced form. */
export interface OwnedDocument {
  readonly document: IdentityDocument;
  readonly kms: KmsDocument;
}

const ALLOW_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/**
 * Whether service control policies bind a user or role; service-linked roles they do not. Source: AWS Organizations User
 * Guide, "Service control policies (SCPs)", tasks and entities not restricted by SCPs.
 */
export function isBound(principal: IamPrincipal): boolean {
  return !principal.name.startsWith("aws-service-role/");
}

/** Makes the principals' sides of one account ready, for the actions that `documents` are read for. */
export class Sides {
  /** The service control policies above the account. */
  readonly levels: readonly KmsDocument[];
  /** Not all of them were read. */
  readonly unread: boolean;

  constructor(
    serviceControl: ServiceControl,
    private readonly documents: Documents,
  ) {
    this.levels =
      serviceControl.kind === "none" ? [] : (serviceControl.levels ?? []).map((texts) => this.level(texts));
    this.unread = serviceControl.kind === "unknown";
  }

  /** What decides for a user or role, and its documents as they are attached. */
  of(principal: IamPrincipal): { readonly side: PrincipalSide; readonly owned: readonly OwnedDocument[] } {
    const owned = principal.documents.map((document) => ({
      document,
      kms: this.documents.read(document.text, "identity"),
    }));
    const all = [...new Set(owned.map((o) => o.kms))];
    const limit =
      principal.boundary.kind === "present"
        ? this.documents.read(principal.boundary.value, "identity")
        : undefined;
    const side: PrincipalSide = {
      documents: all.filter((d) => d.policy.statements.length > 0),
      // What was not understood of a boundary may allow: it takes nothing away then, and nothing is certain.
      boundary: limit?.unclear === true ? undefined : limit,
      serviceControl: this.levels,
      uncertain:
        principal.missing.length > 0 ||
        principal.boundary.kind === "unknown" ||
        principal.boundary.kind === "unreadable" ||
        limit?.unclear === true ||
        this.levels.some((d) => d.unclear) ||
        all.some((d) => d.unclear),
      serviceControlUnread: this.unread && isBound(principal),
    };
    return { side, owned };
  }

  /**
   * The policies of one level as one: an action is allowed there if one of them allows it. A statement without
   * variables says the same under every Version. What was not understood of one of them may be what allows: then all that
   * is not denied counts as allowed.
   */
  private level(texts: readonly string[]): KmsDocument {
    const known = texts.map((text) => this.documents.read(text, "scp"));
    const read = known.some((d) => d.unclear) ? [...known, this.documents.read(ALLOW_ALL, "scp")] : known;
    return {
      policy: {
        version: "2012-10-17",
        id: undefined,
        statements: read.flatMap((d) => d.policy.statements),
      },
      actions: read.flatMap((d) => d.actions),
      unclear: read.some((d) => d.unclear),
      keys: new Set(read.flatMap((d) => [...d.keys])),
    };
  }
}
