// Time and memory of loading a large configuration: npx tsx test/bench/config-load.mts [rules] [plain|heredoc]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadPolicy } from '../../gateway/config/load-policy.ts'

const rules = Number(process.argv[2] ?? 10_000)
const form = process.argv[3] ?? 'plain'
const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-bench-'))
try {
  const path = join(directory, 'gateway.hcl')
  writeFileSync(path, configuration())
  for (const run of ['cold', 'warm', 'again']) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const before = performance.now()
    const { policy, problems } = await loadPolicy(path)
    const ms = performance.now() - before
    delay.disable()
    if (policy === null) throw new Error(problems[0]?.message)
    const rssMb = process.memoryUsage().rss / 1024 / 1024
    console.log(
      `${run}: ${rules} ${form} rules in ${ms.toFixed(0)} ms, event loop held at most ${(delay.max / 1e6).toFixed(0)} ms, RSS ${rssMb.toFixed(0)} MB`,
    )
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function configuration(): string {
  const many = Array.from({ length: rules }, (_, index) => {
    const condition = `http.method == 'DELETE' && http.path.startsWith('/v1/things/${index}/')`
    const written = form === 'plain' ? `"${condition}"` : `<<-CEL\n    ${condition}\n  CEL`
    return `rule "r${index}" {
  endpoint  = https.bench
  priority  = ${index % 7}
  condition = ${written}
  verdict   = "deny"
}
`
  })
  return `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "bench" {
  hosts = ["bench.test"]
}
credential "bearer_token" "bench-token" {
  endpoint = https.bench
}
${many.join('')}
profile "default" {
  credentials = [bearer_token.bench-token]
}
`
}
