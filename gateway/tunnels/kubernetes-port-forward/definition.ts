import { z } from 'zod'
import { field, text, whole } from '../../../workers/contract/fields.ts'
import type { SettingsProblem, TunnelDefinition } from '../../../workers/contract/plugin.ts'
import { caCert } from '../../../workers/contract/upstream-fields.ts'
import { tunnelSchema } from '../common-settings.ts'

const filled = () => text().refine((value) => value !== '', { error: 'must not be empty' })

const settings = z.strictObject({
  ...tunnelSchema.shape,
  port: field(
    whole().refine((port) => port >= 1 && port <= 65535, { error: 'must be a port, 1 to 65535' }),
    { doc: 'Port of the pod or service.', example: '5432' },
  ),
  pod: field(filled().optional(), { doc: 'Pod to forward to, by name.', example: '"db-0"' }),
  service: field(filled().optional(), { doc: 'Service to forward to, by name.', example: '"db"' }),
  selector: field(
    z
      .record(z.string(), text())
      .refine((labels) => Object.keys(labels).length > 0, { error: 'must have a label' })
      .optional(),
    { doc: 'Labels of the pod to forward to.', example: '{ app = "db" }' },
  ),
  template: field(filled().optional(), {
    doc: 'Manifest of a pod that is made for the tunnel and forwarded to, YAML.',
    example: '"{apiVersion: v1, kind: Pod, …}"',
  }),
  cleanup: field(z.enum(['delete', 'keep']).optional(), {
    doc: 'What becomes of the pod made from template when the tunnel closes.',
    fallback: '"delete"',
  }),
  context: field(filled().optional(), { doc: 'Context of the kubeconfig of the gateway.', example: '"live"' }),
  namespace: field(filled().optional(), { doc: 'Namespace it is in.', fallback: '"default"' }),
  server: field(filled().optional(), {
    doc: 'API server, instead of a kubeconfig; needs ca_cert.',
    example: '"https://10.40.0.10:6443"',
  }),
  ca_cert: caCert(),
  cluster_name: field(filled().optional(), { doc: 'Name of the EKS cluster, for aws_credential.', example: '"live"' }),
  region: field(filled().optional(), { doc: 'AWS region of the EKS cluster.', example: '"eu-west-1"' }),
})

/** Settings of a kubernetes_port_forward tunnel. */
export type KubernetesPortForwardSettings = z.output<typeof settings>

/** `tunnel "kubernetes_port_forward"`: kubectl port-forward. */
export const kubernetesPortForward: TunnelDefinition<typeof settings> = {
  kind: 'tunnel',
  type: 'kubernetes_port_forward',
  summary: 'kubectl port-forward to a pod or a service; needs kubectl on the gateway host',
  settings,
  check,
  defaultShare: 'per_endpoint',
  isServed: false,
}

const targets = ['pod', 'service', 'selector', 'template'] as const

function check(settings: KubernetesPortForwardSettings): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = []
  const [first, second] = targets.filter((target) => settings[target] !== undefined)
  if (first === undefined)
    problems.push({ path: ['pod'], message: 'needs exactly one of pod, service, selector and template: none is set' })
  else if (second !== undefined)
    problems.push({
      path: [second],
      message: `needs exactly one of pod, service, selector and template: ${first} is set too`,
    })
  if (settings.server !== undefined && settings.ca_cert === undefined)
    problems.push({ path: ['server'], message: 'server needs ca_cert: the certificate of the API server is checked' })
  return problems
}
