/**
 * A grant as ListGrants returns it. Source: KMS API reference, GrantListEntry. All but the id are optional because AWS
 * leaves fields out; what is not there is not known.
 */
export interface Grant {
  readonly GrantId: string;
  readonly KeyId?: string;
  readonly Name?: string;
  readonly CreationDate?: string;
  readonly GranteePrincipal?: string;
  readonly GranteeServicePrincipal?: string;
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
  readonly IssuingAccount?: string;
  readonly Operations?: readonly string[];
  readonly Constraints?: GrantConstraints;
}

export interface GrantConstraints {
  readonly EncryptionContextSubset?: Readonly<Record<string, string>>;
  readonly EncryptionContextEquals?: Readonly<Record<string, string>>;
  readonly SourceArn?: string;
}
