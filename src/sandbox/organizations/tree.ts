import { ServiceError } from "../errors.js";
import type { OrgNode } from "../world/organization.js";
import { type OrgOperation, nodeArn, orgPage, parentNode, requireAdministrator } from "./call.js";

/** ListRoots: there is one. */
export const listRoots: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListRoots");
  const { root } = tree;
  const types = [...tree.policyTypes].map((type) => ({ Type: type, Status: "ENABLED" }));
  const page = orgPage(call, `ListRoots/${tree.id}`, [root], (r) => r.id);
  return {
    Roots: page.items.map((r) => ({ Id: r.id, Arn: nodeArn(tree, r), Name: r.name, PolicyTypes: types })),
    ...page.end,
  };
};

/** ListOrganizationalUnitsForParent: those directly below a root or unit. */
export const listOrganizationalUnitsForParent: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListOrganizationalUnitsForParent");
  const parent = parentNode(call, tree);
  const units = tree.children(parent.id, "ORGANIZATIONAL_UNIT");
  const page = orgPage(call, `ListOrganizationalUnitsForParent/${parent.id}`, units, (u) => u.id);
  return {
    OrganizationalUnits: page.items.map((u) => ({ Id: u.id, Arn: nodeArn(tree, u), Name: u.name })),
    ...page.end,
  };
};

/** ListParents: exactly one. */
export const listParents: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListParents");
  const child = tree.node(call.input.string("ChildId", { max: 100 }));
  if (child === undefined || child.kind === "ROOT") {
    throw new ServiceError("ChildNotFoundException", "You specified a child that doesn't exist.");
  }
  const parent = tree.node(child.parent ?? "");
  return { Parents: parent === undefined ? [] : [{ Id: parent.id, Type: parent.kind }] };
};

/** ListChildren: the accounts or the units directly below a root or unit. */
export const listChildren: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListChildren");
  const type = call.input.string("ChildType", { oneOf: ["ACCOUNT", "ORGANIZATIONAL_UNIT"] });
  const parent = parentNode(call, tree);
  const kind: OrgNode["kind"] = type === "ACCOUNT" ? "ACCOUNT" : "ORGANIZATIONAL_UNIT";
  const page = orgPage(
    call,
    `ListChildren/${parent.id}/${kind}`,
    tree.children(parent.id, kind),
    (n) => n.id,
  );
  return { Children: page.items.map((n) => ({ Id: n.id, Type: n.kind })), ...page.end };
};

/** DescribeOrganizationalUnit. */
export const describeOrganizationalUnit: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "DescribeOrganizationalUnit");
  const unit = tree.node(call.input.string("OrganizationalUnitId", { max: 68 }));
  if (unit?.kind !== "ORGANIZATIONAL_UNIT") {
    throw new ServiceError(
      "OrganizationalUnitNotFoundException",
      "You specified an organizational unit that doesn't exist.",
    );
  }
  return { OrganizationalUnit: { Id: unit.id, Arn: nodeArn(tree, unit), Name: unit.name } };
};

/** ListDelegatedAdministrators, of every service. */
export const listDelegatedAdministrators: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListDelegatedAdministrators");
  const accounts = tree.accounts().filter((a) => tree.delegatedAdministrators.has(a.id));
  const page = orgPage(call, `ListDelegatedAdministrators/${tree.id}`, accounts, (a) => a.id);
  return {
    DelegatedAdministrators: page.items.map((a) => ({ Id: a.id, Name: a.name, Status: a.status })),
    ...page.end,
  };
};
