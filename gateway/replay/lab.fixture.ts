import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPolicy } from '../config/load-policy.ts'
import type { Policy } from '../config/policy.ts'

/** A configuration with one endpoint of each family and these blocks besides. */
export function aConfig(more = ''): string {
  return `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.77.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "api" {
  hosts = ["api.test", "*.api.test"]
}
endpoint "postgres" "db" {
  host = "db.test:5432"
}
endpoint "kubernetes" "cluster" {
  hosts = ["cluster.test"]
}
endpoint "ssh" "box" {
  hosts = ["box.test"]
}
credential "bearer_token" "key" {
  endpoint = https.api
}
credential "bearer_token" "spare" {}
credential "postgres_credential" "pg" {
  endpoint = postgres.db
  user     = "agent"
}
credential "bearer_token" "sa" {
  endpoint = kubernetes.cluster
}
credential "ssh_key" "shell" {
  endpoint = ssh.box
}
profile "default" {
  credentials = [bearer_token.key, postgres_credential.pg, bearer_token.sa, ssh_key.shell]
}
profile "narrow" {
  credentials = [ssh_key.shell]
}
${more}`
}

/** A folder that goes away with its scope. */
export interface Scratch extends Disposable {
  readonly path: string
  /** Writes a file and gives its path. */
  write(name: string, content: string): string
}

export function aScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'clawpatrol-replay-'))
  return {
    path,
    write: (name, content) => {
      writeFileSync(join(path, name), content)
      return join(path, name)
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** Loads `aConfig` with these blocks; throws what is wrong with them. */
export async function aPolicy(more = ''): Promise<Policy> {
  using scratch = aScratch()
  const { policy, problems } = await loadPolicy(scratch.write('gateway.hcl', aConfig(more)))
  if (policy === null) throw new Error(problems.map(({ message }) => message).join('; '))
  return policy
}
