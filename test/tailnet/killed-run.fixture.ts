import { capture } from '../../onboard/capture/capture.ts'
import { startTailnetNode } from '../../onboard/capture/tailnet.ts'
import { openRunState } from '../../onboard/client/run-state.ts'

// a process of its own that is killed while its command runs
const [controlUrl = '', exitNode = ''] = process.argv.slice(2)
const authKey = process.env.TEST_AUTH_KEY ?? ''
const state = openRunState()
const node = await startTailnetNode({ stateDir: state.dir, hostname: 'killed', authKey, controlUrl, exitNode })
await capture({
  command: 'sh',
  args: ['-c', 'readlink /proc/self/ns/net; exec sleep 600'],
  env: { PATH: process.env.PATH },
  cwd: '/',
  tunnel: { address4: node.address4, address6: node.address6, mtu: 1280, dns: [exitNode] },
  attach: async (tunFd) => {
    process.stdout.write(`state ${state.dir}\n`)
    await node.attach(tunFd)
    return { close: () => Promise.resolve() }
  },
  hide: [],
  mask: [],
})
