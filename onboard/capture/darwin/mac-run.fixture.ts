import { ClawError } from '../../../workers/contract/errors.ts'
import { capture } from '../capture.ts'
import { connectExtension } from './extension.ts'

// a process of its own that does what `clawpatrol run -- words` does on macOS, with the app of the home directory
const [command = 'true', ...args] = process.argv.slice(2)
try {
  const extension = await connectExtension()
  const tunnel = await extension.start({
    kind: 'wireguard',
    privateKey: `${'k'.repeat(43)}=`,
    serverPublicKey: `${'A'.repeat(43)}=`,
    endpoint: '192.0.2.1:51820',
    address4: '10.55.0.2',
    address6: null,
    mtu: 1420,
    dns: ['10.55.0.1'],
    keepaliveS: 25,
  })
  const { env } = process
  process.exitCode = await capture({
    command,
    args,
    env,
    cwd: process.cwd(),
    hide: [],
    register: tunnel.register,
    lost: extension.lost,
  })
  extension.close()
} catch (error) {
  process.stderr.write(`${error instanceof ClawError ? error.message : String(error)}\n`)
  process.exitCode = 2
}
