import { z } from 'zod'
import { http } from '../../contract/families/http.ts'
import { k8s } from '../../contract/families/k8s.ts'
import { field, text, texts } from '../../contract/fields.ts'
import type { ProtocolDefinition, SettingsProblem } from '../../contract/plugin.ts'
import { caCert, upstream } from '../../contract/upstream-fields.ts'

const settings = z.strictObject({
  hosts: field(texts().optional(), {
    doc: 'Names the endpoint claims: name, name:port, IP, [IPv6]:port, *.suffix or *.suffix:port; else server.',
    example: '["*.eks.example.com"]',
  }),
  server: field(
    text()
      .superRefine((value, context) => {
        const problem = serverProblem(value)
        if (problem !== null) context.addIssue({ code: 'custom', message: problem, input: value })
      })
      .optional(),
    {
      doc: 'API server as host or host:port, without https://; claimed when there are no hosts.',
      example: '"10.40.0.10:6443"',
    },
  ),
  upstream: upstream(),
  ca_cert: caCert(),
  cluster_name: field(named().optional(), {
    doc: 'Name of the EKS cluster; with region, aws_credential signs in with it.',
    example: '"live"',
  }),
  region: field(named().optional(), { doc: 'AWS region of the EKS cluster.', example: '"eu-west-1"' }),
})

/** Settings of a kubernetes endpoint as a worker gets them. */
export type KubernetesSettings = z.output<typeof settings>

/** `endpoint "kubernetes"`: the API server of a cluster; rules see the call and the request it is made with. */
export const kubernetes: ProtocolDefinition<typeof settings> = {
  kind: 'protocol',
  type: 'kubernetes',
  summary: 'the API server of a Kubernetes cluster',
  settings,
  check,
  families: [k8s, http],
  accepts: ['http', 'tls'],
  hosts: ({ hosts, server }) =>
    hosts !== undefined && hosts.length > 0 ? hosts : server === undefined ? [] : [server],
  defaultPort: 443,
  opening: 'client-hello',
  isServed: false,
}

function check({ cluster_name, region }: KubernetesSettings): readonly SettingsProblem[] {
  if ((cluster_name === undefined) === (region === undefined)) return []
  const [set, unset] = region === undefined ? ['cluster_name', 'region'] : ['region', 'cluster_name']
  return [{ path: [set], message: `${set} has no effect without ${unset}`, severity: 'warning' }]
}

/** What is wrong with a server in words; null when nothing is. */
function serverProblem(value: string): string | null {
  const quoted = JSON.stringify(value)
  if (value.includes('://')) return `${quoted} is a URL: write host or host:port without https:// and path`
  if (/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(value)) return null
  const found = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]*?#@\p{Cc}]+)(?::(.*))?$/su.exec(value)
  if (found === null) return `${quoted} is not host or host:port`
  const port = Number(found[1] ?? 443)
  const isPort = found[1] === undefined || /^\d{1,5}$/.test(found[1])
  return isPort && port >= 1 && port <= 65535 ? null : `${quoted} has an invalid port: 1 to 65535`
}

function named(): z.ZodType<string> {
  return text().refine((value) => /^[0-9A-Za-z][0-9A-Za-z_-]*$/.test(value), {
    error: (issue) => `${JSON.stringify(issue.input)} is not a name: letters, digits, hyphens and underscores`,
  })
}
