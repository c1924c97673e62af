// One class a file: the whole SDK takes a second to load.
import { ValidatingAdmissionPolicy } from '@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js'
import { ValidatingAdmissionPolicyBinding } from '@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js'
import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Service } from '@pulumi/kubernetes/core/v1/service.js'
import { ServiceAccount } from '@pulumi/kubernetes/core/v1/serviceAccount.js'
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/networkPolicy.js'
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/podDisruptionBudget.js'
import { Role } from '@pulumi/kubernetes/rbac/v1/role.js'
import { RoleBinding } from '@pulumi/kubernetes/rbac/v1/roleBinding.js'
import type * as pulumi from '@pulumi/pulumi'
import type { Manifest } from '../../platforms/kubernetes/manifests/common.ts'

type Make = new (
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: a manifest is checked by the API server
  args: any,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource

const CLASSES: Record<string, Make> = {
  ConfigMap,
  Deployment,
  NetworkPolicy,
  PodDisruptionBudget,
  Role,
  RoleBinding,
  Service,
  ServiceAccount,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
}

/** Declares an object; a kind that the SDK has no class for is a custom one. */
export function declareObject(
  manifest: Manifest,
  opts: pulumi.CustomResourceOptions,
): pulumi.CustomResource {
  const { apiVersion, kind, metadata } = manifest
  const name = `${kind}-${metadata.name}`
  const known = CLASSES[kind]
  return known
    ? new known(name, manifest, opts)
    : new CustomResource(name, { ...manifest, apiVersion, kind, metadata }, opts)
}
